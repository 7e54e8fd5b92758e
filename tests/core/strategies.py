"""What DynamoDB can hold, for Hypothesis: typed JSON of all types, items, records.

Rules
- Whatever a strategy makes, DynamoDB could send: canonical number texts, sets without doubles, nesting up to 32.
- Odd names and texts come often, not once in a thousand: dots, brackets, quotes, empty names, control characters.

Called by the tests of the core.
"""

from __future__ import annotations

import base64
from typing import Any

from hypothesis import strategies as st

from tabletrail.core.entry import Conversion, Source

TABLE = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders"
SOURCE = Source(
    stream_arn=f"{TABLE}/stream/2026-11-24T06:00:00.000",
    shard_id="shardId-00000001795500000000-4f1c2d3e",
    table_name="orders",
    table_arn=TABLE,
    table_id="5e1ac0c6-6f7e-4b7c-9a55-1f0c4b1f3b2a",
    account="123456789012",
    region="eu-central-1",
    service="shop",
)
CONVERSION = Conversion(index_period="month", actor_attribute="updatedBy")

ODD_TEXTS = (
    "", " ", ".", "..", "a.b", ".a", "a.", "a[0]", "[0]", "[]", '"', '["a"]', "a=b", "\\", "\x00", "\n", "\x7f", "\x85",
    "\u2028", "…", "a…#b", "é", "\ue000", "\uffff", "😀", "message", "event", "id", "log", "images", "form", "hash",
    "path", '","id":"', ',"message":"x', "S", "N", "M", "shipped",
)  # fmt: skip

texts = st.one_of(
    st.sampled_from(ODD_TEXTS),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.builds(lambda one, times: one * times, st.sampled_from(("x", "é", "😀", "\x00", ".")), st.integers(900, 1100)),
)
names = texts
digits = st.from_regex(r"\A-?(0|[1-9][0-9]{0,37})\Z")
numbers = st.one_of(
    digits,
    st.from_regex(r"\A-?(0|[1-9][0-9]{0,18})\.[0-9]{0,18}[1-9]\Z"),
    st.sampled_from(
        ("0", "-1", "12345678901234567890123456789012345678", "-0.00000000000000000000000000000000000001", "1E+125")
    ),
    st.sampled_from(("1E-130", "-9.9999999999999999999999999999999999999E+125", "0.1")),
)
binaries = st.binary(max_size=20).map(lambda data: base64.b64encode(data).decode())


def _sets(kind: str, members: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.lists(members, min_size=1, max_size=4, unique=True).map(lambda found: {kind: found})


scalars = st.one_of(
    texts.map(lambda text: {"S": text}),
    numbers.map(lambda text: {"N": text}),
    binaries.map(lambda text: {"B": text}),
    st.booleans().map(lambda value: {"BOOL": value}),
    st.just({"NULL": True}),
)
leaves: st.SearchStrategy[dict[str, Any]] = st.one_of(
    scalars, _sets("SS", texts), _sets("NS", numbers), _sets("BS", binaries)
)


def _deeper(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(
        st.lists(inner, max_size=4).map(lambda found: {"L": found}),
        st.dictionaries(names, inner, max_size=4).map(lambda found: {"M": found}),
    )


def _wrapped(value: dict[str, Any], depth: int) -> dict[str, Any]:
    for level in range(depth):
        value = {"L": [value]} if level % 2 else {"M": {"inner": value}}
    return value


values = st.one_of(
    st.recursive(leaves, _deeper, max_leaves=10), st.builds(_wrapped, leaves, st.integers(min_value=30, max_value=32))
)
images = st.dictionaries(names.filter(bool), values, min_size=1, max_size=6)


@st.composite
def image_pairs(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two images that share much, as two states of one item do."""
    old = draw(images)
    new = {name: value for name, value in old.items() if draw(st.booleans())} | draw(images)
    for name in sorted(set(old) & set(new)):
        if "L" in old[name] and draw(st.booleans()):
            new[name] = {"L": [*old[name]["L"][1:], draw(values)]}
        if "M" in old[name] and draw(st.booleans()):
            new[name] = {"M": old[name]["M"] | draw(st.dictionaries(names, values, max_size=2))}
    return old, new


keys = st.dictionaries(
    names.filter(bool),
    st.one_of(
        texts.filter(bool).map(lambda text: {"S": text}),
        numbers.map(lambda text: {"N": text}),
        binaries.filter(bool).map(lambda text: {"B": text}),
    ),
    min_size=1,
    max_size=2,
)


def record(old: dict[str, Any] | None = None, new: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A record as the stream sends it, by default a small change of order#17; `fields` go into `dynamodb`."""
    name = "MODIFY" if old is not None and new is not None else "INSERT" if old is None else "REMOVE"
    data: dict[str, Any] = {
        "ApproximateCreationDateTime": 1_795_500_000,
        "Keys": {"pk": {"S": "order#17"}},
        "SequenceNumber": "400000000000000000017",
        "SizeBytes": 100,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    if old is not None:
        data["OldImage"] = old
    if new is not None:
        data["NewImage"] = new
    return {
        "awsRegion": "eu-central-1",
        "dynamodb": data | fields,
        "eventID": "7c1b3e5d9f204a68b0c2d4e6f8091a2b",
        "eventName": name,
        "eventSource": "aws:dynamodb",
        "eventVersion": "1.1",
    }


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    """Any legal record, TTL deletions and other view types among them."""
    old, new = draw(image_pairs())
    key = draw(keys)
    old, new = old | key, new | key
    action = draw(st.sampled_from(("INSERT", "MODIFY", "REMOVE", "TTL")))
    made = record(
        None if action == "INSERT" or draw(st.integers(0, 9)) == 0 else old,
        None if action in ("REMOVE", "TTL") or draw(st.integers(0, 9)) == 0 else new,
        Keys=key,
        SequenceNumber=draw(st.integers(1, 10**40 - 1).map(str)),
        ApproximateCreationDateTime=draw(st.integers(0, 4_000_000_000)),
    )
    made["eventName"] = "REMOVE" if action == "TTL" else action
    made["eventID"] = draw(st.from_regex(r"\A[0-9a-f]{32}\Z"))
    if action == "TTL":
        made["userIdentity"] = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
    return made
