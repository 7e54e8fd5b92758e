"""What a call of AttributeChanges knows of those before it: a note, read at its begin and written at its end.

Called by `tabletrail.attribute`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tabletrail.core.attribution_windows import MOST_SECONDS
from tabletrail.logged_changes import Place

PAST_NOTE = "attribution_past"
OFF_SECONDS = 6 * 3600
"""AttributeChanges is called every few minutes. Where it was not for so long it was switched off, and maybe the trail
with it: nobody promised calls for that time."""


@dataclass(slots=True)
class Past:
    """`places`: see `logged_changes`; times are seconds since the epoch."""

    step: int = MOST_SECONDS
    """The longest window now."""
    read_at: int = 0
    """When the call before read files: what was delivered later is news."""
    places: list[Place] = field(default_factory=list)
    off_at: int = 0
    """When it was last called before it was switched off; 0 if it never was. What was not judged then is left out."""
    judged_until: int = 0
    """What was judged before this call; 0 until it is known."""
    known: set[str] = field(default_factory=set)
    """Files whose late calls this call has counted."""

    @classmethod
    def of(cls, note: Mapping[str, Any], now: int) -> Past:
        read_at = int(note.get("read_at", 0))
        was_off = read_at and now - read_at > OFF_SECONDS
        return cls(
            int(note.get("step", MOST_SECONDS)),
            read_at,
            [(int(at), str(key)) for at, key in note.get("places", ())],
            read_at if was_off else int(note.get("off_at", 0)),
        )

    def facts(self) -> dict[str, Any]:
        places = [list(place) for place in self.places]
        return {"step": self.step, "read_at": self.read_at, "places": places, "off_at": self.off_at}
