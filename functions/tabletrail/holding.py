"""Legal holds, set and released by people.

Rules
- A change is in force for ReportRun's next look, within two minutes; what ISM is about to delete is taken back then.
- Two people at once: whoever comes second decides anew over what the first one left. No hold is lost by a race.
- A hold has a reason and an author, and so has its release.

Called by the command `tabletrail holds` and, to read them, by `tabletrail.closing`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tabletrail.core.holds import Hold, Holds, target_of
from tabletrail.errors import QueryError, TransientError
from tabletrail.ports import Clock

TRIES = 5
MOST_REASON = 1000


class HoldBook(Protocol):
    """Where holds stand. Durable on return, consistent. TransientError.

    It outlives the loss of any one of tabletrail's tables: it is kept in two of them.
    """

    def read(self) -> Holds:
        """All of them; none if none was ever set."""

    def write(self, before: Holds, after: Holds) -> bool:
        """Replaces them, if they still are `before`. False, without an effect, if they are not."""


@dataclass(frozen=True, slots=True)
class Holding:
    """One person's changes; `by` is who that is, as AWS verified it."""

    book: HoldBook
    clock: Clock
    by: str

    def set(self, text: str, reason: str, hold_id: str) -> Hold:
        """Holds what `text` says: all, a period or a table. QueryError for anything else, or without a reason."""
        target = target_of(text)
        if target is None:
            raise QueryError(f"{text!r} is neither `all` nor a period (2026.11, 2026.w47, 2026.11.24) nor a table")
        hold = Hold(hold_id, *target, _checked(reason), self.by, int(self.clock.now()))
        self._change(lambda holds: holds.with_new(hold))
        return hold

    def release(self, hold_id: str, reason: str) -> Hold:
        """QueryError if there is no such hold in force."""
        now, reason = int(self.clock.now()), _checked(reason)
        # A try whose reply was lost took effect: then it is released already, by us and now. The first has had none.
        mine: set[tuple[str, int]] = set()

        def release(holds: Holds) -> Holds:
            hold = next((one for one in holds.every if one.id == hold_id), None)
            if hold is None:
                raise QueryError(f"there is no hold {hold_id!r}: see `tabletrail holds list`")
            if not hold.is_active and (hold.released_by, hold.released_at) not in mine:
                raise QueryError(f"the hold {hold_id} was released already, by {hold.released_by}")
            mine.add((self.by, now))
            return holds.released(hold_id, now, self.by, reason)

        after = self._change(release)
        return next(one for one in after.every if one.id == hold_id)

    def _change(self, change: Callable[[Holds], Holds]) -> Holds:
        for _ in range(TRIES):
            before = self.book.read()
            after = change(before)
            if after == before or self.book.write(before, after):
                return after
        raise TransientError("others change holds at this very moment: say it again")


def _checked(reason: str) -> str:
    text = reason.strip()
    if not text or len(text) > MOST_REASON:
        raise QueryError(f"give a reason, of at most {MOST_REASON} characters: whoever reads it later must understand")
    return text
