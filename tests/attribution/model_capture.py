"""CaptureShards' second step over tables in memory: records become entries, with what the outbox tells.

Rules
- One stream with one shard for each table, switched on at `BEGIN`. Records of a page are asked about together.
- Rows are those that the story's writers left; claims are kept here.

Called by `telling`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tabletrail.conversions import Conversions
from tabletrail.core.checkpoint import ShardRow, StreamRow
from tabletrail.core.entry import Source, convert
from tabletrail.core.outbox import NO_EVIDENCE, RowKey, Span
from tabletrail.outbox import EvidenceFinder
from tabletrail.policy_files import check
from tabletrail.ports import Clock
from tabletrail.publishing import taken
from tabletrail.reading import ShardRead
from tests.attribution.stage_memory import BEGIN
from tests.attribution.world import Table, Told
from tests.core.strategies import SOURCE, record
from tests.core.trail import table_arn
from tests.fakes.outbox import FakeClaims
from tests.fakes.rules import FakeRules, FakeTokenKey

TTL_IDENTITY = {"userIdentity": {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}}
SHARD = "shard-0"


def rules(tables: tuple[Table, ...]) -> dict[str, Any]:
    """The rules file for the story's tables."""
    declared: list[dict[str, Any]] = []
    for table in tables:
        one: dict[str, Any] = {"table": table.name}
        one |= {"attribute": table.attribute} if table.attribute != "updatedBy" else {}
        one |= {"outbox": True} if table.outbox else {}
        one |= {"deletes": table.deletes} if table.deletes != "any" else {}
        declared += [one] if len(one) > 1 else []
    claims = [{"principal": f"*:role/{name}", "actors": [name]} for name in ("billing", "shop", "relay")]
    claims.append({"principal": "*:role/operations", "actors": ["ops"]})
    return {"schema": 1, "attribution": {"tables": declared, "claims": claims}}


@dataclass
class ModelOutbox:
    """`Outbox`: the rows as writers left them, by item and id."""

    items: defaultdict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))

    def put(self, row: dict[str, Any]) -> None:
        self.items[row["item"]["S"]][row["id"]["S"]] = row

    def rows(self, keys: Collection[RowKey], deadline: Any = None) -> list[dict[str, Any]]:
        return [self.items[key.item][key.id] for key in keys if key.id in self.items.get(key.item, ())]

    def deletes(self, spans: Collection[Span], deadline: Any = None) -> dict[Span, list[dict[str, Any]]]:
        return {span: self._within(span) for span in spans}

    def _within(self, span: Span) -> list[dict[str, Any]]:
        rows = sorted(self.items.get(span.item, {}).items())
        inside = [row for row_id, row in rows if span.first_id <= row_id <= span.last_id]
        return [row for row in inside if row["action"]["S"] == "delete"][:100]


@dataclass
class ModelCapture:
    """`entries` of told changes, in their order."""

    tables: tuple[Table, ...]
    clock: Clock
    outbox: ModelOutbox = field(default_factory=ModelOutbox)
    claims: FakeClaims = field(default_factory=FakeClaims)

    def __post_init__(self) -> None:
        checked, store = taken(check([("story.json", json.dumps(rules(self.tables)))])), FakeRules()
        store.put(checked.version, checked.text)
        self.conversions = Conversions(store, FakeTokenKey().read, "month", "updatedBy")
        self.streams = {row.stream_arn: row for row in (_stream(table, checked.version) for table in self.tables)}
        self.finder = EvidenceFinder(self.outbox, self.claims, self.clock, self.conversions)

    def entries(self, told: Sequence[Told], first: int) -> list[dict[str, Any]]:
        """Of one page of each table's shard. `first` is the number of the first change in the whole story."""
        reads: dict[str, ShardRead] = {}
        places: list[tuple[ShardRead, int]] = []
        for number, one in enumerate(told):
            stream_arn = stream_arn_of(one.changed.table)
            read = reads.setdefault(stream_arn, ShardRead(ShardRow(stream_arn, SHARD)))
            places.append((read, len(read.records)))
            read.records.append(record_of(one, first + number))
        found = self.finder.find(list(reads.values()), self.streams)
        return [self._entry(read, at, found.get(read.row.key, {}).get(at, NO_EVIDENCE)) for read, at in places]

    def _entry(self, read: ShardRead, at: int, evidence: Any) -> dict[str, Any]:
        stream = self.streams[read.row.stream_arn]
        assert not read.is_left_out
        source: Source = replace(SOURCE, stream_arn=stream.stream_arn, table_name=stream.table_name)
        made = convert(read.records[at], source, self.conversions.of(stream.rules_version), 0, evidence)
        document: dict[str, Any] = json.loads(made.document)
        return document | {"log": {"index": made.index}}


def record_of(told: Told, number: int) -> dict[str, Any]:
    changed = told.changed
    fields = {"Keys": changed.key, "ApproximateCreationDateTime": told.seconds, "SequenceNumber": f"{10**20 + number}"}
    made = record(changed.old, changed.new, **fields) | {"eventID": f"{number:032x}"}
    return made | (TTL_IDENTITY if told.label == "removed by TTL" else {})


def stream_arn_of(table: str) -> str:
    return f"{table_arn(table)}/stream/2026-11-24T06:00:00.000"


def _stream(table: Table, version: str) -> StreamRow:
    joined = int(BEGIN)
    row = StreamRow(stream_arn_of(table.name), table.name, table_arn(table.name), "id", "123456789012", "eu-central-1")
    return replace(row, joined_at=joined, table_made_at=joined, rules_version=version)
