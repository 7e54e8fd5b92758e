"""A log whose index refused two of its entries for a limit of the index, by the product's own code throughout.

The index is the test's own and has a lower limit of nested objects (changed numbers) than the template's: what has
more is refused, and taken once the limit is what it should be. The operator is a user with the two roles that the
documentation names, and no more.
"""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tabletrail.aws.checkpoints import TableCheckpoints
from tabletrail.aws.clients import dynamodb_client, s3_client
from tabletrail.aws.clock import SystemClock
from tabletrail.aws.commit import TableNames
from tabletrail.aws.opensearch import OpenSearchIndex
from tabletrail.aws.segment_store import BucketSegmentStore
from tabletrail.aws.segments import TableSegments
from tabletrail.aws.tries import Tries
from tabletrail.core.checkpoint import Commit, Committed, SegmentRow, StreamMove, StreamRow
from tabletrail.core.entry import convert
from tabletrail.index import Breaker, Indexer
from tabletrail.staging import Stager
from tabletrail_local.info import StackInfo
from tests.core.hostile import broken, hostile_items
from tests.end_to_end.cli_story import CONVERSION, Document, environment_of, number, record, source, text
from tests.ports.local_tables import drop_tables, make_bucket, make_checkpoint_tables, make_table, unique
from tests.ports.opensearch_server import Server

BEGIN = datetime(2035, 5, 1, 12, 0, tzinfo=UTC)
LOW, RIGHT = 5, 1000
"""Limits of nested objects: of the damaged index, and of the template."""
LARGE_KEY = "evil\x1b[2J\u202e#1"
ROLES = ("tabletrail_reader", "tabletrail_writer")


@dataclass
class ParkedLog:
    """`documents` is what the log holds, by the item's key: each entry as the index should have had it."""

    server: Server
    tables: TableNames
    runs: str
    bucket: str
    table: str
    index: str
    folder: Path
    documents: dict[str, Document] = field(default_factory=dict)
    records: dict[str, Document] = field(default_factory=dict)
    row: SegmentRow | None = None

    def limit(self, most: int) -> None:
        """Of changed numbers that the index takes in one entry."""
        assert self.server.ask(
            "admin", "PUT", f"/{self.index}/_settings", {"index.mapping.nested_objects.limit": most}
        ).ok

    def refresh(self) -> None:
        assert self.server.ask("admin", "POST", f"/{self.index}/_refresh").ok

    def id_of(self, key: str) -> str:
        return str(self.documents[key]["event"]["id"])

    def stored(self, document_id: str) -> Any:
        found = self.server.document(self.index, document_id)
        return found and found["_source"]

    def log_in(self, patch: pytest.MonkeyPatch, user: str, password: str) -> None:
        (self.folder / user).write_text(password)
        patch.setenv("TABLETRAIL_OPENSEARCH_USER", user)
        patch.setenv("TABLETRAIL_OPENSEARCH_PASSWORD_FILE", str(self.folder / user))

    def fill(self) -> None:
        """One segment: small changes, an unreadable record, and two that the index refuses for their many numbers."""
        self.records = dict(_records())
        entries = [convert(one, source(self.table, "shop"), CONVERSION) for one in self.records.values()]
        for entry in entries:
            entry.index = self.index
        session, tries = self.server.stack.session(), Tries(SystemClock())
        client = dynamodb_client(session)
        checkpoints = TableCheckpoints(client, self.tables, tries)
        arn = source(self.table).stream_arn
        stream = StreamRow(arn, self.table, source(self.table).table_arn, "t", "0", "eu-central-1", version=1)
        assert checkpoints.move_stream(StreamMove(None, stream))
        store = BucketSegmentStore(s3_client(session), self.bucket)
        staged = Stager(store, SystemClock()).stage("run", "g0", (), entries)
        assert isinstance(checkpoints.commit(Commit(staged.token, staged.row)), Committed)
        self.row = staged.row
        indexer = Indexer(OpenSearchIndex(self.server.client("writer")), Breaker(SystemClock()), 5_000_000)
        offered = indexer.offer(staged.documents)
        assert (sum(offered.parked.values()), sum(offered.waiting.values())) == (2, 0)
        segment_id = staged.row.segment_id
        TableSegments(client, self.tables.segments, tries).mark_indexed(segment_id, 1, 2)
        bodies = [json.loads(document.body) for document in staged.documents]
        self.documents = dict(zip(self.records, bodies, strict=True))
        self.refresh()


def _records() -> Iterator[tuple[str, Document]]:
    def at(minutes: int) -> datetime:
        return BEGIN + timedelta(minutes=minutes)

    yield "small#1", record(1, at(0), "small#1", None, {"n": number("1")})
    many = {f"n{place}": number(str(place)) for place in range(40)}
    yield "many#1", record(2, at(1), "many#1", None, {**many, "text": text("lost and found")})
    yield "odd#1", broken(record(3, at(2), "odd#1", {"v": text("a")}, {"v": text("b")}), "an unknown type")
    names = hostile_items()["all odd names"]
    large = {"t": text("x" * 380_000), **names, "l": {"L": [number(str(place)) for place in range(90)]}}
    yield LARGE_KEY, record(4, at(3), LARGE_KEY, large, {**large, "l": {"L": []}})
    yield "small#2", record(5, at(4), "small#2", {"n": number("1")}, {"n": number("2")})


@contextmanager
def a_place(stack: StackInfo, folder: Path) -> Iterator[ParkedLog]:
    """Tables, a bucket and an operator, named in the environment; a log without entries."""
    server = Server(stack)
    server.install()
    client = stack.session().client("dynamodb")
    tables, runs = make_checkpoint_tables(client), unique("runs")
    make_table(client, runs, "name")
    bucket = make_bucket(stack.session().client("s3"))
    user, password = f"operator-{uuid.uuid4().hex[:8]}", f"Aa1-{secrets.token_urlsafe(20)}"
    account = {"password": password, "opendistro_security_roles": list(ROLES)}
    path = f"/_plugins/_security/api/internalusers/{user}"
    try:
        assert server.ask("admin", "PUT", path, account).ok
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment_of(stack, tables, bucket, folder, runs).items():
                patch.setenv(name, value)
            found = ParkedLog(server, tables, runs, bucket, "", "", folder)
            found.log_in(patch, user, password)
            yield found
    finally:
        server.ask("admin", "DELETE", path)
        drop_tables(client, tables.streams, tables.shards, tables.segments, runs)


@contextmanager
def parked(place: ParkedLog) -> Iterator[ParkedLog]:
    """The place with a table's entries in an index of their own, two of them parked."""
    with place.server.an_index() as index:
        found = replace(place, table=f"shop-{uuid.uuid4().hex[:8]}", index=index, documents={}, records={})
        found.limit(LOW)
        found.fill()
        yield found
