"""Every effect that the use cases have on the world, each with the promise it makes.

Rules
- Only the errors of `tabletrail.errors` cross a port.
- Each promise says: durable on return? may it be repeated? who retries? consistent between processes?
- Adapters are in `tabletrail.aws`; honest fakes, which throttle, count and lose replies, are in `tests/fakes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tabletrail.core.checkpoint import (
    Commit,
    CommitResult,
    SegmentRow,
    ShardKey,
    ShardMove,
    ShardRow,
    StreamMove,
    StreamRow,
)
from tabletrail.core.outcome import ItemResult
from tabletrail.core.stamps import Stamp, Stamped


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch. May step; never used to order entries."""

    def monotonic(self) -> float:
        """Seconds that never go back; for deadlines within one process."""

    def sleep(self, seconds: float) -> None:
        """Returns after about `seconds`."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard as DescribeStream lists it. `ending_sequence_no` is None while it is open."""

    shard_id: str
    parent_shard_id: str | None
    ending_sequence_no: str | None


@dataclass(frozen=True, slots=True)
class StreamView:
    """One complete walk over DescribeStream's pages. `status` is ENABLED, ENABLING, DISABLED or DISABLING."""

    status: str
    view_type: str
    shards: tuple[Shard, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """One GetRecords reply: records in typed JSON as they came, and the next iterator, None at a shard's end.

    `size` is the reply's length in bytes.
    """

    records: list[dict[str, Any]]
    next_iterator: str | None
    size: int


class StreamReader(Protocol):
    """DynamoDB Streams. Reads only; repeats are harmless; retries throttling a few times, then says so (all calls):
    TransientError, ThrottledError."""

    def describe(self, stream_arn: str) -> StreamView:
        """All pages, paced for the whole account (10 calls/s). ShardGoneError if the stream is gone."""

    def children(self, stream_arn: str, shard_id: str) -> tuple[Shard, ...]:
        """The shards whose parent this is. May be empty for a moment after a shard's end."""

    def iterator_after(self, stream_arn: str, shard_id: str, sequence_no: str | None) -> str:
        """An iterator behind `sequence_no`, or at the trim horizon for None; lives 15 minutes.

        TrimmedError, ShardGoneError.
        """

    def read(self, iterator: str) -> Page:
        """At most 1,000 records or 1 MB; empty is no end. IteratorExpiredError, TrimmedError, ShardGoneError."""


class Checkpoints(Protocol):
    """The tables `streams` and `streams_shards` and the commit. Durable on return. TransientError, ThrottledError."""

    def streams(self) -> list[StreamRow]:
        """All rows that are not DONE, consistent."""

    def live_shards(self, group_ids: Iterable[str]) -> list[ShardRow]:
        """The rows of these groups. Found by an index that may lag a second; the rows themselves are consistent."""

    def group(self, group_id: str) -> list[ShardRow]:
        """The same of one group, in no order."""

    def shards_of(self, stream_arn: str, shard_ids: Iterable[str] | None = None) -> list[ShardRow]:
        """Rows of one stream, consistent: those named, or all (finished ones that have not expired included)."""

    def stream(self, stream_arn: str) -> StreamRow | None:
        """One row, consistent."""

    def add_shards(self, rows: Sequence[ShardRow]) -> None:
        """Makes the rows that are missing and leaves the others as they are."""

    def move_shard(self, move: ShardMove) -> bool:
        """The swap of one shard without entries (an iterator kept, a group changed). False if it lost."""

    def move_stream(self, move: StreamMove) -> bool:
        """The swap of one stream's row. False if it lost."""

    def commit(self, commit: Commit) -> CommitResult:
        """All or nothing, once for its token. CommitUnknownError when the reply was lost for good."""

    def extend_expiry(self, keys: Sequence[ShardKey], expires_at: int) -> None:
        """Lets finished shards' rows live on until `expires_at`."""


SegmentPlace = tuple[int, str]
"""Where a segment stands in the order of commits: `committed_at` and `segment_id`."""


class Segments(Protocol):
    """The rows of committed segments. Durable on return. TransientError, ThrottledError."""

    def get(self, segment_id: str) -> SegmentRow | None:
        """Consistent: None means that it is not committed."""

    def waiting(self, before: int, limit: int, after: SegmentPlace | None = None) -> list[SegmentRow]:
        """Committed before `before` (seconds) and not indexed, oldest first: the first `limit` behind `after`.

        Fewer than `limit` are all. By an index that may lag a second.
        """

    def count_waiting(self) -> tuple[int, int]:
        """How many wait, and when the oldest was committed (0 if none). Counting stops at 10,000."""

    def waiting_indices(self) -> frozenset[str]:
        """The index names that waiting segments need, of the 1,000 oldest."""

    def mark_indexed(self, segment_id: str, at: int, parked: int) -> None:
        """Takes it off the waiting ones. May be repeated."""

    def unalerted(self, limit: int, after: SegmentPlace | None = None) -> list[SegmentRow]:
        """As `waiting`, of those that still owe alerts, however young they are."""

    def count_unalerted(self) -> tuple[int, int]:
        """As `count_waiting`, of those that owe alerts."""

    def note_alerted(self, segment_id: str, taken: Sequence[tuple[str, int]]) -> None:
        """Keeps by way how many of its alerts left. It still owes. May be repeated."""

    def mark_alerted(self, segment_id: str, at: int) -> None:
        """Takes it off those that owe alerts. May be repeated."""


class SegmentStore(Protocol):
    """The log's objects. TransientError."""

    def put(self, key: str, body: bytes) -> str:
        """Writes once and returns the version id. ObjectExistsError if anything lies there, even our own lost try."""

    def get(self, key: str, version_id: str) -> bytes:
        """The very bytes of that version. ObjectMissingError."""


@dataclass(frozen=True, slots=True)
class BulkReply:
    """`results` has one for each document, or is None when the whole request was turned away with `status`."""

    status: int
    results: tuple[ItemResult, ...] | None


class EntryIndex(Protocol):
    """The searchable view. Creates documents, nothing else; may be repeated."""

    def create(self, body: bytes) -> BulkReply:
        """One bulk request (NDJSON). Never raises for a status; TransientError if no reply came. Does not retry."""


@dataclass(frozen=True, slots=True)
class Logged:
    """An object of the log as the bucket lists it; `written_at` in whole seconds since the epoch."""

    key: str
    version_id: str
    written_at: int


class LogListing(Protocol):
    """What lies in the bucket, row or no row, in the order of keys. Consistent. TransientError."""

    def keys(self, after: str, limit: int) -> list[str]:
        """The first keys behind `after`, at most 1,000 and `limit`, by one call."""

    def objects(self) -> Iterator[Logged]:
        """All of the log, page by page; of a key that was written again by whomever, the first version."""


class Stamps(Protocol):
    """A reserved row in each of the four tables, which no other port shows. Durable on return. TransientError."""

    def read(self) -> Stamped:
        """All at one moment, consistent. TabletrailError names a table that does not exist."""

    def write(self, before: Stamped, stamp: Stamp) -> bool:
        """Into all tables at once, if each still has the number it had in `before`. False if one has not."""


class Leases(Protocol):
    """One run at a time. Durable on return. TransientError."""

    def acquire(self, name: str, owner: str, seconds: int, now: int) -> bool:
        """True if `owner` now holds it: it was free, expired or already its own."""

    def release(self, name: str, owner: str) -> None:
        """Frees it if `owner` still holds it."""


class RunNotes(Protocol):
    """Small facts that one run leaves for people and for the next run."""

    def write(self, name: str, facts: Mapping[str, Any]) -> None:
        """Replaces the note. Values: str, int, bool, and lists and maps of them."""

    def read(self, name: str) -> dict[str, Any]:
        """Empty if there is none."""


@dataclass(frozen=True, slots=True)
class TableView:
    """A table as DescribeTable and its tags show it. `stream_arn` is the latest stream's, None if it never had one."""

    name: str
    arn: str
    id: str
    account: str
    region: str
    stream_arn: str | None
    stream_enabled: bool
    view_type: str
    service: str
    partition_key: str = ""
    made_at: int = 0  # seconds since the epoch; 0: unknown


class Tables(Protocol):
    """The account's tables. TransientError, ThrottledError."""

    def tagged(self) -> frozenset[str]:
        """ARNs of the tables with the audit tag. The tagging API may lag: confirm a disappearance by `view`."""

    def named(self, names: Sequence[str]) -> frozenset[str]:
        """ARNs of these names; names of tables that do not exist are left out."""

    def view(self, table_arn: str) -> TableView | None:
        """None if the table does not exist."""

    def is_tagged(self, table_arn: str) -> bool:
        """By the table's own tags, consistent. False too if the table does not exist."""

    def ttl_attribute(self, table_name: str) -> str:
        """By which TTL removes items now; empty if none. An account may ask so a few tens of times a minute."""

    def enable_stream(self, table_name: str) -> str:
        """Switches on new and old images; returns the stream's ARN. Only for a table that has no enabled stream."""


class IndexKeeper(Protocol):
    """Makes and closes indices, under the index owner's role. TransientError."""

    def ensure(self, index: str) -> bool:
        """True if it was made now, False if it was there."""

    def existing(self) -> frozenset[str]:
        """Names of tabletrail's indices, and the names that rebuilt ones stand for."""


class ReleaseKeeper(IndexKeeper, Protocol):
    """One that knows how this release defines an index."""

    def departure(self, index: str) -> str:
        """Where the index is defined otherwise, in what decides about refusals: a sentence's part, empty if nowhere."""


class Metrics(Protocol):
    def emit(self, values: Mapping[str, float]) -> None:
        """Totals of a run, without dimensions. Never fails a run."""


class Progress(Protocol):
    """Structured log lines without item data."""

    def note(self, event: str, **facts: str | int | float) -> None: ...
