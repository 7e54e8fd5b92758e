"""The end of a period's index: closed and merged in time, opened for what comes late, deleted only where asked for.

Rules
- What is to be done is decided by `core.lifecycle`, from what the cluster shows, what waits and what is held. A step
  whose reply was lost, or before which the process died, is decided again.
- One index is moved in a run. Only what must not be deleted any more is taken back at once, however much it is.
- Where ISM (index state management) is, it does the work, under policies that this gives to an index and takes from it.
  Where it is missing, the index is blocked and merged from here; deletion is not done then.
- Holds are read right before an index is given to deletion. ISM deletes ten minutes later at the earliest: a hold that
  is set meanwhile takes the index back in the next run.
- Trouble is a sentence in the note `lifecycle`, and never the run's.

Called by `tabletrail.report`, after the run's lease is free: a merge that hangs delays no run.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Protocol

from tabletrail.core.holds import Holds
from tabletrail.core.lifecycle import (
    DAY,
    Move,
    PeriodIndex,
    Situation,
    Step,
    foreign_policy,
    is_in_deletion,
    is_shut,
    stage_of,
    steps,
)
from tabletrail.core.rebuilds import Job
from tabletrail.deadline import Deadline
from tabletrail.errors import TabletrailError
from tabletrail.holding import HoldBook
from tabletrail.ports import Clock, Leases, RunNotes, Segments
from tabletrail.settings import Settings

NOTE = "lifecycle"
"""{has_ism, retention_days, periods: {name: {index, stage}}, deleting, deleted, failures, trouble, holds, ...}: for
`status` and the next run. `holds` is the number of the last change that was seen, -1 if none could be read; the rest is
what `core.lifecycle` remembers, by name.
"""
LEASE = "closing"
LEASE_SECONDS = 60
CALL_SECONDS = 12
"""Within which steps are begun: ReportRun has 60 s, and what OpenSearch takes to answer is its own affair."""
REST_SECONDS = 240
"""A period ends once a month, and each look costs a lease and some queries. While an index is being merged or deleted,
or something failed, each run looks."""
REBUILD_NOTE = "reindex"
MOST_WAITING = 1000
"""Of so many waiting segments the index names are known (`Segments.waiting_indices`)."""
MOST_DELETED = 500
"""Deleted periods that the note remembers, the latest ones."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """Our indices as they are: one for each name that entries may have."""

    indices: tuple[PeriodIndex, ...]
    has_ism: bool


class PeriodIndices(Protocol):
    """The indices' state, under the index owner's role. Durable on return; each call may be repeated.

    TransientError where it may help to try again, ClosingError where a person has to do something.
    """

    def look(self) -> Shelf: ...

    def block(self, index: str) -> None:
        """It takes no entries from now on, and has finished with those that it was taking."""

    def unblock(self, index: str) -> None:
        """It takes entries again."""

    def merge(self, index: str) -> None:
        """Begins to merge each of its shards into one segment, and returns at once."""

    def put_under(self, index: str, policy: str) -> None:
        """Gives it this policy of ISM, from its first state on, instead of the one that it has."""


@dataclass(slots=True)
class Closing:
    """One run's work. Make a new one for each call."""

    periods: PeriodIndices
    book: HoldBook
    segments: Segments
    leases: Leases
    notes: RunNotes
    clock: Clock
    settings: Settings
    _before: dict[str, Any] = field(default_factory=dict)
    _note: dict[str, Any] = field(default_factory=dict)

    def run(self, run_id: str, *, is_urgent: bool = True, holds: int = -1) -> None:
        """Never raises a TabletrailError: what keeps it from its work stands in the note, if that can be written.

        `is_urgent`: segments wait. Otherwise it looks once in `REST_SECONDS`, unless something is under way or `holds`,
        the number of the book of holds, is not the one that the last look saw.
        """
        deadline = Deadline.after(self.clock, CALL_SECONDS)
        try:
            if not is_urgent and _may_rest(self.notes.read(NOTE), holds, int(self.clock.now())):
                return
            if not self.leases.acquire(LEASE, run_id, LEASE_SECONDS, int(self.clock.now())):
                return
            try:
                self._run(deadline)
            finally:
                self.leases.release(LEASE, run_id)
        except TabletrailError:
            return

    def _run(self, deadline: Deadline) -> None:
        self._before = self.notes.read(NOTE)
        self._note = {**deepcopy(self._before), "failures": [], "trouble": ""}
        try:
            self._advance(deadline)
        except TabletrailError as error:
            self._note["trouble"] = str(error)
        self._save()

    def _advance(self, deadline: Deadline) -> None:
        shelf, now = self.periods.look(), int(self.clock.now())
        by_name = {one.name: one for one in shelf.indices}
        self._forget(by_name, now)
        if now - int(self._note.get("looked_at", 0)) >= REST_SECONDS:
            self._note["looked_at"] = now
        situation = self._situation(shelf, now)
        for one in shelf.indices:
            self._tell_failure(one)
        for step in steps(shelf.indices, situation):
            if deadline.passed():
                break
            try:
                self._do(step, by_name[step.name], now)
            except TabletrailError as error:
                self._note["failures"].append(f"{step.name}: could not {step.move} it: {error}")
        self._note["has_ism"], self._note["retention_days"] = shelf.has_ism, self.settings.retention_days
        has_snapshot = bool(self.settings.snapshot_repository)
        self._note["periods"] = {
            one.name: {"index": one.index, "stage": stage_of(one, has_snapshot)} for one in shelf.indices
        }

    def _situation(self, shelf: Shelf, now: int) -> Situation:
        count, _ = self.segments.count_waiting()
        holds = self._holds()
        self._note["holds"] = holds.number if holds else -1
        return Situation(
            now,
            shelf.has_ism,
            waiting=self.segments.waiting_indices() if count else frozenset(),
            knows_waiting=count < MOST_WAITING,
            holds=holds,
            retention_seconds=self.settings.retention_days * DAY,
            rebuilding=Job.from_facts(self.notes.read(REBUILD_NOTE)).name,
            opened_at=dict(self._memory("opened_at")),
            merging_since=dict(self._memory("merging_since")),
            moved_at=dict(self._memory("moved_at")),
        )

    def _holds(self) -> Holds | None:
        try:
            return self.book.read()
        except TabletrailError as error:
            self._note["failures"].append(f"holds cannot be read, so nothing is deleted: {error}")
            return None

    def _do(self, step: Step, one: PeriodIndex, now: int) -> None:
        """What the next run must know is written before the step: a run that dies in it leaves nothing unsaid."""
        self._memory("moved_at")[step.name] = now
        if step.move is Move.OPEN and is_shut(one):
            self._memory("opened_at")[step.name] = now
        if step.move is Move.MERGE:
            self._memory("merging_since")[step.name] = now
        if step.move is Move.DELETE:
            if self.book.read().covering(step.name):
                return
            self._memory("deleting")[step.name] = now
        self._save()
        if step.policy:
            self.periods.put_under(step.index, step.policy)
        elif step.move is Move.OPEN:
            self.periods.unblock(step.index)
        elif step.move is Move.CLOSE:
            self.periods.block(step.index)
        else:
            self.periods.merge(step.index)

    def _tell_failure(self, one: PeriodIndex) -> None:
        if one.managed and one.managed.failure:
            self._note["failures"].append(f"{one.name}: ISM failed in state {one.managed.state}: {one.managed.failure}")
        if policy := foreign_policy(one):
            self._note["failures"].append(f"{one.name}: is left alone, since somebody put it under the policy {policy}")

    def _forget(self, by_name: Mapping[str, PeriodIndex], now: int) -> None:
        """Drops what is over; an index that was given to deletion and is no more was deleted."""
        gone = {name: now for name in self._memory("deleting") if name not in by_name}
        deleted = {name: at for name, at in {**self._memory("deleted"), **gone}.items() if name not in by_name}
        self._note["deleted"] = dict(sorted(deleted.items(), key=lambda one: int(one[1]))[-MOST_DELETED:])
        for kind in ("deleting", "opened_at", "merging_since", "moved_at"):
            kept = {name: at for name, at in self._memory(kind).items() if name in by_name}
            if kind == "deleting":
                kept = {name: at for name, at in kept.items() if is_in_deletion(by_name[name])}
            if kind == "merging_since":
                kept = {name: at for name, at in kept.items() if not by_name[name].is_merged}
            self._note[kind] = kept

    def _memory(self, kind: str) -> dict[str, Any]:
        """What the runs remember of the indices, by name."""
        found: dict[str, Any] = self._note.setdefault(kind, {})
        return found

    def _save(self) -> None:
        """A quiet minute costs no write."""
        if self._note != self._before:
            self.notes.write(NOTE, self._note)
            self._before = deepcopy(self._note)


def _may_rest(note: Mapping[str, Any], holds: int, now: int) -> bool:
    is_busy = any(note.get(name) for name in ("deleting", "merging_since", "failures", "trouble"))
    has_seen_holds = 0 <= holds == int(note.get("holds", -1))
    return not is_busy and has_seen_holds and now - int(note.get("looked_at", 0)) < REST_SECONDS
