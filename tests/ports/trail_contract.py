"""What every `Trail` promises, the bucket and the fake alike. A class of tests takes it and gives both fixtures."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tabletrail.trail import Trail

Deliver = Callable[[bytes, int], str]
"""Puts a file with this content there, delivered in that second, which must be of this minute; its name."""


class TrailContract:
    def test_each_file_of_the_time_comes_once_with_its_content(self, trail: Trail, deliver: Deliver) -> None:
        now = int(time.time())
        expected = {deliver(body, now): body for body in (b"one", b"two", b"", b"four" * 1000)}
        found = list(trail.files(now - 300, now + 300))
        assert len(found) == 4
        assert {one.name: one.body for one in found} == expected
        assert {one.trouble for one in found} == {""}
        for one in found:
            assert abs(one.delivered_at - now) < 300

    def test_another_time_has_other_files(self, trail: Trail, deliver: Deliver) -> None:
        now = int(time.time())
        deliver(b"one", now)
        assert list(trail.files(now - 7200, now - 3600)) == []
        assert list(trail.files(now + 3600, now + 7200)) == []

    def test_asked_again_it_says_the_same(self, trail: Trail, deliver: Deliver) -> None:
        now = int(time.time())
        deliver(b"one", now)
        deliver(b"two", now)
        first = [(one.name, one.body) for one in trail.files(now - 300, now + 300)]
        assert first == [(one.name, one.body) for one in trail.files(now - 300, now + 300)]

    def test_one_is_in_memory_at_a_time(self, trail: Trail, deliver: Deliver) -> None:
        now = int(time.time())
        deliver(b"one", now)
        files = trail.files(now - 300, now + 300)
        assert next(files).body == b"one"
        with pytest.raises(StopIteration):
            next(files)
