"""Records of a real stream, taken over into the laboratory's shards.

Rules
- Exactly once: a source's shard has a position, which moves in the same journaled command that writes the records.
- What the source said of a change stays: eventID, event, keys, images, times. Its sequence number becomes ours, larger
  than all before it, and so it is on the laboratory's shards that order is kept.

Called by `laboratory.relay`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tabletrail_lab.errors import LabError
from tabletrail_lab.records import encoded
from tabletrail_lab.state import State
from tabletrail_lab.streams import Stream


def take_over(
    state: State, stream: Stream, source_shard: str, records: Sequence[dict[str, Any]], finished: bool
) -> int:
    """How many records were new. LabError, and no effect, if one is no record."""
    place = stream.relayed.get(source_shard, {"sequence": None, "finished": False})
    position = int(place["sequence"] or -1)
    new = []
    for record in records:
        number, keys = _facts(record)
        if number > position:
            new.append((record, stream.covering(keys)))
            position = number
    for record, shard in new:
        ours = stream.next_number()
        body = record["dynamodb"] | {"SequenceNumber": str(ours)}
        facts = (str(record.get("eventID", "")), str(record.get("eventName", "")), body["Keys"])
        stream.append(shard, encoded(record | {"dynamodb": body}), ours, facts, state.now())
    if position >= 0:
        place = {"sequence": str(position), "finished": False}
    stream.relayed[source_shard] = place | {"finished": finished or place["finished"]}
    return len(new)


def _facts(record: Any) -> tuple[int, dict[str, Any]]:
    try:
        body = record["dynamodb"]
        return int(body["SequenceNumber"]), dict(body["Keys"])
    except (LookupError, TypeError, ValueError) as error:
        raise LabError("a record to take over has dynamodb.SequenceNumber and dynamodb.Keys") from error
