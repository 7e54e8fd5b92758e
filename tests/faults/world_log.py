"""What a log must be, whatever happened to the world that wrote it.

Called through `World`, which is one.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from tabletrail.core.checkpoint import GENESIS_CHAIN, SegmentRow, ShardKey
from tabletrail.core.segment import Line, read
from tests.fakes.checkpoints import Rows
from tests.fakes.clock import FakeClock
from tests.fakes.index import FakeIndex
from tests.fakes.segments import FakeSegments, FakeSegmentStore
from tests.validation import assert_valid_entry


class WorldLog:
    """The log of a world. `written` is the truth: sequence numbers by stream and shard, in order."""

    rows: Rows
    store: FakeSegmentStore
    index: FakeIndex
    clock: FakeClock
    written: dict[tuple[str, str], list[str]]

    def lines(self) -> list[dict[str, Any]]:
        """Every line of every committed segment, in the order of the commits; each entry is valid."""
        found = []
        for row in self._committed():
            _, *lines = read(self.store.get(row.key, row.version_id))
            for line in lines:
                assert isinstance(line, Line)
                assert_valid_entry(line.entry)
                found.append(line.entry)
        return found

    def images(self) -> list[bytes]:
        """The images of every line, as JSON: what no index gets."""
        found = []
        for row in self._committed():
            _, *lines = read(self.store.get(row.key, row.version_id))
            found += [json.dumps(line.images).encode() for line in lines if isinstance(line, Line)]
        return found

    def _committed(self) -> list[SegmentRow]:
        return [commit.segment for commit in self.rows.commits if commit.segment is not None]

    def captured(self) -> dict[tuple[str, str], list[str]]:
        """Sequence numbers of the change entries by stream and shard, in the log's order."""
        found: dict[tuple[str, str], list[str]] = defaultdict(list)
        for entry in self.lines():
            if entry["tabletrail"]["kind"] in ("change", "unreadable"):
                stream = entry["stream"]
                found[stream["arn"], stream["shard"]].append(stream["sequence"])
        return found

    def kinds(self) -> dict[str, int]:
        counts: dict[str, int] = defaultdict(int)
        for entry in self.lines():
            counts[entry["tabletrail"]["kind"]] += 1
        return counts

    def assert_complete(self) -> None:
        """Every record exactly one entry, in order; chains unbroken; every entry indexed; rows and segments agree."""
        assert dict(self.captured()) == {key: numbers for key, numbers in self.written.items() if numbers}
        self._assert_chains()
        ids = [entry["event"]["id"] for entry in self.lines()]
        assert len(ids) == len(set(ids)), "an entry stands twice in the log"
        self._assert_index_is_the_log()
        assert not FakeSegments(self.rows, self.clock).count_waiting()[0], "a segment still waits"

    def _assert_index_is_the_log(self) -> None:
        """Each document is its committed line, to the byte's meaning; a parked one points at that line."""
        documents = self.index.documents()
        lines = {entry["event"]["id"]: entry for entry in self.lines()}
        assert set(documents) == set(lines), "the index and the log differ"
        for id_, document in documents.items():
            if document["tabletrail"]["kind"] == "parked":
                assert document["log"] == lines[id_]["log"], "a parked entry points elsewhere"
            else:
                assert document == lines[id_], "the index holds what the log does not"

    def _assert_chains(self) -> None:
        heads: dict[ShardKey, str] = {}
        for row in self._committed():
            for link in row.links:
                key = ShardKey(link.stream_arn, link.shard_id)
                assert link.previous_chain == heads.get(key, GENESIS_CHAIN), "a hole in a shard's chain"
                heads[key] = link.chain
        for key, head in heads.items():
            assert self.rows.shards[key].chain_hash == head
