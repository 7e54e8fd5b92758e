"""Does a new index get as many primary shards as its period will fill, and never more than its cluster can use?"""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabletrail.core.periods import PREFIX, index_of, span_of
from tabletrail.core.primaries import SHARD_BYTES, SHARDS_A_NODE, expected_bytes, primaries_for

GB = 1_000_000_000
DAY = 86_400
NODES = 1_000
"""So many that they limit nothing."""

moments = st.integers(1_790_000_000, 1_790_000_000 + 200 * DAY)
"""Few enough periods that most have some before them."""
periods = st.sampled_from(["day", "week", "month"])
names = st.builds(index_of, moments, periods)
sizes = st.dictionaries(
    st.one_of(names, names.map(lambda name: f"{name}-r000002"), st.sampled_from([f"{PREFIX}odd", "other", ""])),
    st.integers(0, 3_000 * GB),
    max_size=12,
)


@pytest.mark.parametrize(
    ("found", "index", "primaries"),
    [
        ({}, "2026.12", 1),
        ({"2026.10": 0, "2026.11": 0}, "2026.12", 1),
        # December is made in the first minute of November.
        ({"2026.10": 120 * GB, "2026.11": 0}, "2026.12", 3),
        ({"2026.10": 38 * GB, "2026.11": 0}, "2026.12", 1),
        ({"2026.09": 900 * GB, "2026.10": 30 * GB, "2026.11": 1 * GB}, "2026.12", 1),
        ({"2026.10": 100 * GB, "2026.11": 200 * GB}, "2026.12", 6),
        # A month's volume is that of thirty days.
        ({"2026.10": 310 * GB, "2026.11": 0}, "2026.11.24", 1),
        ({"2026.10": 3_100 * GB, "2026.11": 0}, "2026.11.24", 3),
        ({"2026.w46": 70 * GB, "2026.w47": 0}, "2026.w48", 2),
        # Neither the future nor what is not ours.
        ({"2027.01": 900 * GB, "odd": 900 * GB}, "2026.12", 1),
        # A rebuild: of the present, of a full period, and beside its own half-filled second index.
        ({"2026.10": 120 * GB, "2026.11": 9 * GB}, "2026.11-r000002", 3),
        ({"2026.10": 20 * GB, "2026.11": 300 * GB}, "2026.11-r000002", 8),
        ({"2026.11-r000002": 300 * GB, "2026.11-r000003": 2 * GB}, "2026.11-r000003", 8),
        ({"2026.10": 900 * GB}, "odd", 1),
    ],
)
def test_the_number_follows_from_the_volume(found: dict[str, int], index: str, primaries: int) -> None:
    given_sizes = {PREFIX + name: size for name, size in found.items()}
    assert primaries_for(PREFIX + index, given_sizes, NODES) == primaries


@pytest.mark.parametrize(("nodes", "primaries"), [(1, 4), (2, 8), (3, 12), (30, 120), (60, 225)])
def test_no_node_gets_more_than_it_can_use_however_much_there_is(nodes: int, primaries: int) -> None:
    assert primaries_for(f"{PREFIX}2026.12", {f"{PREFIX}2026.10": 9_000 * GB}, nodes) == primaries


@given(names, sizes, st.integers(1, 50))
def test_there_is_at_least_one_and_a_limit(index: str, found: dict[str, int], nodes: int) -> None:
    assert 1 <= primaries_for(index, found, nodes) <= nodes * SHARDS_A_NODE


@given(names, sizes)
def test_no_shard_is_too_large_and_none_is_one_too_many(index: str, found: dict[str, int]) -> None:
    expected, primaries = expected_bytes(index, found), primaries_for(index, found, NODES)
    assert expected <= primaries * SHARD_BYTES
    assert primaries == 1 or expected > (primaries - 1) * SHARD_BYTES


@given(names, sizes, st.integers(0, 500 * GB))
def test_more_before_never_means_fewer(index: str, found: dict[str, int], more: int) -> None:
    grown = {name: size + more for name, size in found.items()}
    assert primaries_for(index, grown, NODES) >= primaries_for(index, found, NODES)


@given(moments, periods, st.integers(1, 900))
def test_a_steady_volume_is_expected_to_go_on(moment: int, period: str, gb_a_day: int) -> None:
    """In periods of one kind, whatever their lengths; the present one has just begun."""
    chain = sorted({index_of(moment + days * DAY, period) for days in range(140)}, key=lambda name: span_of(name) or ())
    *full, present, ahead = chain[:5]
    found = {name: gb_a_day * GB * length(name) // DAY for name in full} | {present: 0}
    assert abs(expected_bytes(ahead, found) - gb_a_day * GB * length(ahead) // DAY) <= 1


@given(names, sizes)
def test_what_is_later_counts_for_nothing(index: str, found: dict[str, int]) -> None:
    own = span_of(index)
    assert own
    until_then = {
        name: size
        for name, size in found.items()
        if (span := span_of(name.removesuffix("-r000002"))) and (span[0] < own[0] or span == own)
    }
    assert primaries_for(index, found, NODES) == primaries_for(index, until_then, NODES)


def length(name: str) -> int:
    span = span_of(name)
    assert span
    return span[1] - span[0]


def test_the_periods_of_the_story_follow_one_another() -> None:
    for period in ("day", "week", "month"):
        spans = sorted({span_of(index_of(1_790_000_000 + days * DAY, period)) or (0, 0) for days in range(100)})
        assert all(earlier[1] == later[0] for earlier, later in pairwise(spans))
