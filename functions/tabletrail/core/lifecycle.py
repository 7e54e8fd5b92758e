"""What becomes of a period's index: open, closed, merged, and deleted only where that was asked for.

Rules
- An index is closed 7 days after its period's end, when nothing waits for it. If something waits for it later, it is
  opened again, and closed when that is through.
- It is deleted only under a retention, counted from its period's end, when it is closed and no hold covers it. Where it
  is not known what is held, everything is.
- Deletion is never begun here but by giving the index a policy of ISM (index state management), which acts some minutes
  later. The policy is taken off again as soon as one of these conditions ends.
- An index that a person put under another policy is left alone.
- What is decided follows from what is there, not from what was done: a call that was lost is decided again.

Pure. Called by `tabletrail.closing`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from tabletrail.core.holds import Holds
from tabletrail.core.periods import span_of

DAY = 86_400
CLOSE_AFTER_SECONDS = 7 * DAY
"""After a period's end. Streams keep 24 hours, so nothing comes later but what OpenSearch refused, or a recovery."""
SETTLE_SECONDS = DAY
"""An index is left open for so long after it was made: it may have been made for entries of long ago."""
REST_SECONDS = 3600
"""An index that was opened again stays so for this long: each closing merges it anew."""
MERGE_SECONDS = 6 * 3600
"""A merge that has not ended after this long is begun again, and others are."""
RETRY_SECONDS = DAY
"""ISM's work that failed is begun anew this often."""

OPEN, CLOSED, KEPT, DELETION = (f"tabletrail-{stage}-v1" for stage in ("open", "closed", "kept", "deletion"))
"""The policies, by the stage of a period that each stands for (mappings/ism/)."""
POLICIES = (OPEN, CLOSED, KEPT, DELETION)
CLOSED_STATE = "closed"
"""The state of CLOSED in which all of its work is done."""


class Move(StrEnum):
    WITHDRAW = "withdraw"
    """Off the policy of deletion, at once."""
    OPEN = "open"
    CLOSE = "close"
    MERGE = "merge"
    DELETE = "delete"
    """Under the policy of deletion."""


@dataclass(frozen=True, slots=True)
class Managed:
    """What ISM says of an index that it manages. `failure` is its message, empty if nothing failed."""

    policy: str
    state: str = ""
    failure: str = ""


@dataclass(frozen=True, slots=True)
class PeriodIndex:
    """The concrete index that stands for a period's name. Times in seconds since the epoch."""

    name: str
    index: str
    made_at: int
    is_blocked: bool = False
    """It takes no entries: `index.blocks.write`."""
    is_merged: bool = False
    managed: Managed | None = None
    """None where ISM is missing or does not manage it."""


@dataclass(frozen=True, slots=True)
class Situation:
    """All else that decides. `waiting` are the names that committed segments wait for.

    `opened_at`, `merging_since`, `moved_at` are what earlier runs remember, by name.
    """

    now: int
    has_ism: bool
    waiting: frozenset[str] = frozenset()
    knows_waiting: bool = True
    """False where more waits than could be looked at."""
    holds: Holds | None = None
    """None where they could not be read: then everything is held."""
    retention_seconds: int = 0
    """0: nothing is ever deleted."""
    rebuilding: str = ""
    """The name that `tabletrail reindex` is at work on."""
    opened_at: Mapping[str, int] = field(default_factory=dict)
    merging_since: Mapping[str, int] = field(default_factory=dict)
    moved_at: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do with one index. `policy` is the one that it gets, where ISM does the work."""

    move: Move
    name: str
    index: str
    policy: str = ""


def steps(indices: Sequence[PeriodIndex], situation: Situation) -> list[Step]:
    """All that may not wait (withdrawals), and one more at most: of the index that was longest left alone, so that one
    in trouble holds up no other."""
    found = [step for one in indices if (step := step_of(one, situation))]
    withdrawals = [step for step in found if step.move is Move.WITHDRAW]
    is_merging = any(situation.now - since < MERGE_SECONDS for since in situation.merging_since.values())
    others = [step for step in found if step.move is not Move.WITHDRAW and not (step.move is Move.MERGE and is_merging)]
    order = list(Move)
    others.sort(key=lambda step: (situation.moved_at.get(step.name, 0), order.index(step.move), step.name))
    return withdrawals + others[:1]


def step_of(one: PeriodIndex, situation: Situation) -> Step | None:
    """What is to be done with this index now, whatever is done with others."""
    if span_of(one.name) is None or foreign_policy(one):
        return None
    if is_in_deletion(one):
        return None if may_delete(one, situation) else Step(Move.WITHDRAW, one.name, one.index, KEPT)
    if situation.rebuilding == one.name:
        return None
    if not may_close(one, situation):
        return _opening(one, situation)
    step = _closing_by_ism(one, situation) if situation.has_ism else _closing(one, situation)
    if step is None and may_delete(one, situation):
        return Step(Move.DELETE, one.name, one.index, DELETION)
    return step


def due_at(one: PeriodIndex, opened_at: int = 0) -> int | None:
    """From when on it may be closed if nothing waits for it; None for an index of no period."""
    span = span_of(one.name)
    if span is None:
        return None
    return max(span[1] + CLOSE_AFTER_SECONDS, one.made_at + SETTLE_SECONDS, opened_at + REST_SECONDS)


def may_close(one: PeriodIndex, situation: Situation) -> bool:
    due = due_at(one, situation.opened_at.get(one.name, 0))
    if due is None or situation.now < due:
        return False
    # What waits beyond the oldest ones may be of any period: an index that is closed already stays so.
    return one.name not in situation.waiting and (situation.knows_waiting or is_shut(one))


def may_delete(one: PeriodIndex, situation: Situation) -> bool:
    """Whether it may be, or stay, under the policy of deletion."""
    return (
        situation.has_ism
        and situation.knows_waiting
        and is_past_retention(one.name, situation)
        and may_close(one, situation)
        and (is_done(one) or is_in_deletion(one))
        and situation.rebuilding != one.name
        and situation.holds is not None
        and not situation.holds.covering(one.name)
    )


def is_past_retention(name: str, situation: Situation) -> bool:
    span = span_of(name)
    seconds = situation.retention_seconds
    return span is not None and seconds > 0 and situation.now >= span[1] + max(seconds, CLOSE_AFTER_SECONDS)


def is_shut(one: PeriodIndex) -> bool:
    """It takes no entries, or soon will not."""
    return one.is_blocked or (one.managed is not None and one.managed.policy in (CLOSED, KEPT, DELETION))


def is_in_deletion(one: PeriodIndex) -> bool:
    return one.managed is not None and one.managed.policy == DELETION


def is_done(one: PeriodIndex) -> bool:
    """ISM has closed and merged it, and made its snapshot where that was asked for."""
    managed = one.managed
    if managed is None or not one.is_blocked:
        return False
    return managed.policy == KEPT or (managed.policy == CLOSED and managed.state == CLOSED_STATE)


def _opening(one: PeriodIndex, situation: Situation) -> Step | None:
    """An index that is not to be closed now: opened if something waits for it, else only put under its policy.

    One that was blocked before its time was blocked by a person, who has to lift that.
    """
    policy = one.managed.policy if one.managed else ""
    if one.name in situation.waiting and is_shut(one) and is_past_closing(one.name, situation.now):
        is_to_do = policy != OPEN or _is_retry_due(one, situation)
        return Step(Move.OPEN, one.name, one.index, OPEN if situation.has_ism else "") if is_to_do else None
    is_unmarked = situation.has_ism and not policy and not one.is_blocked
    return Step(Move.OPEN, one.name, one.index, OPEN) if is_unmarked else None


def _closing_by_ism(one: PeriodIndex, situation: Situation) -> Step | None:
    if is_done(one):
        return None
    is_at_work = one.managed is not None and one.managed.policy == CLOSED
    if is_at_work and not _is_retry_due(one, situation):
        return None
    return Step(Move.CLOSE, one.name, one.index, CLOSED)


def _closing(one: PeriodIndex, situation: Situation) -> Step | None:
    if not one.is_blocked:
        return Step(Move.CLOSE, one.name, one.index)
    is_due = not one.is_merged and _is_merge_due(one, situation)
    return Step(Move.MERGE, one.name, one.index) if is_due else None


def is_past_closing(name: str, now: int) -> bool:
    span = span_of(name)
    return span is not None and now >= span[1] + CLOSE_AFTER_SECONDS


def _is_retry_due(one: PeriodIndex, situation: Situation) -> bool:
    is_old = situation.now - situation.moved_at.get(one.name, 0) >= RETRY_SECONDS
    return one.managed is not None and bool(one.managed.failure) and is_old


def _is_merge_due(one: PeriodIndex, situation: Situation) -> bool:
    return situation.now - situation.merging_since.get(one.name, 0) >= MERGE_SECONDS


def foreign_policy(one: PeriodIndex) -> str:
    """The policy of somebody else's that the index is under; empty if there is none."""
    policy = one.managed.policy if one.managed else ""
    return "" if policy in ("", *POLICIES) else policy


def stage_of(one: PeriodIndex, has_snapshot: bool) -> str:
    """One word for a person: open, closing, closed, merged, snapshotted, deleting."""
    managed = one.managed
    if is_in_deletion(one):
        return "deleting"
    if is_done(one):
        return "snapshotted" if has_snapshot else "merged"
    if managed and managed.policy == CLOSED:
        return "closed" if one.is_blocked else "closing"
    if not one.is_blocked:
        return "open"
    return "merged" if one.is_merged else "closed"
