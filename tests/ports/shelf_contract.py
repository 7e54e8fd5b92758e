"""What every `reindex.IndexShelf` promises, the real one and the fake alike.

A class of tests takes it as its parent and gives `shelf`, `name`, `write` and `seen`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tabletrail.errors import ReindexError, TransientError
from tabletrail.reindex import IndexShelf

Write = Callable[[str, str], int]
"""(index, id) -> the status of a document's creation, as the writer"""
Seen = Callable[[], list[str]]
"""The ids that a search of all finds in this test's indices, refreshed."""


class ShelfContract:
    """`name` is the name of a period that no index has yet."""

    def test_a_hidden_index_takes_entries_and_is_not_seen(
        self, shelf: IndexShelf, name: str, write: Write, seen: Seen
    ) -> None:
        target = f"{name}-r000002"
        shelf.make_hidden(target)
        shelf.make_hidden(target)
        assert write(target, "one") == 201
        shelf.refresh(target)
        assert seen() == []
        layout = shelf.layout()
        assert layout.serving(name) is None
        assert target in layout.unused()
        assert layout.next_rebuild(name) == f"{name}-r000003"
        assert sum(shelf.holdings(target).values()) == 1

    def test_replacing_shows_the_new_one_in_the_old_ones_place(
        self, shelf: IndexShelf, name: str, write: Write, seen: Seen
    ) -> None:
        second, third = f"{name}-r000002", f"{name}-r000003"
        assert shelf.ensure(name)
        assert write(name, "old") == 201
        shelf.make_hidden(second)
        assert [write(second, "old"), write(second, "new")] == [201, 201]
        shelf.refresh(second)
        shelf.replace(name, name, second)
        assert seen() == ["new", "old"]
        assert shelf.layout().serving(name) == second
        assert shelf.layout().unused() & {name, second} == set()
        assert name in shelf.layout().names()
        assert not shelf.ensure(name)
        # Whoever writes names the period's index, and the same ids are taken.
        assert [write(name, "old"), write(name, "later")] == [409, 201]
        shelf.make_hidden(third)
        shelf.replace(name, second, third)
        assert seen() == []
        assert shelf.layout().serving(name) == third
        assert second not in shelf.layout().aliases

    def test_replacing_what_is_not_there_changes_nothing(
        self, shelf: IndexShelf, name: str, write: Write, seen: Seen
    ) -> None:
        target = f"{name}-r000002"
        shelf.ensure(name)
        write(name, "old")
        shelf.make_hidden(target)
        for old in (None, f"{name}-r000009"):
            with pytest.raises(TransientError):
                shelf.replace(name, old, target)
        with pytest.raises(TransientError):
            shelf.replace(name, name, f"{name}-r000009")
        assert seen() == ["old"]
        assert shelf.layout().serving(name) == name

    def test_a_lost_index_is_replaced_by_nothing_but_the_new_one(self, shelf: IndexShelf, name: str) -> None:
        target = f"{name}-r000002"
        shelf.make_hidden(target)
        shelf.replace(name, None, target)
        assert shelf.layout().serving(name) == target

    def test_an_index_is_removed_once_and_again(self, shelf: IndexShelf, name: str) -> None:
        target = f"{name}-r000002"
        shelf.make_hidden(target)
        shelf.remove(target)
        shelf.remove(target)
        assert target not in shelf.layout().aliases

    def test_a_missing_index_cannot_be_refreshed(self, shelf: IndexShelf, name: str) -> None:
        with pytest.raises(ReindexError):
            shelf.refresh(f"{name}-r000007")

    def test_an_entry_that_took_a_parked_ones_place_does_not_count(
        self, shelf: IndexShelf, name: str, write: Write, put: Callable[[str, str, dict[str, Any]], int]
    ) -> None:
        shelf.ensure(name)
        write(name, "one")
        assert put(name, "two", {"table": {"arn": "another"}, "tabletrail": {"supersedes": "one"}}) == 201
        assert put(name, "three", {"table": {"arn": "another"}, "tabletrail": {"kind": "change"}}) == 201
        shelf.refresh(name)
        assert sorted(shelf.holdings(name).values()) == [1, 1]
