"""What CloudTrail says of a change, in words: entries of kind attribution.

Pure. Rules
- Whom IAM verified is never mixed with who the change's own entry says it was: both are shown, each as what it is.
- IAM is sure of the caller, never of the change being his call's: the confidence is that of the entry, always said.
- Several callers are several: all that the entry names are named, and how many more there are.

Called by `history` and `who`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo

from tabletrail_cli.entry_text import Entry, at, named
from tabletrail_cli.output import Part, visible
from tabletrail_cli.times import shown

ATTRIBUTED, UNATTRIBUTED, UNRECORDED = "attributed", "unattributed", "unrecorded"
"""Values of `event.action`."""
NO_CALL = "no call in CloudTrail fits this change"


def is_attribution(entry: Entry) -> bool:
    return at(entry, "tabletrail.kind") == "attribution"


def contradicts(entry: Entry) -> bool:
    """True if the caller may not claim to be the actor that the change names."""
    return at(entry, "tabletrail.contradiction") == "True"


def finding(entry: Entry) -> list[Part]:
    """`IAM: role billing-writer as job-42 (likely)`, with a contradiction marked as such."""
    action = at(entry, "event.action")
    if action == UNATTRIBUTED:
        return [("IAM: ", "dim"), (NO_CALL, "yellow")]
    if action != ATTRIBUTED:
        return [("CloudTrail: ", "dim"), (visible(at(entry, "message")), "")]
    parts = [("IAM: ", "dim"), (f"{callers(entry)} ({_confidence(entry)})", "bold")]
    if contradicts(entry):
        claimed = named(at(entry, "principal.claimed"))
        parts.append((f"  CONTRADICTION: the change claims {claimed}, which this caller may not", "bold red"))
    return parts


def callers(entry: Entry) -> str:
    """`role billing-writer as job-42`; of several all that are named. They made calls that fit, no more."""
    principal = entry.get("principal") or {}
    if at(principal, "id") or at(principal, "arn"):
        return caller(principal)
    names = list(dict.fromkeys(caller(one) for one in principal.get("candidates") or [{}]))
    more = int(principal.get("more") or 0)
    names += [f"the callers of {more} more calls"] if more else []
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def caller(principal: Entry) -> str:
    """`user alice`, `role billing-writer as job-42`: as the entry's own sentence calls it, but with names that could
    pass for more in quotes."""
    name, session, kind = (at(principal, name) for name in ("name", "session", "type"))
    whole = name or at(principal, "arn") or at(principal, "id")
    if not whole or whole.startswith("unknown:"):
        return "a caller whom CloudTrail does not tell"
    if _SSO_ROLE in at(principal, "arn"):
        return f"{named(whole)} of IAM Identity Center"
    if kind == "AssumedRole" and session:
        return f"role {named(whole)} as {named(session)}"
    return f"{_KINDS.get(kind, '')} {named(whole)}".strip()


_SSO_ROLE = ":assumed-role/AWSReservedSSO_"
_KINDS = {
    "AssumedRole": "role",
    "AWSAccount": "account",
    "AWSService": "the service",
    "FederatedUser": "federated user",
    "IAMUser": "user",
    "Root": "the root user",
}


def details(entry: Entry, zone: tzinfo) -> Iterator[str]:
    """Of each call that fits: the caller's ARN and when, then from where, with what, which request."""
    principal = entry.get("principal") or {}
    calls = principal.get("candidates") or ([principal] if at(principal, "id") else [])
    for call in calls:
        when = f" at {shown(visible(at(call, 'at')), zone)}" if at(call, "at") else ""
        yield named(at(call, "arn") or at(call, "id")) + when
        facts = [f"{word} {named(at(call, name))}" for name, word in _FACTS.items() if at(call, name)]
        if facts:
            yield f"  {', '.join(facts)}"
    if more := int(principal.get("more") or 0):
        yield f"and {more} more calls"


_FACTS = {
    "address": "from",
    "user_agent": "with",
    "invoked_by": "through",
    "request_id": "request",
    "call": "CloudTrail event",
}


def _confidence(entry: Entry) -> str:
    return visible(at(entry, "principal.confidence")) or "nobody says how sure"
