"""The ids of entries. An id follows from a position in a stream, so reading again gives the same id.

Rules
- No clock, no randomness, no order of arrival: only names, stream positions and the record's own eventID.
- Each kind has a domain of its own (`hash_of` over VERSION, the kind, then the parts below).
- A reduced entry of kind `parked` has no id of its own: it keeps the id of the entry whose place it takes.

Called by the makers of entries. docs/format.md describes it for other programs.
"""

from __future__ import annotations

from tabletrail.core.digest import hash_of

VERSION = "tabletrail/v1"


def change_id(stream_arn: str, event_id: str, sequence_no: str) -> str:
    """Of a record that was converted."""
    return hash_of((VERSION, "change", stream_arn, event_id, sequence_no))


def unreadable_id(stream_arn: str, shard_id: str, position: str) -> str:
    """`position` is the sequence number or, where it has none, the SHA-256 (hex) of the record's canonical ASCII JSON.

    A sequence number has at most 40 characters and that hash has 64, so the two cannot meet.
    """
    return hash_of((VERSION, "unreadable", stream_arn, shard_id, position))


def gap_id(stream_arn: str, shard_id: str, last_position: str | None, certainty: str, number: int = 0) -> str:
    """`last_position` is the last committed sequence number, empty if there is none; certainty: certain | possible.

    `number` tells gaps at one position apart: the checkpoint's version; 0 adds no part.
    """
    parts = (VERSION, "gap", stream_arn, shard_id, last_position or "", certainty)
    return hash_of((*parts, str(number)) if number else parts)


def coverage_id(table_arn: str, stream_arn: str, what: str, number: int) -> str:
    """`number` counts the coverage entries of this stream."""
    return hash_of((VERSION, "coverage", table_arn, stream_arn, what, str(number)))


def attribution_id(stream_arn: str, about: str) -> str:
    """Of what CloudTrail says of a change; `about` is the id of the change's entry, in the log of this stream."""
    return hash_of((VERSION, "attribution", stream_arn, about))


def unrecorded_id(stream_arn: str, call_id: str, number: int) -> str:
    """Of a call's write without an entry; `number` counts the call's writes on the stream's table, from 0, in the order
    of (operation, key)."""
    return hash_of((VERSION, "unrecorded", stream_arn, call_id, str(number)))


def retry_id(original_id: str) -> str:
    """Of a full entry that is indexed after all, beside the parked one that holds the original id."""
    return hash_of((VERSION, "retry", original_id))
