"""Objects of the log without rows: is each record taken once, whatever was staged and never committed?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import groupby

from hypothesis import example, given
from hypothesis import strategies as st

from tabletrail.core.adoption import Adoption, Piece, Step, coverage_step
from tabletrail.core.checkpoint import GENESIS_CHAIN, ShardKey

SHARDS = [ShardKey("stream", name) for name in ("a", "b", "c")]


def chain(previous: str, first: int, count: int) -> str:
    return sha256(f"{previous} {first} {count}".encode()).hexdigest()


@dataclass
class History:
    """What runs did: each object with its day, and whether it was committed."""

    heads: dict[ShardKey, tuple[int, str]] = field(default_factory=lambda: dict.fromkeys(SHARDS, (0, GENESIS_CHAIN)))
    objects: list[tuple[int, Piece]] = field(default_factory=list)
    committed: set[str] = field(default_factory=set)
    day: int = 0
    time: int = 0
    unread: dict[ShardKey, int] = field(default_factory=dict)
    """Shards of which records were staged and not committed, and since which day."""

    def pass_midnight(self) -> None:
        """What is not committed is read again within the 24 hours that the stream keeps it."""
        for key in [key for key, day in self.unread.items() if day < self.day]:
            assert self.commit(self.stage({key: 1}))
        self.day += 1

    def stage(self, counts: dict[ShardKey, int]) -> Piece:
        """An object of the next so many records of these shards, as they stand."""
        self.time += 1
        steps = []
        for key, count in counts.items():
            position, previous = self.heads[key]
            steps.append(Step(key, previous, chain(previous, position, count), str(position + count), count))
        piece = Piece(f"object-{self.time:04d}", (self.time, ""), False, tuple(steps))
        self.objects.append((self.day, piece))
        for key in counts:
            self.unread.setdefault(key, self.day)
        return piece

    def commit(self, piece: Piece) -> bool:
        if any(self.heads[step.key][1] != step.previous for step in piece.steps):
            return False
        self.committed.add(piece.segment_id)
        for step in piece.steps:
            self.heads[step.key] = (int(step.last), step.chain)
            self.unread.pop(step.key, None)
        return True


COUNTS = st.dictionaries(st.sampled_from(SHARDS), st.integers(1, 3), min_size=1)
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("committed"), COUNTS),
        st.tuples(st.just("orphan"), COUNTS),
        st.tuples(st.just("overtaken"), COUNTS),
        st.tuples(st.just("day"), st.just({})),
    ),
    max_size=25,
)


def lived(actions: Sequence[tuple[str, dict[ShardKey, int]]]) -> History:
    history = History()
    for what, counts in actions:
        if what == "day":
            history.pass_midnight()
            continue
        piece = history.stage(counts)
        if what == "committed":
            assert history.commit(piece)
        elif what == "overtaken":
            # Another reader commits one of the shards first; the rest is staged again, without it.
            first, *rest = counts
            assert history.commit(history.stage({first: counts[first] + 1}))
            assert not history.commit(piece)
            if rest:
                assert history.commit(history.stage({key: counts[key] for key in rest}))
    return history


def decided(history: History, rows: set[str], ends: dict[ShardKey, str]) -> tuple[list[Piece], Adoption]:
    """What is taken, fed by days, when these objects have rows."""
    adoption = Adoption(dict(ends), {})
    days = [
        [
            Piece(piece.segment_id, piece.order, piece.segment_id in rows, piece.steps)
            for _, piece in sorted(group, key=lambda one: one[1].segment_id, reverse=True)
        ]
        for _, group in groupby(history.objects, key=lambda one: one[0])
    ]
    taken: list[Piece] = []
    for day, following in zip(days, [*days[1:], []], strict=False):
        taken += adoption.day(day, following)
    return [*taken, *adoption.finish()], adoption


def assert_one_chain_each(taken: list[Piece]) -> dict[ShardKey, int]:
    """How many records each shard has, of which each was taken once."""
    heads: dict[ShardKey, str] = dict.fromkeys(SHARDS, GENESIS_CHAIN)
    counts: dict[ShardKey, int] = defaultdict(int)
    for piece in taken:
        for step in piece.steps:
            assert heads[step.key] == step.previous, "two objects go on from one link, or a link is missing"
            heads[step.key] = step.chain
            counts[step.key] += step.count
            assert counts[step.key] == int(step.last)
    assert len({piece.segment_id for piece in taken}) == len(taken)
    return counts


@given(ACTIONS, st.randoms(use_true_random=False))
def test_what_was_committed_is_taken_once_whichever_rows_are_left(actions: list, random: object) -> None:  # type: ignore[type-arg]
    history = lived(actions)
    rows = {one for one in history.committed if random.random() < 0.5}  # type: ignore[attr-defined]
    taken, adoption = decided(history, rows, {})
    counts = assert_one_chain_each(taken)
    assert rows <= {piece.segment_id for piece in taken}
    assert adoption.forced == 0
    for key, (position, _) in history.heads.items():
        assert counts[key] >= position, "something committed was not taken"
        assert adoption.heads[key].count == counts[key] if key in adoption.heads else not counts[key]


A, B, C = SHARDS


@example([("committed", {A: 1}), ("orphan", {A: 1}), ("committed", {A: 1, B: 1})])
@example([("committed", {A: 1}), ("committed", {A: 1}), ("orphan", {B: 1}), ("committed", {A: 1, B: 1})])
@example([("overtaken", {A: 1}), ("orphan", {C: 1}), ("committed", {A: 1, C: 1})])
@example([("committed", {A: 1}), ("orphan", {C: 1}), ("orphan", {A: 1, B: 1}), ("committed", {A: 1, C: 1})])
@given(ACTIONS)
def test_where_the_checkpoints_are_known_exactly_what_they_cover_is_taken(
    actions: list[tuple[str, dict[ShardKey, int]]],
) -> None:
    history = lived(actions)
    taken, _ = decided(history, set(), {key: head for key, (_, head) in history.heads.items()})
    counts = assert_one_chain_each(taken)
    assert {key: counts[key] for key in SHARDS} == {key: position for key, (position, _) in history.heads.items()}


def test_of_a_fork_the_branch_is_taken_that_goes_on() -> None:
    history = History()
    orphan = history.stage({SHARDS[0]: 2, SHARDS[1]: 1})
    again = history.stage({SHARDS[0]: 3})
    history.commit(again)
    last = history.stage({SHARDS[0]: 1})
    history.commit(last)
    taken, _ = decided(history, set(), {})
    assert orphan not in taken
    assert [piece.segment_id for piece in taken] == [again.segment_id, last.segment_id]


def test_a_branch_that_goes_on_is_taken_though_the_other_was_staged_later() -> None:
    history = History()
    winner, loser = history.stage({A: 2}), history.stage({A: 3})
    assert history.commit(winner)
    assert not history.commit(loser)
    last = history.stage({A: 4})
    assert history.commit(last)
    taken, _ = decided(history, set(), {})
    assert [piece.segment_id for piece in taken] == [winner.segment_id, last.segment_id]


def test_a_dispute_waits_for_what_makes_both_sides_ready() -> None:
    """The orphan could be taken at once; the object that holds its records, and more, waits for another first."""
    history = lived([("overtaken", {A: 1}), ("orphan", {C: 1}), ("committed", {A: 1, C: 1})])
    taken, _ = decided(history, set(), {})
    assert assert_one_chain_each(taken) == {A: 3, C: 1}


def test_a_fork_across_midnight_is_seen() -> None:
    history = History()
    orphan = history.stage({SHARDS[0]: 2})
    history.day += 1
    again = history.stage({SHARDS[0]: 3})
    history.commit(again)
    taken, _ = decided(history, set(), {})
    assert [piece.segment_id for piece in taken] == [again.segment_id]
    assert orphan.segment_id not in {piece.segment_id for piece in taken}


def test_an_object_with_a_row_is_taken_though_its_predecessor_is_missing() -> None:
    lost = Step(SHARDS[0], "elsewhere", "further", "9", 1)
    first = Step(SHARDS[0], GENESIS_CHAIN, "begin", "1", 1)
    adoption = Adoption({}, {})
    pieces = [Piece("one", (1, ""), True, (first,)), Piece("two", (2, ""), True, (lost,))]
    taken = [*adoption.day(pieces, ()), *adoption.finish()]
    assert [piece.segment_id for piece in taken] == ["one", "two"]
    assert adoption.forced == 1
    assert adoption.heads[SHARDS[0]].chain == "further"


def test_a_log_whose_beginning_was_removed_is_taken_from_where_it_begins() -> None:
    later = Step(SHARDS[0], "removed", "kept", "9", 1)
    adoption = Adoption({}, {})
    assert [piece.segment_id for piece in adoption.day([Piece("one", (1, ""), False, (later,))], ())] == ["one"]


def test_of_two_coverage_entries_with_one_number_the_later_is_taken() -> None:
    adoption = Adoption({}, {})
    pieces = [
        Piece("orphan", (1, ""), False, (coverage_step("stream", 1),)),
        Piece("again", (2, ""), False, (coverage_step("stream", 1),)),
        Piece("left", (3, ""), False, (coverage_step("stream", 2),)),
    ]
    assert [piece.segment_id for piece in adoption.day(pieces, ())] == ["again", "left"]


def test_objects_without_links_are_told_apart_by_their_entries() -> None:
    adoption = Adoption({}, {})
    pieces = [
        Piece("orphan", (1, ""), False, (), ("gap-1",)),
        Piece("other", (1, ""), False, (), ("gap-2",)),
    ]
    committed = Piece("again", (2, ""), True, (), ("gap-1",))
    assert {piece.segment_id for piece in adoption.day(pieces, [committed])} == {"other"}
    assert adoption.day([committed], ()) == [committed]
