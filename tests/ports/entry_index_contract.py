"""What every `EntryIndex` promises, the real one and the fake alike.

A class of tests takes it as its parent and gives `index`, `name`, `good`, `bad` and `read`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tabletrail.core.outcome import Outcome
from tabletrail.ports import EntryIndex
from tests.ports.opensearch_server import bulk

Document = dict[str, Any]
Read = Callable[[str], Document | None]


class EntryIndexContract:
    """`name` is an index that exists and is empty of these ids; `read` gives a stored document by its id."""

    def test_a_new_document_is_stored(self, index: EntryIndex, name: str, good: Document, read: Read) -> None:
        reply = index.create(bulk((name, "new", good)))
        assert reply.status == 200
        assert outcomes(reply.results) == [Outcome.STORED]
        assert read("new") == good

    def test_the_same_document_again_is_already_there(self, index: EntryIndex, name: str, good: Document) -> None:
        index.create(bulk((name, "twice", good)))
        again = index.create(bulk((name, "twice", good)))
        assert outcomes(again.results) == [Outcome.ALREADY_THERE]
        assert again.results is not None
        assert again.results[0].status == 409

    def test_another_document_with_the_same_id_changes_nothing(
        self, index: EntryIndex, name: str, good: Document, read: Read
    ) -> None:
        index.create(bulk((name, "taken", good)))
        reply = index.create(bulk((name, "taken", {**good, "message": "forged"})))
        assert outcomes(reply.results) == [Outcome.ALREADY_THERE]
        assert read("taken") == good

    def test_a_bad_document_among_good_ones_is_refused_alone_and_in_its_place(
        self, index: EntryIndex, name: str, good: Document, bad: Document, read: Read
    ) -> None:
        reply = index.create(bulk((name, "one", good), (name, "two", bad), (name, "three", good)))
        assert outcomes(reply.results) == [Outcome.STORED, Outcome.REFUSED, Outcome.STORED]
        assert read("two") is None
        assert read("three") == good

    def test_a_missing_index_is_not_the_documents_fault(self, index: EntryIndex, name: str, good: Document) -> None:
        reply = index.create(bulk((f"{name}.missing", "lost", good), (name, "kept", good)))
        assert outcomes(reply.results) == [Outcome.TRY_AGAIN, Outcome.STORED]

    def test_another_action_than_create_replaces_nothing(
        self, index: EntryIndex, name: str, good: Document, read: Read
    ) -> None:
        index.create(bulk((name, "fixed", good)))
        reply = index.create(bulk((name, "fixed", {**good, "message": "forged"}), verb="index"))
        assert outcomes(reply.results)[0] in (Outcome.REFUSED, Outcome.TRY_AGAIN)
        assert read("fixed") == good

    def test_a_body_without_its_last_newline_is_turned_away_whole(
        self, index: EntryIndex, name: str, good: Document
    ) -> None:
        reply = index.create(bulk((name, "cut", good))[:-1])
        assert (reply.status, reply.results) == (400, None)


def outcomes(results: Any) -> list[Outcome]:
    return [result.outcome for result in results]
