"""Patterns of texts (regular expressions) whose cost no pattern and no text can make explode.

    literals  .  [a-z]  [^a-z]  \\d \\w \\s \\D \\W \\S  ( )  (?: )  |  *  +  ?  {2}  {2,}  {2,5}
    ^ and $ at the ends, (?i) in front

Rules
- A pattern is looked for anywhere in the text, unless `^` and `$` bind it. `.` is any character, a new line too;
  \\d, \\w and \\s are those of ASCII.
- One step per character over sets of states (Thompson), no trying again: Python's own expressions try again, and a text
  made for it can keep them busy for years. So what needs trying again is refused: backreferences, looking around.
- Only the first MOST_TEXT characters are looked at. What is not decided there counts as found and as missing: padding
  must not hide a value, and a rule that fits too often is seen.

Called by `conditions`; `rules` has every pattern made once to see whether it is one.
"""

from __future__ import annotations

from tabletrail.core.text_syntax import FOUND, FOUND_AT_END, places_of

MOST_TEXT = 4_096
MOST_KEPT = 5_000
"""Steps kept, of one pattern; then all are forgotten and gathered anew."""


class _State:
    """A set of places in the pattern that may be reached at once."""

    __slots__ = ("is_found", "is_found_at_end", "next", "places")

    def __init__(self, places: frozenset[int]) -> None:
        self.is_found = FOUND in places
        self.is_found_at_end = FOUND_AT_END in places
        self.places = tuple(sorted(places - {FOUND, FOUND_AT_END}))
        self.next: dict[str, _State] = {}


class TextPattern:
    """One pattern. ValueError says what is wrong with it."""

    __slots__ = ("_kept", "_places", "_start", "_states")

    def __init__(self, pattern: str) -> None:
        self._states: dict[frozenset[int], _State] = {}
        self._kept = 0
        self._places, start = places_of(pattern)
        self._start = self._state(start)

    def may_be_found_in(self, text: str) -> bool:
        """True unless it certainly is not there."""
        return self._look(text) is not False

    def may_be_missing_in(self, text: str) -> bool:
        """True unless it certainly is there."""
        return self._look(text) is not True

    def _look(self, text: str) -> bool | None:
        """None if the part that is looked at does not decide."""
        state = self._start
        for character in text[:MOST_TEXT]:
            if state.is_found or not state.places:
                return state.is_found
            following = state.next.get(character)
            state = self._step(state, character) if following is None else following
        if state.is_found or len(text) <= MOST_TEXT:
            return state.is_found or state.is_found_at_end
        return None if state.places else False

    def _step(self, state: _State, character: str) -> _State:
        reached: set[int] = set()
        for number in state.places:
            place = self._places[number]
            if place.takes(character):
                reached |= place.then
        following = self._state(frozenset(reached))
        self._kept += 1
        if self._kept > MOST_KEPT:
            for one in self._states.values():
                one.next.clear()
            self._states = {frozenset(reached): following}
            self._kept = 1
        state.next[character] = following
        return following

    def _state(self, places: frozenset[int]) -> _State:
        found = self._states.get(places)
        if found is None:
            found = self._states[places] = _State(places)
        return found
