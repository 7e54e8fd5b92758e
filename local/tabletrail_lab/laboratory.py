"""The laboratory: streams that do on command what DynamoDB's do in their own time.

Rules
- No I/O: the HTTP front, the journal and the relay stand around it.
- Each method here is a command that `control` offers under the same name; arguments and results are JSON.
- What the API shows of a change is seen by the next call, but for the inconsistencies that were ordered.

Called by tests and benchmarks directly, by `server` and `control` over HTTP.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from tabletrail_lab.commands import command, journaled
from tabletrail_lab.errors import LabError
from tabletrail_lab.faults import DESCRIBES, GET_BYTES, GETS, Fault, Limits
from tabletrail_lab.history import changes, inserts
from tabletrail_lab.inspection import Inspection
from tabletrail_lab.records import check_change
from tabletrail_lab.shards import Shard
from tabletrail_lab.state import Written
from tabletrail_lab.streams import Stream
from tabletrail_lab.taking_over import take_over

Record = dict[str, Any]


class Laboratory(Inspection):
    """`Laboratory(clock, seed)`; see `State` for the rest. Safe for any number of threads."""

    @journaled
    def add_stream(
        self,
        table_name: str,
        shards: int = 1,
        view_type: str = "NEW_AND_OLD_IMAGES",
        label: str | None = None,
        keys: list[str] | None = None,
    ) -> str:
        """A table with an enabled stream; returns its ARN. `keys`: the key attributes' names, partition key first."""
        if self.enabled_stream(table_name):
            raise LabError(f"{table_name} has an enabled stream: disable it first")
        arn, name = self.new_arn(table_name, label)
        return self.new_stream(arn, table_name, name, view_type, keys, shards)

    @journaled
    def write(self, stream_arn: str, records: Sequence[Record]) -> list[Written]:
        """Writes changes {eventName, Keys, OldImage?, NewImage?, created?, userIdentity?}, each to the shard that
        covers its key. All or none: LabError if one cannot be written."""
        stream = self.stream(stream_arn)
        for record in records:
            check_change(record)
        shards = [stream.covering(record["Keys"]) for record in records]
        return [self.put(stream, shard, record) for shard, record in zip(shards, records, strict=True)]

    @journaled
    def generate(self, stream_arn: str, count: int, items: int = 100, seed: int = 0) -> int:
        """Writes `count` changes of `items` items, as `history` makes them up; returns `count`."""
        stream = self.stream(stream_arn)
        made = changes(self.items[stream_arn], stream.keys or ["id"], count, items, f"{stream_arn} {seed}")
        for change in made:
            self.put(stream, stream.covering(change["Keys"]), change)
        return count

    @journaled
    def write_poison(self, stream_arn: str, record: Any, shard_id: str | None = None, numbered: bool = True) -> Written:
        """Writes a record as it is. `numbered`: with the next sequence number in its `dynamodb`, if that is an object.
        Without `shard_id` it goes where its key belongs, or to the first open shard if it has none."""
        stream = self.stream(stream_arn)
        return self.put_raw(stream, self._shard_for(stream, record, shard_id), record, numbered)

    @journaled
    def relay(self, stream_arn: str, source_shard: str, records: Sequence[Record], finished: bool = False) -> int:
        """Takes over a source's records, which are in order; those up to the source's position are left out.
        Returns how many were new. `finished`: the source's shard has no more."""
        return take_over(self, self.stream(stream_arn), source_shard, records, finished)

    @journaled
    def adopt(
        self, stream_arn: str, table_name: str, label: str, view_type: str, keys: list[str], shards: int = 1
    ) -> str:
        """A stream with the ARN that it has at its source."""
        self.new_stream(stream_arn, table_name, label, view_type, keys, shards)
        self.streams_by_arn[stream_arn].adopted = True
        return stream_arn

    @journaled
    def add_empty_pages(self, stream_arn: str, shard_id: str, count: int, where: str | int = "tip") -> None:
        """A run of empty pages: at the `front`, in the `middle`, at the `tip`, or behind so many records."""
        stream = self.stream(stream_arn)
        shard = stream.known_shard(shard_id)
        first = shard.horizon(stream.oldest(self.now()))
        places = {"front": first, "middle": (first + shard.count) // 2, "tip": shard.count}
        index = places.get(where) if isinstance(where, str) else where
        if index is None or not first <= index <= shard.count:
            raise LabError(f"where is front, middle, tip, or a number of records from {first} to {shard.count}")
        shard.add_empty_pages(count, index)

    @journaled
    def quiet_tip(self, stream_arn: str, shard_id: str, pages: int) -> None:
        """The tip looks quiet until the next record, which then lies behind so many empty pages."""
        shard = self.stream(stream_arn).known_shard(shard_id)
        if not shard.is_open:
            raise LabError(f"{shard_id} is closed: no record will come")
        shard.quiet_pages += pages

    @journaled
    def roll(self, stream_arn: str, shard_id: str, last_records: int | Sequence[Record] = 0) -> str:
        """Closes the shard and opens its child, whose id it returns. `last_records`, as many as said or the changes
        given, are written just before: they lie in the shard's last page."""
        stream = self.stream(stream_arn)
        shard = self._closing(stream, shard_id, last_records)
        child = stream.roll(shard, self.now())
        self.views[stream_arn].born(child)
        return child.shard_id

    @journaled
    def split(self, stream_arn: str, shard_id: str, last_records: int | Sequence[Record] = 0) -> tuple[str, str]:
        """The same with two children, each with half of the partitions."""
        stream = self.stream(stream_arn)
        shard = self._closing(stream, shard_id, last_records)
        left, right = stream.split(shard, self.now())
        self.views[stream_arn].born(left, right)
        return left.shard_id, right.shard_id

    @journaled
    def roll_all(self, stream_arn: str, times: int = 1) -> int:
        """Rolls each open shard so many times, which leaves that many closed ones; returns how many were closed."""
        stream, closed = self.stream(stream_arn), 0
        for _ in range(times):
            for shard in stream.open_shards():
                self.views[stream_arn].born(stream.roll(shard, self.now()))
                closed += 1
        return closed

    @journaled
    def disable(self, stream_arn: str) -> None:
        """Switches the stream off: its shards close and can be read to their ends. Twice is once."""
        stream = self.stream(stream_arn)
        if stream.disabled_at is None:
            stream.disable(self.now())

    @journaled
    def enable(
        self, table_name: str, shards: int = 1, view_type: str = "NEW_AND_OLD_IMAGES", label: str | None = None
    ) -> str:
        """A new stream, with a new ARN, of a table whose stream was disabled."""
        earlier = [s for s in self.streams_by_arn.values() if s.table_name == table_name]
        if not earlier or earlier[-1].disabled_at is None:
            raise LabError(f"{table_name} has no disabled stream: add_stream makes its first one")
        arn, name = self.new_arn(table_name, label)
        self.items[arn] = self.items[earlier[-1].arn]
        return self.new_stream(arn, table_name, name, view_type, earlier[-1].keys, shards)

    @journaled
    def vanish(self, stream_arn: str, shard_id: str) -> str | None:
        """The service forgets the shard, whatever it holds. An open one rolls first; returns that child's id."""
        stream = self.stream(stream_arn)
        shard = stream.known_shard(shard_id)
        child = stream.roll(shard, self.now()) if shard.is_open else None
        shard.vanished_at = self.now()
        if child is None:
            return None
        self.views[stream_arn].born(child)
        return child.shard_id

    @journaled
    def drop_stream(self, stream_arn: str) -> None:
        """The service forgets the whole stream."""
        stream = self.stream(stream_arn)
        if stream.disabled_at is None:
            stream.disable(self.now())
        stream.dropped = True

    @journaled
    def advance(self, seconds: float) -> float:
        """Moves the clock forward; returns the new time."""
        if seconds < 0:
            raise LabError("time does not go back")
        self.clock.advance(seconds)
        return self.clock.now()

    @command
    def late_children(self, stream_arn: str, calls: int) -> None:
        """Each new child, and each that was not listed yet, stays out of so many DescribeStream calls; 0 ends it."""
        self.stream(stream_arn)
        self.views[stream_arn].hide_children(calls)

    @command
    def parent_open(self, stream_arn: str, calls: int) -> None:
        """For so many DescribeStream calls, closed parents of open shards are shown open."""
        self.stream(stream_arn)
        self.views[stream_arn].parent_open_calls = calls

    @command
    def miss_parent(self, stream_arn: str, calls: int) -> None:
        """For so many DescribeStream calls, parents that nobody has read to the end are missing."""
        self.stream(stream_arn)
        self.views[stream_arn].miss_parent_calls = calls

    @command
    def fault(
        self,
        operation: str,
        kind: str,
        count: int | None = None,
        rate: float | None = None,
        shard_id: str | None = None,
        seconds: float = 30.0,
    ) -> None:
        """The next `count` calls (1 if neither is given), or a share `rate` of all, meet a trouble (`faults.KINDS`).
        `seconds` is how long a connection is held, by the computer's clock."""
        self.faults.add(Fault(operation, kind, 1 if count is None and rate is None else count, rate, shard_id, seconds))

    @command
    def clear_faults(self) -> None:
        self.faults.clear()

    @command
    def limits(
        self,
        describe: float | None = DESCRIBES,
        get: float | None = GETS,
        get_bytes: float | None = GET_BYTES,
        readers: int | None = None,
    ) -> None:
        """Calls a second of the account and of a shard, None for no limit; no limit of calls is none of bytes."""
        self.account_limits = Limits(describe, get, None if get is None else get_bytes, readers)

    @command
    def delay(self, seconds: float) -> None:
        """GetRecords' replies are held back so long, by the computer's clock."""
        self.read_delay = seconds

    @command
    def counts(self) -> dict[str, Any]:
        return self.tally.as_json()

    @command
    def reset_counts(self) -> None:
        self.tally.reset()

    def _closing(self, stream: Stream, shard_id: str, last: int | Sequence[Record]) -> Shard:
        """The shard, open, with its last records."""
        shard = stream.known_shard(shard_id)
        if not shard.is_open:
            raise LabError(f"{shard_id} is closed already")

        def belongs(keys: dict[str, Any]) -> bool:
            return stream.covering(keys) is shard

        if isinstance(last, int):
            rng = random.Random(self.rng.getrandbits(64))
            last = list(inserts(stream.keys or ["id"], last, rng, belongs))
        for record in last:
            check_change(record)
            if not belongs(record["Keys"]):
                raise LabError(f"{shard_id} does not cover the key of a last record: give a number of records instead")
        for record in last:
            self.put(stream, shard, record)
        return shard

    def _shard_for(self, stream: Stream, record: Any, shard_id: str | None) -> Shard:
        if shard_id is not None:
            shard = stream.known_shard(shard_id)
            if not shard.is_open:
                raise LabError(f"{shard_id} is closed")
            return shard
        try:
            return stream.covering(record["dynamodb"]["Keys"])
        except (LabError, LookupError, TypeError, AttributeError):
            if not stream.open_shards():
                raise
            return stream.open_shards()[0]
