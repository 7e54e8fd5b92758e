"""Follows every stream of a source and takes its records over.

Rules
- A stream is adopted with its ARN and table name as soon as the source lists it, and disabled once the source has it
  disabled (or has it no more) and all its records are here.
- A source's shard is read after its parent is finished, so that an item's changes arrive in their order.
- Where it stands is in the laboratory, not here: a relay that starts again goes on there, and repeats are left out.
- Trouble with the source changes nothing but the time; what it was is said once.

Called by `python -m tabletrail_lab --upstream`; tests call `step`.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from tabletrail_lab.errors import LabError
from tabletrail_lab.laboratory import Laboratory
from tabletrail_lab.upstream import Upstream, UpstreamError

PAGES = 200
"""Most pages of one shard in one round, so that no shard keeps the others waiting."""
PAUSE = 0.2
"""Seconds between rounds that found nothing."""
PATIENCE = 10.0
"""Seconds for which the source must not know a stream before it counts as disabled: a source that starts again may
know nothing for a moment."""


class Relay:
    def __init__(
        self,
        laboratory: Laboratory,
        source: Upstream,
        shards: int = 4,
        *,
        patience: float = PATIENCE,
        say: Callable[[str], object] = lambda text: print(text, file=sys.stderr, flush=True),
    ) -> None:
        self._laboratory, self._source, self._shards = laboratory, source, shards
        self._patience, self._say = patience, say
        self._said: frozenset[str] = frozenset()
        self._iterators: dict[tuple[str, str], str] = {}
        self._missing_since: dict[str, float] = {}

    def run(self, stop: threading.Event) -> None:
        """Rounds until `stop`."""
        while not stop.is_set():
            if not self.step():
                stop.wait(PAUSE)

    def step(self) -> int:
        """One round over all streams; returns how many records were new. Never raises for the source's troubles, and
        one stream's trouble holds up no other."""
        known = {stream["stream_arn"]: stream for stream in self._laboratory.streams()}
        troubles, taken = [], 0
        try:
            for stream in self._source.streams():
                if stream["StreamArn"] not in known:
                    self._adopt(stream["StreamArn"])
        except UpstreamError as error:
            troubles.append(f"the relay waits for its source: {error}")
        for stream in self._laboratory.streams():
            try:
                if stream["adopted"] and stream["enabled"]:
                    taken += self._follow(stream["stream_arn"])
            except UpstreamError as error:
                troubles.append(f"the relay waits for its source: {error}")
            except LabError as error:
                troubles.append(f"records of {stream['stream_arn']} cannot be taken over: {error}")
        self._say_once(troubles)
        return taken

    def _say_once(self, troubles: list[str]) -> None:
        for text in troubles:
            if text not in self._said:
                self._say(text)
        self._said = frozenset(troubles)

    def _adopt(self, arn: str) -> None:
        description = self._source.describe(arn)
        keys = [element["AttributeName"] for element in sorted(description["KeySchema"], key=lambda e: e["KeyType"])]
        self._laboratory.adopt(
            arn,
            description["TableName"],
            description["StreamLabel"],
            description["StreamViewType"],
            keys,
            self._shards,
        )

    def _follow(self, arn: str) -> int:
        try:
            description = self._source.describe(arn)
        except UpstreamError as error:
            if error.code != "ResourceNotFoundException":
                raise
            since = self._missing_since.setdefault(arn, time.monotonic())
            if time.monotonic() - since >= self._patience:
                self._laboratory.disable(arn)
            return 0
        self._missing_since.pop(arn, None)
        shards = {shard["ShardId"]: shard for shard in description["Shards"]}
        taken, places = 0, self._places(arn)
        for shard_id in _parents_first(shards):
            parent = shards[shard_id].get("ParentShardId")
            if parent in shards and not places.get(parent, {}).get("finished"):
                continue
            if not places.get(shard_id, {}).get("finished"):
                taken += self._read(arn, shard_id, places.get(shard_id, {}).get("sequence"))
                places = self._places(arn)
        if description["StreamStatus"] == "DISABLED" and all(places.get(s, {}).get("finished") for s in shards):
            self._laboratory.disable(arn)
        return taken

    def _read(self, arn: str, shard_id: str, after: str | None) -> int:
        taken = 0
        iterator: str | None = self._iterators.pop((arn, shard_id), None)
        try:
            iterator = iterator or self._source.iterator(arn, shard_id, after)
            for _ in range(PAGES):
                records, following = self._source.read(iterator)
                if records or following is None:
                    taken += self._laboratory.relay(arn, shard_id, records, following is None)
                iterator = following
                if iterator is None or not records:
                    break
        except UpstreamError as error:
            # An iterator that died or was trimmed: the next round asks for one by what the laboratory holds.
            if error.code not in ("ExpiredIteratorException", "TrimmedDataAccessException"):
                raise
            return taken
        if iterator is not None:
            self._iterators[arn, shard_id] = iterator
        return taken

    def _places(self, arn: str) -> dict[str, dict[str, Any]]:
        places: dict[str, dict[str, Any]] = next(
            stream["relayed"] for stream in self._laboratory.streams() if stream["stream_arn"] == arn
        )
        return places


def _parents_first(shards: dict[str, dict[str, Any]]) -> list[str]:
    ordered: list[str] = []
    placed: set[str] = set()
    for first in shards:
        lineage: list[str] = []
        shard_id: str | None = first
        while shard_id in shards and shard_id not in placed and shard_id not in lineage:
            lineage.append(shard_id)
            shard_id = shards[shard_id].get("ParentShardId")
        ordered += reversed(lineage)
        placed.update(lineage)
    return ordered
