"""Does `status` show what is behind, also without OpenSearch, and does `onboard` change only what it was told to?"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tabletrail.aws.checkpoints import TableCheckpoints
from tabletrail.aws.clients import dynamodb_client
from tabletrail.aws.clock import SystemClock
from tabletrail.aws.commit import TableNames
from tabletrail.aws.runs import TableRunNotes
from tabletrail.aws.tries import Tries
from tabletrail.core.checkpoint import (
    Commit,
    Committed,
    SegmentRow,
    ShardRow,
    ShardStatus,
    StreamMove,
    StreamRow,
    StreamState,
)
from tabletrail.core.entry import gap_entry
from tabletrail_cli import reference
from tabletrail_cli.readers import limit
from tabletrail_local.info import StackInfo
from tests.end_to_end.cli_story import CONVERSION, environment_of, indexed, placed, source, tabletrail
from tests.ports.local_tables import drop_tables, make_checkpoint_tables, make_table, unique
from tests.ports.opensearch_server import Server

pytestmark = pytest.mark.stack


@dataclass
class Fleet:
    """Tables of a log of its own; `orders` is an audited table's name, `made` are tables that really exist."""

    stack: StackInfo
    tables: TableNames
    runs: str
    orders: str
    made: list[str] = field(default_factory=list)

    @property
    def dynamodb(self) -> Any:
        return self.stack.session().client("dynamodb")

    def notes(self) -> TableRunNotes:
        return TableRunNotes(dynamodb_client(self.stack.session()), self.runs, Tries(SystemClock()))

    def audited_table(self, view_type: str | None) -> str:
        """A new table in the account, with a stream of that view type or none."""
        name = unique("shop")
        make_table(self.dynamodb, name, "id")
        self.made.append(name)
        if view_type:
            stream = {"StreamEnabled": True, "StreamViewType": view_type}
            self.dynamodb.update_table(TableName=name, StreamSpecification=stream)
        return name

    def describe(self, name: str) -> dict[str, Any]:
        table: dict[str, Any] = self.dynamodb.describe_table(TableName=name)["Table"]
        return table

    def tags(self, name: str) -> dict[str, str]:
        reply = self.dynamodb.list_tags_of_resource(ResourceArn=self.describe(name)["TableArn"])
        return {tag["Key"]: tag["Value"] for tag in reply["Tags"]}


@pytest.fixture
def fleet(stack: StackInfo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    server = Server(stack)
    server.install()
    client = stack.session().client("dynamodb")
    runs = unique("runs")
    make_table(client, runs, "name")
    found = Fleet(stack, make_checkpoint_tables(client), runs, f"orders-{uuid.uuid4().hex[:8]}")
    bucket, s3 = unique("segments"), stack.session().client("s3")
    s3.create_bucket(Bucket=bucket)
    names = environment_of(stack, found.tables, bucket, tmp_path_factory.mktemp("named"), runs)
    # One index at least, as a deployment makes it, whichever tests ran before.
    with server.an_index(), pytest.MonkeyPatch.context() as patch:
        for name, value in names.items():
            patch.setenv(name, value)
        yield found
    drop_tables(client, found.tables.streams, found.tables.shards, found.tables.segments, runs, *found.made)
    s3.delete_bucket(Bucket=bucket)


def _fill(fleet: Fleet, now: int) -> None:
    """A shard at the present, one on its walk, one closed and one finished; an ending stream; a waiting segment."""
    checkpoints = TableCheckpoints(dynamodb_client(fleet.stack.session()), fleet.tables, Tries(SystemClock()))
    arn = f"arn:aws:dynamodb:us-east-1:000000000000:table/{fleet.orders}"
    new, old = f"{arn}/stream/new", f"{arn}/stream/old"
    common: dict[str, Any] = {
        "table_name": fleet.orders,
        "table_arn": arn,
        "table_id": "t",
        "account": "0",
        "region": "us-east-1",
    }
    for stream_arn, state in ((new, StreamState.ACTIVE), (old, StreamState.ENDING)):
        row = StreamRow(stream_arn, **common, state=state, joined_at=now - 9000, version=1)
        assert checkpoints.move_stream(StreamMove(None, row))
    live: dict[str, Any] = {"parent_processed": True, "group_id": "g0", "iterator": "i"}
    checkpoints.add_shards(
        [
            ShardRow(new, "at-the-present", **live, iterator_obtained_at=now - 100, last_record_at=now - 5000),
            ShardRow(new, "walking", **live, iterator_obtained_at=now - 200, walk_debt=7),
            ShardRow(new, "closed", **live, iterator_obtained_at=now - 50, status=ShardStatus.CLOSED),
            ShardRow(new, "finished", parent_processed=True, status=ShardStatus.CLOSED_AND_PROCESSED),
            ShardRow(old, "forgotten", **live, iterator_obtained_at=now - 3000, last_record_at=now - 4000),
        ]
    )
    segment = SegmentRow("s1", "r1", "g0", "k", "v", "0" * 64, 1, 1, now - 300, ("tabletrail-v1-2034.01",))
    assert isinstance(checkpoints.commit(Commit(uuid.uuid4().hex, segment)), Committed)
    problems = ["orders: has no \x1b[1mstream"]
    fleet.notes().write("last_run", {"finished_at": now - 30, "entries": 5, "problems": problems})


def test_given_shards_in_every_state_does_status_tell_what_is_behind(fleet: Fleet) -> None:
    now = int(time.time())
    _fill(fleet, now)
    gap = placed(gap_entry(source(fleet.orders), CONVERSION, "1", "certain", 2_019_686_400))
    with indexed(Server(fleet.stack), [gap]):
        result, text = tabletrail("status", "--json"), tabletrail("status")
    assert (result.code, text.code, text.err) == (0, 0, "")
    new, old, total = (json.loads(line) for line in result.out.splitlines())
    assert (new["state"], new["open_shards"], new["unfinished_shards"], new["behind_shards"]) == ("ACTIVE", 2, 1, 2)
    assert 5000 <= new["last_change_seconds"] < 5100
    assert 200 <= new["read_seconds"] < 300
    assert (new["gaps"], new["parked"]) == (1, 0)
    assert (old["state"], old["open_shards"], old["behind_shards"]) == ("ENDING", 1, 1)
    assert (total["tables"], total["waiting_segments"], total["gaps"], total["parked"]) == (1, 1, 1, 0)
    assert 300 <= total["waiting_seconds"] < 400
    assert "1 tables, 3 open shards, 3 behind; 1 segments wait to be indexed, the oldest for 5 min, 1 gaps" in text.out
    assert "has no \\x1b[1mstream" in text.out


def test_given_opensearch_is_down_does_status_show_what_the_tables_know(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(fleet, int(time.time()))
    why = "OpenSearch cannot be reached (NewConnectionError)"
    fleet.notes().write("last_run", {"finished_at": int(time.time()), "indices": f"TransientError: {why}"})
    monkeypatch.setenv("TABLETRAIL_OPENSEARCH_ENDPOINT", "https://127.0.0.1:9")
    result = tabletrail("status")
    assert result.code == 3
    assert f"indices not looked after ({why})." in result.out
    assert fleet.orders in result.out
    assert "1 segments wait" in result.out
    assert "gaps and parked entries are not known: OpenSearch cannot be reached" in result.err


def test_given_opensearch_is_down_are_the_gaps_that_the_tables_know_of_shown_by_stream(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = int(time.time())
    _fill(fleet, now)
    checkpoints = TableCheckpoints(dynamodb_client(fleet.stack.session()), fleet.tables, Tries(SystemClock()))
    for stream in checkpoints.streams():
        if stream.state is StreamState.ACTIVE:
            checkpoints.add_shards([ShardRow(stream.stream_arn, "trimmed", parent_processed=True, gaps=2)])
            assert checkpoints.move_stream(StreamMove(stream, replace(stream, gaps=1, version=stream.version + 1)))
    monkeypatch.setenv("TABLETRAIL_OPENSEARCH_ENDPOINT", "https://127.0.0.1:9")
    lines = tabletrail("status", "--json").out.splitlines()
    found = {
        one["state"]: (one["known_gaps"], one["gaps"]) for one in map(json.loads, lines) if one["kind"] == "stream"
    }
    assert found == {"ACTIVE": (3, None), "ENDING": (0, None)}
    active, ending = [line.split() for line in tabletrail("status").out.splitlines() if fleet.orders in line]
    assert active[-2:] == ["3+", "?"]
    assert ending[-2:] == ["?", "?"]


def test_given_a_table_that_is_no_longer_audited_are_its_gaps_shown(fleet: Fleet) -> None:
    _fill(fleet, int(time.time()))
    other = unique("left")
    gap = placed(gap_entry(source(other), CONVERSION, None, "possible", 2_019_686_400, "unread"))
    with indexed(Server(fleet.stack), [gap]):
        result, text = tabletrail("status", "--json"), tabletrail("status")
    assert json.loads(result.out.splitlines()[-1])["gaps_of_others"][other] == 1
    assert f"{other} is no longer audited, and has 1 gaps" in text.out


def test_given_segments_wait_does_status_say_why_and_since_when(fleet: Fleet) -> None:
    now = int(time.time())
    _fill(fleet, now)
    blocked = {"tabletrail-v1-2034.01": {"why": "429 cluster_block_exception", "since": now - 7200}}
    fleet.notes().write("backlog", {"damaged": [], "blocked": blocked, "trouble": "429", "since": now - 600})
    text, lines = tabletrail("status").out, tabletrail("status", "--json").out.splitlines()
    first, second = [line.strip() for line in text.splitlines() if "waiting for" in line]
    assert first.startswith("waiting for 2.0 h: tabletrail-v1-2034.01 is read-only: is the disk of OpenSearch full?")
    assert second.startswith("waiting for 10 min: OpenSearch is too busy and turns requests away")
    waits = json.loads(lines[-1])["waits"]
    assert [wait["why"] for wait in waits] == [first.split(": ", 1)[1], second.split(": ", 1)[1]]
    assert 600 <= waits[1]["seconds"] < 700


def test_given_nothing_is_audited_does_status_say_how_to_begin(fleet: Fleet) -> None:
    result = tabletrail("status")
    assert result.code == 0
    assert "No table is audited yet: see `tabletrail onboard TABLE`." in result.out
    assert "No run has finished yet" in result.out


def test_given_no_consent_is_nothing_changed(fleet: Fleet) -> None:
    name = fleet.audited_table(None)
    result = tabletrail("onboard", name)
    assert result.code == 0
    assert "To do: switch its stream on, with both images" in result.out
    assert "To do: add the tag tabletrail=on" in result.out
    assert "nothing was changed" in result.err
    assert "StreamSpecification" not in fleet.describe(name)
    assert fleet.tags(name) == {}


def test_given_consent_has_the_table_a_stream_and_the_tag_and_a_second_time_nothing_to_do(fleet: Fleet) -> None:
    name = fleet.audited_table(None)
    assert tabletrail("onboard", name, "--yes").code == 0
    assert fleet.describe(name)["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert fleet.tags(name) == {"tabletrail": "on"}
    assert "Nothing to do" in tabletrail("onboard", name, "--yes").out


def test_given_a_wrong_view_type_is_it_explained_and_left_alone(fleet: Fleet) -> None:
    name = fleet.audited_table("KEYS_ONLY")
    before = fleet.describe(name)["LatestStreamArn"]
    result = tabletrail("onboard", name, "--yes")
    assert result.code == 2
    assert "orphans the old stream's readers" in result.out
    assert fleet.describe(name)["LatestStreamArn"] == before
    assert fleet.tags(name) == {}


def test_given_the_wish_to_replace_the_stream_is_it_replaced_and_the_service_told(fleet: Fleet) -> None:
    name = fleet.audited_table("KEYS_ONLY")
    before = fleet.describe(name)
    result = tabletrail("onboard", name, "--yes", "--replace-stream", "--json")
    assert result.code == 0
    assert json.loads(result.out)["done"]
    after = fleet.describe(name)
    assert after["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    note = fleet.notes().read(f"onboard#{before['TableArn']}")
    assert note["old_stream_arn"] == before["LatestStreamArn"]
    assert note["old_view_type"] == "KEYS_ONLY"
    assert note["new_stream_arn"] == after["LatestStreamArn"] != before["LatestStreamArn"]
    assert abs(note["replaced_at"] - time.time()) < 300


def test_given_an_unknown_table_is_it_refused(fleet: Fleet) -> None:
    result = tabletrail("onboard", "no-such-table", "--yes")
    assert (result.code, result.out) == (1, "")
    assert "there is no table 'no-such-table'" in result.err


def test_given_a_global_table_may_only_one_reader_share_a_shard() -> None:
    assert (limit(is_global=False), limit(is_global=True)) == (2, 1)


def test_is_the_reference_what_the_parser_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert reference.main(["--check"]) == 0, capsys.readouterr().out
