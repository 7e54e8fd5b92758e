"""Is an index closed, merged, opened for what comes late, and deleted only where that was asked for, whatever dies?"""

from __future__ import annotations

import pytest

from tabletrail.closing import NOTE
from tabletrail.core.holds import ALL, Hold, Holds
from tabletrail.core.lifecycle import CLOSED, DAY, DELETION, KEPT, OPEN, REST_SECONDS
from tabletrail.core.rebuilds import Job
from tabletrail.errors import TransientError
from tests.fakes.faulty import Fault, Plan, Way
from tests.fakes.holds import TABLES, FakeHoldBook
from tests.faults.periods_world import DUE, NAME, NEXT, PeriodsWorld, deletion_world

LATE = Hold("late", ALL, "", "a lawsuit", "arn:aws:iam::123456789012:user/ann", 1)


def test_without_ism_it_is_blocked_and_merged_once() -> None:
    world = PeriodsWorld()
    assert world.run()["periods"][NAME]["stage"] == "open"  # as it was before the step
    assert world.is_blocked()
    world.minutes(3)
    assert world.stage() == "merged"
    assert world.cluster.indices[NAME].segments == 1
    world.minutes(30)
    assert world.cluster.writes() == [f"PUT /{NAME}/_block/write", f"POST /{NAME}/_forcemerge"]
    assert not world.is_blocked(NEXT)


def test_is_a_merge_that_takes_hours_begun_once_and_no_other_beside_it() -> None:
    world = PeriodsWorld()
    world.clock.sleep(60 * DAY)
    world.cluster.merges_slowly = True
    world.minutes(120)
    assert [one for one in world.cluster.writes() if "_forcemerge" in one] == [f"POST /{NAME}/_forcemerge"]
    world.cluster.indices[NAME].segments = 1
    world.minutes(120)
    merged = [f"POST /{NAME}/_forcemerge", f"POST /{NEXT}/_forcemerge"]
    assert [one for one in world.cluster.writes() if "_forcemerge" in one] == merged
    assert (world.stage(), world.stage(NEXT)) == ("merged", "closed")


def test_with_ism_it_goes_through_the_states_of_the_policies() -> None:
    world = PeriodsWorld(has_ism=True)
    world.clock.sleep(-2 * DAY)
    world.minutes(20)
    assert {world.cluster.jobs[name].policy_id for name in (NAME, NEXT)} == {OPEN}
    assert not world.is_blocked()
    world.clock.sleep(2 * DAY)
    world.minutes(1)
    assert world.cluster.jobs[NAME].policy_id == CLOSED
    world.minutes(60)
    assert world.is_blocked()
    assert world.cluster.indices[NAME].segments == 1
    assert (world.stage(), world.stage(NEXT)) == ("merged", "open")
    assert world.cluster.jobs[NAME].state == "closed"
    assert not any("_forcemerge" in one or "_block" in one for one in world.cluster.heard), "ISM does it"
    added = len(world.cluster.writes())
    world.minutes(60)
    assert len(world.cluster.writes()) == added


def test_is_one_index_moved_in_a_run() -> None:
    world = PeriodsWorld()
    world.clock.sleep(60 * DAY)
    world.run()
    assert [world.is_blocked(name) for name in (NAME, NEXT)] == [True, False]
    world.run()
    assert [world.is_blocked(name) for name in (NAME, NEXT)] == [True, True]


def test_is_it_left_open_while_something_waits() -> None:
    world = PeriodsWorld()
    world.waiting.names.add(NAME)
    world.minutes(10)
    assert not world.is_blocked()
    world.waiting.names.clear()
    world.waiting.more = 1000
    world.minutes(10)
    assert not world.is_blocked(), "what waits beyond the oldest 1,000 may be of this period"
    world.waiting.more = 0
    world.minutes(1)
    assert world.is_blocked()


@pytest.mark.parametrize("has_ism", [False, True])
def test_is_it_opened_for_what_comes_late_and_closed_again(has_ism: bool) -> None:
    world = PeriodsWorld(has_ism)
    world.minutes(60)
    assert world.stage() == "merged"
    world.waiting.names.add(NAME)
    world.minutes(15)
    assert not world.is_blocked()
    world.waiting.names.clear()
    world.cluster.indices[NAME].segments = 3
    world.minutes(40)
    assert not world.is_blocked(), "it rests open for an hour"
    world.minutes(REST_SECONDS // 60)
    assert world.is_blocked()
    assert world.stage() == "merged"


def test_is_a_rebuilt_index_closed_behind_its_name() -> None:
    world = PeriodsWorld()
    rebuilt, filling = NAME + "-r000002", NAME + "-r000003"
    index = world.cluster.indices.pop(NAME)
    index.aliases.add(NAME)
    world.cluster.indices[rebuilt] = index
    world.cluster.make(filling, DUE)
    world.minutes(5)
    assert world.cluster.indices[rebuilt].is_blocked
    assert not world.cluster.indices[filling].is_blocked, "a rebuild is filling it"
    assert world.notes.read(NOTE)["periods"][NAME] == {"index": rebuilt, "stage": "merged"}


def test_is_an_index_left_alone_that_a_rebuild_fills() -> None:
    world = PeriodsWorld()
    world.notes.write("reindex", Job("all", name=NAME, target=NAME).facts())
    world.minutes(5)
    assert not world.is_blocked()


def test_is_it_deleted_when_the_retention_has_passed() -> None:
    world = deletion_world()
    world.run()
    assert world.cluster.jobs[NAME].policy_id == CLOSED
    world.minutes(4)
    assert world.cluster.jobs[NAME].policy_id == DELETION
    assert world.stage() == "deleting"
    world.minutes(30)
    assert NAME not in world.cluster.indices
    assert NEXT in world.cluster.indices
    assert list(world.notes.read(NOTE)["deleted"]) == [NAME]


def test_does_deletion_take_two_turns_of_ism_at_least() -> None:
    """So a hold that is set after ReportRun looked has ten minutes, and a run each minute sees it."""
    world = deletion_world()
    world.clock.sleep(180)
    while NAME not in world.cluster.jobs or world.cluster.jobs[NAME].policy_id != DELETION:
        world.run()
    world.cluster.turn()
    world.cluster.turn()
    assert NAME in world.cluster.indices
    world.hold()
    world.run()
    for _ in range(5):
        world.cluster.turn()
        world.run()
    assert NAME in world.cluster.indices
    assert world.cluster.jobs[NAME].policy_id == KEPT


def test_is_a_held_period_kept_until_the_release() -> None:
    world = deletion_world()
    hold_id = world.hold(NAME)
    world.minutes(60)
    assert world.cluster.jobs[NAME].policy_id == CLOSED
    world.release(hold_id)
    world.minutes(40)
    assert NAME not in world.cluster.indices


def test_is_a_withdrawn_index_deleted_after_the_release() -> None:
    world = deletion_world()
    world.minutes(4)
    hold_id = world.hold()
    world.minutes(60)
    assert world.cluster.jobs[NAME].policy_id == KEPT
    assert world.notes.read(NOTE)["deleted"] == {}
    world.release(hold_id)
    world.minutes(40)
    assert NAME not in world.cluster.indices


def test_is_nothing_deleted_while_holds_cannot_be_read() -> None:
    world = deletion_world()
    world.minutes(4)
    assert world.cluster.jobs[NAME].policy_id == DELETION
    unreadable = Fault(Way.BEFORE, method="book.read", error=lambda: TransientError("no answer"), times=99)
    note = world.run(Plan([unreadable]))
    assert world.cluster.jobs[NAME].policy_id == KEPT
    assert "so nothing is deleted" in note["failures"][0]


class LateBook(FakeHoldBook):
    """Somebody sets a hold between the first and the second time that a run reads it."""

    reads = 0

    def read(self) -> Holds:
        self.reads += 1
        if self.reads == 2:
            self.copies = dict.fromkeys(TABLES, Holds().with_new(LATE))
        return super().read()


def test_is_a_hold_heeded_that_is_set_between_the_look_and_the_step() -> None:
    world = deletion_world()
    world.clock.sleep(180)
    for _ in range(10):
        if not world.book.copies:
            world.book = LateBook()
            world.run()
    assert world.book.copies, "holds are read again right before"
    assert world.cluster.jobs[NAME].policy_id == CLOSED
    world.minutes(40)
    assert NAME in world.cluster.indices


def test_is_nothing_deleted_without_a_retention_or_without_ism() -> None:
    for world in (PeriodsWorld(has_ism=True), PeriodsWorld(retention_days=1)):
        world.minutes(60)
        world.clock.sleep(1000 * DAY)
        world.minutes(60)
        assert set(world.cluster.indices) == {NAME, NEXT}
        assert not any("DELETE" in one or DELETION in one for one in world.cluster.heard)


def test_is_there_a_snapshot_before_the_end_where_a_repository_is_given() -> None:
    world = PeriodsWorld(has_ism=True, repository="vault")
    world.minutes(100)
    assert world.cluster.snapshots == [("vault", NAME)]
    assert world.stage() == "snapshotted"
    world.minutes(100)
    assert world.cluster.snapshots == [("vault", NAME)]


def test_can_ism_not_delete_as_an_index_owner_without_the_right() -> None:
    """The policy works with the rights of whoever added it: without a retention, the role for deletion is not given."""
    world = deletion_world()
    world.cluster.rights.discard("delete")
    note = world.minutes(120)
    assert NAME in world.cluster.indices
    assert any("no permissions for [delete]" in one for one in note["failures"])


def test_is_what_ism_failed_at_said_and_begun_anew() -> None:
    world = PeriodsWorld(has_ism=True)
    world.cluster.rights.discard("forcemerge")
    note = world.minutes(60)
    assert any(NAME in one and "forcemerge" in one for one in note["failures"])
    assert world.is_blocked()
    world.cluster.rights.add("forcemerge")
    world.clock.sleep(DAY)
    note = world.minutes(60)
    assert world.stage() == "merged"
    assert note["failures"] == []


def test_is_a_policy_of_somebody_else_left_and_said() -> None:
    world = PeriodsWorld(has_ism=True)
    world.cluster.policies["mine"] = (
        {"default_state": "hot", "states": [{"name": "hot", "actions": [], "transitions": []}]},
        0,
    )
    world.cluster.answer("POST", f"/_plugins/_ism/add/{NAME}", {"policy_id": "mine"})
    note = world.minutes(30)
    assert world.cluster.jobs[NAME].policy_id == "mine"
    assert any("mine" in one for one in note["failures"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("no policies", "Deploy again, to install the policies"),
        ("unmanageable", "may not manage"),
    ],
)
def test_does_trouble_with_ism_say_what_to_do(change: str, said: str) -> None:
    world = PeriodsWorld(has_ism=True)
    if change == "no policies":
        world.cluster.policies.clear()
    else:
        world.cluster.unmanageable |= {NAME, NEXT}
    note = world.minutes(3)
    said = said if change == "no policies" else "OpenSearch refused taking the policy off"
    assert any(said in one for one in note["failures"]), note["failures"]
    assert world.leases.held == {}


def test_does_a_domain_without_ism_count_as_one_without() -> None:
    world = PeriodsWorld(has_ism=True)
    world.cluster.offers = "domain"
    note = world.minutes(3)
    assert note["has_ism"] is False
    assert world.is_blocked()


def test_does_a_quiet_minute_cost_no_write_of_the_note() -> None:
    world = PeriodsWorld()
    world.minutes(5)
    plan = Plan()
    world.run(plan)
    assert plan.count("notes.write") == 0
    assert plan.count("periods.look") == 1
