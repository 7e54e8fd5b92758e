"""Is a log that nobody harmed found whole: with all that it may hold, while it grows, and after a kill?"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tabletrail_verify import index_walk, log_walk
from tabletrail_verify.cut import Question
from tabletrail_verify.state import BusyError, State
from tabletrail_verify.verification import NOTHING_ASKED, Wish
from tests.faults.world import SETTINGS
from tests.verify.checked_world import Checked, eventful_world

EVERYTHING = Wish(stream=True, all_schemas=True, orphans=True)


@pytest.fixture
def checked(tmp_path: Path) -> Checked:
    return Checked(eventful_world(), tmp_path, EVERYTHING)


def test_a_log_with_everything_in_it_is_clean(checked: Checked) -> None:
    world = checked.world
    kinds = world.kinds()
    assert {"change", "unreadable", "gap", "coverage"} == set(kinds)
    documents = world.index.documents().values()
    assert {"parked", "change"} <= {one["tabletrail"]["kind"] for one in documents}
    assert any("supersedes" in one["tabletrail"] for one in documents)
    result, findings = checked.run()
    assert findings == []
    assert result.is_clean
    assert result.entries == sum(kinds.values())
    assert result.waiting > 0, "a segment that is not indexed yet belongs to this world"
    assert result.segments == len(world.rows.segments)
    assert result.notes == []


def test_only_what_is_asked_for_is_read(checked: Checked) -> None:
    whole = checked.run()[0].entries
    parts = [Question(table="items"), Question(index="tabletrail-v1-2026.12")]
    parts += [Question(until=1_800_000_100), Question(since=1_800_000_100, until=1_800_000_300)]
    for question in parts:
        checked.wish = Wish(question)
        result, findings = checked.run()
        assert findings == []
        assert 0 < result.entries < whole


@pytest.mark.parametrize(
    "question", [Question(table="itmes"), Question(index="tabletrail-v1-2062.12"), Question(since=9**11)]
)
def test_a_question_that_no_entry_fits_is_said_to_have_checked_nothing(checked: Checked, question: Question) -> None:
    checked.wish = Wish(question)
    result, findings = checked.run()
    assert (findings, result.entries, result.notes) == ([], 0, [NOTHING_ASKED])


def test_an_object_without_a_row_is_no_damage(checked: Checked) -> None:
    checked.world.store.put("segments/v1/2027/01/15/nobody.ndjson.gz", b"staged and never committed")
    result, findings = checked.run()
    assert (result.orphans, findings) == (1, [])


def test_a_log_that_grows_meanwhile_is_clean(checked: Checked) -> None:
    """Commits fall between the pages of each scan, and between the walks over log, index and stream; some of a shard
    that no one knew when the checkpoints were read first."""
    world = checked.world
    (items,) = [arn for arn in world.rows.streams if "table/items/" in arn]
    moves: list[str] = []

    def move_on(where: str, *_: Any) -> None:
        if len(moves) < 60:
            if where == SETTINGS.segments_table and where not in moves:
                world.stream.split(items, "shard-0", "young")
            moves.append(where)
            world.write(items, "young" if SETTINGS.segments_table in moves else "shard-0", 3)
            world.run()

    before = len(world.rows.segments)
    checked.tables.page = 3
    checked.tables.between_pages = move_on
    inner = checked.search.__call__
    verification_search = _moving(inner, move_on)
    state = State(checked.directory)
    verification = checked.verification(state)
    verification.clients = type(verification.clients)(
        checked.tables, checked.objects, checked.streams, verification_search
    )
    result = verification.run()
    assert list(verification.findings(100)) == []
    assert result.is_clean
    assert len(world.rows.segments) > before + 10, "the world did not move on"
    assert {SETTINGS.shards_table, SETTINGS.segments_table, "search"} <= set(moves)
    state.close(finished=True)


def test_a_predecessor_that_a_scan_missed_is_looked_for_again(checked: Checked) -> None:
    """A scan is no snapshot: its first page is older than its last, so a later segment shows without the one before."""
    world = checked.world
    (items,) = [arn for arn in world.rows.streams if "table/items/" in arn]
    seen = set(world.rows.segments)

    def two_commits(table: str, page: int) -> None:
        if table == SETTINGS.segments_table and page == 1:
            for _ in range(2):
                world.write(items, "shard-0", 1)
                world.run()
            first, _ = [one for one in world.rows.segments if one not in seen]
            checked.tables.missed = {first}  # it lies among the pages that are over

    checked.tables.between_pages = two_commits
    assert checked.findings() == []
    assert checked.tables.scans.count(SETTINGS.segments_table) > 2 * (len(seen) // checked.tables.page), (
        "no second scan"
    )


@pytest.mark.parametrize("place", ["segments", "documents"])
def test_a_killed_verification_goes_on_where_it_was(
    checked: Checked, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_walk, "STEP_SECONDS", 0.0)
    monkeypatch.setattr(index_walk, "CHUNK_ENTRIES", 10)
    damaged = next(row for row in world_rows(checked) if row.entries > 2)
    checked.rewrite(damaged, lambda lines: lines[1]["entry"].update(message="altered"))
    child = os.fork()
    if child == 0:
        steps = []

        def die(what: str, *_: int) -> None:
            steps.append(what)
            if steps.count(place) == 3:
                os.kill(os.getpid(), signal.SIGKILL)

        verification = checked.verification(State(checked.directory))
        verification.progress = die
        verification.run()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "it was not killed in the middle"
    state = State(checked.directory)
    assert state.is_resumed
    verification = checked.verification(state)
    result = verification.run()
    resumed = list(verification.findings(100))
    state.close(finished=True)
    reads = len(checked.objects.reads)
    assert reads < len(checked.world.rows.segments), "it began from the beginning"
    again, findings = checked.run()
    assert sorted(resumed, key=str) == sorted(findings, key=str)
    assert {finding.code for finding in findings} == {"object-altered", "entry-hash"}
    assert (result.entries, result.counts) == (again.entries, again.counts)


@pytest.mark.parametrize(("hours", "is_resumed"), [(23, True), (25, False)])
def test_what_was_left_alone_for_a_day_is_begun_anew(checked: Checked, hours: int, is_resumed: bool) -> None:
    """A run each day after one that was killed must not answer for the day of that one."""
    state = State(checked.directory)
    first = checked.verification(state).run()
    state.close(finished=False)
    then = time.time() - hours * 3600
    for path in checked.directory.iterdir():
        os.utime(path, (then, then))
    checked.world.clock.advance(hours * 3600)
    again = State(checked.directory)
    assert again.is_resumed == is_resumed
    second = checked.verification(again).run()
    assert (second.begun_at == first.begun_at) == is_resumed
    again.close(finished=True)


def test_two_verifications_do_not_share_a_directory(checked: Checked) -> None:
    state = State(checked.directory)
    with pytest.raises(BusyError):
        State(checked.directory)
    state.close(finished=True)


def world_rows(checked: Checked) -> list[Any]:
    return list(checked.world.rows.segments.values())


def _moving(ask: Any, move_on: Any) -> Any:
    def asked(*request: Any) -> Any:
        move_on("search")
        return ask(*request)

    return asked
