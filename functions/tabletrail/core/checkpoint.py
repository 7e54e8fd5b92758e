"""The rows that say how far the log has read: streams, shards, segments.

Pure data; names as in the tables `streams`, `streams_shards` and `segments`.

Rules
- A shard's row moves by compare-and-swap on `version` only, and `version` grows by one with each move.
- `sequence_no` never goes back, compared as a number (`is_after`). It is the last committed record, not the last read.
- `parent_processed` is set in the transaction that finishes the parent, or by a walk that shows that the stream has
  forgotten the parent. A shard may be read only when it is true: a child's commit asserts it on the child's own row.
- `group_id` is there while there is something to read. A finished shard has none, so no index holds it.

Called by every use case and by the adapters of the tables.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

GENESIS_CHAIN = "0" * 64
"""`chain_hash` of a shard of which nothing is committed."""


NO_RULES = "none"
"""The version of having no policy: that of a stream which joined before one was published."""


class ShardStatus(StrEnum):
    """OPEN: may get records. CLOSED: its end was seen, not all is committed. CLOSED_AND_PROCESSED: all is committed."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"
    CLOSED_AND_PROCESSED = "CLOSED_AND_PROCESSED"


class StreamState(StrEnum):
    """ACTIVE: audited. ENDING: no longer the table's stream, read to its end. DONE: nothing is left to read."""

    ACTIVE = "ACTIVE"
    ENDING = "ENDING"
    DONE = "DONE"


@dataclass(frozen=True, slots=True)
class StreamRow:
    """One stream of one audited table. Times are seconds since the epoch."""

    stream_arn: str
    table_name: str
    table_arn: str
    table_id: str
    account: str
    region: str
    service: str = ""
    partition_key: str = ""
    """Name of the attribute whose value begins an item's readable key."""
    table_made_at: int = 0
    """0 if it is not known."""
    view_type: str = "NEW_AND_OLD_IMAGES"
    is_enabled: bool = True
    state: StreamState = StreamState.ACTIVE
    joined_at: int = 0
    ending_at: int = 0
    """When the table left or got another stream; 0 while it is audited."""
    last_walk_at: int = 0
    coverage_no: int = 0
    """How many coverage entries this stream has had: part of the next one's id."""
    gaps: int = 0
    """How many gaps of the stream as a whole are in the log."""
    rules_version: str = NO_RULES
    """The policy under which its records become entries. It changes with a coverage entry only."""
    holds_told: int = 0
    """The last change of legal holds that its coverage entries tell of."""
    ttl_attribute: str = ""
    """The attribute by which TTL removes the table's items, as it was last read; kept when TTL is switched off, since
    what it removed may still be in the stream. Empty: none was ever seen."""
    ttl_read_at: int = 0
    attributed_until: int = 0
    """Whose changes before this second have their entries of kind attribution; 0 where CloudTrail is not asked."""
    version: int = 0


@dataclass(frozen=True, slots=True)
class ShardRow:
    """One shard's checkpoint. Times are seconds since the epoch; hashes are lower-case hex."""

    stream_arn: str
    shard_id: str
    parent_shard_id: str | None = None
    sequence_no: str | None = None
    status: ShardStatus = ShardStatus.OPEN
    parent_processed: bool = False
    group_id: str | None = None
    iterator: str | None = None
    iterator_obtained_at: int = 0
    """When the iterator was obtained. Of a shard that was never read: a moment before which nothing was written to it
    that the log promises. 0: what may be missing before the next read is in the log as a gap."""
    version: int = 0
    records: int = 0
    last_record_at: int = 0
    chain_hash: str = GENESIS_CHAIN
    walk_debt: int = 0
    """Empty pages that may still lie between the iterator and the present (see `tabletrail.core.walk`)."""
    resume_at_horizon: bool = False
    """`sequence_no` itself has been trimmed, and the log says so: go on at the trim horizon."""
    gaps: int = 0
    """How many of its gaps are in the log; known as long as the row is."""
    expires_at: int = 0
    """When the table may drop this row; 0 while it must not."""

    @property
    def key(self) -> ShardKey:
        return ShardKey(self.stream_arn, self.shard_id)

    @property
    def is_readable(self) -> bool:
        return self.parent_processed and self.status is not ShardStatus.CLOSED_AND_PROCESSED


@dataclass(frozen=True, slots=True, order=True)
class ShardKey:
    stream_arn: str
    shard_id: str


@dataclass(frozen=True, slots=True)
class ShardLink:
    """What one segment holds of one shard: a link of that shard's chain.

    `sequences_sha256` covers every sequence number in order; `chain` covers it, the counts and `previous_chain`
    (see `tabletrail.core.chain`).
    """

    stream_arn: str
    shard_id: str
    first: str
    last: str
    count: int
    sequences_sha256: str
    previous_chain: str
    chain: str


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """One committed segment. The row is the commit: an object without a row never happened."""

    segment_id: str
    run_id: str
    group_id: str
    key: str
    version_id: str
    sha256: str
    """Of the object's bytes, as stored (compressed)."""
    size: int
    """Of the object, bytes."""
    entries: int
    committed_at: int
    indices: tuple[str, ...]
    """The index names that its entries belong to."""
    links: tuple[ShardLink, ...] = ()
    alerts: int = 0
    """How many of its entries are due an alert (`tabletrail.core.alert`): said here and in no other row."""
    parked: int = 0
    indexed_at: int = 0
    alerted_at: int = 0
    """When each way had taken all its alerts, or there was no way."""
    alerted_to: tuple[tuple[str, int], ...] = ()
    """By way, how many of them it took, in the order of lines; only while they are under way."""
    format: int = 1


@dataclass(frozen=True, slots=True)
class ShardMove:
    """A compare-and-swap: `after.version == before.version + 1`, applied only if the row still has `before.version`
    and `parent_processed`."""

    before: ShardRow
    after: ShardRow


@dataclass(frozen=True, slots=True)
class StreamMove:
    """The same for a stream's row; `before` is None where the row must not exist yet."""

    before: StreamRow | None
    after: StreamRow


@dataclass(frozen=True, slots=True)
class Commit:
    """All that happens at once: a segment's row, the checkpoints that it covers, children of finished shards.

    `children` are made if they are missing; one that is there gets `parent_processed` and keeps the rest.
    """

    token: str
    """The client token, at most 36 characters; the same for each try of this very commit."""
    segment: SegmentRow | None
    moves: tuple[ShardMove, ...] = ()
    children: tuple[ShardRow, ...] = ()
    streams: tuple[StreamMove, ...] = ()


@dataclass(frozen=True, slots=True)
class Committed:
    """The whole commit is durable."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Nothing happened: these rows were not as the commit assumed. Drop their part and stage the rest anew."""

    shards: frozenset[ShardKey] = field(default_factory=frozenset)
    streams: frozenset[str] = field(default_factory=frozenset)
    segment_exists: bool = False


CommitResult = Committed | Lost


def is_after(sequence_no: str, position: str | None) -> bool:
    """True if `sequence_no` lies after `position`; both decimal digits of any length, compared as numbers."""
    return position is None or int(sequence_no) > int(position)
