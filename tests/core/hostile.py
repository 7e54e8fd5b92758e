"""Items that DynamoDB takes and nobody expects, and records that it would never send.

Rules
- Each legal item is within DynamoDB's own limits: 400 KB by its way of counting (names and values in UTF-8), nesting
  32, names of up to 64 KB, numbers of 38 digits.
- A broken record has one thing wrong with it.

Called by the tests of the index, of the capture and of the command line.
"""

from __future__ import annotations

import base64
import copy
from typing import Any

Item = dict[str, Any]

ITEM_BYTES = 400 * 1024
KEY_BYTES = 200
"""Left for the key and what a change adds."""

NAMES = (
    # fields of an entry, and of OpenSearch
    "event", "_id", "_source", "_index", "_routing", "message", "log", "before", "after.x", "tabletrail", "@timestamp",
    'message":"', '","log":{"index":"tabletrail-v1-0000.01"', "images", 'images":{"form":"', "item.key", "numbers",
    # syntax of paths, patterns, languages
    ".", "..", "...", "a..b", ".a", "a.", "[", "]", "[]", "[0]", "{}", "*", "?", "a=b", "=", "'", '"', "\\", '\\"', "$",
    "%", "null", "true", "1", "-1", "NaN", "__proto__", "constructor", "x" * 255, "x" * 256,
    # empty to the eye, control characters, direction, combination, beyond the basic plane
    " ", "\t", "  a  ", "\u200b", "\ufeff", "\n", "\r\n", "\x00", "\x01", "\x1b[31m", "\x7f", "\x85", "\u2028",
    "\u202e", "\u200f", "\u05d0\u05d1\u05d2", "\u0627\u0644\u0639", "e\u0301", "Z\u0351\u036b\u0343\u036a", "\u0338",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467", "\U0010ffff", "\uffff", "\ufffe",
)  # fmt: skip


def hostile_items() -> dict[str, Item]:
    """By what is hostile in them; without a key."""
    return {
        "one text of 400 KB": {"t": {"S": "x" * _room(1)}},
        "one text of emoji": {"t": {"S": "😀" * (_room(1) // 4)}},
        "one text of control characters": {"t": {"S": "\x00" * _room(1)}},
        "400 KB of binary": {"b": {"B": base64.b64encode(bytes(_room(1))).decode()}},
        "values at Lucene's limit": {f"v{n}": {"S": "x" * n} for n in (1000, 1001, 32_765, 32_766, 32_767)},
        "emoji at Lucene's limit": {"v": {"S": "😀" * 8192}, "w": {"S": "é" * 16_384}},
        "thousands of names": {f"attribute.{n:05d}[]": {"S": "x" * 30} for n in range(7000)},
        "a name of 64 KB": {"n" * 65_535: {"S": "v"}},
        "names of 64 KB that begin alike": {"é" * 32_000 + str(n): {"N": str(n)} for n in range(6)},
        "a name of 64 KB within": {"m": {"M": {"😀" * 16_000: {"L": [{"M": {"n" * 65_535: {"S": "v"}}}]}}}},
        "all odd names": {name: {"S": name} for name in NAMES},
        "all odd names within": {"m": {"M": {name: {"M": {name: {"N": "1"}}} for name in NAMES}}},
        "odd texts in sets": {
            "s": {"SS": list(NAMES)}, "n": {"NS": ["1", "-0.5", "1E+125"]}, "b": {"BS": ["AA==", "AQ=="]}
        },
        "32 levels": {"d": _nested(31)},
        "32 levels of long names": {"d": _nested(31, "n" * 6000)},
        "a list of 10,000 numbers": {"l": {"L": [{"N": str(n)} for n in range(10_000)]}},
        "a list of 10,000 maps": {"l": {"L": [{"M": {"a": {"N": str(n)}}} for n in range(10_000)]}},
        "a set of 20,000": {"s": {"SS": [f"{n:06d}" for n in range(20_000)]}},
        "extreme numbers": {f"n{place}": {"N": text} for place, text in enumerate(NUMBERS)},
        "nothing but emptiness": {
            "s": {"S": ""}, "b": {"B": ""}, "m": {"M": {}}, "l": {"L": []}, "n": {"NULL": True},
            "e": {"M": {"": {"S": ""}}},
        },
    }  # fmt: skip


NUMBERS = (
    "12345678901234567890123456789012345678", "-12345678901234567890123456789012345678", "1E-130", "-1E-130", "0",
    "9.9999999999999999999999999999999999999E+125", "0.00000000000000000000000000000000000001",
)  # fmt: skip


def _room(name_bytes: int) -> int:
    return ITEM_BYTES - KEY_BYTES - name_bytes


def _nested(levels: int, name: str = "in") -> Item:
    value: Item = {"S": "leaf"}
    for level in range(levels):
        value = {"M": {name: value}} if level % 2 else {"L": [value]}
    return value


DROP = object()

BREAKS: dict[str, tuple[tuple[str, ...], Any]] = {
    "no dynamodb": (("dynamodb",), DROP),
    "dynamodb is a list": (("dynamodb",), ["x"]),
    "no eventID": (("eventID",), DROP),
    "an unknown event name": (("eventName",), "UPSERT"),
    "an event name in small letters": (("eventName",), "modify"),
    "no sequence number": (("dynamodb", "SequenceNumber"), DROP),
    "a sequence number that is none": (("dynamodb", "SequenceNumber"), "12x"),
    "a negative sequence number": (("dynamodb", "SequenceNumber"), "-12"),
    "a sequence number of 41 digits": (("dynamodb", "SequenceNumber"), "1" * 41),
    "a sequence number of 5,000 digits": (("dynamodb", "SequenceNumber"), "1" * 5000),
    "a sequence number that is a number": (("dynamodb", "SequenceNumber"), 12),
    "no time": (("dynamodb", "ApproximateCreationDateTime"), DROP),
    "a time before 1970": (("dynamodb", "ApproximateCreationDateTime"), -5),
    "a time of 300 digits": (("dynamodb", "ApproximateCreationDateTime"), 1e300),
    "a time of 31 digits": (("dynamodb", "ApproximateCreationDateTime"), 10**30),
    "a time after 9999": (("dynamodb", "ApproximateCreationDateTime"), 253_402_300_800),
    "a time that is not a number": (("dynamodb", "ApproximateCreationDateTime"), float("nan")),
    "an infinite time": (("dynamodb", "ApproximateCreationDateTime"), float("inf")),
    "a time that is a text": (("dynamodb", "ApproximateCreationDateTime"), "1800000000"),
    "a time that is true": (("dynamodb", "ApproximateCreationDateTime"), True),
    "no keys": (("dynamodb", "Keys"), DROP),
    "a key that is a list": (("dynamodb", "Keys"), {"id": {"L": []}}),
    "half a surrogate pair in a key": (("dynamodb", "Keys"), {"id": {"S": "\ud83d"}}),
    "half a surrogate pair in a name": (("dynamodb", "NewImage", "\udcff"), {"S": "x"}),
    "half a surrogate pair deep inside": (("dynamodb", "NewImage", "m"), {"M": {"l": {"L": [{"S": "\udcff"}]}}}),
    "an unknown type": (("dynamodb", "NewImage", "v"), {"X": "1"}),
    "two types at once": (("dynamodb", "NewImage", "v"), {"S": "1", "N": "1"}),
    "no type": (("dynamodb", "NewImage", "v"), {}),
    "a number that is no text": (("dynamodb", "NewImage", "v"), {"N": 5}),
    "a number that is NaN": (("dynamodb", "NewImage", "v"), {"N": float("nan")}),
    "a set of numbers that are no texts": (("dynamodb", "NewImage", "v"), {"NS": [1, 2]}),
    "a map that is a list": (("dynamodb", "NewImage", "v"), {"M": [1]}),
    "a truth that is a text": (("dynamodb", "NewImage", "v"), {"BOOL": "true"}),
    "an image that is a text": (("dynamodb", "NewImage"), "x"),
    "an unknown type in a huge value": (
        ("dynamodb", "NewImage", "v"), {"M": {"a": {"S": "x" * 350_000}, "b": {"Q": ""}}}
    ),
    "an identity that names nobody": (("userIdentity",), {"Type": "Service"}),
    "an identity with an odd name": (("userIdentity",), {"Type": "Service", "PrincipalId": ["x"]}),
    "an identity that is a text": (("userIdentity",), "someone"),
}  # fmt: skip
"""By what is wrong: where, and what stands there instead."""


def broken(record: dict[str, Any], what: str) -> dict[str, Any]:
    """The record with one thing wrong, of BREAKS."""
    place, value = BREAKS[what]
    found = copy.deepcopy(record)
    target = found
    for step in place[:-1]:
        target = target[step]
    if value is DROP:
        del target[place[-1]]
    else:
        target[place[-1]] = value
    return found
