"""Do the fakes' faults strike where they are told to, in the way they are told to?"""

from __future__ import annotations

import pytest

from tabletrail.core.checkpoint import Commit, Committed
from tabletrail.errors import CommitUnknownError, ThrottledError, TransientError
from tests.fakes.checkpoints import FakeCheckpoints, Rows
from tests.fakes.clock import FakeClock
from tests.fakes.faulty import Crash, Fault, Plan, Way, throttle
from tests.fakes.runs import FakeLeases, FakeMetrics
from tests.fakes.segments import FakeSegmentStore
from tests.ports.checkpoint_rows import segment


def test_before_means_that_nothing_happened_and_after_that_it_did() -> None:
    plan = Plan([Fault(Way.BEFORE, number=0), Fault(Way.AFTER, number=1)])
    durable = FakeSegmentStore()
    store = plan.wrap(durable, "store")
    with pytest.raises(TransientError):
        store.put("a", b"")
    assert durable.objects == {}
    with pytest.raises(TransientError):
        store.put("a", b"")
    assert list(durable.objects) == ["a"]


def test_calls_are_numbered_over_all_ports() -> None:
    plan = Plan([Fault(Way.BEFORE, number=2)])
    store, leases = plan.wrap(FakeSegmentStore(), "store"), plan.wrap(FakeLeases(), "leases")
    store.put("a", b"")
    leases.acquire("run", "me", 1, 0)
    with pytest.raises(TransientError):
        store.put("b", b"")
    assert plan.calls == ["store.put", "leases.acquire", "store.put"]
    assert plan.count("store.put") == plan.count("put") == 2
    assert [number for number, _ in plan.struck] == [2]


def test_a_method_is_struck_on_its_nth_call_only() -> None:
    plan = Plan([Fault(Way.BEFORE, method="put", nth=1)])
    store = plan.wrap(FakeSegmentStore(), "store")
    store.put("a", b"")
    with pytest.raises(TransientError):
        store.put("b", b"")
    store.put("b", b"")


def test_throttling_passes() -> None:
    plan = Plan()
    plan.add(throttle("leases.acquire", times=2))
    leases = plan.wrap(FakeLeases(), "leases")
    for _ in range(2):
        with pytest.raises(ThrottledError):
            leases.acquire("run", "me", 1, 0)
    assert leases.acquire("run", "me", 1, 0)


def test_a_commits_lost_reply_is_unknown_and_its_repeat_changes_nothing() -> None:
    rows = Rows()
    checkpoints = Plan([Fault(Way.AFTER, method="commit")]).wrap(FakeCheckpoints(rows, FakeClock()), "checkpoints")
    with pytest.raises(CommitUnknownError):
        checkpoints.commit(Commit("t1", segment()))
    assert checkpoints.commit(Commit("t1", segment())) == Committed()
    assert len(rows.commits) == 1


def test_a_crash_is_no_error_that_a_handler_could_catch() -> None:
    leases = Plan([Fault(Way.AFTER, number=0, error=Crash)]).wrap(FakeLeases(), "leases")
    assert not issubclass(Crash, Exception)
    with pytest.raises(Crash):
        leases.acquire("run", "me", 1, 0)


def test_what_is_no_method_passes_through() -> None:
    metrics = FakeMetrics()
    wrapped = Plan().wrap(metrics, "metrics")
    wrapped.emit({"Entries": 1})
    assert wrapped.emitted is metrics.emitted
