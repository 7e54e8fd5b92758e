"""How much CPU one page of records costs, from the bytes of the reply to the bulk request and the packed segment.

    python benchmarks/conversion.py [--rounds N]

One page: 1,000 MODIFY records, 20 attributes of all kinds, both images, 4 leaves changed, about 2 MB. In one run it
measures

    ours       json.loads, convert, segment (gzip), bulk requests
    json.loads alone: the floor under anything in Python that reads the reply as JSON
    the plain way: botocore's parser on the same bytes, boto3's TypeDeserializer over both images, opensearch-py's bulk
               helpers over the result: no diff, no ids, no hashes, no segment

Times are CPU milliseconds of one core, the best of N rounds. The goal: at most 120 for ours.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from boto3.dynamodb.types import Binary, TypeDeserializer
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from opensearchpy.helpers import expand_action
from opensearchpy.serializer import JSONSerializer

from tabletrail.core.bulk import requests
from tabletrail.core.entry import Conversion, Entry, Source, convert
from tabletrail.core.segment import EncodedSegment, encode

GOAL_MS = 120
RECORDS = 1000
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
CONVERSION = Conversion("month", "updatedBy")
BULK_BYTES = 5_000_000

Result = TypeVar("Result")


def make_reply(records: int = RECORDS, seed: int = 11) -> bytes:
    """The bytes of a GetRecords reply; the same seed gives the same bytes."""
    source = random.Random(seed)
    made = [_record(source, number) for number in range(records)]
    return json.dumps({"NextShardIterator": "A" * 220, "Records": made}, separators=(",", ":")).encode()


def _record(source: random.Random, number: int) -> dict[str, Any]:
    keys = {"pk": {"S": f"order#{number}"}, "sk": {"S": "2026"}}
    old = keys | _item(source)
    new = old | {
        "status": {"S": source.choice(("shipped", "returned"))},
        "total": {"N": f"{source.randrange(10**6)}.{source.randrange(10, 100)}"},
        "address": {"M": old["address"]["M"] | {"zip": {"S": f"D-{source.randrange(10**4)}"}}},
        "updatedBy": {"S": f"user{source.randrange(90)}@example.com"},
    }
    change = {
        "ApproximateCreationDateTime": 1_795_500_000 + number // 40,
        "Keys": keys,
        "NewImage": new,
        "OldImage": old,
        "SequenceNumber": str(400_000_000_000_000_000_000 + number * 7919),
        "SizeBytes": 1700,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    event_id = f"{source.getrandbits(128):032x}"
    return {
        "awsRegion": "eu-central-1",
        "dynamodb": change,
        "eventID": event_id,
        "eventName": "MODIFY",
        "eventSource": "aws:dynamodb",
        "eventVersion": "1.1",
    }


def _item(source: random.Random) -> dict[str, Any]:
    words = [f"{source.getrandbits(40):x}" for _ in range(24)]
    lines = [{"M": {"sku": {"S": word}, "qty": {"N": str(source.randrange(1, 9))}}} for word in words[:2]]
    return {
        "status": {"S": "paid"},
        "total": {"N": str(source.randrange(10**6))},
        "address": {
            "M": {"street": {"S": f"Long Road {source.randrange(200)}"}, "zip": {"S": "1"}, "city": {"S": "Köln"}}
        },
        "updatedBy": {"S": "import@example.com"},
        "lines": {"L": lines},
        "labels": {"SS": words[2:5]},
        "weights": {"NS": ["1.5", "2", "17"]},
        "isPaid": {"BOOL": True},
        "note": {"S": " ".join(words[5:11])},
        "coupon": {"NULL": True},
        "signature": {"B": "c2lnbmF0dXJlLW9mLXRoZS1vcmRlcg=="},
        "version": {"N": str(source.randrange(50))},
        "ledger": {"N": f"0.{source.randrange(10**30):030d}"},
        **{f"extra{place}": {"S": " ".join(words[16 + place : 18 + place])} for place in range(5)},
    }


def ours(reply: bytes) -> tuple[EncodedSegment, list[bytes]]:
    """What the capture does with a page."""
    records = json.loads(reply)["Records"]
    return pack([convert(record, SOURCE, CONVERSION) for record in records])


def pack(entries: list[Entry]) -> tuple[EncodedSegment, list[bytes]]:
    segment = encode("benchmark-segment-0001", "benchmark-run", "group-1", (), entries)
    items = zip(entries, segment.documents, strict=True)
    bodies = [one.body for one in requests(((entry.id, entry.index, data) for entry, data in items), BULK_BYTES)]
    return segment, bodies


class _Serializer(JSONSerializer):
    """opensearch-py's own, with the two types that boto3 makes and JSON lacks."""

    def default(self, data: Any) -> Any:
        if isinstance(data, set):
            return list(data)
        return b64encode(data.value).decode() if isinstance(data, Binary) else super().default(data)


class PlainWay:
    """The libraries one would take at first."""

    def __init__(self) -> None:
        model = ServiceModel(Loader().load_service_model("dynamodbstreams", "service-2"), "dynamodbstreams")
        self._shape = model.operation_model("GetRecords").output_shape
        self._parser = create_parser("json")
        self._deserialize = TypeDeserializer().deserialize
        self._serializer = _Serializer()

    def parse(self, reply: bytes) -> list[dict[str, Any]]:
        parsed = self._parser.parse({"status_code": 200, "headers": {}, "body": reply}, self._shape)
        records: list[dict[str, Any]] = parsed["Records"]
        return records

    def documents(self, records: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for record in records:
            data = record["dynamodb"]
            yield {
                "_index": "changes",
                "_id": record["eventID"],
                "_op_type": "create",
                "at": data["ApproximateCreationDateTime"],
                "action": record["eventName"],
                "old": {name: self._deserialize(value) for name, value in data["OldImage"].items()},
                "new": {name: self._deserialize(value) for name, value in data["NewImage"].items()},
            }

    def serialize(self, documents: list[dict[str, Any]]) -> bytes:
        lines: list[str] = []
        for document in documents:
            lines += map(self._serializer.dumps, expand_action(document))
        return "\n".join([*lines, ""]).encode()


def cpu_ms(rounds: int, work: Callable[[], Result]) -> tuple[float, Result]:
    """(the best round's CPU milliseconds, the last result)."""
    best, result = float("inf"), work()
    for _ in range(rounds):
        start = time.process_time()
        result = work()
        best = min(best, time.process_time() - start)
    return best * 1000, result


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="CPU of one page: ours, json.loads alone, the plain way")
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args(arguments).rounds
    reply = make_reply()
    whole, _ = cpu_ms(rounds, lambda: ours(reply))
    floor, records = cpu_ms(rounds, lambda: json.loads(reply)["Records"])
    converting, entries = cpu_ms(rounds, lambda: [convert(one, SOURCE, CONVERSION) for one in records])
    packing, (segment, bodies) = cpu_ms(rounds, lambda: pack(entries))
    plain = PlainWay()
    parsing, parsed = cpu_ms(rounds, lambda: plain.parse(reply))
    typing, documents = cpu_ms(rounds, lambda: list(plain.documents(parsed)))
    sending, body = cpu_ms(rounds, lambda: plain.serialize(documents))
    sizes = f"bulk {sum(map(len, bodies)):,} bytes, segment {len(segment.body):,} bytes"
    print(f"one page: {len(records):,} records, {len(reply):,} bytes; {sizes}; best of {rounds}, CPU of one core\n")
    rows = [
        ("json.loads alone", floor),
        ("convert: diff, ids, hashes, canonical JSON", converting),
        ("segment and bulk requests", packing),
        ("OURS, from reply to both", whole),
        ("botocore's parser", parsing),
        ("TypeDeserializer, both images", typing),
        ("opensearch-py's bulk serialisation", sending),
        ("THE PLAIN WAY (no diff, hash or segment)", parsing + typing + sending),
    ]
    print(f"{'':44}{'ms':>8}{'x json.loads':>14}{'x ours':>9}")
    for name, ms in rows:
        print(f"{name:44}{ms:8.1f}{ms / floor:14.2f}{ms / whole:9.2f}")
    verdict = "met" if whole <= GOAL_MS else "MISSED"
    print(f"\ngoal of {GOAL_MS} ms {verdict}; {RECORDS / whole * 1000:,.0f} records/s; plain bulk {len(body):,} bytes")
    return 0 if whole <= GOAL_MS else 1


if __name__ == "__main__":
    sys.exit(main())
