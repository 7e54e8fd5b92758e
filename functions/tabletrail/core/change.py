"""A stream record as an entry of kind `change`.

Rules
- EntryError for whatever DynamoDB would not send: the caller makes an `unreadable` entry of it.
- A missing image (the stream's view type is not NEW_AND_OLD_IMAGES) is no error: the entry says `tabletrail.incomplete`
  where that leaves open what changed, and never shows a whole image as a change.
- What did not change is not looked into; it is carried in `images`.
- Sensitive values are replaced before anything is made of them: nothing is cut, joined or hashed in the clear.

Called by `entry`.
"""

from __future__ import annotations

from typing import Any

from tabletrail.core.actor import actor_of_change, identity_of, is_ttl, judged, shown_actor, told_by
from tabletrail.core.attribution_policy import MARKED
from tabletrail.core.canonical import canonical_unchecked
from tabletrail.core.diff import Diff, Hide, Image, compared, diff, hide_nothing, shown_name
from tabletrail.core.document import (
    SCHEMA,
    SEQUENCE_DIGITS,
    Conversion,
    Entry,
    Source,
    fixed_fields,
    moment_of,
    seal,
    sequence_key,
)
from tabletrail.core.expiry import told_by_expiry
from tabletrail.core.identity import change_id
from tabletrail.core.marks import ATTRIBUTE, NO_MARKS, Deed, marks_of
from tabletrail.core.message import change_message
from tabletrail.core.outbox import NO_EVIDENCE, Evidence
from tabletrail.core.paths import TEXT_CHARACTERS, cut_path, cut_text, hash_mark, member
from tabletrail.core.places import NOWHERE, Place
from tabletrail.core.policy import Verdict
from tabletrail.core.values import SCALARS, view
from tabletrail.errors import EntryError

END_OF_TIME = 253_402_300_800
"""The year 10000, where RFC 3339 ends."""

ACTIONS = {"INSERT": "insert", "MODIFY": "modify", "REMOVE": "remove"}
_EVENT_TYPES = {"insert": ["creation"], "modify": ["change"], "remove": ["deletion"], "expire": ["deletion"]}
_CATEGORY = ["database"]


def change_entry(
    record: dict[str, Any], source: Source, conversion: Conversion, evidence: Evidence = NO_EVIDENCE
) -> Entry:
    """The entry of one record of `source`. EntryError, or what odd data raises, if it cannot be made."""
    event_id, data = _event_id_of(record), record["dynamodb"]
    sequence_no, seconds = sequence_of(data), seconds_of(data)
    timestamp, index = moment_of(seconds, conversion.index_period)
    identity, action = _identity_and_action(record)
    old, new = _image(data, "OldImage"), _image(data, "NewImage")
    images = images_of(old, new)
    table, hide = conversion.policy.of(source.table_name), conversion.hide
    attribute = table.attribution.attribute_or(conversion.actor_attribute)
    pair = compared(action, old, new)
    changes = diff(*pair, table.root, hide) if pair else Diff()
    has_marks = ATTRIBUTE in (new or ()) or ATTRIBUTE in (old or ())
    marks = marks_of(Deed(action, source.table_name, data["Keys"], seconds), old, new) if has_marks else NO_MARKS
    marks = judged(marks, evidence, are_deletes_marked=action == "remove" and table.attribution.deletes == MARKED)
    true_actor = actor_of_change(action, identity, old, new, attribute, marks, table.attribution.type, evidence)
    actor = shown_actor(true_actor, marks, attribute, table.root, hide)
    item_id, item_key = item_of(data["Keys"], source.partition_key, table.root, hide)
    verdict = table.verdict(action, true_actor, seconds, changes.watched)
    named = actor.get("id", ""), source.table_name, item_id
    document = {
        "@timestamp": timestamp,
        "changed": changes.changed,
        "changed_count": changes.count,
        "changed_path": changes.changed_path,
        "event": _event(action, change_id(source.stream_arn, event_id, sequence_no), sequence_no, verdict.severity),
        "item": {"id": item_id, "key": item_key},
        "message": change_message(action, *named, changes, pair is not None, has_marks),
        "stream": {"arn": source.stream_arn, "sequence": sequence_no, "shard": source.shard_id},
        "tabletrail": _own_fields(conversion, changes, evidence, pair is not None),
        **fixed_fields(source),
    }
    _add_known(document, actor, changes, verdict)
    if identity is None and (marks.own is not None or evidence.row is not None):
        _add_told(document, *told_by(marks, evidence, table.root, hide))
    elif action == "expire":
        document["tabletrail"] |= told_by_expiry(source.ttl_attribute, old, seconds, table.root, hide)
    return Entry(document["event"]["id"], "change", index, sequence_no, seal(document), images, verdict.severity)


def _event_id_of(record: dict[str, Any]) -> str:
    event_id = record["eventID"]
    if type(event_id) is not str or not event_id:
        raise EntryError("the record has no eventID")
    return event_id


def sequence_of(data: dict[str, Any]) -> str:
    """The record's sequence number as it came. EntryError unless it is 1 to 40 decimal digits."""
    number = data.get("SequenceNumber")
    if type(number) is not str or not (number.isascii() and number.isdigit() and len(number) <= SEQUENCE_DIGITS):
        raise EntryError("the record has no usable sequence number")
    return number


def seconds_of(data: dict[str, Any]) -> int:
    """The record's time in whole seconds since the epoch. EntryError unless it is a number before the year 10000."""
    time: Any = data.get("ApproximateCreationDateTime")
    if type(time) not in (int, float) or not 0 <= time < END_OF_TIME:
        raise EntryError("the record has no usable time")
    return int(time)


def item_of(
    keys: Any, partition_key: str, root: Place[Any] = NOWHERE, hide: Hide = hide_nothing
) -> tuple[str, dict[str, str]]:
    """(item.id, item.key) of a record's Keys.

    item.id is the key's text. Of two key attributes, the partition key's first (`Source.partition_key`), both texts are
    joined by `/`, with each `\\` and `/` inside them behind a `\\`. `root` tells which of them are sensitive: before
    anything is joined or cut, what `hide` makes takes their place.
    """
    if type(keys) is not dict or not keys:
        raise EntryError("the record has no keys")
    texts: dict[str, str] = {}
    for name in sorted(keys, key=lambda one: (one != partition_key, one)):
        leaf, _ = view(keys[name])
        if leaf is None or leaf[0] not in SCALARS:
            raise EntryError("a key attribute is neither text nor number nor binary")
        place = root.into(name)
        texts[shown_name(name, root, place, hide)] = hide(*leaf) if place.hides else leaf[1]
    if len(texts) == 1:
        readable = next(iter(texts.values()))
    else:
        readable = "/".join([text.replace("\\", "\\\\").replace("/", "\\/") for text in texts.values()])
    return cut_id(readable), {cut_path(member("", name)): cut_text(text) for name, text in texts.items()}


def cut_id(readable: str) -> str:
    """At most 1,000 characters of an item's key, then an ellipsis, `#` and the SHA-256 of all: still one item's own."""
    if len(readable) <= TEXT_CHARACTERS:
        return readable
    return readable[:TEXT_CHARACTERS] + hash_mark(readable)


def images_of(old: Image | None, new: Image | None) -> bytes:
    """Both whole images in DynamoDB's typed JSON, canonical: whatever order the attributes came in."""
    return canonical_unchecked({"form": "plain", "new": new, "old": old})


def _identity_and_action(record: dict[str, Any]) -> tuple[tuple[str, str] | None, str]:
    identity = identity_of(record)
    return identity, _action_of(record, is_ttl(identity))


def _action_of(record: dict[str, Any], is_expired: bool) -> str:
    action = ACTIONS.get(record["eventName"])
    if action is None:
        raise EntryError("the record's eventName is none of INSERT, MODIFY, REMOVE")
    return "expire" if is_expired and action == "remove" else action


def _image(data: dict[str, Any], name: str) -> Image | None:
    image = data.get(name)
    if image is None or type(image) is dict:
        return image
    raise EntryError(f"the record's {name} is not a JSON object")


def _event(action: str, entry_id: str, sequence_no: str, severity: int) -> dict[str, Any]:
    return {
        "action": action,
        "category": _CATEGORY,
        "dataset": "tabletrail.change",
        "id": entry_id,
        "kind": "event",
        "sequence_key": sequence_key(sequence_no),
        "severity": severity,
        "type": _EVENT_TYPES[action],
    }


def _add_known(document: dict[str, Any], actor: dict[str, str], changes: Diff, verdict: Verdict) -> None:
    known: dict[str, Any] = {"actor": actor, "after": changes.after, "before": changes.before}
    known |= {"numbers": changes.numbers, "tags": verdict.tags}
    document.update({name: value for name, value in known.items() if value})
    if verdict.names:
        document["rule"] = {"name": verdict.names}


def _add_told(document: dict[str, Any], mark: str, told: dict[str, Any]) -> None:
    if mark:
        document["tabletrail"]["mark"] = mark
    document.update(told)


def _own_fields(conversion: Conversion, changes: Diff, evidence: Evidence, is_complete: bool) -> dict[str, Any]:
    fields: dict[str, Any] = {"kind": "change", "rules_version": conversion.rules_version, "schema": SCHEMA}
    if changes.truncated:
        fields["truncated"] = True
    if not is_complete:
        fields["incomplete"] = True
    if evidence.is_unread:
        fields["outbox"] = "unread"
    return fields
