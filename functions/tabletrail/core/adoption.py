"""Which objects of the log are committed segments, when their rows are lost: the chains tell.

A committed segment is a link in the chain of each shard that it covers. An orphan (staged, never committed) forks a
chain: another object, made of the same records read again, goes on from the same link. Of each fork one branch is
taken, never two, so no record is in the log twice; and each branch holds true records, so none is missing.

Rules
- An object with a row is committed, whatever else there is.
- A shard's chain does not go beyond its end, where a checkpoint that can be trusted knows it.
- Of several objects that go on from the same link one is taken: not one of a branch that ends here while another branch
  goes on, and of the rest the one staged last, for what was committed was staged behind what was not. That is decided
  when all that is not disputed has been taken, and between objects of which each could be taken.
- An object is taken whole or not at all: all its links must be next in their chains.
- A stream's coverage entries are a chain too: their numbers. Of objects without any link that hold the same entries one
  is taken: one with a row, else the one staged last. Entries of kind attribution count by stream and second, as each
  second of a stream is judged once, and only for `RECENT_DAYS`: an older second is not judged any more.
- Objects come in the order of their names, by days. A day is decided when the next one is known, so that a fork across
  midnight is seen. What is held is two days' objects and the head of each chain.

Pure. Called by `tabletrail.recovery`.
"""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tabletrail.core.checkpoint import GENESIS_CHAIN, ShardKey, ShardLink

RECENT_DAYS = 5
COVERAGE_SHARD = ""
"""Stands for the shard in the key of a stream's coverage chain; no shard has this name."""


@dataclass(frozen=True, slots=True)
class Step:
    """One link, as far as it matters here: it goes on from `previous` to `chain`, with `count` records up to `last`."""

    key: ShardKey
    previous: str
    chain: str
    last: str = ""
    count: int = 0


def step_of(link: ShardLink) -> Step:
    return Step(ShardKey(link.stream_arn, link.shard_id), link.previous_chain, link.chain, link.last, link.count)


def coverage_step(stream_arn: str, number: int) -> Step:
    """The stream's coverage entry `number` as a link."""
    return Step(ShardKey(stream_arn, COVERAGE_SHARD), coverage_chain(number - 1), coverage_chain(number))


def coverage_chain(number: int) -> str:
    """The head of a stream's coverage chain after `number` entries."""
    return str(number) if number else GENESIS_CHAIN


@dataclass(frozen=True, slots=True)
class Piece:
    """One object. `order` sorts by the time of staging; `ids` are its entries' where it has no step, and `seconds`
    stand for those of kind attribution."""

    segment_id: str
    order: tuple[int, str]
    is_committed: bool
    steps: tuple[Step, ...]
    ids: tuple[str, ...] = ()
    seconds: tuple[tuple[str, str], ...] = ()

    @property
    def held(self) -> frozenset[object]:
        """What no other object without a step holds."""
        return frozenset([*self.ids, *self.seconds])


@dataclass(slots=True)
class Head:
    """Where a chain has come to: `count` records in all, the last one `last`."""

    chain: str
    last: str = ""
    count: int = 0


@dataclass(slots=True)
class Adoption:
    """Decides day by day. `ends`: heads that the chains must not leave; `marks`: links known to be committed."""

    ends: dict[ShardKey, str]
    marks: dict[ShardKey, str]
    heads: dict[ShardKey, Head] = field(default_factory=dict)
    forced: int = 0
    """Committed objects that do not go on from where their chains were: something of the log is missing."""
    _carried: list[tuple[Piece, int]] = field(default_factory=list)
    """Undecided, and for how many days."""
    _seen: set[str] = field(default_factory=set)
    _recent: deque[set[tuple[str, str]]] = field(default_factory=lambda: deque(maxlen=RECENT_DAYS))

    def day(self, pieces: Sequence[Piece], following: Sequence[Piece]) -> list[Piece]:
        """Of `pieces` and what was left undecided, those that are committed, in the order of their chains."""
        pool = [*(piece for piece, _ in self._carried), *pieces]
        ages = dict.fromkeys((piece.segment_id for piece in pieces), 0)
        ages |= {piece.segment_id: age for piece, age in self._carried}
        round_ = _Round(self, pool, following, {one for one, age in ages.items() if age or not following})
        taken = round_.run()
        self._carried = [(piece, ages[piece.segment_id] + 1) for piece in round_.left() if ages[piece.segment_id] < 2]
        return [*self._without_steps(pool, following), *taken]

    def finish(self) -> list[Piece]:
        """What was still undecided behind the last day."""
        return [piece for _ in range(2) for piece in self.day((), ())]

    def is_beyond(self, piece: Piece) -> bool:
        """It goes on from where a chain is known to have ended, so it was never committed."""
        return not piece.is_committed and any(self.ends.get(step.key) == step.previous for step in piece.steps)

    def _without_steps(self, pool: Iterable[Piece], following: Iterable[Piece]) -> list[Piece]:
        """The following day's are looked at too, so that none is taken now that one of them takes the place of."""
        ours = [piece for piece in pool if not piece.steps]
        loose = [*ours, *(piece for piece in following if not piece.steps)]
        held: set[object] = set().union(self._seen, *self._recent)
        held.update(one for piece in loose if piece.is_committed for one in piece.held)
        taken = [piece for piece in loose if piece.is_committed]
        for piece in sorted(loose, key=lambda piece: piece.order, reverse=True):
            if not piece.is_committed and not held & piece.held:
                taken.append(piece)
                held |= piece.held
        now = {piece.segment_id for piece in taken} & {piece.segment_id for piece in ours}
        taken = sorted((piece for piece in ours if piece.segment_id in now), key=lambda piece: piece.order)
        self._seen.update(one for piece in taken for one in piece.ids)
        self._recent.append({one for piece in taken for one in piece.seconds})
        return taken


class _Round:
    """One day's decision."""

    def __init__(self, adoption: Adoption, pool: list[Piece], following: Sequence[Piece], forcible: set[str]) -> None:
        self._adoption, self._forcible = adoption, forcible
        self._pool = {piece.segment_id: piece for piece in pool if piece.steps and not adoption.is_beyond(piece)}
        self._gone_on = {(step.key, step.previous) for piece in (*pool, *following) for step in piece.steps}
        self._gone_on |= {*adoption.marks.items(), *adoption.ends.items()}
        self._following = {(step.key, step.previous) for piece in following for step in piece.steps}
        self._waiting: dict[tuple[ShardKey, str], list[Piece]] = defaultdict(list)
        for piece in self._pool.values():
            for step in piece.steps:
                self._waiting[step.key, step.previous].append(piece)
        latest_first = sorted(self._pool.values(), key=lambda piece: piece.order, reverse=True)
        self._places = {piece.segment_id: place for place, piece in enumerate(latest_first)}
        self._ready: list[tuple[bool, int, int, int, str]] = []

    def run(self) -> list[Piece]:
        self._find_beginnings()
        for piece in self._pool.values():
            self._offer(piece)
        taken: list[Piece] = []
        while True:
            while self._ready:
                first = self._pool.get(heapq.heappop(self._ready)[-1])
                if first is not None and self._is_next(first) and (first.is_committed or not self._is_open(first)):
                    self._take(first, taken)
            held_up = [one for one in self._pool.values() if one.is_committed and one.segment_id in self._forcible]
            if not held_up:
                return taken
            self._adoption.forced += 1
            self._take(min(held_up, key=lambda one: one.order), taken)

    def left(self) -> list[Piece]:
        """Undecided: not those that a chain has passed by."""
        return list(self._pool.values())

    def _find_beginnings(self) -> None:
        """A chain of which nothing is known begins at its genesis, or where the log still has it."""
        chains: dict[ShardKey, set[str]] = defaultdict(set)
        unknown: dict[ShardKey, list[Step]] = defaultdict(list)
        for piece in sorted(self._pool.values(), key=lambda piece: piece.order):
            for step in piece.steps:
                if step.key not in self._adoption.heads:
                    unknown[step.key].append(step)
                    chains[step.key].add(step.chain)
        for key, steps in unknown.items():
            roots = [step.previous for step in steps if step.previous not in chains[key]]
            begin = GENESIS_CHAIN if GENESIS_CHAIN in roots or not roots else roots[0]
            self._adoption.heads[key] = Head(begin)

    def _offer(self, piece: Piece) -> None:
        """Committed ones first, then by dispute, then by what speaks against them, then the latest."""
        if piece.segment_id in self._pool and self._is_next(piece):
            against = sum(self._is_left_behind(step) for step in piece.steps)
            place = self._places[piece.segment_id]
            heapq.heappush(
                self._ready, (not piece.is_committed, self._dispute(piece), against, place, piece.segment_id)
            )

    def _dispute(self, piece: Piece) -> int:
        """0: none; 1: with objects that could be taken as well; 2: with one that waits for others, and may yet win."""
        rivals = self._rivals_of(piece)
        return 2 if any(not self._is_next(rival) for rival in rivals) else int(bool(rivals))

    def _rivals_of(self, piece: Piece) -> list[Piece]:
        return [one for step in piece.steps for one in self._waiting[step.key, step.previous] if one is not piece]

    def _is_left_behind(self, step: Step) -> bool:
        """Another branch goes on from the same link, and this one does not."""
        if (step.key, step.chain) in self._gone_on:
            return False
        beside = [one for piece in self._waiting[step.key, step.previous] for one in piece.steps]
        return any(one.key == step.key and (one.key, one.chain) in self._gone_on for one in beside)

    def _is_next(self, piece: Piece) -> bool:
        heads = self._adoption.heads
        return all(heads[step.key].chain == step.previous for step in piece.steps)

    def _is_open(self, piece: Piece) -> bool:
        """Another object, of the following day, goes on from the same link: then that day decides."""
        return any((step.key, step.previous) in self._following for step in piece.steps)

    def _take(self, piece: Piece, taken: list[Piece]) -> None:
        self._remove(piece)
        taken.append(piece)
        for step in piece.steps:
            head = self._adoption.heads[step.key]
            self._adoption.heads[step.key] = Head(step.chain, step.last, head.count + step.count)
        passed_by = self._rivals_of(piece)
        for other in passed_by:
            if not other.is_committed and other.segment_id in self._pool:
                self._remove(other)
        # Whoever waited for this one, and whoever lost a rival by it or got one that is ready now, ranks anew.
        behind = [other for step in piece.steps for other in self._waiting[step.key, step.chain]]
        beside = [rival for other in (*passed_by, *behind) for rival in self._rivals_of(other)]
        for other in {one.segment_id: one for one in (*behind, *beside)}.values():
            self._offer(other)

    def _remove(self, piece: Piece) -> None:
        del self._pool[piece.segment_id]
        for step in piece.steps:
            self._waiting[step.key, step.previous].remove(piece)
