"""Are sequence numbers ordered as numbers, wherever an order is made of them?"""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from tabletrail.core.checkpoint import is_after
from tabletrail.core.document import sequence_key

positions = st.integers(0, 10**40 - 1)


@given(positions, positions, st.integers(0, 3))
@example(9, 10, 0)
@example(99_999, 100_000, 0)
def test_a_later_record_is_after_an_earlier_one_however_many_digits_they_have(one: int, other: int, zeros: int) -> None:
    # DynamoDB Local writes zeros before the digits, DynamoDB does not.
    assert is_after("0" * zeros + str(one), str(other)) is (one > other)
    assert is_after(str(one), "0" * zeros + str(other)) is (one > other)


@given(positions)
def test_everything_is_after_nothing(one: int) -> None:
    assert is_after(str(one), None)


@given(positions, positions)
@example(9, 10)
def test_the_index_sorts_the_key_as_the_number(one: int, other: int) -> None:
    keys = sequence_key(str(one)), sequence_key(str(other))
    assert (keys[0] < keys[1]) is (one < other)
    assert len(keys[0]) == len(keys[1]) == 40
