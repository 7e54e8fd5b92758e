"""Who did it, as far as one record tells.

Rules
- DynamoDB itself says so in `userIdentity` (TTL deletions alone, today): certain.
- An attribute like `updatedBy` is a claim of the writer, and stays in the item after the next writer's change. It names
  the actor only where this very record wrote it: possible. Otherwise it is merely the last known one.

Called by the conversion.
"""

from __future__ import annotations

from typing import Any

from tabletrail.core.diff import Hide, Image
from tabletrail.core.paths import cut_text
from tabletrail.errors import EntryError

TTL_PRINCIPAL = "dynamodb.amazonaws.com"


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


def actor_of(identity: tuple[str, str] | None, old: Image | None, new: Image | None, attribute: str) -> dict[str, str]:
    """Who did it, whole and in the clear; empty if nothing is known. `old` and `new` are None where the record has no
    such image."""
    actor: dict[str, str] = {}
    if identity is not None:
        kind = "system" if is_ttl(identity) else "service" if identity[0] == "Service" else "user"
        source = "ttl" if is_ttl(identity) else "stream"
        actor = {"id": identity[1], "type": kind, "source": source, "confidence": "certain"}
    name = _text(new if new is not None else old, attribute)
    if not name:
        return actor
    if not actor and new is not None and old is not None and old.get(attribute) != new[attribute]:
        return {"id": name, "type": "user", "source": "attribute", "confidence": "possible"}
    actor["last_known"] = name
    return actor


def actor_of_change(
    action: str, identity: tuple[str, str] | None, old: Image | None, new: Image | None, attribute: str
) -> dict[str, str]:
    """`actor_of` for a change: before an insert there was nothing, so it wrote what it holds."""
    return actor_of(identity, {} if action == "insert" and old is None else old, new, attribute)


def shown_actor(actor: dict[str, str], hide: Hide | None) -> dict[str, str]:
    """The entry's `actor`: names cut or, with `hide`, those that the item's own attribute gave hidden."""
    shown = dict(actor)
    for name in ("id", "last_known"):
        text = actor.get(name)
        if text is not None:
            is_attribute = name == "last_known" or actor["source"] == "attribute"
            shown[name] = hide("S", text) if hide and is_attribute else cut_text(text)
    return shown


def _text(image: Image | None, attribute: str) -> str:
    value = image.get(attribute) if image and attribute else None
    text = value.get("S") if type(value) is dict else None
    return text if type(text) is str else ""
