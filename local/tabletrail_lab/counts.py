"""What was asked of the laboratory and what it gave.

Rules
- A call counts once, by its operation, whatever came of it; an error counts by its code as well.
- Readers of a shard are GetRecords whose reply is not written yet. Without a delay each reply is written before the
  next request is looked at, so overlaps are seen only while `delay` holds replies back.

Called by `laboratory` with each call.
"""

from __future__ import annotations

from collections import Counter
from typing import Any


class Counts:
    def __init__(self) -> None:
        self.operations: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.reads: Counter[str] = Counter()
        self.throttled_reads: Counter[str] = Counter()
        self.empty_pages = self.records = self.bytes = self.throttles = 0
        self._readers: Counter[str] = Counter()
        self._most: dict[str, int] = {}

    def reset(self) -> None:
        """All to zero; replies that are still held back keep counting as readers."""
        readers = self._readers
        self.__init__()  # type: ignore[misc]
        self._readers = readers

    def begin_read(self, shard_id: str) -> int:
        """How many readers the shard now has."""
        self._readers[shard_id] += 1
        readers = self._readers[shard_id]
        if readers > self._most.get(shard_id, 0):
            self._most[shard_id] = readers
        return readers

    def end_read(self, shard_id: str) -> None:
        self._readers[shard_id] -= 1
        if not self._readers[shard_id]:
            del self._readers[shard_id]

    def error(self, code: str, shard_id: str | None) -> None:
        self.errors[code] += 1
        if code in ("ThrottlingException", "LimitExceededException"):
            self.throttles += 1
            if shard_id is not None:
                self.throttled_reads[shard_id] += 1

    def page(self, records: int, size: int) -> None:
        self.records += records
        self.bytes += size
        self.empty_pages += not records

    def as_json(self) -> dict[str, Any]:
        """`shards`: GetRecords by shard, refused ones included. `bytes`: of records. `readers`: at this moment."""
        return {
            "operations": dict(self.operations),
            "errors": dict(self.errors),
            "faults": dict(self.faults),
            "shards": dict(self.reads),
            "throttled_shards": dict(self.throttled_reads),
            "empty_pages": self.empty_pages,
            "records": self.records,
            "bytes": self.bytes,
            "throttles": self.throttles,
            "readers": sum(self._readers.values()),
            "most_readers": max(self._most.values(), default=0),
            "most_readers_by_shard": dict(self._most),
        }
