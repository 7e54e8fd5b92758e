"""What the index is asked: which indices there are, documents in the order of their ids, single ones by id.

Rules
- Only the reader's rights are needed. Nothing is held open on the server: each page is a range of ids of its own.
- A page may be cut within documents of one id (copies): those of its last id are left to the next page.
- An answer of a part of the shards is none.
- A name stands for an index or, as an alias, for a rebuilt one (`…-r000002`). A rebuilt index without such an alias is
  not in use: its documents are passed over.

Called by `index_walk`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tabletrail_verify.canonical_form import field as value_at
from tabletrail_verify.entry_rules import PREFIX
from tabletrail_verify.index_document import Hit

Ask = Callable[[str, str, dict[str, Any] | None, dict[str, str] | None], tuple[int, Any]]
"""(method, path, body, parameters) -> (status, parsed JSON)"""

PAGE = 1_000
BEFORE_COMMIT_SECONDS = 48 * 3600
CLOCK_SECONDS = 3600
_REBUILT = re.compile(r"-r[0-9]{6}$")
_WHOLE = {"allow_partial_search_results": "false", "ignore_unavailable": "true", "expand_wildcards": "open"}


class SearchError(RuntimeError):
    """The index gave no usable answer."""


@dataclass(slots=True)
class IndexPages:
    """`table`, `index` and the time of commits, in seconds, narrow what is walked; empty means all."""

    ask: Ask
    table: str = ""
    index: str = ""
    since: int = 0
    until: int = 0
    _names: dict[str, str] = field(default_factory=dict)

    def names(self, state: str) -> frozenset[str]:
        """Names that entries may have and for which there is an index that is `open` or `closed`."""
        data = self._asked("GET", f"/{PREFIX}*/_alias", None, {"expand_wildcards": state})
        found = {index: _name(index, value_at(data[index], "aliases") or {}) for index in data}
        self._names |= found
        return frozenset(name for name in found.values() if name)

    def between(self, low: str, high: str) -> Iterator[Hit]:
        """Documents with `low` < event.id <= `high` (empty: no bound), by their ids."""
        while True:
            hits = self._search(_range(low, high))
            last = str(hits[-1]["sort"][0]) if hits else ""
            is_last_page = len(hits) < PAGE
            whole = hits if is_last_page else [hit for hit in hits if hit["sort"][0] != last]
            if not whole and not is_last_page:
                # A page full of copies of one id: a thousand are enough to say so.
                yield from self._hits(hits)
                low = last
                continue
            yield from self._hits(whole)
            if is_last_page:
                return
            low = str(whole[-1]["sort"][0])

    def without_id(self) -> list[Hit]:
        """Documents without an event.id, at most a page."""
        return list(self._hits(self._search({"bool": {"must_not": [{"exists": {"field": "event.id"}}]}})))

    def present(self, wanted: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        """Which of these (index, _id) exist now, whether or not a search shows them yet."""
        body = {"docs": [{"_index": index, "_id": id_, "_source": False} for index, id_ in wanted]}
        docs = self._asked("POST", "/_mget", body, None).get("docs", [])
        # In the order of the request: an alias is answered with the name of the index behind it.
        return {one for one, doc in zip(wanted, docs, strict=True) if doc.get("found")}

    def _hits(self, hits: Sequence[dict[str, Any]]) -> Iterator[Hit]:
        """Those of indices in use, each with the name that its index stands for."""
        for hit in hits:
            index = str(hit["_index"])
            if index not in self._names:
                self.names("open")  # it was made, or took a name, after this began
            name = self._names.get(index, "")
            if name:
                yield Hit(str(hit["_id"]), name, hit.get("_source") or {})

    def _search(self, query: dict[str, Any]) -> list[dict[str, Any]]:
        filters = [query, *([{"term": {"table.name": self.table}}] if self.table else []), *self._times()]
        body = {
            "query": {"bool": {"filter": filters}},
            "sort": [{"event.id": {"order": "asc", "missing": "_last", "unmapped_type": "keyword"}}],
            "size": PAGE,
            "track_total_hits": False,
        }
        data = self._asked("POST", f"/{self.index or PREFIX + '*'}/_search", body, _WHOLE)
        if value_at(data, "timed_out") or value_at(data, "_shards.failed"):
            raise SearchError("a search was answered in part only")
        return list(data["hits"]["hits"])

    def _times(self) -> list[dict[str, Any]]:
        """An entry is committed within a day after its time; one with another time is asked for by its id."""
        bounds = {"gte": self.since - BEFORE_COMMIT_SECONDS} if self.since else {}
        bounds |= {"lt": self.until + CLOCK_SECONDS} if self.until else {}
        return [{"range": {"@timestamp": {**bounds, "format": "epoch_second"}}}] if bounds else []

    def _asked(
        self, method: str, path: str, body: dict[str, Any] | None, params: dict[str, str] | None
    ) -> dict[str, Any]:
        status, data = self.ask(method, path, body, params)
        if not 200 <= status < 300:
            reason = value_at(data, "error.type") or "no reason"
            raise SearchError(f"{method} {path} was answered with {status} ({reason})")
        return data if isinstance(data, dict) else {}


def _range(low: str, high: str) -> dict[str, Any]:
    bounds = {name: value for name, value in (("gt", low), ("lte", high)) if value}
    return {"range": {"event.id": bounds}} if bounds else {"exists": {"field": "event.id"}}


def _name(index: str, aliases: dict[str, Any]) -> str:
    """The name that an index stands for; empty for one that is not in use."""
    if not _REBUILT.search(index):
        return index
    return next((alias for alias in sorted(aliases) if alias.startswith(PREFIX)), "")
