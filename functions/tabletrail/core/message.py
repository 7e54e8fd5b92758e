"""The one sentence of an entry, for people and for full-text search.

    alice changed status from paid to shipped on orders order#17
    status changed from paid to shipped, note set to call first and 4 more on orders order#17
    alice marked orders order#17 for its removal
    TTL expired orders order#17

Rules
- Values are short and on one line; the exact ones are in `before` and `after`.
- Without a known actor the sentence names none: it never guesses.
- The mark that came with a change is no news of it: only where nothing else changed is it told.

Called by the conversion.
"""

from __future__ import annotations

import re

from tabletrail.core.diff import Diff
from tabletrail.core.marks import ATTRIBUTE, DELETE

MOST_NAMED = 3
SHORT = 80
_ITEM_SHORT = 200
_MARKS_ID, _MARKS_INTENT = f"{ATTRIBUTE}.id", f"{ATTRIBUTE}.intent"
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")

_WHOLE_ITEM = {
    "insert": ("created", "was created"),
    "remove": ("removed", "was removed"),
    "expire": ("expired", "expired"),
}


def change_message(
    action: str, actor: str, table: str, item: str, changes: Diff, is_complete: bool, has_marks: bool = False
) -> str:
    """`actor` is empty if unknown; `is_complete` is false where the stream gave no image to compare with. `has_marks`:
    an image has the attribute of marks."""
    place = f"{table} {short(item, _ITEM_SHORT)}"
    who = "TTL" if action == "expire" else short(actor) if actor else ""
    if action != "modify":
        active, passive = _WHOLE_ITEM[action]
        return f"{who} {active} {place}" if who else f"{place} {passive}"
    if not is_complete:
        what = f"{who} changed {place}" if who else f"{place} was changed"
        return f"{what}; the stream holds no image to tell what"
    if not changes.changed:
        return f"{who} wrote {place}" if who else f"{place} was written"
    tell = _active if who else _passive
    paths = [path for path in changes.changed if not _is_of_mark(path)] if has_marks else changes.changed
    if not paths and who and _MARKS_ID in changes.after:
        return f"{who} marked {place}{' for its removal' if changes.after.get(_MARKS_INTENT) == DELETE else ''}"
    paths = paths or changes.changed
    count = changes.count - len(changes.changed) + len(paths)
    told = ", ".join([tell(changes, path) for path in paths[:MOST_NAMED]])
    more = f" and {count - MOST_NAMED} more" if count > MOST_NAMED else ""
    return f"{who} {told}{more} on {place}" if who else f"{told}{more} on {place}"


def _is_of_mark(path: str) -> bool:
    return path.startswith(ATTRIBUTE) and path[len(ATTRIBUTE) : len(ATTRIBUTE) + 1] in ("", ".", "[")


def _active(changes: Diff, path: str) -> str:
    before, after = changes.before.get(path), changes.after.get(path)
    if after is None:
        return f"removed {short(path)}"
    if before is None:
        return f"set {short(path)} to {short(after)}"
    return f"changed {short(path)} from {short(before)} to {short(after)}"


def _passive(changes: Diff, path: str) -> str:
    before, after = changes.before.get(path), changes.after.get(path)
    if after is None:
        return f"{short(path)} removed"
    if before is None:
        return f"{short(path)} set to {short(after)}"
    return f"{short(path)} changed from {short(before)} to {short(after)}"


def short(text: str, limit: int = SHORT) -> str:
    """On one line, at most `limit` characters; an empty text is shown as such."""
    if not text:
        return '""'
    if len(text) > limit:
        text = text[:limit] + "…"
    return text if text.isprintable() else _UNPRINTABLE.sub(" ", text)
