"""What becomes of one entry that was offered to the index: a closed type.

STORED          written now
ALREADY_THERE   written by an earlier try; the same, since its id follows from its content
REFUSED         this one document cannot be indexed (400 of the document alone): it will be parked
TRY_AGAIN       anything else: the cluster's or the index's trouble, never the document's

Called by `tabletrail.index` and the OpenSearch adapter.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    STORED = "stored"
    ALREADY_THERE = "already_there"
    REFUSED = "refused"
    TRY_AGAIN = "try_again"


@dataclass(frozen=True, slots=True)
class ItemResult:
    """The reply for one document, in the order of the request. `reason` holds an error's type, never item data."""

    outcome: Outcome
    status: int
    reason: str = ""


def outcome_of(status: int) -> Outcome:
    """Which outcome an item's HTTP status of a bulk `create` means.

    201 stored; 409 a version conflict, so the id exists; 400 the document was refused; everything else (403, 404 index
    missing, 429, 5xx) says nothing about the document.
    """
    if status in (200, 201):
        return Outcome.STORED
    if status == 409:
        return Outcome.ALREADY_THERE
    if status == 400:
        return Outcome.REFUSED
    return Outcome.TRY_AGAIN
