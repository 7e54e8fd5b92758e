"""What can be wrong with a log: each kind of damage with a code that stays, what it means and what to do.

Called by every check and by the command.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

KEEP = "keep everything as it is and find out who wrote there"
RESTORE = "restore that version of the object (versions, Object Lock, a replica); until then these entries are lost"
REBUILD = "the log is the truth: rebuild the index from it, and find out who wrote into the index"
STREAM = "while the stream still has the record (24 hours) it can be saved from there by hand; report this bug"

RECOVER = "ask `tabletrail recover`, which looks only: it rebuilds lost rows from the log"

KINDS: dict[str, tuple[str, str]] = {
    "row-unreadable": ("a row of the table cannot be read", KEEP),
    "object-missing": ("a committed segment has no object", RESTORE),
    "version-missing": ("the committed version of a segment's object is gone", RESTORE),
    "object-altered": ("a segment's bytes are not the committed ones", RESTORE),
    "object-unreadable": ("a segment cannot be read to its end", RESTORE),
    "header-differs": ("a segment's header is not what its row says", KEEP),
    "indices-differ": ("a segment's entries belong to other indices than its row says", KEEP),
    "link-differs": ("a shard's link is not what the segment's lines give", KEEP),
    "line-form": ("a line is not in the format's one form", RESTORE),
    "entry-hash": ("an entry was altered: it does not give its event.hash", RESTORE),
    "entry-id": ("an entry's id does not follow from its position", KEEP),
    "entry-place": ("an entry does not lie where it says", KEEP),
    "entry-index": ("an entry names the index of another time than its own", KEEP),
    "entry-kind": ("an entry is of a kind that no segment holds", "use the release that wrote this log"),
    "entry-schema": ("an entry does not fit its schema", KEEP),
    "value-clear": (
        "a value that was declared sensitive stands in an entry as it is",
        "restrict who may search, and report this bug: the index and the log keep it",
    ),
    "value-differs": ("an entry shows another value than its images hold", KEEP),
    "rules-missing": ("the rules that entries name are gone", "restore that version of the object from the bucket"),
    "rules-altered": ("the rules that entries name are not what was published", "restore that object's first version"),
    "entry-doubled": ("an entry stands in the log more than once", "was a checkpoint table restored? see operating.md"),
    "chain-altered": ("a link's chain is not the hash over what it says", KEEP),
    "chain-hole": ("a link's predecessor is missing: a segment's row is gone", RECOVER),
    "chain-fork": (
        "two links follow the same one: a shard was read twice",
        "was a checkpoint table restored? see operating.md",
    ),
    "chain-order": ("sequence numbers do not rise along a shard's chain", KEEP),
    "child-order": ("a shard's records come before the end of its parent", KEEP),
    "checkpoint-ahead": ("a checkpoint knows a segment that is not there", RECOVER),
    "checkpoint-behind": (
        "a checkpoint lies before the shard's last segment",
        "it was restored or moved back: stop the schedule before it reads records for a second time",
    ),
    "checkpoint-position": (
        "a checkpoint's position is not the last one of its chain",
        "it was moved: records may be skipped; stop the schedule, and compare with the stream (--stream)",
    ),
    "checkpoint-missing": ("a shard's checkpoint is gone before its time", RECOVER),
    "checkpoint-records": ("a checkpoint counted other records than the log has", KEEP),
    "coverage-hole": ("an entry about the coverage of a table is missing", RECOVER),
    "about-missing": ("an entry tells of a change that the log does not have", RECOVER),
    "index-missing": ("an index that holds entries of the log is gone", "rebuild it from the log"),
    "document-missing": ("an entry of the log is not in the index", "rebuild the index from the log"),
    "document-altered": ("a document is not the entry of the log", REBUILD),
    "document-foreign": ("the index holds a document that the log does not have", REBUILD),
    "document-doubled": ("the index holds an entry more than once", REBUILD),
    "document-misplaced": ("an entry lies in another index than its own", REBUILD),
    "parked-wrong": ("a reduced or retried entry does not stand for the entry that it names", REBUILD),
    "record-missing": ("the stream has a record that the log has not", STREAM),
    "record-foreign": ("the log has an entry of which the stream has no record", KEEP),
}
"""code: (what it means, what to do)"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One damage. `detail` is a sentence without item data; what does not apply is empty."""

    code: str
    detail: str
    segment: str = ""
    line: int = 0
    entry: str = ""
    stream: str = ""
    shard: str = ""
    index: str = ""

    def facts(self) -> dict[str, Any]:
        """For programs: what applies, with the meaning and the advice."""
        meaning, advice = KINDS[self.code]
        known = {name: value for name, value in asdict(self).items() if value}
        return {"kind": "finding", **known, "meaning": meaning, "advice": advice}

    @property
    def place(self) -> str:
        """Where it is, for a person."""
        at = f" line {self.line}" if self.line else ""
        parts = (
            f"entry {self.entry}" if self.entry else "",
            f"segment {self.segment}{at}" if self.segment else "",
            f"shard {self.shard}" if self.shard else "",
            f"of {self.stream}" if self.stream else "",
            f"index {self.index}" if self.index else "",
        )
        return ", ".join(part for part in parts if part)
