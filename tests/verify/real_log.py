"""A log of its own on the running stack: real tables, bucket and index, written by the product's own use cases.

Two kinds: `planted_log` reads an invented stream whose records lie in a month that no one else has, so that its index
is its own; `streamed_log` reads the real stream of a real table.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tabletrail.aws.commit import TableNames
from tabletrail.aws.wiring import Wiring
from tabletrail.capture import CaptureTask
from tabletrail.closing import Shelf
from tabletrail.settings import Settings
from tabletrail_cli import verify
from tabletrail_local.info import StackInfo
from tabletrail_verify import cut
from tests.end_to_end.cli_story import Result, environment_of, tabletrail
from tests.fakes.index import FakeIndex
from tests.fakes.stream import FakeStream
from tests.fakes.tables import FakeTables, make_table
from tests.ports import local_tables
from tests.ports.opensearch_server import Server

ROOT = Path(__file__).parents[2]
PERIOD, INDEX = "2041.07", "tabletrail-v1-2041.07"
AT = int(datetime(2041, 7, 5, tzinfo=UTC).timestamp())
"""When the planted records were made."""


class QuietIndex(FakeIndex):
    """Entries that wait, runs' figures that nobody keeps, and no index of which a period's end could be seen."""

    def record(self, index: str, document_id: str, document: Mapping[str, Any]) -> None:
        """Takes it."""

    def look(self) -> Shelf:
        return Shelf((), has_ism=False)


@dataclass
class Said:
    """What the command said, parsed from its JSON lines."""

    code: int
    lines: list[dict[str, Any]]
    err: str

    @property
    def findings(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["kind"] == "finding"]

    @property
    def result(self) -> dict[str, Any]:
        return self.lines[-1]

    @property
    def found(self) -> set[tuple[str, str]]:
        """(code, entry or segment or shard)"""
        return {(one["code"], one.get("entry") or one.get("segment") or one["shard"]) for one in self.findings}


@dataclass
class RealLog:
    server: Server
    tables: TableNames
    runs: str
    bucket: str
    table: str
    wiring: Wiring
    environment: dict[str, str]

    @property
    def session(self) -> Any:
        return self.server.stack.session()

    @property
    def dynamodb(self) -> Any:
        return self.session.client("dynamodb")

    @property
    def s3(self) -> Any:
        return self.session.client("s3")

    def capture(self) -> None:
        """One run, as the state machine makes it."""
        run_id = uuid.uuid4().hex[:12]
        plan = self.wiring.plan(run_id).run(run_id)
        assert plan["acquired"], plan
        for group in plan["groups"]:
            result = self.wiring.capture().run(CaptureTask(run_id, group["group_id"], group["deadline"]))
            assert not result.failures, result.failures
        self.wiring.leases.release("audit_run", run_id)

    def verify(self, *options: str) -> Said:
        """The command in this process, without its pauses: the local tables have no transactions half visible."""
        done = self.tell("--json", *options)
        return Said(done.code, done.entries, done.err)

    def tell(self, *options: str) -> Result:
        """The same as a person sees it."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(cut, "PAUSE_SECONDS", 0.01)
            patch.setattr(verify, "TOLD_EVERY_SECONDS", 0.0)
            for name, value in self.environment.items():
                patch.setenv(name, value)
            return tabletrail("verify", *options)

    def verify_apart(self, *options: str) -> Said:
        """The command in a process of its own, as it is."""
        words = [sys.executable, "-m", "tabletrail_cli.main", "verify", "--json", *options]
        done = subprocess.run(
            words, env=self.environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
        )
        return Said(done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr)

    def segments(self) -> list[dict[str, Any]]:
        """Items of the table, in the order of their commits."""
        items = self.dynamodb.scan(TableName=self.tables.segments, ConsistentRead=True)["Items"]
        items = [item for item in items if "links" in item]
        return sorted(items, key=lambda item: (bool(item["links"]["L"]), self.first_of(item)))

    @staticmethod
    def first_of(item: dict[str, Any]) -> int:
        links = item["links"]["L"]
        return int(links[0]["L"][2]["S"]) if links else 0

    def documents(self) -> dict[str, dict[str, Any]]:
        """Of the planted log's index, by id."""
        assert self.server.ask("admin", "POST", f"/{INDEX}/_refresh").ok
        reply = self.server.ask("admin", "POST", f"/{INDEX}/_search", {"size": 10_000})
        return {hit["_id"]: hit["_source"] for hit in reply.data["hits"]["hits"]}

    def recreate(self, documents: dict[str, dict[str, Any]], index: str = INDEX) -> None:
        """What an administrator of OpenSearch can do: the index is deleted and made anew, with other documents."""
        self.server.ask("admin", "DELETE", f"/{index}")
        template = json.loads((ROOT / "mappings" / "index_template.v1.json").read_text())["template"]
        mappings = {"mappings": template["mappings"], "settings": {"index.append_only.enabled": False}}
        assert self.server.ask("admin", "PUT", f"/{index}", mappings).ok
        lines = []
        for id_, document in documents.items():
            lines += [{"index": {"_index": index, "_id": id_}}, document]
        body = "".join(json.dumps(line) + "\n" for line in lines).encode()
        reply = self.server.ask("admin", "POST", "/_bulk?refresh=true", body)
        assert reply.ok, reply.reason
        assert not reply.data["errors"]


@contextmanager
def _log(stack: StackInfo, folder: Path, table: str) -> Iterator[RealLog]:
    server = Server(stack)
    server.install()
    session = stack.session()
    client = session.client("dynamodb")
    tables, runs = local_tables.make_checkpoint_tables(client), local_tables.unique("runs")
    local_tables.make_table(client, runs, "name")
    bucket = local_tables.make_bucket(session.client("s3"))
    secret, writer = local_tables.unique("writer"), stack.login("writer")
    login = json.dumps({"username": writer.user, "password": writer.password, "ca_pem": stack.ca_pem})
    session.client("secretsmanager").create_secret(Name=secret, SecretString=login)
    names = (tables.streams, tables.shards, tables.segments, runs, bucket, stack.opensearch_url)
    settings = Settings(*names, "basic", secret, tag_key=table, table_names=table, missing_streams="report")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("functions", "cli", "local")),
        **environment_of(stack, tables, bucket, folder, runs),
    }
    try:
        yield RealLog(server, tables, runs, bucket, table, Wiring(settings, session), environment)
    finally:
        local_tables.drop_tables(client, tables.streams, tables.shards, tables.segments, runs)
        session.client("secretsmanager").delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)


@contextmanager
def planted_log(stack: StackInfo, folder: Path, commits: int = 4, records: int = 5) -> Iterator[RealLog]:
    """Two shards, `commits` commits of `records` records each."""
    table = local_tables.unique("planted")
    with _log(stack, folder, table) as log:
        stream = FakeStream(log.wiring.clock)
        tables = FakeTables(stream)
        view = tables.add(make_table(table, stream="2041-07-04T07:00:00.000"))
        assert view.stream_arn
        stream.add_stream(view.stream_arn)
        for shard in ("shard-0", "shard-1"):
            stream.add_shard(view.stream_arn, shard)
        log.wiring.__dict__.update(stream=stream, tables=tables)
        log.server.ask("admin", "DELETE", f"/{INDEX}")
        log.server.ask("index-owner", "PUT", f"/{INDEX}", {"settings": {"index.append_only.enabled": True}})
        for turn in range(commits):
            for shard in ("shard-0", "shard-1"):
                images = {"old": {"note": {"S": "before"}}, "new": {"note": {"S": f"turn {turn}"}}}
                stream.write(view.stream_arn, shard, records, created=AT + turn, **images)
            log.capture()
        yield log
        log.server.ask("admin", "DELETE", f"/{INDEX}")


@contextmanager
def streamed_log(stack: StackInfo, folder: Path) -> Iterator[RealLog]:
    """A real table with a stream; nothing is written or captured yet. Its entries wait: their month is not ours."""
    table = local_tables.unique("streamed")
    with _log(stack, folder, table) as log:
        local_tables.make_table(log.dynamodb, table, "id")
        stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        log.dynamodb.update_table(TableName=table, StreamSpecification=stream)
        log.wiring.__dict__.update(opensearch=QuietIndex())
        yield log
        local_tables.drop_tables(log.dynamodb, table)
