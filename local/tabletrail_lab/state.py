"""What the laboratory consists of, its lock and its time.

Rules
- Everything happens under one lock, so a command or an operation sees and makes one state.
- Within a command time stands still; when the journal is read again it stands at the command's own time.

Parent of `laboratory.Laboratory`; `commands` uses the lock and the time.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from tabletrail_lab.api import Api
from tabletrail_lab.clocks import LabClock, RunningClock
from tabletrail_lab.commands import JOURNALED
from tabletrail_lab.counts import Counts
from tabletrail_lab.errors import LabError
from tabletrail_lab.faults import Faults, Limits
from tabletrail_lab.history import Items
from tabletrail_lab.iterators import Seal
from tabletrail_lab.records import VIEW_TYPES, encoded, service_record
from tabletrail_lab.shards import Shard
from tabletrail_lab.streams import RETENTION, Stream
from tabletrail_lab.views import View

REGION = "eu-central-1"
ACCOUNT = "000000000000"
Written = tuple[str, str, str]
"""Shard, sequence number and eventID."""


class State:
    """`seed` fixes ids, numbers and chance; `secret` (the seed, if empty) signs iterators."""

    def __init__(
        self,
        clock: LabClock | None = None,
        seed: int = 0,
        *,
        secret: str = "",
        region: str = REGION,
        account: str = ACCOUNT,
        retention: float = RETENTION,
    ) -> None:
        self.clock = clock or RunningClock()
        self.seed, self.region, self.account, self.retention = seed, region, account, retention
        self.lock = threading.RLock()
        self.journal: Callable[[str, Mapping[str, Any], float], None] | None = None
        self.streams_by_arn: dict[str, Stream] = {}
        self.views: dict[str, View] = {}
        self.items: dict[str, Items] = {}
        self.seal = Seal(secret or f"seed {seed}")
        self.api = Api(self.streams_by_arn, self.views, self.seal)
        self.faults = Faults(f"faults {seed}")
        # Under a clock that stands still a limit would never end: there they are off until they are asked for.
        self.account_limits = Limits() if self.clock.runs else Limits(None, None, None)
        self.tally = Counts()
        self.read_delay = 0.0
        self.rng = random.Random(f"laboratory {seed}")
        self._moment: float | None = None

    def now(self) -> float:
        """The laboratory's time, seconds since the epoch."""
        return self.clock.now() if self._moment is None else self._moment

    @contextmanager
    def at_one_moment(self, moment: float | None = None) -> Generator[None]:
        before, self._moment = self._moment, self.now() if moment is None else moment
        try:
            yield
        finally:
            self._moment = before

    def replay(self, name: str, arguments: Mapping[str, Any], at: float) -> None:
        """Does a journaled command again, as it was done at that time."""
        # Whatever it raises it raised then, too, at the same place: no reason to give up on all that follows.
        with self.lock, self.at_one_moment(at), suppress(Exception):
            JOURNALED[name](self, **arguments)

    # What the commands are made of; they hold the lock.

    def stream(self, stream_arn: str) -> Stream:
        stream = self.streams_by_arn.get(stream_arn)
        if stream is None:
            raise LabError(f"no stream {stream_arn}: `streams` lists them")
        return stream

    def new_stream(
        self, arn: str, table_name: str, label: str, view_type: str, keys: list[str] | None, shards: int
    ) -> str:
        if view_type not in VIEW_TYPES:
            raise LabError(f"a view type is one of {', '.join(VIEW_TYPES)}")
        if arn in self.streams_by_arn:
            raise LabError(f"{arn} exists: give another label")
        rng = random.Random(self.rng.getrandbits(64))
        stream = Stream(arn, table_name, label, view_type, keys, rng, self.now(), self.retention)
        stream.open_first(shards, self.now())
        self.streams_by_arn[arn], self.views[arn], self.items[arn] = stream, View(stream), Items()
        return arn

    def new_arn(self, table_name: str, label: str | None) -> tuple[str, str]:
        """An ARN and its label: the time, moved on where the table has had a stream at that very time."""
        milliseconds = int(self.now() * 1_000)
        while True:
            moment = datetime.fromtimestamp(milliseconds // 1_000, UTC)
            name = label or f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1_000:03d}"
            arn = f"arn:aws:dynamodb:{self.region}:{self.account}:table/{table_name}/stream/{name}"
            if label or arn not in self.streams_by_arn:
                return arn, name
            milliseconds += 1

    def enabled_stream(self, table_name: str) -> Stream | None:
        for stream in self.streams_by_arn.values():
            if stream.table_name == table_name and stream.disabled_at is None:
                return stream
        return None

    def put(self, stream: Stream, shard: Shard, change: dict[str, Any]) -> Written:
        """Writes one checked change to a shard."""
        now = self.now()
        number, event_id = stream.next_number(), f"{self.rng.getrandbits(128):032x}"
        created = int(change.get("created", now))
        record = service_record(change, str(number), event_id, created, stream.view_type, self.region)
        stream.append(shard, encoded(record), number, (event_id, change["eventName"], change["Keys"]), now)
        return shard.shard_id, str(number), event_id

    def put_raw(self, stream: Stream, shard: Shard, record: Any, numbered: bool) -> Written:
        """Writes a record as it is, but for its sequence number where `numbered`."""
        number = stream.next_number()
        content = record if isinstance(record, dict) else {}
        body = content.get("dynamodb")
        if numbered and isinstance(body, dict):
            body = body | {"SequenceNumber": str(number)}
            record = content | {"dynamodb": body}
        event_id = str(content.get("eventID", ""))
        keys = body.get("Keys") if isinstance(body, dict) else None
        facts = (event_id, str(content.get("eventName", "")), keys)
        stream.append(shard, encoded(record), number, facts, self.now())
        return shard.shard_id, str(number), event_id
