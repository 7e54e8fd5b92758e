"""What every `Outbox` and every `Claims` promises, the service's adapters and the fakes alike.

Classes of tests take these as parents and give `outbox` and `put` (writes items as a writer does), or `claims`.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tabletrail.core.outbox import RowClaim, RowKey, Span, id_span
from tabletrail.deadline import Deadline
from tabletrail.errors import TransientError
from tabletrail.outbox import Claims, Outbox
from tests.fakes.clock import FakeClock

Item = dict[str, Any]
Put = Callable[[Item], None]

NOW_MS = 1_800_000_000_000
ITEM, OTHER = "ab" * 32, "cd" * 32
PASSED, FAR = Deadline.after(FakeClock(), 0), Deadline.after(FakeClock(), 60)


def row_id(ms: int, number: int = 0) -> str:
    digits = f"{ms:012x}"
    return f"{digits[:8]}-{digits[8:]}-7000-8000-{number:012x}"


def item(row_id: str, digest: str = ITEM, action: str = "put", **more: Any) -> Item:
    texts = {"item": digest, "id": row_id, "action": action, "actor": "alice"}
    return {**{name: {"S": text} for name, text in texts.items()}, "key": {"M": {"pk": {"S": "order#17"}}}, **more}


class OutboxContract:
    def test_rows_come_whole_by_their_keys(self, outbox: Outbox, put: Put) -> None:
        odd = item(row_id(NOW_MS, 1), OTHER, reason={"N": "12345678901234567890123456789012345678"}, odd={"L": []})
        for one in (item(row_id(NOW_MS)), odd, item(row_id(NOW_MS, 2))):
            put(one)
        wanted = [RowKey(ITEM, row_id(NOW_MS)), RowKey(OTHER, row_id(NOW_MS, 1)), RowKey(OTHER, row_id(NOW_MS, 2))]
        found = outbox.rows(wanted)
        assert sorted(found, key=str) == sorted([item(row_id(NOW_MS)), odd], key=str)
        assert outbox.rows([]) == []

    def test_rows_are_read_in_any_number(self, outbox: Outbox, put: Put) -> None:
        """More than one request takes, and more bytes than one reply holds."""
        keys = [RowKey(f"{number:064x}", row_id(NOW_MS, number)) for number in range(230)]
        for key in keys[::2]:
            put(item(key.id, key.item, context={"S": "x" * 8_000}))
        assert {RowKey(one["item"]["S"], one["id"]["S"]) for one in outbox.rows(keys)} == set(keys[::2])

    def test_what_was_just_written_is_seen(self, outbox: Outbox, put: Put) -> None:
        for number in range(5):
            key = RowKey(ITEM, row_id(NOW_MS, 100 + number))
            assert outbox.rows([key]) == []
            put(item(key.id, action="delete"))
            assert len(outbox.rows([key])) == 1
            assert len(outbox.deletes([Span(ITEM, key.id, key.id)])[Span(ITEM, key.id, key.id)]) == 1

    def test_deletes_are_found_by_their_time(self, outbox: Outbox, put: Put) -> None:
        first, last = id_span(NOW_MS - 60_000, NOW_MS + 5_999)
        inside = [row_id(ms, number) for number, ms in enumerate((NOW_MS - 60_000, NOW_MS, NOW_MS, NOW_MS + 5_999))]
        outside = [row_id(NOW_MS - 60_001), row_id(NOW_MS + 6_000)]
        for one in (*inside, *outside):
            put(item(one, action="delete"))
        put(item(row_id(NOW_MS, 50), action="put"))
        put(item(row_id(NOW_MS, 51), OTHER, action="delete"))
        put({"item": {"S": ITEM}, "id": {"S": row_id(NOW_MS, 52)}})
        spans = [Span(ITEM, first, last), Span(OTHER, first, last), Span("ef" * 32, first, last)]
        found = outbox.deletes(spans)
        assert {span: [one["id"]["S"] for one in found.get(span, [])] for span in spans} == {
            spans[0]: inside,
            spans[1]: [row_id(NOW_MS, 51)],
            spans[2]: [],
        }
        assert outbox.deletes([]) == {}

    def test_the_first_hundred_deletes_are_found_among_many_rows(self, outbox: Outbox, put: Put) -> None:
        for number in range(240):
            put(item(row_id(NOW_MS, number), action="delete" if number % 2 else "put", context={"S": "x" * 8_000}))
        span = Span(ITEM, *id_span(NOW_MS, NOW_MS))
        found = [one["id"]["S"] for one in outbox.deletes([span])[span]]
        assert found == [row_id(NOW_MS, number) for number in range(1, 200, 2)]

    def test_what_is_too_large_for_a_row_is_none(self, outbox: Outbox, put: Put) -> None:
        """Neither found, nor one of the hundred, nor in the way of a row beside it."""
        for number in range(104):
            much = {"much": {"S": "x" * (40_000 if number < 3 else 1)}}
            put(item(row_id(NOW_MS, number), action="delete") | much)
        keys = [RowKey(ITEM, row_id(NOW_MS, number)) for number in range(5)]
        assert sorted(one["id"]["S"] for one in outbox.rows(keys)) == [key.id for key in keys[3:]]
        span = Span(ITEM, *id_span(NOW_MS, NOW_MS))
        found = [one["id"]["S"] for one in outbox.deletes([span])[span]]
        assert found == [row_id(NOW_MS, number) for number in range(3, 103)]

    def test_nothing_is_read_after_the_deadline(self, outbox: Outbox, put: Put) -> None:
        put(item(row_id(NOW_MS), action="delete"))
        key, span = RowKey(ITEM, row_id(NOW_MS)), Span(ITEM, *id_span(NOW_MS, NOW_MS))
        assert (len(outbox.rows([key], FAR)), len(outbox.deletes([span], FAR)[span])) == (1, 1)
        for number in (1, 230):
            with pytest.raises(TransientError):
                outbox.rows([RowKey(ITEM, row_id(NOW_MS, one)) for one in range(number)], PASSED)
            with pytest.raises(TransientError):
                outbox.deletes([Span(f"{one:064x}", span.first_id, span.last_id) for one in range(number)], PASSED)


class ClaimsContract:
    def test_a_claim_is_granted_once_and_again_to_the_same(self, claims: Claims) -> None:
        first, second = RowClaim("key", "arn#1"), RowClaim("key", "arn#2")
        assert claims.claim([first]) == frozenset()
        assert claims.claim([second]) == {"key"}
        assert claims.claim([first]) == frozenset()
        assert claims.claimants(["key", "nobody's"]) == {"key": "arn#1"}

    def test_those_beside_a_refused_one_are_granted(self, claims: Claims) -> None:
        asked = [RowClaim(f"key{number}", "arn#7") for number in range(230)]
        taken = {f"key{number}" for number in (0, 99, 100, 101, 229)}
        assert claims.claim([RowClaim(key, "arn#6") for key in sorted(taken)]) == frozenset()
        for _ in range(2):
            assert claims.claim(asked) == taken
        found = claims.claimants([one.key for one in asked])
        assert found == {one.key: "arn#6" if one.key in taken else "arn#7" for one in asked}

    def test_nothing_is_claimed_after_the_deadline(self, claims: Claims) -> None:
        asked = [RowClaim(f"key{number}", "arn#7") for number in range(230)]
        for some in (asked[:1], asked):
            with pytest.raises(TransientError):
                claims.claim(some, PASSED)
            with pytest.raises(TransientError):
                claims.claimants([one.key for one in some], PASSED)
        assert claims.claimants([one.key for one in asked], FAR) == {}
        assert claims.claim(asked, FAR) == frozenset()

    def test_nothing_is_asked_for_nothing(self, claims: Claims) -> None:
        assert claims.claim([]) == frozenset()
        assert claims.claimants([]) == {}

    def test_of_many_who_claim_at_once_one_has_each_key(self, claims: Claims) -> None:
        keys, names = [f"one{number}" for number in range(40)], [f"arn#{number}" for number in range(6)]
        with ThreadPoolExecutor(len(names)) as pool:
            refused = list(pool.map(lambda name: claims.claim([RowClaim(key, name) for key in keys]), names))
        holders = claims.claimants(keys)
        granted = [(key, name) for name, lost in zip(names, refused, strict=True) for key in keys if key not in lost]
        assert sorted(granted) == sorted(holders.items())
