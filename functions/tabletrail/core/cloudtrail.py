"""A file of CloudTrail events as the calls that wrote to audited tables.

Pure: the file's unzipped bytes in, calls and counts out; `cloudtrail_files` knows whose files these may be.

Rules
- Each record of a file is counted once: as a call, in `left_out` (a record in order that is none of ours, or failed)
  or in `bad` (one that should be a call and cannot be read). Nothing raises: a file is another system's work.
- A call that failed wrote nothing and is left out. (After a server error DynamoDB may have written: such a change
  then has no call here.)
- A call of which a part is not understood stays a call, with an unknown write or an unknown principal. One that is
  `bad` is missing among the candidates, so whoever reads must raise alarm for it.
- One call is one `Call.id`, in however many files, accounts or updates it comes.

Sources: AWS CloudTrail User Guide, "CloudTrail record contents" (`eventTime` was "made" in older editions and is
"completed" now; `requestParameters` above 100 KB are omitted; `sharedEventID` where an event goes to several
accounts; `addendum` where it is delivered again with updated fields); the DynamoDB guide as said in
`cloudtrail_writes`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tabletrail.core.cloudtrail_files import records_of
from tabletrail.core.cloudtrail_writes import NAMES, Write, writes_of
from tabletrail.core.principal import Principal, principal_of, text_of

FILE_BYTES = 64 * 1024 * 1024
"""The largest file that is read, unzipped. CloudTrail begins a new file about every five minutes, or before it gets
large. Measured: one of 43 MB with 40,000 calls took 250 MB and 1.7 s."""

_SOURCE = "dynamodb.amazonaws.com"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_TABLE = re.compile(r"arn:[a-z-]+:dynamodb:([a-z0-9-]*):(\d*):table/([A-Za-z0-9_.-]+)(?:/.*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose calls are wanted: names of the audited tables of one account in one region."""

    account: str
    region: str
    tables: frozenset[str]


@dataclass(frozen=True, slots=True)
class Call:
    """One successful call. `writes` are on audited tables only, with the table's plain name, at least one."""

    id: str
    name: str
    seconds: int
    """CloudTrail's `eventTime`, whole seconds since the epoch."""
    writes: tuple[Write, ...]
    principal: Principal
    source_address: str = ""
    user_agent: str = ""
    request_id: str = ""
    invoked_by: str = ""
    """The AWS service that made the call for the principal."""
    is_update: bool = False
    """CloudTrail delivered it again with updated fields: it counts before the first."""


@dataclass(frozen=True, slots=True)
class LogFile:
    """`records == len(calls) + the sums of left_out and bad`. A file that cannot be read is one bad record; so is what
    follows where one breaks off."""

    calls: tuple[Call, ...] = ()
    records: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    bad: Mapping[str, int] = field(default_factory=dict)


class _OddError(Exception):
    """The record is no call of ours: (is it bad, why)."""


def read_log(data: bytes, scope: Scope) -> LogFile:
    """What one file, unzipped, tells of the tables of `scope`. It never raises for what is in `data`."""
    if len(data) > FILE_BYTES:
        return LogFile(records=1, bad={"file too large": 1})
    records, trouble = records_of(data)
    calls: list[Call] = []
    left_out: Counter[str] = Counter()
    bad: Counter[str] = Counter({trouble: 1} if trouble else {})
    for record in records:
        try:
            calls.append(_call(record, scope))
        except _OddError as odd:
            is_bad, reason = odd.args
            (bad if is_bad else left_out)[reason] += 1
    return LogFile(tuple(calls), len(records) + bool(trouble), dict(left_out), dict(bad))


def unique(calls: Iterable[Call]) -> list[Call]:
    """Each call once, by time and id: whatever order and however often they came. Of two that tell different things
    under one id an update counts, else the one that is first when written out."""
    best: dict[str, Call] = {}
    for call in calls:
        known = best.get(call.id)
        if known is None or _rank(call) < _rank(known):
            best[call.id] = call
    return sorted(best.values(), key=lambda call: (call.seconds, call.id))


def _rank(call: Call) -> tuple[bool, str]:
    return not call.is_update, repr(call)


def _call(record: Any, scope: Scope) -> Call:
    if type(record) is not dict:
        raise _OddError(True, "record is not an object")
    name = text_of(record, "eventName")
    _require_write_event(record, name, scope)
    seconds = _seconds(record)
    addendum = record.get("addendum")
    original = text_of(addendum, "originalEventID") if type(addendum) is dict else ""
    event_id = text_of(record, "sharedEventID") or original or text_of(record, "eventID")
    if not event_id:
        raise _OddError(True, "record has no eventID")
    writes = _writes(record, name, scope)
    identity = record.get("userIdentity")
    return Call(
        id=event_id,
        name=name,
        seconds=seconds,
        writes=writes,
        principal=principal_of(identity, event_id),
        source_address=text_of(record, "sourceIPAddress"),
        user_agent=text_of(record, "userAgent"),
        request_id=text_of(record, "requestID"),
        invoked_by=text_of(identity, "invokedBy") if type(identity) is dict else "",
        is_update=bool(original),
    )


def _require_write_event(record: dict[str, Any], name: str, scope: Scope) -> None:
    """Raise unless the record is a successful call in our region that may write items."""
    if not text_of(record, "eventVersion").startswith("1."):
        raise _OddError(True, "record is of an unknown version")
    if text_of(record, "eventSource") != _SOURCE:
        raise _OddError(False, "other service")
    if name not in NAMES or record.get("readOnly") is True:
        raise _OddError(False, "not a write")
    if text_of(record, "awsRegion") != scope.region:
        raise _OddError(False, "other region")
    if record.get("errorCode") or record.get("errorMessage"):
        raise _OddError(False, "failed")


def _seconds(record: dict[str, Any]) -> int:
    text = text_of(record, "eventTime")
    try:
        if _TIME.fullmatch(text):
            return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())
    except ValueError:
        pass
    raise _OddError(True, "record has no usable eventTime")


def _writes(record: dict[str, Any], name: str, scope: Scope) -> tuple[Write, ...]:
    """The call's writes on audited tables. One whose table does not show may be on each table that the record names."""
    found = writes_of(name, record.get("requestParameters"))
    if not found:
        raise _OddError(False, "not a write")
    accounts, recipient = _tables_of(record), text_of(record, "recipientAccountId")
    named = {
        name: account for write in found if write.table for account, name in _places(write.table, accounts, recipient)
    }
    accounts = named | accounts
    ours: set[Write] = set()
    is_ours_in_part = False
    for write in found:
        for account, table in _places(write.table, accounts, recipient):
            is_ours_in_part |= account == scope.account
            if account == scope.account and table in scope.tables:
                ours.add(Write(table, write.operation, write.key))
    if ours:
        return tuple(sorted(ours))
    if not accounts and any(not write.table for write in found):
        raise _OddError(True, "record names no table")
    raise _OddError(False, "other table" if is_ours_in_part else "other account")


def _tables_of(record: dict[str, Any]) -> dict[str, str]:
    """Account by name of the tables in `resources`."""
    resources = record.get("resources")
    found: dict[str, str] = {}
    for resource in resources if type(resources) is list else []:
        match = _TABLE.fullmatch(text_of(resource, "ARN")) if type(resource) is dict else None
        if match:
            found[match.group(3)] = match.group(2)
    return found


def _places(table: str, accounts: dict[str, str], recipient: str) -> list[tuple[str, str]]:
    """(account, name) of each table that `table`, a name, an ARN or nothing, may stand for."""
    match = _TABLE.fullmatch(table)
    if match:
        return [(match.group(2), match.group(3))]
    if table:
        return [(accounts.get(table, recipient), table)]
    return [(account, name) for name, account in accounts.items()]
