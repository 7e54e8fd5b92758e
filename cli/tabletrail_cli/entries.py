"""Entries as OpenSearch has them: pages in a stable order, counts, facets.

Rules
- A list is read page by page behind the last entry's sort values. Entries are only ever added, so a reader may stop for
  hours between two pages (`less`) and goes on where they were; a point-in-time would have expired.
- Half a result is no result: a search is asked again until each shard has answered, and then is an error. OpenSearch
  does not count a shard that is not available, as while an index is made or replaced, among the failed ones.
- All pages come from the same copies of the shards (`preference`): a lagging replica cannot hide an entry between.

Called by the commands.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import uuid4

from tabletrail.aws.opensearch_connect import Reply, ask
from tabletrail.core.periods import ALIAS
from tabletrail.errors import QueryError, TransientError
from tabletrail_cli.entry_text import at
from tabletrail_cli.errors import AccessError
from tabletrail_cli.patterns import Clause
from tabletrail_cli.queries import Order, sort_of

Entry = dict[str, Any]
PAUSES = (0.1, 0.3, 1.0, 2.0, 0.0)
"""Seconds before a search is asked again. An index is replaced, or a new one ready, within a fraction of them."""
PAGE = 500
"""Entries a request: a few MB as they come, and not too many for those with a thousand changed paths each."""


@dataclass(frozen=True)
class Entries:
    """The search side of one place. AccessError, TransientError; QueryError for what OpenSearch does not take."""

    client: Any
    page: int = PAGE
    index: str = ALIAS

    def walk(self, query: Clause, order: Order, limit: int | None = None) -> Iterator[Entry]:
        """All entries that match, each once, in order; `limit` None: to the end."""
        params = {"preference": f"tabletrail{uuid4().hex}"}
        behind: list[Any] | None = None
        left = limit
        while left is None or left > 0:
            size = self.page if left is None else min(self.page, left)
            body: dict[str, Any] = {"query": query, "sort": sort_of(order), "size": size, "track_total_hits": False}
            if behind:
                body["search_after"] = behind
            hits = self._search(body, params)["hits"]["hits"]
            for hit in hits:
                yield hit["_source"]
            if len(hits) < size:
                return
            behind = hits[-1]["sort"]
            left = None if left is None else left - len(hits)

    def first(self, query: Clause, order: Order) -> Entry | None:
        return next(self.walk(query, order, limit=1), None)

    def count(self, query: Clause) -> int:
        """Exact, however many."""
        found = self._search({"query": query, "size": 0, "track_total_hits": True}, {})
        return int(found["hits"]["total"]["value"])

    def aggregate(self, query: Clause, aggregations: Mapping[str, Clause]) -> dict[str, Any]:
        """The aggregations' results by name."""
        body = {"query": query, "size": 0, "track_total_hits": False, "aggs": dict(aggregations)}
        found: dict[str, Any] = self._search(body, {})["aggregations"]
        return found

    def answer(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The whole reply to one search."""
        return self._search(body, {})

    def _search(self, body: Mapping[str, Any], params: Mapping[str, str]) -> dict[str, Any]:
        for pause in PAUSES:
            reply = ask(self.client, "POST", f"/{self.index}/_search", body, params)
            if reply.ok and isinstance(reply.data, dict):
                if is_whole(reply.data):
                    return reply.data
            elif reply.status not in (404, 503) or "search_phase_execution" not in reply.reason:
                raise _refusal(reply, self.index)
            time.sleep(pause)
        if not reply.ok:
            raise _refusal(reply, self.index)
        raise TransientError("a part of the index did not answer, so the result would not be whole: try again")


def is_whole(answer: Mapping[str, Any]) -> bool:
    """True if each shard that a search went to is in the answer."""
    shards = answer.get("_shards", {})
    return not answer.get("timed_out") and not shards.get("failed") and shards.get("successful") == shards.get("total")


def without_superseded(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Leaves out a parked entry whose full one made it into the index after all: both share time and sequence, so a
    sorted walk has them side by side. Where only the parked one matches a search, it stays."""
    for _, group in groupby(entries, key=lambda entry: (at(entry, "@timestamp"), at(entry, "event.sequence_key"))):
        same = list(group)
        superseded = {at(entry, "tabletrail.supersedes") for entry in same}
        yield from (entry for entry in same if at(entry, "event.id") not in superseded)


def _refusal(reply: Reply, index: str) -> QueryError | AccessError | TransientError:
    if reply.status == 400:
        return QueryError(f"OpenSearch does not take this search: {reply.reason}")
    if reply.status == 401:
        return AccessError("OpenSearch does not know this user or password (401)")
    if reply.status == 403:
        return AccessError("OpenSearch does not let you search (403): you need the role tabletrail_reader")
    if reply.status == 404:
        return AccessError(f"OpenSearch has nothing named {index}: is it this stack's, and is the stack deployed?")
    return TransientError(f"OpenSearch could not search ({reply.status}): try again")
