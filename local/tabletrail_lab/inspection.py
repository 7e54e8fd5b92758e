"""What can be asked of the laboratory without changing anything: its time, its streams, their truth.

Rules
- The truth is kept for ever: what was trimmed or vanished is named, and marked.
- Its key is the item's whole key as one text (`keys.key_text`).

Parent of `laboratory.Laboratory`.
"""

from __future__ import annotations

from typing import Any

from tabletrail_lab.answering import Reply, answer
from tabletrail_lab.commands import COMMANDS, command
from tabletrail_lab.shards import Shard
from tabletrail_lab.state import State

PAGE = 100_000
"""Most records of one `truth`."""


class Inspection(State):
    def answer(self, operation: str, request: Any) -> Reply:
        """What the service says to a request, given as the JSON it came in."""
        with self.lock:
            return answer(self, operation, request)

    def read_ended(self, shard_id: str) -> None:
        """A reply with `holds_reader` was written, or its connection is gone."""
        with self.lock:
            self.tally.end_read(shard_id)

    @command
    def truth(self, stream_arn: str, start: int = 0, limit: int = PAGE) -> list[dict[str, Any]]:
        """All records ever written from the `start`th on, in the order of writing: shard_id, parent_shard_id, sequence,
        event_id, event_name, key, written_at, trimmed, trimmed_at, vanished, readable."""
        return self.stream(stream_arn).truth(start, min(limit, PAGE), self.now())

    @command
    def shards(self, stream_arn: str) -> list[dict[str, Any]]:
        """All shards that ever were, in the order of their making, with all that is known of them."""
        stream = self.stream(stream_arn)
        forgotten = stream.forgotten(self.now())
        return [_facts(shard, stream.dropped or shard.is_gone(forgotten)) for shard in stream.shards]

    @command
    def open_shards(self, stream_arn: str) -> list[dict[str, Any]]:
        """The same of the open ones, in the order of the partitions that they cover."""
        return [_facts(shard, False) for shard in self.stream(stream_arn).open_shards()]

    @command
    def streams(self) -> list[dict[str, Any]]:
        """All streams that ever were."""
        return [
            {
                "stream_arn": stream.arn,
                "table_name": stream.table_name,
                "label": stream.label,
                "enabled": stream.disabled_at is None,
                "gone": stream.is_gone(self.now()),
                "records": stream.count,
                "open_shards": [shard.shard_id for shard in stream.open_shards()],
                "adopted": stream.adopted,
                "relayed": dict(stream.relayed),
            }
            for stream in self.streams_by_arn.values()
        ]


COMMANDS.add("now")


def _facts(shard: Shard, gone: bool) -> dict[str, Any]:
    return {
        "shard_id": shard.shard_id,
        "ordinal": shard.ordinal,
        "parent_shard_id": None if shard.parent is None else shard.parent.shard_id,
        "children": [child.shard_id for child in shard.children],
        "open": shard.is_open,
        "opened_at": shard.opened_at,
        "closed_at": shard.closed_at,
        "partitions": [shard.low, shard.high],
        "starting": str(shard.starting),
        "ending": None if shard.ending is None else str(shard.ending),
        "records": shard.count,
        "read_to": shard.read_to,
        "empty_pages": sum(shard.empty_pages.values()),
        "gone": gone,
    }
