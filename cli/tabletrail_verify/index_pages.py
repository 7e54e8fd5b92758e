"""What the index is asked: which indices there are, documents in the order of their ids, single ones by id.

Rules
- Only the reader's rights are needed. Nothing is held open on the server: each page is a range of ids of its own.
- A page may be cut within documents of one id (copies): those of its last id are left to the next page.
- An answer of a part of the shards is none.

Called by `index_walk`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tabletrail_verify.canonical_form import field
from tabletrail_verify.entry_rules import PREFIX
from tabletrail_verify.index_document import Hit

Ask = Callable[[str, str, dict[str, Any] | None, dict[str, str] | None], tuple[int, Any]]
"""(method, path, body, parameters) -> (status, parsed JSON)"""

PAGE = 1_000
_WHOLE = {"allow_partial_search_results": "false", "ignore_unavailable": "true", "expand_wildcards": "open"}


class SearchError(RuntimeError):
    """The index gave no usable answer."""


@dataclass(frozen=True, slots=True)
class IndexPages:
    """`table` and `index` narrow what is walked; empty means all."""

    ask: Ask
    table: str = ""
    index: str = ""

    def names(self, state: str) -> frozenset[str]:
        """Names of the log's indices that are `open` or `closed`."""
        params = {"expand_wildcards": state, "filter_path": "*.settings.index.uuid"}
        data = self._asked("GET", f"/{PREFIX}*/_settings/index.uuid", None, params)
        return frozenset(data)

    def between(self, low: str, high: str) -> Iterator[Hit]:
        """Documents with `low` < event.id <= `high` (empty: no bound), by their ids."""
        while True:
            hits = self._search(_range(low, high))
            last = str(hits[-1]["sort"][0]) if hits else ""
            is_last_page = len(hits) < PAGE
            whole = hits if is_last_page else [hit for hit in hits if hit["sort"][0] != last]
            if not whole and not is_last_page:
                # A page full of copies of one id: a thousand are enough to say so.
                yield from map(_hit, hits)
                low = last
                continue
            yield from map(_hit, whole)
            if is_last_page:
                return
            low = str(whole[-1]["sort"][0])

    def without_id(self) -> list[Hit]:
        """Documents without an event.id, at most a page."""
        return [_hit(hit) for hit in self._search({"bool": {"must_not": [{"exists": {"field": "event.id"}}]}})]

    def present(self, wanted: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        """Which of these (index, _id) exist now, whether or not a search shows them yet."""
        body = {"docs": [{"_index": index, "_id": id_, "_source": False} for index, id_ in wanted]}
        docs = self._asked("POST", "/_mget", body, None).get("docs", [])
        return {(doc["_index"], doc["_id"]) for doc in docs if doc.get("found")}

    def _search(self, query: dict[str, Any]) -> list[dict[str, Any]]:
        filters = [query, *([{"term": {"table.name": self.table}}] if self.table else [])]
        body = {
            "query": {"bool": {"filter": filters}},
            "sort": [{"event.id": {"order": "asc", "missing": "_last", "unmapped_type": "keyword"}}],
            "size": PAGE,
            "track_total_hits": False,
        }
        data = self._asked("POST", f"/{self.index or PREFIX + '*'}/_search", body, _WHOLE)
        if field(data, "timed_out") or field(data, "_shards.failed"):
            raise SearchError("a search was answered in part only")
        return list(data["hits"]["hits"])

    def _asked(
        self, method: str, path: str, body: dict[str, Any] | None, params: dict[str, str] | None
    ) -> dict[str, Any]:
        status, data = self.ask(method, path, body, params)
        if not 200 <= status < 300:
            reason = field(data, "error.type") or "no reason"
            raise SearchError(f"{method} {path} was answered with {status} ({reason})")
        return data if isinstance(data, dict) else {}


def _range(low: str, high: str) -> dict[str, Any]:
    bounds = {name: value for name, value in (("gt", low), ("lte", high)) if value}
    return {"range": {"event.id": bounds}} if bounds else {"exists": {"field": "event.id"}}


def _hit(hit: dict[str, Any]) -> Hit:
    return Hit(str(hit["_id"]), str(hit["_index"]), hit.get("_source") or {})
