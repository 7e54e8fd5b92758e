"""`reindex.SegmentPages` over the table `segments`: a walk over all of its rows, page by page.

Rules
- A Scan, which no function may use: it costs half a unit for each 4 KB of the table, twice that as it is consistent.
  It is for an operator's command, which reads everything anyway.
- A hash key's order in a scan never changes, and a scan may begin behind any key.

Called by the command `tabletrail reindex`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from typing import Any

from tabletrail.aws.rows import Item, decode_segment, decode_value
from tabletrail.aws.tries import Tries
from tabletrail.core.checkpoint import SegmentRow
from tabletrail.core.rebuilds import Tally


class TableSegmentScan:
    """`client` as for `TableCheckpoints`."""

    def __init__(self, client: Any, table: str, tries: Tries) -> None:
        self._client, self._table, self._tries = client, table, tries

    def tallies(self) -> dict[str, Tally]:
        found: dict[str, Tally] = defaultdict(Tally)
        names = {"#indices": "indices", "#entries": "entries"}
        for item in self._scan("", ProjectionExpression="#indices, #entries", ExpressionAttributeNames=names):
            for index in decode_value(item["indices"]):
                before = found[index]
                found[index] = Tally(before.segments + 1, before.entries + decode_value(item["entries"]))
        return dict(found)

    def rows(self, index: str, behind: str, marked_since: int) -> Iterator[SegmentRow]:
        values: Item = {":index": {"S": index}}
        condition = "contains(indices, :index)"
        if marked_since:
            condition += " AND (indexed_at = :never OR indexed_at >= :since)"
            values |= {":never": {"N": "0"}, ":since": {"N": str(marked_since)}}
        items = self._scan(behind, FilterExpression=condition, ExpressionAttributeValues=values)
        return (decode_segment(item) for item in items)

    def _scan(self, behind: str, **request: Any) -> Iterator[Item]:
        start: dict[str, Any] = {"ExclusiveStartKey": {"segment_id": {"S": behind}}} if behind else {}
        while True:
            call = partial(self._client.scan, TableName=self._table, ConsistentRead=True, **request, **start)
            reply = self._tries.run("Scan", call)
            # The rows of the runs' stamp and of the holds are no segments, and name no index.
            yield from (item for item in reply["Items"] if "indices" in item)
            if "LastEvaluatedKey" not in reply:
                return
            start = {"ExclusiveStartKey": reply["LastEvaluatedKey"]}
