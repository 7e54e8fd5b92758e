"""Is a real index, deleted or with an older mapping, made again by the real command while entries are captured?

The log is the product's own: real tables, bucket and OpenSearch, and an invented stream whose records lie in months
that no one else has. The command runs in a process of its own, as a user who may rebuild and search, and nothing else.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest

from tabletrail.aws.opensearch import OpenSearchKeeper
from tabletrail.core.cluster_objects import TEMPLATE
from tabletrail.core.periods import index_of
from tabletrail.reindex import LEASE
from tabletrail_cli.entries import Entries
from tabletrail_local.info import StackInfo
from tests.end_to_end.cli_story import tabletrail
from tests.fakes.stream import FakeStream
from tests.ports.opensearch_server import Server
from tests.ports.rebuilder import PASSWORD, a_rebuilder
from tests.verify.real_log import AT, INDEX, PERIOD, ROOT, RealLog, planted_log

pytestmark = pytest.mark.stack

NEXT_PERIOD, NEXT_INDEX, NEXT_AT = "2041.08", "tabletrail-v1-2041.08", AT + 35 * 24 * 3600
SECONDS = 180
"""For anything to happen; it takes some seconds."""
COMMITS, RECORDS = 12, 40

EARLY = "2041-07-05T00:01:00Z"
"""Before what is captured while an index is rebuilt."""
SEARCHES = [
    (),
    ("--order", "asc"),
    ("--action", "modify"),
    ("--not", "action=modify"),
    ("--changed", "note"),
    ("--after", "note=turn 3"),
    ("--before", "note=before"),
    ("--kind", "change"),
    ("--item", "item-1*"),
    ("turn",),
    ('"before to turn 7"',),
    ("--facets", "action,kind"),
]


@dataclass
class Rebuilt:
    """The log, the user who rebuilds, and capture that goes on beside."""

    log: RealLog
    environment: dict[str, str]
    captured: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    def command(self, *words: str) -> subprocess.Popen[str]:
        line = [sys.executable, "-m", "tabletrail_cli.main", *words]
        return subprocess.Popen(
            line, env=self.environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def run(self, *words: str) -> tuple[int, str, str]:
        with self.command(*words) as process:
            out, err = process.communicate(timeout=SECONDS)
        return process.returncode, out, err

    def answers(self, until: str) -> list[str]:
        """What each search prints, to the byte."""
        found = []
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.log.environment.items():
                patch.setenv(name, value)
            for words in SEARCHES:
                limit = () if "--facets" in words else ("--all",)
                result = tabletrail("search", *words, "--table", self.log.table, "--until", until, *limit, "--json")
                assert result.code in (0, 1), result.err
                found.append(result.out)
        assert len(set(found)) > len(found) / 2, "the searches ask for different things"
        return found

    @contextmanager
    def capturing(self, created: int) -> Iterator[None]:
        """Writes and captures until the end of the block, at least twice."""
        stream, failures = self.log.wiring.stream, []
        assert isinstance(stream, FakeStream)
        ((arn, _),) = stream.streams.items()

        def work() -> None:
            try:
                while not self.stop.is_set():
                    stream.write(arn, "shard-0", 3, created=created, new={"note": {"S": f"later {self.captured}"}})
                    self.log.capture()
                    self.captured += 3
            except BaseException as error:
                failures.append(error)

        self.stop.clear()
        enough = self.captured + 6
        thread = threading.Thread(target=work)
        thread.start()
        try:
            until(lambda: self.captured >= enough or bool(failures))
            yield
        finally:
            self.stop.set()
            thread.join()
        assert not failures, failures

    def drain(self) -> None:
        """The backlog, also of segments that are young."""
        backlog = self.log.wiring.backlog()
        backlog.settings = replace(backlog.settings, backlog_delay_seconds=-1)
        breaker = self.log.wiring.breaker
        breaker.open_until = 0
        breaker.blocked.clear()
        while (result := backlog.run("drain")).more:
            pass
        assert (result.acquired, result.trouble) == (True, "")

    def concrete(self, name: str) -> str:
        ((index, _),) = self.log.server.ask("admin", "GET", f"/{name}").data.items()
        return str(index)

    def count(self) -> int:
        """Of the entries that were there before capture went on, through the alias."""
        only = {"bool": {"filter": [{"term": {"table.name": self.log.table}}, {"exists": {"field": "before.note"}}]}}
        return Entries(self.log.server.client("reader")).count(only)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def rebuilt(stack: StackInfo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rebuilt]:
    tmp_path = tmp_path_factory.mktemp("rebuilt")
    server = Server(stack)
    server.install()
    server.ask("admin", "DELETE", "/tabletrail-v1-2041.0*")
    with planted_log(stack, tmp_path, commits=COMMITS, records=RECORDS) as log, a_rebuilder(server) as user:
        (tmp_path / "rebuilder").write_text(PASSWORD)
        names = {"TABLETRAIL_OPENSEARCH_USER": user, "TABLETRAIL_OPENSEARCH_PASSWORD_FILE": str(tmp_path / "rebuilder")}
        found = Rebuilt(log, {**log.environment, **names})
        # The entry that says that the table joined waits for its index.
        present = index_of(int(time.time()), "month")
        OpenSearchKeeper(server.client("index-owner")).ensure(present)
        found.drain()
        assert server.ask("admin", "POST", f"/{INDEX},{present}/_refresh").ok
        yield found
        server.ask("admin", "DELETE", "/tabletrail-v1-2041.0*")


def test_a_new_template_for_one_period_while_capture_goes_on(rebuilt: Rebuilt) -> None:
    server, log = rebuilt.log.server, rebuilt.log
    assert server.ask("index-owner", "PUT", f"/{NEXT_INDEX}", {"settings": {"index.append_only.enabled": True}}).ok
    before, old = rebuilt.answers(EARLY), rebuilt.concrete(INDEX)
    target = f"{INDEX}-r000002"
    template = server.ask("admin", "GET", f"/_index_template/{TEMPLATE}").data["index_templates"][0]["index_template"]
    newer = json.loads(json.dumps(template))
    newer["version"] = int(template["version"]) + 1
    newer["template"]["mappings"]["properties"]["weather"] = {"type": "keyword"}
    assert server.ask("admin", "PUT", f"/_index_template/{TEMPLATE}", newer).ok
    try:
        counts = [rebuilt.count()]
        assert counts == [2 * COMMITS * RECORDS]
        with rebuilt.capturing(AT + 100), rebuilt.command("reindex", "--period", PERIOD, "--lanes", "2") as process:
            while process.poll() is None:
                counts.append(rebuilt.count())
            assert process.stdout
            assert process.stderr
            said, complaints = process.stdout.read(), process.stderr.read()
    finally:
        assert server.ask("admin", "PUT", f"/_index_template/{TEMPLATE}", template).ok
    assert process.returncode == 0, complaints
    assert f"{target} in the place of {old}" in said
    assert set(counts) == {2 * COMMITS * RECORDS}, "a search saw an entry twice or missed one"
    assert len(counts) > 5
    rebuilt.drain()
    found = server.ask("admin", "GET", f"/{INDEX}").data[target]
    assert found["settings"]["index"]["append_only"]["enabled"] == "true"
    assert found["mappings"]["properties"]["weather"] == {"type": "keyword"}
    assert "weather" not in server.ask("admin", "GET", f"/{NEXT_INDEX}").data[NEXT_INDEX]["mappings"]["properties"]
    assert_whole(rebuilt, before)
    # Later entries, of both periods, find their way.
    stream = log.wiring.stream
    assert isinstance(stream, FakeStream)
    ((arn, _),) = stream.streams.items()
    for created in (AT + 200, NEXT_AT):
        stream.write(arn, "shard-1", 2, created=created, new={"note": {"S": "much later"}})
    log.capture()
    assert_whole(rebuilt, before)
    assert log.verify("--period", NEXT_PERIOD).code == 0


def test_a_deleted_index_while_capture_goes_on(rebuilt: Rebuilt) -> None:
    before = rebuilt.answers(EARLY)
    with rebuilt.capturing(AT + 100):
        assert rebuilt.log.server.ask("admin", "DELETE", f"/{rebuilt.concrete(INDEX)}").ok
        missed = rebuilt.captured + 6
        until(lambda: rebuilt.captured >= missed)
        code, said, complaints = rebuilt.run("reindex", "--period", PERIOD)
        assert (code, complaints) == (0, "")
        assert f"{INDEX}: {INDEX} filled" in said
    rebuilt.drain()
    assert rebuilt.concrete(INDEX) == INDEX
    assert_whole(rebuilt, before)


def assert_whole(rebuilt: Rebuilt, before: list[str]) -> None:
    assert rebuilt.log.server.ask("admin", "POST", f"/{INDEX}/_refresh").ok
    verified = rebuilt.log.verify("--period", PERIOD)
    assert (verified.code, verified.findings) == (0, []), verified.err
    assert verified.result["waiting"] == 0, "the rest was not looked at"
    assert verified.result["entries"] >= 2 * COMMITS * RECORDS + rebuilt.captured
    assert rebuilt.answers(EARLY) == before


def test_a_rebuild_that_was_killed_goes_on_and_keeps_others_out_meanwhile(rebuilt: Rebuilt) -> None:
    server = rebuilt.log.server
    before, old = rebuilt.answers(EARLY), rebuilt.concrete(INDEX)
    with rebuilt.command("reindex", "--period", PERIOD, "--lanes", "1") as process:
        until(lambda: len(server.ask("admin", "GET", f"/{INDEX}*").data) == 2)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    code, _, complaints = rebuilt.run("reindex", "--period", PERIOD)
    assert code == 3
    assert "another rebuild is at work" in complaints
    rebuilt.log.dynamodb.delete_item(TableName=rebuilt.log.runs, Key={"name": {"S": f"lease#{LEASE}"}})
    code, said, complaints = rebuilt.run("reindex", "--period", PERIOD, "--json")
    assert code == 0, complaints
    result = json.loads(said)
    assert result["replaced"] == old
    assert set(server.ask("admin", "GET", f"/{INDEX}*").data) == {result["target"]}
    assert_whole(rebuilt, before)


def test_damage_and_strangers_leave_the_index_as_it_is(rebuilt: Rebuilt) -> None:
    log = rebuilt.log
    before, old = rebuilt.answers(EARLY), rebuilt.concrete(INDEX)
    code, _, complaints = (Rebuilt(log, log.environment)).run("reindex", "--period", PERIOD)
    assert code == 3, "a reader rebuilds nothing"
    assert "tabletrail_rebuilder" in complaints
    item = log.segments()[3]
    name = item["segment_id"]["S"]
    broken = {**item, "sha256": {"S": "0" * 64}}
    log.dynamodb.put_item(TableName=log.tables.segments, Item=broken)
    code, _, complaints = rebuilt.run("reindex", "--period", PERIOD)
    assert code == 4
    assert f"segment {name} is damaged" in complaints
    assert "--force" in complaints
    assert rebuilt.concrete(INDEX) == old
    assert rebuilt.answers(EARLY) == before
    log.dynamodb.put_item(TableName=log.tables.segments, Item=item)
    assert rebuilt.run("reindex", "--period", PERIOD)[0] == 0
    assert rebuilt.answers(EARLY) == before
