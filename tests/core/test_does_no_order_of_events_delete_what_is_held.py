"""Years of runs, late entries, holds and releases in any order: is anything deleted that is held?"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tabletrail.core.holds import ALL, TABLE, Hold, Holds
from tabletrail.core.lifecycle import CLOSED, DAY, DELETION, KEPT, OPEN, Managed, Move, PeriodIndex, Situation, steps
from tabletrail.core.periods import PREFIX, span_of

SPAN = span_of(PREFIX + "2026.09")
assert SPAN is not None
START, END = SPAN


def hold(kind: str, target: str, number: int) -> Hold:
    return Hold(f"h{number}", kind, target, "a lawsuit", "arn:aws:iam::123456789012:user/ann", 1)


@dataclass
class Ism:
    """What ISM makes of a policy, one step at each of its turns."""

    policy: str = ""
    state: str = ""
    turns: int = 0

    def put_under(self, policy: str) -> None:
        self.policy, self.state, self.turns = policy, "", 0


@dataclass
class Life:
    name: str
    made_at: int
    is_blocked: bool = False
    is_merged: bool = False
    ism: Ism = field(default_factory=Ism)
    is_gone: bool = False


class Lives(RuleBasedStateMachine):
    """Years of runs, of late entries, holds and releases, in any order, with ISM and without."""

    @initialize(has_ism=st.booleans(), retention=st.sampled_from([0, 30 * DAY]))
    def begin(self, has_ism: bool, retention: int) -> None:
        self.now, self.has_ism, self.retention = START, has_ism, retention
        self.lives = [Life(f"{PREFIX}2026.{month:02d}", START) for month in (9, 10)]
        self.waiting: set[str] = set()
        self.holds = Holds()
        self.seen = Holds()
        self.opened_at: dict[str, int] = {}
        self.merging: dict[str, int] = {}
        self.moved: dict[str, int] = {}

    @rule(days=st.integers(0, 60), minutes=st.integers(1, 90))
    def time_passes(self, days: int, minutes: int) -> None:
        """A run comes each minute."""
        self.now += days * DAY + minutes * 60
        self.run()

    @rule(month=st.sampled_from([0, 1]))
    def something_comes_late(self, month: int) -> None:
        if not self.lives[month].is_gone:
            self.waiting.add(self.lives[month].name)

    @rule(kind=st.sampled_from([ALL, TABLE]))
    def hold_it(self, kind: str) -> None:
        self.holds = self.holds.with_new(hold(kind, "" if kind == ALL else "orders", self.holds.number + 1))

    @precondition(lambda self: self.holds.active)
    @rule()
    def release_it(self) -> None:
        self.holds = self.holds.released(self.holds.active[0].id, self.now, "bob", "settled")

    @rule()
    def run(self) -> None:
        self.seen = self.holds
        there = [life for life in self.lives if not life.is_gone]
        found = steps([self._shown(life) for life in there], self._situation())
        for step in found:
            life = next(life for life in there if life.name == step.name)
            self.moved[life.name] = self.now
            if step.move is Move.OPEN and (life.is_blocked or life.ism.policy in (CLOSED, KEPT)):
                self.opened_at[life.name] = self.now
            if step.policy:
                life.ism.put_under(step.policy)
            elif step.move is Move.OPEN:
                life.is_blocked, life.is_merged = False, False
            elif step.move is Move.CLOSE:
                assert life.name not in self.waiting
                life.is_blocked = True
            elif step.move is Move.MERGE:
                life.is_merged = True

    @rule()
    def ism_works(self) -> None:
        """Its turns come five minutes apart, so a run, each minute, has been between any two."""
        for life in self.lives:
            self.run()
            self._turn(life)

    @rule()
    def the_backlog_drains(self) -> None:
        for life in self.lives:
            if not life.is_blocked:
                self.waiting.discard(life.name)

    @invariant()
    def nothing_that_is_held_goes(self) -> None:
        for life in getattr(self, "lives", ()):
            assert not life.is_gone or self.retention

    def _turn(self, life: Life) -> None:
        ism = life.ism
        ism.turns += 1
        if ism.policy == OPEN:
            life.is_blocked, ism.state = False, "open"
        elif ism.policy == CLOSED:
            life.is_blocked, ism.state = True, "closed" if ism.turns > 2 else "closing"
        elif ism.policy == DELETION and ism.turns == 3:
            assert not self.holds.covering(life.name), "deleted under a hold"
            assert life.name not in self.waiting
            assert life.is_blocked
            life.is_gone = True

    def _shown(self, life: Life) -> PeriodIndex:
        managed = Managed(life.ism.policy, life.ism.state) if life.ism.policy else None
        return PeriodIndex(life.name, life.name, life.made_at, life.is_blocked, life.is_merged, managed)

    def _situation(self) -> Situation:
        return Situation(
            self.now,
            self.has_ism,
            frozenset(self.waiting),
            holds=self.seen,
            retention_seconds=self.retention,
            opened_at=self.opened_at,
            merging_since=self.merging,
            moved_at=self.moved,
        )


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=60, stateful_step_count=40)
