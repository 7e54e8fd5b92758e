"""The rows of the three tables, read from DynamoDB's typed JSON as docs/format.md describes them.

Rules
- Reads are consistent; a scan is the one way to see every segment, and costs half a unit for 4 KB.
- A row that cannot be read is damage, not a crash: RowError names what is missing.

Called by `cut`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from tabletrail_verify.canonical_form import GENESIS

Item = dict[str, dict[str, Any]]
RESERVED = ({"S": "#stamp"}, {"S": "#holds"})
"""The keys of rows that are none of a stream, a shard or a segment."""


class RowError(ValueError):
    """A row lacks an attribute or holds one of another type."""


@dataclass(frozen=True, slots=True)
class Link:
    """What one segment holds of one shard. Hashes are hex."""

    stream_arn: str
    shard_id: str
    first: str
    last: str
    count: int
    sequences_sha256: str
    previous_chain: str
    chain: str

    def facts(self) -> dict[str, Any]:
        """As a segment's header has it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """`is_marked`: the row says that all its entries are in the index."""

    segment_id: str
    run_id: str
    group_id: str
    key: str
    version_id: str
    sha256: str
    size: int
    entries: int
    committed_at: int
    is_marked: bool
    indices: tuple[str, ...] = ()
    links: tuple[Link, ...] = field(default=())

    @classmethod
    def from_facts(cls, facts: dict[str, Any]) -> SegmentRow:
        """The inverse of `asdict`, after a way through JSON."""
        links = tuple(Link(**link) for link in facts["links"])
        return cls(**{**facts, "indices": tuple(facts["indices"]), "links": links})


@dataclass(frozen=True, slots=True)
class ShardRow:
    """One checkpoint. `sequence_no` and `parent` are empty where there is none; `parent_processed`: it may be read."""

    stream_arn: str
    shard_id: str
    parent: str
    sequence_no: str
    status: str
    records: int
    last_record_at: int
    chain: str
    version: int = 0
    parent_processed: bool = False

    @property
    def is_finished(self) -> bool:
        """It was read to its end. A row that only stands for a shard which the stream did not list never moved."""
        return self.status == "CLOSED_AND_PROCESSED" and self.version > 0


def segment_of(item: Item) -> SegmentRow:
    """RowError."""
    arns = _texts(item, "stream_arns")
    try:
        links = tuple(_link(packed["L"], arns) for packed in item["links"]["L"])
    except (KeyError, IndexError, TypeError, ValueError):
        raise RowError("its links cannot be read") from None
    return SegmentRow(
        segment_id=_text(item, "segment_id"),
        run_id=_text(item, "run_id"),
        group_id=_text(item, "group_id"),
        key=_text(item, "key"),
        version_id=_text(item, "version_id"),
        sha256=_text(item, "sha256"),
        size=_number(item, "size"),
        entries=_number(item, "entries"),
        committed_at=_number(item, "committed_at"),
        is_marked="not_indexed" not in item,
        indices=tuple(_texts(item, "indices")),
        links=links,
    )


def shard_of(item: Item) -> ShardRow:
    """RowError."""
    return ShardRow(
        stream_arn=_text(item, "stream_arn"),
        shard_id=_text(item, "shard_id"),
        parent=_text(item, "parent_shard_id", ""),
        sequence_no=_text(item, "sequence_no", ""),
        status=_text(item, "status"),
        records=_number(item, "records"),
        last_record_at=_number(item, "last_record_at"),
        chain=_text(item, "chain_hash", GENESIS),
        version=_number(item, "version"),
        parent_processed=item.get("parent_processed", {}).get("BOOL") is True,
    )


def coverage_of(item: Item) -> tuple[str, int]:
    """(stream ARN, how many coverage entries it has had). RowError."""
    return _text(item, "stream_arn"), _number(item, "coverage_no")


def scan(client: Any, table: str) -> Iterator[list[Item]]:
    """Every row but the reserved ones, a page at a time."""
    start: dict[str, Any] = {}
    while True:
        reply = client.scan(TableName=table, ConsistentRead=True, **start)
        yield [item for item in reply["Items"] if not _is_reserved(item)]
        if not reply.get("LastEvaluatedKey"):
            return
        start = {"ExclusiveStartKey": reply["LastEvaluatedKey"]}


def _is_reserved(item: Item) -> bool:
    """The row of each table that holds the runs' stamp, and that of holds."""
    return item.get("segment_id") in RESERVED or item.get("stream_arn") in RESERVED


def has_segment(client: Any, table: str, segment_id: str) -> bool:
    """True if it is committed now."""
    key = {"segment_id": {"S": segment_id}}
    if key["segment_id"] in RESERVED:
        return False
    return "Item" in client.get_item(TableName=table, Key=key, ConsistentRead=True)


def name_of(item: Item, attribute: str) -> str:
    """A key attribute of a row that cannot be read."""
    return str(item.get(attribute, {}).get("S", "?"))


def _link(packed: list[dict[str, Any]], arns: list[str]) -> Link:
    arn, shard_id, first, last, count, *hashes = packed
    sequences, previous, chain = (bytes(part["B"]).hex() for part in hashes)
    number = _whole(arn["N"])
    return Link(arns[number], shard_id["S"], first["S"], last["S"], _whole(count["N"]), sequences, previous, chain)


def _text(item: Item, name: str, missing: str | None = None) -> str:
    value = item.get(name, {}).get("S", missing)
    if not isinstance(value, str):
        raise RowError(f"{name} is not a text")
    return value


def _number(item: Item, name: str) -> int:
    try:
        return _whole(item[name]["N"])
    except (KeyError, ValueError, TypeError):
        raise RowError(f"{name} is not a whole number") from None


def _whole(text: str) -> int:
    """ValueError for what no row of ours has."""
    value = int(text)
    if not 0 <= value < 1 << 62:
        raise ValueError
    return value


def _texts(item: Item, name: str) -> list[str]:
    try:
        return [str(one["S"]) for one in item[name]["L"]]
    except (KeyError, TypeError):
        raise RowError(f"{name} is not a list of texts") from None
