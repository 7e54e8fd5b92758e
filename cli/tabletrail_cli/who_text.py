"""Who made a change, in plain words: how sure that is, what it rests on, and what goes with it.

Pure. Rules
- The word for how sure it is is the entry's own, and no sentence is surer than it.
- Why it is not surer is said too: what would have looked the same.
- Where the change itself names nobody, nobody is made of whom IAM verified, or of whom the item names from before.

Called by `who`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo

from tabletrail_cli.attribution_text import contradicts, details, finding
from tabletrail_cli.entry_text import Entry, actor, at, candidates, named, one_of
from tabletrail_cli.item_story import Told
from tabletrail_cli.last_changes import LastChange, Setter
from tabletrail_cli.output import Part, visible
from tabletrail_cli.times import shown

UNKNOWN = "unknown"
MOST_CONTEXT = 10
"""Places of a row's context that are shown to a person."""
_WIDTH = 10

_REMOVED = "remove"
_BECAUSE = {
    ("ttl", "certain"): "DynamoDB's TTL removed the item, and says so in the record",
    ("stream", "certain"): "DynamoDB itself names who did it in the record",
    ("outbox", "certain"): "the write and a row of the outbox that names {who} were one transaction",
    ("outbox", "likely"): "a mark and its row in the outbox name {who}; an earlier record of that mark may have been "
    "missed, and this one be a copy",
    (
        "mark",
        "likely",
    ): "the item holds a mark that {who} made for this very write; a copy of it that was put back within "
    "5 minutes would look the same",
    (
        "attribute",
        "possible",
    ): "the change wrote {who} into the attribute for it, such as updatedBy; a copy carries it along",
}
_BECAUSE_REMOVED = {
    ("outbox", "certain"): "the delete and a row of the outbox that names {who} were one transaction",
    (
        "outbox",
        "likely",
    ): "a row of the outbox tells of one delete of this item by {who} at that time; no mark ties the two",
    (
        "mark",
        "certain",
    ): "{who} marked the item for its removal, and the table's rules declare that its IAM policy refuses "
    "any delete without a mark",
    ("mark", "likely"): "{who} marked the item for its removal; somebody else's delete in between would look the same",
}
_REMOVED_WITH_ROW = (
    "the removed item's mark for a delete and its row in the outbox name {who}; an earlier record of that mark may "
    "have been missed"
)
_SEVERAL_ROWS = "several rows of the outbox could be this delete's, and nothing tells which is"
_TWO_NAMES = "the item's mark and the row of the outbox do not name the same"
_MARK_OR_ROWS = "the item's mark for a delete and a row of the outbox do not name the same, and nothing tells which is"
_UNREAD = "; the outbox could not be read when the change was captured"


def how_sure(entry: Entry) -> str:
    """certain, likely or possible, as the entry says; or unknown."""
    is_named = at(entry, "actor.id") or candidates(entry)
    return (at(entry, "actor.confidence") if is_named else "") or UNKNOWN


def because(entry: Entry) -> str:
    """What the change's own actor rests on, or why nobody is named. On one line, safe to show."""
    unread = _UNREAD if at(entry, "tabletrail.outbox") == "unread" else ""
    is_removal, has_mark = at(entry, "event.action") == _REMOVED, bool(at(entry, "tabletrail.mark"))
    if candidates(entry):
        return _of_several(is_removal, has_mark) + unread
    name = at(entry, "actor.id")
    if not name:
        return _nobody(entry) + unread
    key = (at(entry, "actor.source"), at(entry, "actor.confidence"))
    words = (_BECAUSE_REMOVED if is_removal else {}).get(key) or _BECAUSE.get(key)
    if is_removal and has_mark and key == ("outbox", "likely"):
        words = _REMOVED_WITH_ROW
    # Not by format: a name may hold braces.
    told = words.replace("{who}", named(name)) if words else f"the entry names {named(name)} by {visible(key[0])}"
    return told + unread


def _of_several(is_removal: bool, has_mark: bool) -> str:
    if not is_removal:
        return _TWO_NAMES
    return _MARK_OR_ROWS if has_mark else _SEVERAL_ROWS


def who(told: Told) -> str:
    """Whom the change itself names; never whom IAM verified."""
    entry = told.entry
    if names := candidates(entry):
        return one_of(names)
    if name := at(entry, "actor.id"):
        return named(name)
    return "the change itself names nobody" if _is_attributed(told) else "nobody knows"


def headline(change: LastChange, place: str, path: str, zone: tzinfo) -> list[Part]:
    """`status of orders order#17 was last changed at 2026-11-24 10:00:00Z`; the names are safe to show."""
    action = at(change.entry, "event.action")
    word = {"insert": "created", "remove": "removed", "expire": "removed by TTL"}.get(action, "changed")
    if path:
        what, word = f"{path} of {place}", f"last changed{f', as the item was {word},' if word != 'changed' else ''}"
    else:
        what, word = place, f"last {word}" if word == "changed" else word
    return [(what, "bold"), (f" was {word} at ", ""), (shown(at(change.entry, "@timestamp"), zone), "bold")]


def evidence(change: LastChange, zone: tzinfo) -> Iterator[list[Part]]:
    """All that is known of who made a change, one fact a line."""
    entry, told = change.entry, change.told
    yield [("  ", ""), (visible(at(entry, "message")), "")]
    yield _row("who", (who(told), "bold"))
    sure = visible(how_sure(entry))
    reason, *others = because(entry).split("; ")
    yield _row("sure", (f"{sure}: " if sure != UNKNOWN else "", "bold"), (reason, ""))
    for other in others:
        yield _row("", (other, "dim"))
    for name, path in _FACTS.items():
        if text := at(entry, path):
            yield _row(name, (named(text), ""))
    context = entry.get("context") or {}
    for path, text in list(context.items())[:MOST_CONTEXT]:
        yield _row("context", (f"{visible(path)}: {named(str(text))}", ""))
    for name, text in _steps(change, zone):
        yield _row(name, (text, ""))
    if names := entry.get("rule", {}).get("name"):
        yield _row("rules", (visible(", ".join(names)), "cyan"))
    yield from _findings(told, zone)
    if change.setter:
        yield from _set_by(change.setter, zone)
    yield _row("entry", (f"{visible(at(entry, 'event.id'))[:16]}… {_origin(change)}", "dim"))


_FACTS = {"through": "actor.service", "request": "request.id", "reason": "reason", "mark": "tabletrail.mark"}


def _nobody(entry: Entry) -> str:
    kind = at(entry, "tabletrail.kind")
    if kind == "unreadable":
        return "the record could not be read"
    if kind == "parked":
        return "the index refused the entry, and the full one was not looked at"
    last = at(entry, "actor.last_known")
    known = f"; last known: {named(last)}, whom the item names from an earlier change" if last else ""
    return f"nothing in this change tells who made it{known}"


def _is_attributed(told: Told) -> bool:
    return any(at(one, "event.action") == "attributed" for one in told.findings)


def _row(name: str, *parts: Part) -> list[Part]:
    return [(f"  {name.ljust(_WIDTH)}", "dim"), *parts]


def _findings(told: Told, zone: tzinfo) -> Iterator[list[Part]]:
    if not told.findings:
        yield _row("IAM", ("nothing on record: no trail that is read covers it, or not yet", "dim"))
    for one in told.findings:
        label, *parts = finding(one)
        yield _row(label[0].rstrip(": "), *parts)
        # Where it is not likely, the sentence says what else it may be: a part of the trail that could not be read.
        if at(one, "principal.confidence") != "likely":
            yield _row("", (visible(at(one, "message")), "dim"))
        for line in details(one, zone):
            yield _row("", (line, "dim"))


def _set_by(setter: Setter, zone: tzinfo) -> Iterator[list[Part]]:
    name = visible(setter.name)
    if setter.told is None:
        yield _row("TTL", (f"no change on record set {name} of this item", ""))
        return
    entry = setter.told.entry
    yield _row("TTL", (f"{name} was last set at {shown(at(entry, '@timestamp'), zone)} by {actor(entry)}", ""))
    sure = visible(how_sure(entry))
    yield _row("", (f"{sure}: {because(entry)}" if sure != UNKNOWN else because(entry), "dim"))
    yield _row("", (visible(at(entry, "message")), "dim"))
    for one in setter.told.findings:
        yield _row("", *finding(one))


def _steps(change: LastChange, zone: tzinfo) -> Iterator[tuple[str, str]]:
    first = change.first_step
    if first:
        yield "in steps", f"marked at {shown(at(first, '@timestamp'), zone)} by {actor(first)}, then removed"
    elif change.told.remark:
        yield "in steps", change.told.remark


def _origin(change: LastChange) -> str:
    segment, line = visible(at(change.entry, "log.segment")), visible(at(change.entry, "log.line"))
    place = f"line {line} of segment {segment}"
    if change.is_from_log:
        return f"{place}, from there: the index refused it"
    return f"{place}; its full form could not be had: {visible(change.trouble)}" if change.trouble else place


def is_contradicted(told: Told) -> bool:
    return any(contradicts(one) for one in told.findings)
