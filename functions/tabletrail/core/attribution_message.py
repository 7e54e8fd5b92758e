"""The sentence of an entry of kind attribution.

    role orders-api as task-7 probably changed orders order#17, by UpdateItem from 192.0.2.10
    role orders-api as task-7 probably changed orders order#17, by one of 3 calls
    user alice or role batch as night may have removed orders order#17: 2 calls fit
    CloudTrail shows no call that can have created orders order#17
    user alice called PutItem for orders order#17 from 192.0.2.10, and the log has no entry of it: ...

Rules
- Whom IAM verified stands first; whom the change's writer names is told as what it is, a claim.
- Of a contradiction it tells what the item or the row says: a copy of another's item says so too, and nobody lied.
- Never surer than the entry: `probably`, `may have`, or that no call is there.

Called by `attribution`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tabletrail.core.message import short
from tabletrail.core.principal import Principal
from tabletrail.core.unrecorded import Missing
from tabletrail.core.witness import Verdict

MOST_NAMED = 3
_ITEM_SHORT = 200
_DONE = {"insert": "created", "modify": "changed", "remove": "removed"}
_UNREAD = "; a part of the trail could not be read, so a call may be missing"


def message_of(change: Mapping[str, Any], verdict: Verdict, *, contradiction: bool, is_whole: bool) -> str:
    """Of the entry about `change`, an entry of kind change."""
    did = f"{_DONE[change['event']['action']]} {change['table']['name']} {short(change['item']['id'], _ITEM_SHORT)}"
    claimed = change.get("actor", {}).get("id", "")
    if verdict.principal is not None:
        text = f"{called(verdict.principal)} probably {did}, {_by(verdict)}"
    elif verdict.candidates:
        text = f"{_names(verdict)} may have {did}: {_calls(verdict)}"
    else:
        text = f"CloudTrail shows no call that can have {did}"
    if contradiction:
        source = "its row of the outbox" if change.get("actor", {}).get("source") == "outbox" else "the item"
        text += f"; {source} names {short(claimed)}, whom this principal may not claim to be"
    elif claimed:
        text += f"; the change names {short(claimed)}"
    return text if is_whole else text + _UNREAD


def message_of_unrecorded(missing: Missing, table: str, item: str) -> str:
    """Of a call's write without an entry. `item` is empty where it does not show."""
    what = f"{table} {short(item, _ITEM_SHORT)}" if item else f"an item of {table}"
    call = missing.call
    text = f"{called(call.principal)} called {call.name} for {what}{_from(call.source_address)}"
    return f"{text}, and the log has no entry of it: {missing.reason}"


def called(principal: Principal) -> str:
    """What a sentence calls a principal: `role orders-api as task-7`, `user alice`."""
    if not principal.is_known:
        return "a caller whom CloudTrail does not tell"
    name = short(principal.name or principal.id)
    if principal.is_sso:
        return f"{name} of IAM Identity Center"
    if principal.kind == "AssumedRole":
        return f"role {name} as {short(principal.session)}" if principal.session else f"role {name}"
    kinds = {
        "IAMUser": f"user {name}",
        "Root": f"the root user of {short(principal.account)}",
        "AWSService": f"the service {name}",
        "AWSAccount": f"account {name}",
        "FederatedUser": f"federated user {name}",
    }
    return kinds.get(principal.kind, name)


def _by(verdict: Verdict) -> str:
    if verdict.call is not None:
        return f"by {verdict.call.name}{_from(verdict.call.source_address)}"
    return f"by one of {len(verdict.candidates) + verdict.more} calls"


def _from(address: str) -> str:
    return f" from {short(address)}" if address else ""


def _names(verdict: Verdict) -> str:
    """The principals of the candidates, each once; the rest by their number."""
    principals = {one.call.principal.id: one.call.principal for one in verdict.candidates}
    names = [called(principal) for principal in principals.values()]
    if len(names) == 1 and not verdict.more:
        return names[0]
    rest = len(names) - MOST_NAMED
    if rest > 0 or verdict.more:
        others = f"{rest} others" if rest > 1 else "another"
        return f"{', '.join(names[:MOST_NAMED])} or {'somebody else' if verdict.more else others}"
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _calls(verdict: Verdict) -> str:
    count = len(verdict.candidates) + verdict.more
    if count > 1:
        return f"{count} calls fit"
    shows = verdict.candidates[0].shows_key
    return "its call fits, but is not known to be the one" if shows else "its call fits, but does not show its item"
