"""A log of its own for the command line to ask: tables, a bucket, committed segments, and what the index was given.

Called by the tests of `tabletrail history` and `tabletrail who`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tabletrail.aws.checkpoints import TableCheckpoints
from tabletrail.aws.clients import dynamodb_client, s3_client
from tabletrail.aws.clock import SystemClock
from tabletrail.aws.commit import TableNames
from tabletrail.aws.segment_store import BucketSegmentStore
from tabletrail.aws.segments import TableSegments
from tabletrail.aws.tries import Tries
from tabletrail.core.checkpoint import Commit, Committed, SegmentRow
from tabletrail.core.document import Entry
from tabletrail.staging import Stager
from tabletrail_local.info import StackInfo
from tests.end_to_end.cli_story import Document, Result, environment_of, indexed, tabletrail
from tests.ports.local_tables import drop_tables, make_bucket, make_checkpoint_tables
from tests.ports.opensearch_server import Server


@dataclass
class Log:
    """`documents` are what the index was given, `rows` those of the segments."""

    stack: StackInfo
    tables: TableNames
    bucket: str
    table: str
    documents: list[Document] = field(default_factory=list)
    rows: list[SegmentRow] = field(default_factory=list)

    @property
    def tries(self) -> Tries:
        return Tries(SystemClock())

    def commit(self, entries: Sequence[Entry]) -> list[bytes]:
        """One committed segment that waits for nothing, by the service's own code."""
        client = dynamodb_client(self.stack.session())
        store = BucketSegmentStore(s3_client(self.stack.session()), self.bucket)
        staged = Stager(store, SystemClock()).stage("run", f"g{len(self.rows)}", (), entries)
        done = TableCheckpoints(client, self.tables, self.tries).commit(Commit(staged.token, staged.row))
        assert isinstance(done, Committed)
        TableSegments(client, self.tables.segments, self.tries).mark_indexed(staged.row.segment_id, 1, 0)
        self.rows.append(staged.row)
        return [document.body for document in staged.documents]

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While its first segment waits to be indexed."""
        client = self.stack.session().client("dynamodb")
        key = {"segment_id": {"S": self.rows[0].segment_id}}
        waits = {":zero": {"S": "0"}}
        client.update_item(
            TableName=self.tables.segments,
            Key=key,
            UpdateExpression="SET not_indexed = :zero",
            ExpressionAttributeValues=waits,
        )
        try:
            yield
        finally:
            client.update_item(TableName=self.tables.segments, Key=key, UpdateExpression="REMOVE not_indexed")

    def ask(self, command: str, key: str, *words: str) -> Result:
        return tabletrail(command, self.table, key, *words)


@contextmanager
def a_log(stack: StackInfo, folder: Path, fill: Callable[[Log], None]) -> Iterator[Log]:
    """Filled and indexed, and named by the environment. `fill` commits, and puts into `documents` what is indexed."""
    server = Server(stack)
    server.install()
    client = stack.session().client("dynamodb")
    tables = make_checkpoint_tables(client)
    found = Log(stack, tables, make_bucket(stack.session().client("s3")), f"shop-{uuid.uuid4().hex[:8]}")
    fill(found)
    with indexed(server, found.documents), pytest.MonkeyPatch.context() as patch:
        for name, value in environment_of(stack, tables, found.bucket, folder).items():
            patch.setenv(name, value)
        yield found
    drop_tables(client, tables.streams, tables.shards, tables.segments)
