"""Entries of kind attribution: what CloudTrail says of a change that is in the log, or of a call that is not.

Rules
- A change's entry is never touched: what is said of it is an entry of its own, about its id, at its time, in its index.
  So both are found together, are closed together, and go together.
- What of the change is shown is copied from its entry, where sensitive values are hidden already. No `actor`: whom the
  change's writer names is there as `principal.claimed`, apart from whom IAM verified.
- `likely` names the principal; of several calls of his all are candidates. `possible` names nobody above the
  candidates. Where a part of the trail could not be read a call may be missing, and no verdict is more than `possible`.
- A contradiction is said of a `likely` principal alone: of candidates nobody is accused.
- A call without an entry is about none: its time and item are the call's own, the item only where it shows whole and
  can be hidden as the table's policy hides it.
- The sentence is never surer than the entry.

Called by `judgement`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Context, Decimal
from typing import Any

from tabletrail.core.attribution_message import message_of, message_of_unrecorded
from tabletrail.core.change import item_of
from tabletrail.core.cloudtrail import Call
from tabletrail.core.document import (
    SCHEMA,
    SEVERITY_HIGH,
    SEVERITY_MEDIUM,
    SEVERITY_NONE,
    Conversion,
    Entry,
    Source,
    fixed_fields,
    moment_of,
    seal,
    sequence_key,
)
from tabletrail.core.identity import attribution_id, unrecorded_id
from tabletrail.core.notices import NO_IMAGES
from tabletrail.core.principal import Principal
from tabletrail.core.sightings import value
from tabletrail.core.unrecorded import Missing
from tabletrail.core.witness import Verdict

KIND = "attribution"
_COPIED = ("cloud", "item", "service", "table")
_PARTIQL = frozenset({"ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"})
_EXACT = Context(prec=200)
"""More digits than a key has."""


def lowered(verdict: Verdict) -> Verdict:
    """The verdict where a call may be missing among the candidates."""
    return replace(verdict, confidence="possible", principal=None) if verdict.confidence == "likely" else verdict


def attribution_entry(
    change: Mapping[str, Any], verdict: Verdict, *, contradiction: bool = False, is_whole: bool = True
) -> Entry:
    """The entry about `change`, an entry of kind change as its segment's line has it. `is_whole` is false where a part
    of the trail could not be read: then the verdict must be `lowered`."""
    about, stream_arn = change["event"]["id"], change["stream"]["arn"]
    severity = SEVERITY_HIGH if contradiction else SEVERITY_NONE
    claimed = change.get("actor", {}).get("id", "")
    own: dict[str, Any] = {"about": about, "action": change["event"]["action"]}
    own["rules_version"] = change["tabletrail"]["rules_version"]
    document = _document(
        attribution_id(stream_arn, about),
        "attributed" if verdict.confidence else "unattributed",
        severity,
        change["event"]["sequence_key"],
        own | ({"contradiction": True} if contradiction else {}),
    )
    document |= {"@timestamp": change["@timestamp"], "stream": {"arn": stream_arn}}
    document |= {name: change[name] for name in _COPIED if name in change}
    document["message"] = message_of(change, verdict, contradiction=contradiction, is_whole=is_whole)
    if principal := _principal(verdict) | ({"claimed": claimed} if claimed else {}):
        document["principal"] = principal
    return Entry(document["event"]["id"], KIND, change["log"]["index"], None, seal(document), NO_IMAGES, severity)


def unrecorded_entry(missing: Missing, source: Source, conversion: Conversion, kinds: Mapping[str, str]) -> Entry:
    """The entry of a call's write of which the log has none. `kinds` has the type of each key attribute of the table,
    as far as known; `source` is the table's stream, without a shard."""
    call, write = missing.call, missing.write
    timestamp, index = moment_of(call.seconds, conversion.index_period)
    number = [one for one in call.writes if one.table == write.table].index(write)
    document = _document(
        unrecorded_id(source.stream_arn, call.id, number),
        "unrecorded",
        SEVERITY_MEDIUM,
        sequence_key("0"),
        {"rules_version": conversion.rules_version},
    )
    document |= {"@timestamp": timestamp, "stream": {"arn": source.stream_arn}, **fixed_fields(source)}
    item = _item(missing, source, conversion, kinds)
    if item:
        document["item"] = item
    document["message"] = message_of_unrecorded(missing, source.table_name, item.get("id", ""))
    document["principal"] = _who(call.principal) | _of_call(call) | {"confidence": "possible"}
    return Entry(document["event"]["id"], KIND, index, None, seal(document), NO_IMAGES, SEVERITY_MEDIUM)


def _document(entry_id: str, action: str, severity: int, order: str, own: dict[str, Any]) -> dict[str, Any]:
    return {
        "event": {
            "action": action,
            "category": ["database"],
            "dataset": f"tabletrail.{KIND}",
            "id": entry_id,
            "kind": "event",
            "sequence_key": order,
            "severity": severity,
            "type": ["info"],
        },
        "tabletrail": {"kind": KIND, "schema": SCHEMA, **own},
    }


def _principal(verdict: Verdict) -> dict[str, Any]:
    """`principal` of a verdict, without the claim; empty where no call fits."""
    if not verdict.confidence:
        return {}
    told: dict[str, Any] = {"confidence": verdict.confidence}
    if verdict.principal is not None:
        told |= _who(verdict.principal)
    if verdict.call is not None:
        return told | _of_call(verdict.call)
    told["candidates"] = [_candidate(one.call) for one in verdict.candidates]
    return told | ({"more": verdict.more} if verdict.more else {})


def _candidate(call: Call) -> dict[str, Any]:
    who, calls = _who(call.principal), _of_call(call)
    wanted = ("arn", "id", "type", "name", "session", "address", "user_agent", "request_id", "call", "at")
    return {name: text for name, text in (who | calls).items() if name in wanted}


def _who(principal: Principal) -> dict[str, Any]:
    fields = {
        "account": principal.account,
        "arn": principal.arn,
        "id": principal.id,
        "name": principal.name,
        "provider": principal.provider,
        "role": principal.role,
        "session": principal.session,
        "source_identity": principal.source_identity,
        "type": principal.kind,
    }
    return {name: text for name, text in fields.items() if text}


def _of_call(call: Call) -> dict[str, Any]:
    fields = {
        "address": call.source_address,
        "at": moment_of(call.seconds, "day")[0],
        "call": call.id,
        "invoked_by": call.invoked_by,
        "request_id": call.request_id,
        "user_agent": call.user_agent,
    }
    return {name: text for name, text in fields.items() if text}


def _item(missing: Missing, source: Source, conversion: Conversion, kinds: Mapping[str, str]) -> dict[str, Any]:
    """`item` of a call's write; empty where its key does not show whole, or cannot be shown as it must be."""
    shown = dict(missing.write.key)
    table = conversion.policy.of(source.table_name)
    if kinds and shown.keys() != kinds.keys():
        return {}
    if not kinds and (table.hides or not shown or missing.call.name in _PARTIQL):
        return {}
    if any(kind not in ("S", "N") for kind in kinds.values()) or not _is_text(shown):
        return {}
    keys = {name: _typed(kinds.get(name, "S"), text) for name, text in shown.items()}
    readable, by_name = item_of(keys, source.partition_key, table.root, conversion.hide)
    return {"id": readable, "key": by_name}


def _is_text(shown: Mapping[str, str]) -> bool:
    """False for half a surrogate pair, which JSON may hold, an entry cannot and no key has."""
    try:
        "".join([*shown, *shown.values()]).encode()
    except UnicodeEncodeError:
        return False
    return True


def _typed(kind: str, text: str) -> dict[str, str]:
    """A key attribute as a record has it: a number in DynamoDB's own form, or the same item would have two ids."""
    number = value(text) if kind == "N" else text
    if isinstance(number, Decimal):
        text = format(number.normalize(_EXACT), "f") if number else "0"
    return {kind: text}
