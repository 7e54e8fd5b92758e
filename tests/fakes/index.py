"""A write-once OpenSearch in memory: one bulk at a time, `create` only, per document or whole refusals.

Rules, as the server has them
- 201 the first time an id is created in an index, 409 after that, however the document looks.
- Any other action on a write-once index is 400 for that document. An index that does not exist is 404 for it.
- A name is an index, or an alias of one (`aliases`); searches do not see a `hidden` index (`tests.fakes.shelf`).
- An index that `blocks` names takes nothing: each of its documents has that status and reason.
- `turn_away` answers whole requests with a status (403, 413, 429, 503) and does nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tabletrail.core.outcome import ItemResult, Outcome, outcome_of
from tabletrail.ports import BulkReply

Document = dict[str, Any]


@dataclass
class FakeIndex:
    """`EntryIndex` and `ReleaseKeeper` over the same `indices`: by name, its documents by id.

    `refuses` says which documents are 400 for themselves; `item_statuses` gives the next documents this status
    instead (429, 503), one each; `turned_away` is the statuses of the next whole requests; `bodies` all that came.
    """

    indices: dict[str, dict[str, Document]] = field(default_factory=dict)
    refuses: Callable[[Document], bool] = lambda _: False
    turned_away: list[int] = field(default_factory=list)
    item_statuses: list[int] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    blocks: dict[str, tuple[int, str]] = field(default_factory=dict)
    departures: dict[str, str] = field(default_factory=dict)
    request_bytes: int = 10_000_000
    aliases: dict[str, str] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)

    def create(self, body: bytes) -> BulkReply:
        self.bodies.append(body)
        if self.turned_away:
            return BulkReply(self.turned_away.pop(0), None)
        if len(body) > self.request_bytes:
            return BulkReply(413, None)
        if not body.endswith(b"\n"):
            return BulkReply(400, None)
        lines = [json.loads(line) for line in body.splitlines()]
        pairs = zip(lines[::2], lines[1::2], strict=True)
        return BulkReply(200, tuple(self._create(action, document) for action, document in pairs))

    def turn_away(self, status: int, times: int = 1) -> None:
        self.turned_away.extend([status] * times)

    def ensure(self, index: str) -> bool:
        made = index not in self.existing()
        if made:
            self.indices[index] = {}
        return made

    def existing(self) -> frozenset[str]:
        return frozenset(self.indices) | frozenset(self.aliases)

    def departure(self, index: str) -> str:
        return self.departures.get(index, "")

    def documents(self) -> dict[str, Document]:
        """All documents that searches see, by id; an id in two indices is an error that a test should see."""
        found: dict[str, Document] = {}
        for name, documents in self.indices.items():
            if name in self.hidden:
                continue
            assert not found.keys() & documents.keys(), "the same id lies in two indices"
            found |= documents
        return found

    def _create(self, action: dict[str, Any], document: Document) -> ItemResult:
        name = next(iter(action.values()))["_index"]
        status, reason = self.blocks.get(name) or self._write(action, document)
        is_closed = reason == "index_closed_exception"  # answered as 400, as the real one does
        return ItemResult(Outcome.TRY_AGAIN if is_closed else outcome_of(status), status, reason)

    def _write(self, action: dict[str, Any], document: Document) -> tuple[int, str]:
        if self.item_statuses:
            return self.item_statuses.pop(0), "rejected_execution_exception"
        ((verb, target),) = action.items()
        documents = self.indices.get(self.aliases.get(target["_index"], target["_index"]))
        if documents is None:
            return 404, "index_not_found_exception"
        if verb != "create":
            return 400, "illegal_argument_exception"
        if target["_id"] in documents:
            return 409, "version_conflict_engine_exception"
        if self.refuses(document):
            return 400, "mapper_parsing_exception"
        documents[target["_id"]] = document
        return 201, ""
