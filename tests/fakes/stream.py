"""DynamoDB Streams in memory: lineage, empty pages, iterators that expire, trimming.

Rules, as the service has them
- A shard's iterator says shard, position and age in its own text: any process may use it, for 900 s.
- An open shard's iterator chain never ends; at the tip each read gives an empty page and a fresh iterator.
- A closed shard's last page comes with `next_iterator` None, and may hold records.
- Empty pages may lie between records (`add_empty_pages`).
- AFTER_SEQUENCE_NUMBER of a trimmed record, and an iterator that points at one, are TrimmedError.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tabletrail.errors import IteratorExpiredError, ShardGoneError, TrimmedError
from tabletrail.ports import Clock, Page, Shard, StreamView

ITERATOR_SECONDS = 900
PAGE_BYTES = 1_000_000
RETENTION_SECONDS = 24 * 3600


def make_record(
    sequence_no: str,
    *,
    created: float = 1_800_000_000,
    event: str = "MODIFY",
    keys: dict[str, Any] | None = None,
    old: dict[str, Any] | None = None,
    new: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """One record as GetRecords' JSON has it; images in typed JSON, left out where None."""
    dynamodb: dict[str, Any] = {
        "ApproximateCreationDateTime": created,
        "Keys": keys or {"id": {"S": f"item-{sequence_no}"}},
        "SequenceNumber": sequence_no,
        "SizeBytes": 100,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    if old is not None:
        dynamodb["OldImage"] = old
    if new is not None:
        dynamodb["NewImage"] = new
    return {
        "eventID": f"event-{sequence_no}",
        "eventName": event,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-central-1",
        "dynamodb": dynamodb,
    }


@dataclass
class FakeShard:
    """`slots` holds records in order, and None for an empty page; `trimmed` slots at the front are forgotten."""

    shard_id: str
    parent: str | None
    slots: list[dict[str, Any] | None] = field(default_factory=list)
    trimmed: int = 0
    closed: bool = False
    closed_at: float = 0
    shown_open: bool = False
    """DescribeStream still shows it open though it ended: its view may be inconsistent."""

    def last_sequence(self) -> str:
        numbers = [_sequence(slot) for slot in self.slots if slot is not None]
        return numbers[-1] if numbers else "0"

    def listing(self) -> Shard:
        ended = self.closed and not self.shown_open
        return Shard(self.shard_id, self.parent, self.last_sequence() if ended else None)


@dataclass
class FakeStreamState:
    view_type: str = "NEW_AND_OLD_IMAGES"
    status: str = "ENABLED"
    shards: dict[str, FakeShard] = field(default_factory=dict)
    hidden: dict[str, int] = field(default_factory=dict)
    """Shards that so many listings still leave out."""


class FakeStream:
    """`StreamReader` over any number of streams, and the controls of the test.

    `page_records` is the most that one page holds; `hidden_children` CHILD_SHARDS calls find nothing at first.
    """

    def __init__(self, clock: Clock, page_records: int = 1_000) -> None:
        self._clock = clock
        self.page_records = page_records
        self.hidden_children = 0
        self.streams: dict[str, FakeStreamState] = {}
        self._next = 100

    # The test's controls

    def add_stream(self, arn: str, view_type: str = "NEW_AND_OLD_IMAGES") -> None:
        self.streams[arn] = FakeStreamState(view_type)

    def drop_stream(self, arn: str) -> None:
        del self.streams[arn]

    def disable(self, arn: str) -> None:
        """Switched off: all shards close, and can be read to their ends."""
        self.streams[arn].status = "DISABLED"
        for shard_id, shard in self.streams[arn].shards.items():
            if not shard.closed:
                self.close(arn, shard_id)

    def add_shard(self, arn: str, shard_id: str, parent: str | None = None) -> None:
        self.streams[arn].shards[shard_id] = FakeShard(shard_id, parent)

    def write(self, arn: str, shard_id: str, count: int = 1, **record: Any) -> list[str]:
        """Appends records with rising sequence numbers, which it returns."""
        shard = self._open_shard(arn, shard_id)
        numbers = []
        for _ in range(count):
            self._next += 1
            number = str(self._next)
            shard.slots.append(make_record(number, **{"created": int(self._clock.now()), **record}))
            numbers.append(number)
        return numbers

    def append(self, arn: str, shard_id: str, record: dict[str, Any]) -> None:
        """Appends a record of the test's own making; its sequence number must rise."""
        shard = self._open_shard(arn, shard_id)
        assert int(_sequence(record)) > int(shard.last_sequence()), "sequence numbers rise within a shard"
        self._next = max(self._next, int(_sequence(record)))
        shard.slots.append(record)

    def add_empty_pages(self, arn: str, shard_id: str, count: int) -> None:
        self.streams[arn].shards[shard_id].slots.extend([None] * count)

    def close(self, arn: str, shard_id: str) -> None:
        shard = self.streams[arn].shards[shard_id]
        shard.closed, shard.closed_at = True, self._clock.now()

    def split(self, arn: str, shard_id: str, *children: str) -> None:
        """Closes the shard and opens its children (one: it rolled; two: its partition split)."""
        self.close(arn, shard_id)
        for child in children:
            self.add_shard(arn, child, shard_id)

    def trim(self, arn: str, shard_id: str, records: int) -> None:
        """Forgets the first `records` records that are still there, and the empty pages before and among them."""
        shard = self.streams[arn].shards[shard_id]
        while records and shard.trimmed < len(shard.slots):
            records -= shard.slots[shard.trimmed] is not None
            shard.trimmed += 1

    def forget_old(self, arn: str) -> None:
        """What retention does: records of more than 24 hours go, and shards that ended before that."""
        horizon = self._clock.now() - RETENTION_SECONDS
        state = self.streams[arn]
        for shard_id, shard in list(state.shards.items()):
            if shard.closed and shard.closed_at < horizon:
                del state.shards[shard_id]
                continue
            created = [slot["dynamodb"]["ApproximateCreationDateTime"] if slot else None for slot in shard.slots]
            old = [at for at, time in enumerate(created) if time is not None and time < horizon]
            shard.trimmed = max(shard.trimmed, old[-1] + 1 if old else 0)

    def hide(self, arn: str, shard_id: str, listings: int) -> None:
        """The next `listings` calls of DescribeStream, whole or for children, leave the shard out."""
        self.streams[arn].hidden[shard_id] = listings

    def forget_shard(self, arn: str, shard_id: str) -> None:
        del self.streams[arn].shards[shard_id]

    # The port

    def describe(self, stream_arn: str) -> StreamView:
        state = self._state(stream_arn)
        return StreamView(state.status, state.view_type, tuple(shard.listing() for shard in self._shown(state)))

    def children(self, stream_arn: str, shard_id: str) -> tuple[Shard, ...]:
        state = self._state(stream_arn)
        if self.hidden_children:
            self.hidden_children -= 1
            return ()
        return tuple(shard.listing() for shard in self._shown(state) if shard.parent == shard_id)

    def iterator_after(self, stream_arn: str, shard_id: str, sequence_no: str | None) -> str:
        shard = self._shard(stream_arn, shard_id)
        position = shard.trimmed
        if sequence_no is not None:
            if any(int(_sequence(slot)) >= int(sequence_no) for slot in shard.slots[: shard.trimmed] if slot):
                raise TrimmedError(f"the position in {shard_id} was trimmed")
            behind = [at for at, slot in enumerate(shard.slots) if slot and int(_sequence(slot)) <= int(sequence_no)]
            position = behind[-1] + 1 if behind else shard.trimmed
        return self._token(stream_arn, shard_id, position)

    def read(self, iterator: str) -> Page:
        arn, shard_id, position, obtained_at = json.loads(iterator)
        if self._clock.now() - obtained_at > ITERATOR_SECONDS:
            raise IteratorExpiredError("the iterator is older than 15 minutes")
        shard = self._shard(arn, shard_id)
        if position < shard.trimmed:
            raise TrimmedError(f"the position in {shard_id} was trimmed")
        records, reached = self._page(shard, position)
        at_end = shard.closed and reached >= len(shard.slots)
        following = None if at_end else self._token(arn, shard_id, reached)
        size = len(json.dumps(records))
        return Page(json.loads(json.dumps(records)), following, size)

    def _page(self, shard: FakeShard, position: int) -> tuple[list[dict[str, Any]], int]:
        records: list[dict[str, Any]] = []
        size = 0
        while position < len(shard.slots) and len(records) < self.page_records:
            slot = shard.slots[position]
            if slot is None:
                return records, position if records else position + 1
            size += len(json.dumps(slot))
            if records and size > PAGE_BYTES:
                break
            records.append(slot)
            position += 1
        return records, position

    def _shown(self, state: FakeStreamState) -> list[FakeShard]:
        shown = [shard for shard in state.shards.values() if not state.hidden.get(shard.shard_id)]
        state.hidden = {shard_id: left - 1 for shard_id, left in state.hidden.items() if left > 1}
        return shown

    def _token(self, arn: str, shard_id: str, position: int) -> str:
        return json.dumps([arn, shard_id, position, self._clock.now()])

    def _state(self, arn: str) -> FakeStreamState:
        if arn not in self.streams:
            raise ShardGoneError("the stream is gone")
        return self.streams[arn]

    def _shard(self, arn: str, shard_id: str) -> FakeShard:
        shard = self._state(arn).shards.get(shard_id)
        if shard is None:
            raise ShardGoneError(f"{shard_id} is gone")
        return shard

    def _open_shard(self, arn: str, shard_id: str) -> FakeShard:
        shard = self.streams[arn].shards[shard_id]
        assert not shard.closed, "a closed shard gets no records"
        return shard


def _sequence(record: dict[str, Any]) -> str:
    return str(record["dynamodb"]["SequenceNumber"])
