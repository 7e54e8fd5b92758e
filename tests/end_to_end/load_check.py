"""The log and the index against the truth, by readers that share no code with the functions.

Every committed segment is read as a stream of lines from S3, found by the rows of the segments table; its hash is the
row's. The index is asked for every id that it holds of the tables.

Callers: `load`, `chaos`.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.end_to_end.load_truth import ItemKey, Truth, normal
from tests.end_to_end.load_writer import Table, item_key
from tests.ports.opensearch_server import Server

PAGE = 5_000
MOST_SHOWN = 20
Change = tuple[int, str | None, str | None]
"""Sequence number, old and new image in normal form."""


@dataclass(frozen=True)
class LogPlaces:
    """`dynamodb` and `s3` are boto3 clients; names are of the deployed stack."""

    dynamodb: Any
    s3: Any
    segments_table: str
    bucket: str

    def rows(self, tables: list[str]) -> list[dict[str, Any]]:
        """The committed segments that hold records of these tables, as the table's own items."""
        return [row for row in self.all_rows() if records_of(row, tables)]

    def all_rows(self) -> Iterator[dict[str, Any]]:
        """Of all committed segments. The table has one more row, of the stamp."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.segments_table, ConsistentRead=True)
        yield from (item for page in pages for item in page["Items"] if "links" in item)

    def lines(self, row: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Each line behind the header. Holds one line at a time; ValueError if the bytes are not the committed ones."""
        body = self.s3.get_object(Bucket=self.bucket, Key=row["key"]["S"], VersionId=row["version_id"]["S"])["Body"]
        source = _Hashing(body)
        with gzip.GzipFile(fileobj=source, mode="rb") as unpacked:
            next(unpacked)
            for line in unpacked:
                yield json.loads(line)
        if source.hash.hexdigest() != row["sha256"]["S"]:
            raise ValueError(f"{row['key']['S']} is not what was committed")


class _Hashing(io.RawIOBase):
    """A body that is hashed while it is read."""

    def __init__(self, body: Any) -> None:
        self._body = body
        self.hash = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._body.read(len(buffer))
        self.hash.update(data)
        buffer[: len(data)] = data
        return len(data)


def records_of(row: dict[str, Any], tables: list[str]) -> int:
    """How many records of these tables a segment's row counts, by its links: [stream, shard, first, last, count, …]."""
    arns = [attribute["S"] for attribute in row["stream_arns"]["L"]]
    total = 0
    for link in row["links"]["L"]:
        stream, _, _, _, count, *_ = link["L"]
        if arns[int(stream["N"])].split("/")[1] in tables:
            total += int(count["N"])
    return total


@dataclass
class Findings:
    """What was compared, and every difference as a sentence."""

    entries: int = 0
    segments: int = 0
    indexed: int = 0
    kinds: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    count: int = 0
    differences: list[str] = field(default_factory=list)
    """The first ones; `count` is of all."""

    def differ(self, text: str) -> None:
        self.count += 1
        if len(self.differences) < MOST_SHOWN:
            self.differences.append(text)


def check(places: LogPlaces, server: Server, tables: list[Table], truth: Truth) -> Findings:
    """Compares the log with the truth, and the index with the log."""
    findings = Findings()
    changes: dict[ItemKey, list[Change]] = defaultdict(list)
    ids = _read_log(places, {table.name: table for table in tables}, changes, findings)
    _compare_items(truth, changes, findings)
    _compare_index(server, [table.name for table in tables], ids, findings)
    return findings


def _read_log(
    places: LogPlaces, tables: dict[str, Table], changes: dict[ItemKey, list[Change]], findings: Findings
) -> set[str]:
    """The ids of all entries of the tables, those of coverage among them."""
    ids: set[str] = set()
    for row in places.all_rows():
        findings.segments += bool(records_of(row, list(tables)))
        for line in places.lines(row):
            entry = line["entry"]
            if entry["table"]["name"] not in tables:
                continue
            if entry["event"]["id"] in ids:
                findings.differ(f"entry {entry['event']['id']} stands twice in the log")
            ids.add(entry["event"]["id"])
            findings.kinds[entry["tabletrail"]["kind"]] += 1
            if entry["tabletrail"]["kind"] == "change":
                findings.entries += 1
                _add(tables[entry["table"]["name"]], line, changes)
    return ids


def _add(table: Table, line: dict[str, Any], changes: dict[ItemKey, list[Change]]) -> None:
    old, new = line["images"]["old"], line["images"]["new"]
    key = item_key(table, new or old)
    changes[key].append((int(line["entry"]["stream"]["sequence"]), normal(old), normal(new)))


def _compare_items(truth: Truth, changes: dict[ItemKey, list[Change]], findings: Findings) -> None:
    for key in truth.changes.keys() | changes.keys():
        expected = truth.changes.get(key, [])
        found = [(old, new) for _, old, new in sorted(changes.get(key, []), key=lambda change: change[0])]
        if found == expected:
            continue
        if len(found) != len(expected):
            findings.differ(f"{key}: {len(expected)} changes were made, the log has {len(found)}")
            continue
        for number, (was, should) in enumerate(zip(found, expected, strict=True)):
            if was != should:
                findings.differ(f"{key}: change {number} reads {was}, written was {should}")


def _compare_index(server: Server, tables: list[str], ids: set[str], findings: Findings) -> None:
    server.ask("admin", "POST", "/tabletrail-v1-*/_refresh")
    found: set[str] = set()
    for hit in _hits(server, tables):
        if hit["_id"] in found:
            findings.differ(f"entry {hit['_id']} stands in two indices")
        found.add(hit["_id"])
    findings.indexed = len(found)
    for id_ in sorted(ids - found):
        findings.differ(f"entry {id_} is in the log and not in the index")
    for id_ in sorted(found - ids):
        findings.differ(f"entry {id_} is in the index and not in the log")


def _hits(server: Server, tables: list[str]) -> Iterator[dict[str, Any]]:
    """Every document of the tables, by paging behind the last one's id: it has no other end than the last page."""
    query = {"terms": {"table.name": tables}}
    after: list[Any] = []
    while True:
        body: dict[str, Any] = {
            "size": PAGE,
            "_source": False,
            "query": query,
            "sort": [{"event.sequence_key": "asc"}, {"event.id": "asc"}],
        }
        if after:
            body["search_after"] = after
        reply = server.ask("admin", "POST", "/tabletrail-v1-*/_search", json.dumps(body).encode())
        if not reply.ok:
            raise RuntimeError(f"the index does not answer: {reply.reason}")
        hits = reply.data["hits"]["hits"]
        yield from hits
        if len(hits) < PAGE:
            return
        after = hits[-1]["sort"]
