"""Does the real code do what the model allows? Asked after each step of a test, whatever happened in it.

- Every invariant of the model holds in the abstract state.
- Each commit since the last look is applied to the model's rows: the model must allow the read that it comes from, and
  its swap must have started where the row stood. The rows that come out are the real ones, but for what walks and
  single swaps may do between commits.
- The log only grows, objects and documents stay as they are, no row goes back.

Called by `tests.model.test_does_the_code_follow_the_model`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tabletrail.core.checkpoint import Commit, ShardMove
from tests.faults.world import World
from tests.model.abstraction import Lineage, View
from tests.model.capturing import with_parent
from tests.model.invariants import INVARIANTS, is_captured, is_told, step_is_monotone
from tests.model.reads import Part, possible_parts
from tests.model.sizes import CLOSED, NO_GAP, OPEN, PROCESSED, VANISHED, Row, Sizes, State


@dataclass
class Follower:
    """Looks at one stream of `world` after each step."""

    world: World
    stream_arn: str
    lineage: Lineage
    commits: int = 0
    rows: list[Row | None] = field(default_factory=list)
    before: State | None = None
    documents: dict[str, Any] = field(default_factory=dict)
    objects: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.view = View(self.world, self.stream_arn, self.lineage)

    def look(self) -> tuple[Sizes, State]:
        """AssertionError says what the model does not allow."""
        sizes, state = self.view.sizes(), self.view.state()
        for name, invariant in INVARIANTS.items():
            wrong = invariant(sizes, state)
            assert not wrong, f"{name}: {wrong}"
        self._look_at_what_stays(state)
        self._replay(sizes, state)
        self.before, self.rows = state, list(state[0])
        return sizes, state

    def assert_complete(self) -> None:
        """Everything is captured or told of, and indexed."""
        sizes, state = self.look()
        assert is_captured(sizes, state), "a record is neither in the log nor told of"
        assert all(is_marked for _, _, is_marked in state[2]), "a segment still waits"

    def _look_at_what_stays(self, state: State) -> None:
        documents, objects = self.world.index.documents(), self.world.store.objects
        for id_, document in self.documents.items():
            assert documents.get(id_) == document, "a document of the index changed"
        for key, kept in self.objects.items():
            assert objects.get(key) == kept, "an object changed"
        self.documents, self.objects = dict(documents), dict(objects)
        if self.before is None:
            return
        old, shards = self.before[2], len(self.before[0])
        for (was, _, _), (now, _, _) in zip(old, state[2], strict=False):
            is_same = [link for link in was if link[0] < shards] == [link for link in now if link[0] < shards]
            assert (is_same, len(was)) == (True, len(now)), "the log did not only grow"
        assert len(state[2]) >= len(old), "the log did not only grow"
        assert all(not was or now[2] for now, (_, _, was) in zip(state[2], old, strict=False)), "a mark was taken away"
        rows = (*self.before[0], *[None] * (len(state[0]) - len(self.before[0])))
        wrong = step_is_monotone(rows, state[0])
        assert not wrong, wrong

    def _replay(self, sizes: Sizes, state: State) -> None:
        rows = [*self.rows, *[None] * (len(sizes.parents) - len(self.rows))]
        for commit in self.world.rows.commits[self.commits :]:
            for move in commit.moves:
                if move.before.stream_arn == self.stream_arn:
                    self._apply(sizes, state, rows, commit, move)
            if not commit.moves:
                for child in commit.children:
                    self._unblock(sizes, rows, self.lineage.number(child.shard_id))
        self.commits = len(self.world.rows.commits)
        for shard, (expected, real) in enumerate(zip(rows, state[0], strict=True)):
            self._compare(sizes, rows, shard, expected, real)

    def _apply(self, sizes: Sizes, state: State, rows: list[Row | None], commit: Commit, move: ShardMove) -> None:
        shard = self.lineage.number(move.before.shard_id)
        seen, after = self.view.row(move.before), self.view.row(move.after)
        here = rows[shard]
        assert here is None or here[0] == seen[0], f"shard {shard}: the swap began where the row does not stand"
        parent = rows[sizes.parents[shard]] if sizes.parents[shard] >= 0 else None
        assert parent is None or parent[1] == PROCESSED, f"shard {shard} was committed before its parent"
        links = [link for link in self._content(commit) if link[0] == shard]
        gap = next((link[4] for link in links if link[4]), NO_GAP)
        first, end = next(((link[2], link[3]) for link in links if link[3] > link[2]), (seen[0], seen[0]))
        children = 0
        for child in commit.children:
            if child.parent_shard_id == move.before.shard_id:
                children |= 1 << self.lineage.number(child.shard_id)
        part = (shard, seen[0], first, end, gap, after[1], children, after[4], after[3], 1)
        assert self._is_possible(sizes, state, seen, part), f"the model knows no read that brings {part} to {seen}"
        rows[shard] = (end, after[1], 1, after[3], after[4])
        for child_number in sizes.shards:
            if children >> child_number & 1:
                rows[child_number] = with_parent(rows[child_number])

    def _content(self, commit: Commit) -> tuple[tuple[int, int, int, int, int], ...]:
        return self.view.content(commit) if commit.segment is not None else ()

    def _is_possible(self, sizes: Sizes, state: State, seen: Row, part: Part) -> bool:
        """Among the reads of the stream as it was at any time: a process may have read long ago. A gap that time alone
        makes possible is allowed where the model has none; the reverse is not."""
        shard, position, first, end, gap, status, children, *_ = part
        if gap == VANISHED and end > first:
            gap, status = NO_GAP, OPEN  # the records came first, then the shard was gone
        is_said = int(bool(seen[3]) or is_told(sizes, state[2], shard, position))
        for forgot in range(state[1][shard] + 1):
            trimmed = (*state[1][:shard], forgot, *state[1][shard + 1 :])
            for other in possible_parts(sizes, (shard, position, seen[1], seen[4], is_said, 1), trimmed):
                is_same = other[2:4] == (first, end) or (first == end and other[2] == other[3])
                if (
                    is_same
                    and other[5] == status
                    and other[4] in (gap, NO_GAP)
                    and (status != PROCESSED or other[6] == children)
                ):
                    return True
        return False

    def _unblock(self, sizes: Sizes, rows: list[Row | None], shard: int) -> None:
        parent = rows[sizes.parents[shard]] if sizes.parents[shard] >= 0 else None
        assert parent is None or parent[1] == PROCESSED, f"shard {shard} was unblocked before its parent was finished"
        if rows[shard] is not None:
            rows[shard] = with_parent(rows[shard])

    def _compare(
        self, sizes: Sizes, rows: list[Row | None], shard: int, expected: Row | None, real: Row | None
    ) -> None:
        """A walk may have made the row; a single swap may have closed it or kept a place; it may have expired."""
        if real is None:
            assert expected is None or expected[1] == PROCESSED, f"the row of shard {shard} is gone"
            return
        parent = rows[sizes.parents[shard]] if sizes.parents[shard] >= 0 else None
        is_ready = parent is None or parent[1] == PROCESSED
        if expected is None:
            assert real[0] == 0, f"shard {shard} began in the middle"
            assert is_ready or not real[2], f"shard {shard} may be read before its parent"
            return
        assert real[0] == expected[0], f"the checkpoint of shard {shard} moved without a commit"
        assert real[1] == expected[1] or (real[1], expected[1]) == (CLOSED, OPEN), (
            f"shard {shard} ended without a commit"
        )
        assert real[2] == expected[2] or is_ready, f"shard {shard} was unblocked before its parent was finished"
