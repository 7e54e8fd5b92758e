"""Reindex: a period's index made anew from the log, while capture goes on.

Rules
- The log is the truth: the new index holds what the committed segments hold of the period, and nothing else.
- A lost index is made and filled under its own name. One that is there is replaced: a second one is filled beside it,
  unseen by searches, and takes its name in one step. So a search finds each entry once, in the old or in the new one.
- What capture writes meanwhile goes into the old index. Its segments are offered to the new one before the swap, and
  those of that short time once more after it: until then, and only then, they may be missing in searches.
- A segment may be unseen by a pass only if its row was written after the pass began. Such a row is not marked yet, or
  was marked since: that, less `MARGIN_SECONDS` for clocks that differ, is what a later pass looks for.
- An index is never replaced by one that lacks entries, unless it is forced: because segments are damaged, or because
  the old one holds entries that this log does not, another log's, say, or those of rows that were lost. It is counted
  before the pass that precedes the swap, so that what capture adds meanwhile is no difference.
- One rebuild at a time, by a lease. How far it came is in a note, so that whoever says the same again goes on there.
- No segment's row is changed: what waits to be indexed is still the backlog's work, which finds it there.

Called by the command `tabletrail reindex`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from tabletrail.core.checkpoint import SegmentRow
from tabletrail.core.rebuilds import Job, Layout, Rebuilt, Step, Tally, lacking
from tabletrail.errors import LeaseHeldError, QueryError, TransientError
from tabletrail.filling import Filled, Filler
from tabletrail.ports import Clock, Leases, RunNotes

LEASE = NOTE = "reindex"
LEASE_SECONDS = 120
"""How long a rebuild that died keeps others out. Renewed each RENEW_SECONDS."""
RENEW_SECONDS = 20
MARGIN_SECONDS = 3600
"""How far the clocks of the functions and of the operator's machine may be apart."""
SWAP_TRIES = 3
ALL = "all"


class IndexShelf(Protocol):
    """The indices themselves, under a role that may replace them. Durable on return.

    All calls: TransientError; ReindexError where the server refuses, with what to do.
    """

    def layout(self) -> Layout:
        """All of our indices and the names that lead to each."""

    def template_version(self) -> int:
        """Of the template that a new index follows. ReindexError if there is none."""

    def ensure(self, index: str) -> bool:
        """As `IndexKeeper.ensure`: an index that searches see. True if it was made now."""

    def make_hidden(self, index: str) -> None:
        """A write-once index that searches do not see. May be repeated."""

    def refresh(self, index: str) -> None:
        """All that was created in it before can be found on return, once it is seen."""

    def replace(self, name: str, old: str | None, new: str) -> None:
        """In one step: `old` is no more, `new` stands for `name` and is seen by searches. No effect if refused."""

    def remove(self, index: str) -> None:
        """Deletes it; nothing happens if it is not there."""

    def holdings(self, index: str) -> Mapping[str, int]:
        """How many entries it holds of each table, by ARN; those that took a parked one's place later do not count.

        Only what a refresh has shown. It needs the right to search.
        """


class SegmentPages(Protocol):
    """All rows of committed segments, in an order of their own that never changes. TransientError, ThrottledError."""

    def tallies(self) -> Mapping[str, Tally]:
        """By the name of the index, from one consistent walk over all rows."""

    def rows(self, index: str, behind: str, marked_since: int) -> Iterator[SegmentRow]:
        """Those with entries of `index`, behind the segment `behind` (all if empty); each row consistent when read.

        `marked_since`: only rows that are not marked as indexed, or were at or after that second.
        """


@dataclass(slots=True)
class Reindex:
    """One command's work; `watch` hears of it."""

    shelf: IndexShelf
    pages: SegmentPages
    filler: Filler
    leases: Leases
    notes: RunNotes
    clock: Clock
    watch: Callable[[Step], None]
    only_missing: bool = False
    """Add what is missing to the index that is there, instead of replacing it."""
    force: bool = False
    renew_seconds: float = RENEW_SECONDS
    _owner: str = ""
    _renewed_at: float = 0.0
    _job: Job = field(default_factory=Job)

    def run(self, name: str | None, owner: str) -> list[Rebuilt]:
        """Rebuilds the index `name`, or all for None. Frees the lease at its end.

        LeaseHeldError where another is at work; QueryError for a name that nobody knows; what the ports raise. Saying
        the same again goes on.
        """
        self._owner = owner
        self._renew()
        try:
            return self._run(name)
        finally:
            self.leases.release(LEASE, owner)

    def _run(self, name: str | None) -> list[Rebuilt]:
        scope = (name or ALL) + (" missing" if self.only_missing else "")
        job = Job.from_facts(self.notes.read(NOTE))
        self._job = job if job.scope == scope else Job(scope)
        tallies = self.pages.tallies()
        known = sorted({*tallies, *self.shelf.layout().names()})
        if name is not None and name not in known:
            raise QueryError(
                f"there is neither an index {name} nor an entry that belongs to it; there are: {', '.join(known)}"
            )
        wanted = [one for one in (known if name is None else [name]) if one not in self._job.done]
        results = [self._rebuild(one, tallies.get(one, Tally())) for one in wanted]
        if all(result.in_use for result in results):
            self._note(Job())
        return results

    def _rebuild(self, name: str, tally: Tally) -> Rebuilt:
        serving = self._begin(name)
        target, replaced = self._job.target, ""
        total = Filled()
        if target == name:
            total.add(self._pass("fill", tally, 0))
        else:
            if target != serving:  # else an earlier call died after its swap
                total.add(self._pass("fill", tally, 0))
                short = self._catch_up(name, tally, total)
                if (total.damaged or short) and not self.force:
                    return Rebuilt(name, target, False, "", total.entries, total.parked, total.damaged, short)
                replaced = self._swap(name)
            total.add(self._pass("finish", tally, self._job.caught_up_at).of_later_pass())
        self.shelf.refresh(target)
        self._note(Job(self._job.scope, (*self._job.done, name)))
        return Rebuilt(name, target, True, replaced, total.entries, total.parked, total.damaged)

    def _begin(self, name: str) -> str | None:
        """Sets the job; its target is there on return. Returns the index that stands for `name` now.

        The note comes before the index, so that no rebuild's index is unknown to the next call; what others left goes.
        """
        layout, version, job = self.shelf.layout(), self.shelf.template_version(), self._job
        serving = layout.serving(name)
        if job.name != name or (job.template != version and job.target != serving):
            target = name if serving is None or self.only_missing else layout.next_rebuild(name)
            job = Job(job.scope, job.done, name, target, version, int(self.clock.now()))
        elif layout.serving(job.target) is None:
            job = replace(job, position="")
        self._note(job)
        for index in sorted(layout.unused() - {job.target}):
            self.shelf.remove(index)
        if job.target == name:
            self.shelf.ensure(name)
        elif job.target != serving:
            self.shelf.make_hidden(job.target)
        return serving

    def _catch_up(self, name: str, tally: Tally, total: Filled) -> dict[str, int]:
        """What capture added since the first pass began. Returns what the index in use holds beyond the new one."""
        job = self._job
        self._note(replace(job, caught_up_at=int(self.clock.now())))
        serving = None if self.force else self.shelf.layout().serving(name)
        before = self.shelf.holdings(serving) if serving else {}
        total.add(self._pass("catch up", tally, job.started_at).of_later_pass())
        self.shelf.refresh(job.target)
        return lacking(before, self.shelf.holdings(job.target)) if before else {}

    def _pass(self, phase: str, tally: Tally, since: int) -> Filled:
        """Only the first pass, over all rows, keeps its place: the others are short."""
        job, is_first = self._job, phase == "fill"
        position = job.position if is_first else ""

        def tick(place: str, so_far: Filled) -> None:
            self.watch(Step(job.name, phase, so_far.segments, so_far.entries, tally.segments if is_first else 0))
            if self.clock.monotonic() - self._renewed_at >= self.renew_seconds:
                self._renew()
                if is_first:
                    self._note(replace(self._job, position=place))

        rows = self.pages.rows(job.name, position, max(0, since - MARGIN_SECONDS))
        return self.filler.fill(rows, job.name, job.target, position, tick)

    def _swap(self, name: str) -> str:
        """What stands for the name is looked up right before: it may have been lost, or made by a run, meanwhile."""
        for number in range(SWAP_TRIES):
            self._renew()
            old = self.shelf.layout().serving(name)
            if old == self._job.target:
                break
            try:
                self.shelf.replace(name, old, self._job.target)
            except TransientError:
                if number + 1 == SWAP_TRIES:
                    raise
            else:
                return old or ""
        return ""

    def _renew(self) -> None:
        if not self.leases.acquire(LEASE, self._owner, LEASE_SECONDS, int(self.clock.now())):
            raise LeaseHeldError(
                "another rebuild is at work on this log; if it died, its lease ends by itself within "
                f"{LEASE_SECONDS} s: try again then"
            )
        self._renewed_at = self.clock.monotonic()

    def _note(self, job: Job) -> None:
        self._job = job
        self.notes.write(NOTE, job.facts())
