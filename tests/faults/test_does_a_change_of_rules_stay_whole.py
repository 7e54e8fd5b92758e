"""Rules are published, streams move to them, records become entries under them.

What must hold: each entry says under which rules it was made, a shard never goes back to earlier ones, each change is
one coverage entry for each stream, and no value that was declared sensitive stands in an entry under those rules.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tabletrail import rules_change
from tabletrail.capture import CaptureTask
from tabletrail.core.canonical import canonical
from tabletrail.core.checkpoint import NO_RULES, StreamState
from tabletrail.deadline import Deadline
from tabletrail.errors import InstallError
from tests.fakes.rules import KEY
from tests.faults.restoring import NOTHING, RestoredWorld, moment, recovered, restore
from tests.faults.ruled import (
    BAD,
    FIRST,
    SECRET,
    TOKENS,
    V1,
    V2,
    assert_under_rules,
    changes,
    coverage,
    told,
    write,
)
from tests.faults.world import SETTINGS, World


def test_is_a_change_of_rules_a_coverage_entry_and_in_force_from_then_on() -> None:
    world = World()
    arn = world.add_table("orders")
    write(world, arn, 2)
    world.run()
    world.publish(FIRST)
    write(world, arn, 2)
    world.run()
    world.assert_complete()
    assert [entry["tabletrail"]["rules_version"] for entry in changes(world)] == [NO_RULES, NO_RULES, V1, V1]
    _, changed = coverage(world, arn)
    assert changed["event"]["action"] == "rules_changed"
    assert changed["tabletrail"]["coverage"]["detail"] == f"{NO_RULES} -> {V1[:12]}"
    assert changed["tabletrail"]["rules_version"] == V1
    assert_under_rules(world)
    world.run()
    assert len(coverage(world, arn)) == 2, "once"


def test_does_a_stream_join_under_the_published_rules() -> None:
    world = World()
    world.publish(FIRST)
    arn = world.add_table("orders")
    write(world, arn, 1)
    world.run()
    (joined,) = coverage(world, arn)
    assert joined["event"]["action"] == "joined"
    assert joined["tabletrail"]["rules_version"] == V1
    assert_under_rules(world)


def test_is_a_sensitive_value_a_token_everywhere_but_in_the_images() -> None:
    world = World()
    arn = world.add_table("orders")
    world.publish(FIRST, SECRET)
    write(world, arn, 2)
    world.run()
    world.assert_complete()
    assert_under_rules(world)
    first = changes(world)[0]
    assert first["item"]["id"] == TOKENS("S", "planted-key-shard-0-0")
    assert first["after"]["email"] == TOKENS("S", "planted-new-0@example.com")
    assert "planted" not in json.dumps(list(world.index.documents().values()))
    assert b"planted-new-0@example.com" in b"".join(world.images())
    assert world.token_key.reads == 1, "once in a process"


def test_is_the_key_not_asked_for_where_nothing_is_sensitive() -> None:
    world = World()
    world.publish(FIRST)
    arn = world.add_table("orders")
    write(world, arn, 1)
    world.run()
    assert world.token_key.reads == 0


def test_are_bad_rules_refused_with_place_and_reason_and_does_capture_go_on() -> None:
    world = World()
    world.publish(FIRST)
    arn = world.add_table("orders")
    world.run()
    before = dict(world.notes.notes), dict(world.rules.texts)
    with pytest.raises(
        InstallError, match=r"10-rules\.json, line \d+, rule email-changed, severity: must be"
    ) as raised:
        world.publish(BAD, SECRET)
    assert "those before stay in force" in str(raised.value)
    assert (dict(world.notes.notes), dict(world.rules.texts)) == before
    write(world, arn, 2)
    world.run()
    world.assert_complete()
    assert {entry["tabletrail"]["rules_version"] for entry in changes(world)} == {V1}


@pytest.mark.parametrize(
    "text", [None, b"forged", canonical({"schema": 9}), canonical({"rules": [], "schema": 1, "sensitive": []})]
)
def test_does_no_stream_move_to_rules_that_cannot_be_read(text: bytes | None) -> None:
    world = World()
    world.publish(FIRST)
    arn = world.add_table("orders")
    world.run()
    world.publish(FIRST, SECRET)
    kept = world.rules.texts.pop(V2)
    if text is not None:
        world.rules.texts[V2] = text
    write(world, arn, 2)
    world.run()
    world.assert_complete()
    assert {entry["tabletrail"]["rules_version"] for entry in changes(world)} == {V1}
    assert "the rules stay as they were" in told(world)[0]
    world.rules.texts[V2] = kept
    write(world, arn, 1)
    world.run()
    assert changes(world)[-1]["tabletrail"]["rules_version"] == V2
    assert_under_rules(world)


def hide_rules(world: World) -> Any:
    text = world.rules.texts.pop(V2)
    return lambda: world.rules.texts.update({V2: text})


def hide_key(world: World) -> Any:
    world.token_key.key = None
    return lambda: setattr(world.token_key, "key", KEY)


@pytest.mark.parametrize("hide", [hide_rules, hide_key])
def test_is_nothing_read_while_its_rules_or_their_key_are_away(hide: Any) -> None:
    world = World(replace(SETTINGS, group_shards=2))
    world.publish(FIRST, SECRET)
    arn = world.add_table("orders")
    world.run()
    other = world.add_table("payments")
    world.run()
    world.rows.streams[other] = replace(world.rows.streams[other], rules_version=V1)
    world.publish(FIRST)
    world.notes.write("rules", {})  # so that nobody is moved
    put_back = hide(world)
    write(world, arn, 3)
    write(world, other, 2)
    shard = next(row for row in world.rows.shards.values() if row.stream_arn == arn)
    results = world.run()
    assert [failure for result in results for failure in result.failures] == ["rules: RulesError"]
    assert [row for row in world.rows.shards.values() if row.stream_arn == arn] == [shard], "its place is untouched"
    assert [entry["table"]["name"] for entry in changes(world)] == ["payments", "payments"]
    put_back()
    world.run()
    world.assert_complete()
    assert "planted" not in json.dumps([one for one in changes(world) if one["table"]["name"] == "orders"])


def test_are_many_streams_moved_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules_change, "STREAMS", 2)
    world = World()
    arns = [world.add_table(f"table-{number}") for number in range(5)]
    world.run()
    world.publish(FIRST)
    moved = []
    for _ in range(4):
        world.run()
        moved.append(sum(row.rules_version == V1 for row in world.rows.streams.values()))
    assert moved == [2, 4, 5, 5]
    assert [len(coverage(world, arn)) for arn in arns] == [2] * 5
    assert_under_rules(world)


def test_do_two_plans_at_once_move_a_stream_once() -> None:
    world = World()
    arn = world.add_table("orders")
    world.run()
    world.publish(FIRST)
    one, other = world.planner("one"), world.planner("other")
    rows = world.checkpoints().streams()
    coverages = [replace(plan.membership.coverage, run_id=f"run-{n}") for n, plan in enumerate((one, other))]
    deadline = one_minute(world)
    for plan, cover in zip((one, other), coverages, strict=True):
        plan.rules.look(rows)
        plan.rules.move(rows, cover, deadline)
    assert [entry["event"]["action"] for entry in coverage(world, arn)] == ["joined", "rules_changed"]
    assert_under_rules(world)


def one_minute(world: World) -> Deadline:
    return Deadline.after(world.clock, 60)


def test_does_a_call_that_began_before_the_change_say_so_in_each_entry() -> None:
    """The one thing that a cheap commit leaves open: the coverage entry comes first, old entries may follow it."""
    world = World()
    arn = world.add_table("orders")
    world.publish(FIRST)
    world.run()
    write(world, arn, 2)
    capture = world.capture()
    streams = {row.stream_arn: row for row in world.checkpoints().streams()}
    rows = capture._due("g0000", streams)
    reads = capture._read(rows, one_minute(world))
    world.publish(FIRST, SECRET)
    world.planner("next").run("next")
    world.leases.held.clear()
    capture._commit_all(CaptureTask("late", "g0000", 2**40), capture.parts.make(reads, streams))
    world.run()
    world.run()
    assert [entry["tabletrail"]["rules_version"] for entry in changes(world)] == [V1, V1]
    actions = [one["event"]["action"] for one in world.lines()]
    assert actions.index("rules_changed") < actions.index("modify")
    write(world, arn, 1)
    world.run()
    world.run()
    assert changes(world)[-1]["tabletrail"]["rules_version"] == V2
    world.assert_complete()
    assert_under_rules(world)


def test_does_a_lost_note_leave_all_as_it_is() -> None:
    world = World()
    world.publish(FIRST, SECRET)
    arn = world.add_table("orders")
    world.run()
    del world.notes.notes["rules"]
    other = world.add_table("payments")
    write(world, arn, 1)
    write(world, other, 1)
    world.run()
    assert {row.rules_version for row in world.rows.streams.values()} == {V2}
    assert "planted" not in json.dumps(changes(world))


@pytest.mark.parametrize("tables", [("streams",), ("streams", "runs"), ("streams", "streams_shards", "runs")])
def test_do_rebuilt_rows_stay_under_their_rules(tables: tuple[str, ...]) -> None:
    world = RestoredWorld()
    arn = world.add_table("orders")
    world.run()
    kept = moment(world)
    world.publish(FIRST, SECRET)
    write(world, arn, 1)
    world.run()
    for contents in (NOTHING, kept):
        restore(world, tables, contents)
        recovered(world)
        assert world.rows.streams[arn].rules_version == V2, "twice: the entry of a recovery says it too"
        write(world, arn, 1)
        world.settle()
        assert changes(world)[-1]["tabletrail"]["rules_version"] == V2
        assert "planted" not in json.dumps(changes(world))


def test_is_a_stream_that_is_read_to_its_end_moved_too() -> None:
    world = RestoredWorld()
    world.publish(FIRST)
    arn = world.add_table("orders")
    world.run()
    world.tables.set_tag(world.rows_table(arn), False)
    world.run()
    world.publish(FIRST, SECRET)
    write(world, arn, 2)
    world.run()
    assert [one["event"]["action"] for one in coverage(world, arn)] == ["joined", "left", "rules_changed"]
    restore(world, ("streams",), NOTHING)
    recovered(world)
    assert world.rows.streams[arn].state is StreamState.ENDING, "it has not come back by that"
    write(world, arn, 1)
    world.settle()
    assert {one["tabletrail"]["rules_version"] for one in changes(world)} == {V2}
    assert "planted" not in json.dumps(changes(world))
