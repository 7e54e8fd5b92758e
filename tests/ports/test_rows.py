"""Does every row come back from its item as it was, to the last digit?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabletrail.aws.rows import (
    committed_at_of,
    committed_order,
    decode_segment,
    decode_shard,
    decode_stream,
    decode_value,
    encode_segment,
    encode_shard,
    encode_stream,
    encode_value,
    work_shard,
)
from tabletrail.core.checkpoint import SegmentRow, ShardLink, ShardRow, ShardStatus, StreamRow, StreamState
from tabletrail.errors import TabletrailError
from tests.ports.checkpoint_rows import ARN, LONG, NOW, OTHER_ARN, segment, shard, stream

TEXTS = st.text(max_size=20)
TIMES = st.integers(0, 2**40)
DIGITS = st.from_regex(r"[0-9]{1,40}", fullmatch=True)
HASHES = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)
SHARDS = st.builds(
    ShardRow,
    TEXTS,
    TEXTS,
    parent_shard_id=st.none() | TEXTS,
    sequence_no=st.none() | DIGITS,
    status=st.sampled_from(ShardStatus),
    group_id=st.none() | TEXTS,
    iterator=st.none() | TEXTS,
    version=TIMES,
    records=TIMES,
    chain_hash=HASHES,
    expires_at=TIMES,
)
STREAMS = st.builds(StreamRow, *[TEXTS] * 6, state=st.sampled_from(StreamState), version=TIMES)
LINKS = st.builds(ShardLink, TEXTS, TEXTS, DIGITS, DIGITS, TIMES, HASHES, HASHES, HASHES)
SEGMENTS = st.builds(
    SegmentRow,
    *[TEXTS] * 6,
    size=TIMES,
    entries=TIMES,
    committed_at=TIMES,
    indices=st.lists(TEXTS, max_size=3).map(tuple),
    links=st.lists(LINKS, max_size=4).map(tuple),
    alerts=TIMES,
    indexed_at=TIMES,
    alerted_to=st.lists(st.tuples(TEXTS, TIMES), max_size=2).map(tuple),
)


@given(SHARDS)
def test_shards(row: ShardRow) -> None:
    assert decode_shard(encode_shard(row)) == row


@given(STREAMS)
def test_streams(row: StreamRow) -> None:
    assert decode_stream(encode_stream(row)) == row


@given(SEGMENTS)
def test_segments(row: SegmentRow) -> None:
    assert decode_segment(encode_segment(row)) == row


def test_what_a_newer_release_wrote_is_passed_over() -> None:
    assert decode_shard({**encode_shard(shard()), "from_the_future": {"S": "x"}}) == shard()


def test_what_an_older_release_did_not_write_has_its_default() -> None:
    item = encode_stream(stream())
    del item["coverage_no"]
    assert decode_stream(item) == stream()


def test_sequence_numbers_are_strings_and_absent_values_absent() -> None:
    item = encode_shard(shard(sequence_no=LONG, group_id=None))
    assert item["sequence_no"] == {"S": LONG}
    assert not item.keys() & {"group_id", "iterator", "expires_at", "parent_shard_id"}


def test_a_segment_of_a_whole_group_stays_small() -> None:
    rows = [shard(f"{number:020d}-{number:08x}", arn=ARN if number % 2 else OTHER_ARN) for number in range(24)]
    item = encode_segment(segment("s1", *rows))
    assert sum(len(name) + size(value) for name, value in item.items()) < 6_144


def test_orders_sort_by_time_and_spread_over_the_keys() -> None:
    orders = [committed_order(at, "z" if at < NOW else "a") for at in (9, NOW - 1, NOW)]
    assert orders == sorted(orders)
    assert [committed_at_of(order) for order in orders] == [9, NOW - 1, NOW]
    assert {work_shard(str(number)) for number in range(100)} == {"0", "1", "2", "3"}


def test_a_segment_waits_for_alerts_only_if_it_has_some() -> None:
    assert not encode_segment(segment()).keys() & {"not_alerted"}
    assert encode_segment(segment(alerts=1)).keys() >= {"not_alerted", "not_indexed", "not_sealed"}
    assert not encode_segment(replace(segment(), indexed_at=1)).keys() & {"not_indexed"}


@pytest.mark.parametrize("value", [0, -1, 10**37 + 1, True, "", "x", b"\x00", [1, [True]], {"a": {"b": []}}])
def test_values(value: Any) -> None:
    assert decode_value(encode_value(value)) == value
    assert type(decode_value(encode_value(value))) is type(value)


@pytest.mark.parametrize("value", [0.1, None, {1}])
def test_values_without_an_exact_form_are_refused(value: Any) -> None:
    with pytest.raises(TabletrailError):
        encode_value(value)


def size(value: dict[str, Any]) -> int:
    """Bytes of an attribute's value as the service counts them, never too few."""
    ((kind, content),) = value.items()
    if kind == "L":
        return 3 + sum(1 + size(item) for item in content)
    return 1 if kind == "BOOL" else len(content)
