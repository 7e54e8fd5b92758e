"""How the writers of a table say who they are, and which principal may claim to be whom: `attribution` of a policy.

    "attribution": {
      "tables": [{"table": "orders*", "attribute": "lastModifiedBy", "type": "user", "outbox": true,
                  "deletes": "marked", "claims": [...]}],
      "claims": [{"principal": "arn:aws:iam::*:role/billing*", "actors": "any" | "self" | ["billing-*"]}]
    }

Rules
- The first entry that fits a table counts for it, whole: what it leaves out is as if there were no entry, but for
  `claims`, which all tables share that have none of their own.
- The first claim that fits a principal counts. Where none does, a person (an SSO or IAM user, the root user) may claim
  to be himself alone, and a role, a service or another account anybody: they write on behalf of others.
- What cannot be judged is no contradiction: an identity that CloudTrail does not tell, a name that is hidden.
- What can never have an effect is refused: it was meant otherwise.

docs/rules.md explains it to those who write it. Called by `policy`, and by whoever compares a claim with a principal.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tabletrail.core.conditions import listed
from tabletrail.core.globs import any_glob
from tabletrail.core.marks import ATTRIBUTE
from tabletrail.core.paths import NAME_CHARACTERS, member, quoted
from tabletrail.core.rule_form import Problem, pointer
from tabletrail.core.tokens import LENGTH, PREFIX

if TYPE_CHECKING:
    from tabletrail.core.principal import Principal

SECTION = "attribution"
LISTS = ("tables", "claims")
OUTBOX_TABLE = "tabletrail_outbox"
"""Where rows lie. A stack with an outbox of its own beside another's has a name that begins so."""
MARKED = "marked"

_PERSONS = frozenset({"IAMUser", "Root"})
"""CloudTrail's types of identities that stand for one person each. An SSO user's is a role's: `Principal.is_sso`."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What the principals that fit one of `principals` may claim: `actors` is "any", "self", or globs of names."""

    principals: tuple[str, ...]
    actors: str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Attribution:
    """What a policy says of a table. `attribute` is None where it leaves that to the setting, empty for none; `type` is
    that of the actors whom the attribute names; `deletes`: "marked" where IAM refuses every other delete, or "any"."""

    attribute: str | None = None
    type: str = "user"
    outbox: bool = False
    deletes: str = "any"
    claims: tuple[Claim, ...] = ()

    def attribute_or(self, setting: str) -> str:
        """The attribute that names who wrote; empty if there is none."""
        return setting if self.attribute is None else self.attribute


NO_ATTRIBUTION = Attribution()


Attributions = tuple[tuple[tuple[str, ...], Attribution], ...]
"""(table globs, what is said of these tables) in the order in which they count."""


def compile_section(section: Mapping[str, Any]) -> Attributions:
    """What a section without problems says; nothing for an empty one."""
    shared = _claims(section.get("claims", ()))
    found = [(tuple(listed(one["table"])), _attribution(one, shared)) for one in section.get("tables", ())]
    return (*found, (("*",), Attribution(claims=shared))) if section else ()


def attribution_of(attributions: Attributions, table: str) -> Attribution:
    """What is said of a table."""
    found = next((one for globs, one in attributions if any_glob(globs)(table)), NO_ATTRIBUTION)
    # The outbox is audited as any table is, but a row for each row would never end.
    return replace(found, outbox=False) if found.outbox and is_outbox(table) else found


def is_outbox(table: str) -> bool:
    """True of an outbox, whichever stack's it is."""
    return table.startswith(OUTBOX_TABLE)


def section_of(source: Mapping[str, Any]) -> dict[str, Any]:
    """The section of a policy's source, without lists that are empty: such a policy is the one that has no section."""
    section = source.get(SECTION, {})
    return {name: section[name] for name in LISTS if section.get(name)}


def may_claim(attribution: Attribution, principal: Principal, actor_id: str, *, may_be_hidden: bool = True) -> bool:
    """False if `principal` made a call whose change says that `actor_id` made it, and he may not say so.

    `actor_id` is as the entry has it. With `may_be_hidden` false (nothing of the table is declared sensitive) a text
    that looks like a token is a name.
    """
    if not actor_id or not principal.is_known or (may_be_hidden and _is_token(actor_id)):
        return True
    arns = [arn for arn in (principal.arn or principal.id, principal.role) if arn]
    for claim in attribution.claims:
        if any(map(any_glob(claim.principals), arns)):
            return _is_among(claim.actors, principal, actor_id)
    is_person = principal.is_sso or principal.kind in _PERSONS
    return not is_person or _is_among("self", principal, actor_id)


def section_problems(found: Mapping[str, Sequence[tuple[int, Any]]], where: str) -> Iterator[Problem]:
    """What is wrong beside the form with the elements, each with its number, of `tables` and `claims`. `where` is the
    section's pointer."""
    tables, claims = pointer(where, "tables"), pointer(where, "claims")
    yield from _covered(found["tables"], tables, "table")
    for number, one in found["tables"]:
        yield from _entry_problems(one, pointer(tables, number))
    yield from _covered(found["claims"], claims, "principal")


def _entry_problems(one: Mapping[str, Any], where: str) -> Iterator[Problem]:
    yield from _covered(list(enumerate(one.get("claims", ()))), pointer(where, "claims"), "principal")
    if one.get("outbox"):
        for name, at in _globs(one["table"], pointer(where, "table")):
            if is_outbox(name):
                yield at, "is the outbox itself, which is audited without rows of its own: leave it out here"
    if "attribute" not in one:
        return
    if one["attribute"] == "" and "type" in one:
        yield pointer(where, "type"), "is of the actor whom an attribute names, and there is none: leave it out"
    reason = _wrong_name(one["attribute"])
    if reason:
        yield pointer(where, "attribute"), reason


def _wrong_name(written: str) -> str:
    """Why this is no attribute whose text may name an actor; empty if it is one, or none."""
    try:
        name = _name(written)
    except ValueError:
        return f"{written} is not a JSON text in brackets"
    if name == ATTRIBUTE:
        return "is where marks lie, which are read in any case: name another attribute, or leave it out"
    if len(name) > NAME_CHARACTERS:
        return f"must be at most {NAME_CHARACTERS} characters"
    if name and name == written and member("", name) != name:
        return (
            "is a path, or a name that looks like one: only a top-level attribute names an actor, and a name with such"
            f" characters is written {quoted(name)}"
        )
    return "holds `*`, but must be one attribute's name" if "*" in written and name == written else ""


def _name(written: str) -> str:
    """`["a.b"]` is the name a.b, all else is itself. ValueError if what is in brackets is no text."""
    if not (written.startswith('["') and written.endswith('"]')):
        return written
    name = json.loads(written[1:-1])
    if not isinstance(name, str) or not name:
        raise ValueError("no name")
    return name


def _covered(entries: Sequence[tuple[int, Mapping[str, Any]]], where: str, field: str) -> Iterator[Problem]:
    """Globs that never count, since those before them fit all that they fit."""
    before: list[str] = []
    for number, one in entries:
        for text, at in _globs(one[field], pointer(pointer(where, number), field)):
            # What fits the pattern as a text fits all that it stands for: only a star takes up another's star.
            if any_glob(before)(text):
                yield at, f"{text} never counts: what stands before it fits the same"
            before.append(text)


def _globs(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """(text, pointer) of one or several."""
    for number, text in enumerate(listed(value)):
        yield text, pointer(where, number) if isinstance(value, list) else where


def _attribution(one: Mapping[str, Any], shared: tuple[Claim, ...]) -> Attribution:
    return Attribution(
        _name(one["attribute"]) if "attribute" in one else None,
        one.get("type", "user"),
        one.get("outbox", False),
        one.get("deletes", "any"),
        _claims(one["claims"]) if "claims" in one else shared,
    )


def _claims(written: Sequence[Mapping[str, Any]]) -> tuple[Claim, ...]:
    return tuple(
        Claim(
            tuple(listed(one["principal"])),
            one["actors"] if isinstance(one["actors"], str) else tuple(one["actors"]),
        )
        for one in written
    )


def _is_among(actors: str | tuple[str, ...], principal: Principal, actor_id: str) -> bool:
    if actors == "any":
        return True
    if isinstance(actors, tuple):
        return any_glob(actors)(actor_id)
    own = (principal.name, principal.session, principal.source_identity)
    return any(_is_same(actor_id, name) for name in own if name)


def _is_same(one: str, other: str) -> bool:
    """True for the same name in whatever case, and for an e-mail address and the part before its @."""
    one, other = one.lower(), other.lower()
    return one == other or other == _before_at(one) or one == _before_at(other)


def _before_at(text: str) -> str:
    return text.rpartition("@")[0]


def _is_token(text: str) -> bool:
    return text.startswith(PREFIX) and len(text) == LENGTH
