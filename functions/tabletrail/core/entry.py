"""Entries of every kind: the face of the conversion.

Rules
- `convert` never raises for a bad record and never drops one: what cannot be converted becomes an entry of kind
  `unreadable` that carries the whole record.
- The same record, source, conversion and evidence give the same bytes. Times of entries that have no record are passed
  in.
- Kinds: change | unreadable | gap | coverage | parked.

Called by the use cases.
"""

from __future__ import annotations

from typing import Any

from tabletrail.core.change import change_entry
from tabletrail.core.document import Conversion, Entry, Source, hash_of_document
from tabletrail.core.notices import COVERAGE, GAP, coverage_entry, gap_entry
from tabletrail.core.outbox import NO_EVIDENCE, Evidence
from tabletrail.core.parked import reduced_entry, retried_entry
from tabletrail.core.unreadable import unreadable_entry
from tabletrail.errors import EntryError

__all__ = [
    "COVERAGE",
    "GAP",
    "Conversion",
    "Entry",
    "Source",
    "convert",
    "coverage_entry",
    "gap_entry",
    "hash_of_document",
    "reduced_entry",
    "retried_entry",
]


def convert(
    record: dict[str, Any],
    source: Source,
    conversion: Conversion,
    fallback_time: int = 0,
    evidence: Evidence = NO_EVIDENCE,
) -> Entry:
    """The entry of one record of a GetRecords reply, as `json.loads` gave it.

    `fallback_time` (seconds) is the time and period of an unreadable entry whose record has no usable time. `evidence`
    is what the outbox tells of this record.
    """
    try:
        return change_entry(record, source, conversion, evidence)
    except EntryError as error:
        reason = str(error)
    except KeyError:
        reason = "the record lacks a field that every record has"
    except UnicodeEncodeError:
        reason = "a text holds half of a surrogate pair"
    except Exception as error:
        # Whatever is wrong with a record, or with our reading of it, must not stop the shard and must not be lost.
        reason = f"the conversion failed with {type(error).__name__}"
    return unreadable_entry(record, source, conversion, fallback_time, reason)
