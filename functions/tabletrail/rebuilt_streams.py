"""A stream's row, made again from its coverage entries in the log.

Rules
- The last coverage entry says how the stream stands; its number is the row's, so that none comes twice. It says under
  which rules too: a row without them would have the next records indexed with values that were declared sensitive.
- Before which second its changes are attributed is told by the entries that are there: at worst the seconds behind the
  last of them are judged again, in which there was no change.
- What a table shows of itself (service, partition key) is taken from the table, if it still exists.

Called by `tabletrail.recovery`.
"""

from __future__ import annotations

from collections.abc import Sequence

from tabletrail.attribution_start import ATTRIBUTION, ENDED
from tabletrail.core.checkpoint import StreamRow, StreamState
from tabletrail.log_survey import CoverageFact
from tabletrail.ports import TableView

_ACTIVE = (
    *sorted(ATTRIBUTION),
    "hold_released",
    "hold_set",
    "joined",
    "recovered",
    "rules_changed",
    "shard_late",
    "unwatched",
    "view_type",
)
"""They tell of a stream that is audited, or, seldom, of one that is read to its end: that one leaves once more."""
_STATES = dict.fromkeys(_ACTIVE, StreamState.ACTIVE)
_STATES["stream_ended"] = StreamState.DONE
"""After any other coverage entry a stream is read to its end."""


def rebuilt_stream(
    before: StreamRow | None, facts: Sequence[CoverageFact], view: TableView | None, gaps: int, judged: int = 0
) -> StreamRow:
    """`facts`: as in `Survey.facts`. `view` is None if the table is gone.

    `gaps` of the stream as a whole are in the log; changes before the second `judged` are attributed there.
    """
    number, rules_version = facts[-1].number, facts[-1].document["tabletrail"]["rules_version"]
    last = [fact for fact in facts if fact.what not in ATTRIBUTION or fact is facts[0]][-1]
    table, cloud = last.document["table"], last.document["cloud"]
    state = _STATES.get(last.what, StreamState.ENDING)
    return StreamRow(
        stream_arn=last.stream_arn,
        table_name=table["name"],
        table_arn=table["arn"],
        table_id=table["id"],
        account=cloud["account"]["id"],
        region=cloud["region"],
        service=view.service if view else last.document.get("service", {}).get("name", ""),
        partition_key=view.partition_key if view else "",
        table_made_at=view.made_at if view else 0,
        is_enabled=state is StreamState.ACTIVE,
        state=state,
        joined_at=max((fact.at for fact in facts if fact.what == "joined"), default=last.at),
        ending_at=0 if state is StreamState.ACTIVE else last.at,
        coverage_no=number,
        gaps=gaps,
        rules_version=rules_version,
        attributed_until=attributed_until(facts, judged),
        version=before.version if before else 0,
    )


def attributed_until(facts: Sequence[CoverageFact], judged: int) -> int:
    """What the row must say, so that no change is attributed twice; 0 if CloudTrail is not asked any longer."""
    told = [fact.what for fact in facts if fact.what in ATTRIBUTION]
    return 0 if told and told[-1] == ENDED else judged
