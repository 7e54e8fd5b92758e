"""Who did it, as far as one record and the outbox tell.

Rules, the first that fits
- DynamoDB itself says so in `userIdentity` (TTL deletions alone, today): certain.
- A row of the outbox that is this very write's (`evidence`): certain, or as sure as the evidence says. Of several
  candidates none is the actor.
- A mark that is this very write's (`marks`): likely. One record does not tell whether a mark that was taken away was
  put back a moment later. A removal's is certain where the table refuses every other removal.
- An attribute like `updatedBy` is a claim of the writer, and stays in the item after the next writer's change. It names
  the actor only where this very record wrote it, and no other write's mark with it: possible.
- Otherwise whom mark or attribute name is merely the last known one.

Called by the conversion.
"""

from __future__ import annotations

from typing import Any

from tabletrail.core.diff import Hide, Image
from tabletrail.core.marks import ATTRIBUTE, NO_MARKS, Mark, Marks
from tabletrail.core.outbox import NO_EVIDENCE, Evidence, author_of, context_of
from tabletrail.core.paths import cut_text
from tabletrail.core.places import NOWHERE, Place
from tabletrail.errors import EntryError

TTL_PRINCIPAL = "dynamodb.amazonaws.com"
CLAIMS = frozenset({"attribute", "mark"})
"""Values of `actor.source` where an item's own data name the actor."""
WRITTEN = frozenset({"mark", "outbox"})
"""Values of `actor.source` where a writer gave the name for this purpose."""


def identity_of(record: dict[str, Any]) -> tuple[str, str] | None:
    """(type, principal) of the record's userIdentity. The API writes the names in capitals, Lambda's events do not.

    EntryError if it names nobody: such a record is kept whole rather than without its author.
    """
    identity = record.get("userIdentity")
    if not identity:
        return None
    kind = identity.get("Type", identity.get("type", ""))
    principal = identity.get("PrincipalId", identity.get("principalId", ""))
    if type(principal) is not str or not principal:
        raise EntryError("the record's userIdentity has no principalId")
    return str(kind), principal


def is_ttl(identity: tuple[str, str] | None) -> bool:
    return identity == ("Service", TTL_PRINCIPAL)


def actor_of_change(
    action: str,
    identity: tuple[str, str] | None,
    old: Image | None,
    new: Image | None,
    attribute: str,
    marks: Marks = NO_MARKS,
    named: str = "user",
    evidence: Evidence = NO_EVIDENCE,
) -> dict[str, Any]:
    """Who made a change, whole and in the clear; empty if nothing is known. `old` and `new` are None where the record
    has no such image; before an insert there was nothing, so it wrote what it holds. `attribute` is empty where there
    is none; `named` is the type of those whom it names. `marks` are as `judged` has them."""
    before = {} if action == "insert" and old is None else old
    actor: dict[str, Any] = {}
    if identity is not None:
        kind = "system" if is_ttl(identity) else "service" if identity[0] == "Service" else "user"
        source = "ttl" if is_ttl(identity) else "stream"
        actor = {"id": identity[1], "type": kind, "source": source, "confidence": "certain"}
    elif evidence.row is not None:
        return {**_author(evidence.row.author), "source": "outbox", "confidence": evidence.confidence}
    elif evidence.candidates:
        candidates = [_author(one) for one in evidence.candidates]
        return {"source": "outbox", "confidence": "possible", "candidates": candidates}
    elif marks.own is not None:
        return actor_by(marks.own, marks.confidence)
    name = _text(new if new is not None else old, attribute)
    may_name = name and not actor and not marks.is_foreign
    if may_name and new is not None and before is not None and before.get(attribute) != new[attribute]:
        return {"id": name, "type": named, "source": "attribute", "confidence": "possible"}
    last = _last(marks)
    if last is not None or name:
        actor["last_known"] = name if last is None else last.actor
    return actor


def judged(marks: Marks, evidence: Evidence, *, are_deletes_marked: bool) -> Marks:
    """The marks of a change, of which more is known: by the outbox that the own one is a copy, so that its maker is the
    last known one; or that the change is a removal, and the table refuses one without a mark."""
    if marks.own is None:
        return marks
    if evidence.is_copy:
        return Marks(last=marks.own, is_foreign=True)
    return Marks(marks.own, confidence="certain") if are_deletes_marked else marks


def actor_by(mark: Mark, confidence: str) -> dict[str, Any]:
    """The actor that a write's own mark names."""
    return {**_author(author_of(mark)), "source": "mark", "confidence": confidence}


def shown_actor(actor: dict[str, Any], marks: Marks, attribute: str, root: Place[Any], hide: Hide) -> dict[str, Any]:
    """The entry's `actor`: names cut or, where the item's own data that gave them are sensitive, hidden.

    `actor` is as `actor_of_change` gave it for these marks and this attribute; `root` is the item's place.
    """
    shown = dict(actor)
    if actor.get("source") in WRITTEN:
        shown |= _shown_author(actor, root, hide)
    elif "id" in actor:
        place = root.into(attribute) if actor["source"] in CLAIMS else NOWHERE
        shown["id"] = _shown(actor["id"], place, hide)
    if "candidates" in actor:
        shown["candidates"] = [_shown_author(one, root, hide) for one in actor["candidates"]]
    if "last_known" in actor:
        place = root.into(attribute) if _last(marks) is None else _place_of_mark(root, "actor")
        shown["last_known"] = _shown(actor["last_known"], place, hide)
    return shown


def told_by(marks: Marks, evidence: Evidence, root: Place[Any], hide: Hide) -> tuple[str, dict[str, Any]]:
    """(tabletrail.mark, the fields `reason`, `request` and `context` as far as there are such) of the write's own mark
    and row; empty without them. What one of several candidates gave as reason is not told."""
    teller = evidence.row or (None if evidence.candidates else marks.own)
    fields: dict[str, Any] = {}
    if teller is not None and teller.reason:
        fields["reason"] = _shown(teller.reason, _place_of_mark(root, "reason"), hide)
    if teller is not None and teller.request_id:
        fields["request"] = {"id": _shown(teller.request_id, _place_of_mark(root, "request_id"), hide)}
    if evidence.row is not None and (context := context_of(evidence.row, _place_of_mark(root, "context"), hide)):
        fields["context"] = context
    return _shown(marks.own.id, _place_of_mark(root, "id"), hide) if marks.own else "", fields


def _shown_author(author: dict[str, Any], root: Place[Any], hide: Hide) -> dict[str, Any]:
    """What a writer wrote of himself: what is declared sensitive in a mark is so in a row."""
    shown: dict[str, Any] = {name: author[name] for name in ("id", "type", "service") if name in author}
    for name, field in (("id", "actor"), ("service", "service")):
        if name in shown:
            shown[name] = _shown(shown[name], _place_of_mark(root, field), hide)
    return shown


def _author(author: tuple[str, str, str]) -> dict[str, Any]:
    actor, kind, service = author
    return {"id": actor, "type": kind, "service": service} if service else {"id": actor, "type": kind}


def _place_of_mark(root: Place[Any], name: str) -> Place[Any]:
    return root.into(ATTRIBUTE).into(name)


def _shown(text: str, giver: Place[Any], hide: Hide) -> str:
    return hide("S", text) if giver.hides else cut_text(text)


def _last(marks: Marks) -> Mark | None:
    """Whose name is the last known one, before the attribute's. With DynamoDB's own word even the write's own mark's
    maker is no more than that."""
    return marks.last if marks.own is None else marks.own


def _text(image: Image | None, attribute: str) -> str:
    value = image.get(attribute) if image and attribute else None
    text = value.get("S") if type(value) is dict else None
    return text if type(text) is str else ""
