"""Can whoever has a segment's bytes check every line, and is any damage told with its line?"""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabletrail.core.bulk import requests
from tabletrail.core.chain import GENESIS_CHAIN, link_of
from tabletrail.core.document import hash_of_document
from tabletrail.core.entry import Entry, convert, gap_entry
from tabletrail.core.segment import Header, Line, encode, read
from tabletrail.errors import SegmentError
from tests.core.strategies import CONVERSION, SOURCE, record, records
from tests.validation import assert_valid_entry


def entries_of(count: int) -> list[Entry]:
    made = [record({}, {"n": {"N": str(one)}}, SequenceNumber=str(1000 + one)) for one in range(count)]
    return [convert(one, SOURCE, CONVERSION) for one in made]


LINK = link_of(GENESIS_CHAIN, SOURCE.stream_arn, SOURCE.shard_id, ["1000", "1001", "1002"])


@given(st.lists(records(), max_size=4))
def test_what_was_written_is_read_and_every_hash_is_right(made: list[dict[str, Any]]) -> None:
    entries = [convert(one, SOURCE, CONVERSION) for one in made]
    entries += [convert({"eventID": "\ud800"}, SOURCE, CONVERSION), gap_entry(SOURCE, CONVERSION, None, "certain", 9)]
    segment = encode("segment-1", "run-1", "group-1", (LINK,), entries)
    header, *lines = read(segment.body)
    assert header == Header("segment-1", "run-1", "group-1", (LINK,), len(entries))
    assert segment.sha256 == sha256(segment.body).hexdigest()
    for number, (line, entry, document) in enumerate(zip(lines, entries, segment.documents, strict=True), 1):
        assert isinstance(line, Line)
        assert (line.number, line.id, line.index, line.document) == (number, entry.id, entry.index, document)
        assert line.images == json.loads(entry.images)
        assert assert_valid_entry(line.document) == line.entry
        assert line.entry["log"] == {"index": entry.index, "line": number, "segment": "segment-1"}
        assert hash_of_document(line.entry) == json.loads(entry.document)["event"]["hash"]


def test_a_program_that_knows_only_gzip_and_json_finds_its_way() -> None:
    segment = encode("segment-1", "run-1", "group-1", (LINK,), entries_of(3))
    lines = gzip.decompress(segment.body).decode().splitlines()
    assert json.loads(lines[0])["entries"] == 3
    assert [json.loads(line)["entry"]["log"]["line"] for line in lines[1:]] == [1, 2, 3]


def test_the_same_entries_give_the_same_bytes() -> None:
    one, other = (encode("s", "r", "g", (LINK,), entries_of(50)) for _ in range(2))
    assert one == other
    assert one.body[4:8] == bytes(4), "gzip's time must be 0"


def test_an_empty_segment_is_legal() -> None:
    assert list(read(encode("s", "r", "g", (), ()).body)) == [Header("s", "r", "g", (), 0)]


WHOLE = encode("segment-1", "run-1", "group-1", (LINK,), entries_of(3)).body
PLAIN = gzip.decompress(WHOLE)


def packed(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "line 0"),
        (b"no gzip", "line 0"),
        (packed(b""), "line 0"),
        (packed(b"{}\n"), "line 0"),
        (packed(b"\xff\n"), "line 0"),
        (packed(PLAIN.replace(b'"format":1', b'"format":9', 1)), "line 0: this is no segment of format 1"),
        (packed(PLAIN.replace(b'"entries":3', b'"entries":4')), "line 4"),
        (packed(PLAIN.replace(b'"entries":3', b'"entries":2')), "line 4"),
        (packed(PLAIN.replace(b'"line":2', b'"line":1')), "line 2"),
        (packed(PLAIN[:-1]), "line 3: the segment ends within it"),
        (packed(PLAIN[:-100]), "line 3: the segment ends within it"),
        (packed(PLAIN + b"\n"), "line 4"),
        (packed(PLAIN.replace(b',"images":{"form":"', b',"images":{"worm":"')), "line 1"),
        (packed(b"\n".join(PLAIN.split(b"\n")[:1] + PLAIN.split(b"\n")[2:])), "line 1"),
        (WHOLE + b"x", "something follows"),
        (WHOLE + WHOLE, "something follows"),
        (WHOLE[:-8] + bytes(8), "damaged"),
        (WHOLE[:-1], "the end is missing"),
    ],
)
def test_damage_is_told_with_its_line(body: bytes, told: str) -> None:
    with pytest.raises(SegmentError, match=told):
        list(read(body))


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_no_flipped_byte_goes_unseen(place: int, change: int) -> None:
    body = bytearray(WHOLE)
    body[place] ^= change
    # Some bytes carry nothing of ours (gzip's time and system), and a repetition may be packed as a reference to either
    # of two equal places: then the very same is read. The row's SHA-256 covers those bytes too.
    try:
        found = list(read(bytes(body)))
    except SegmentError:
        return
    assert found == list(read(WHOLE))


@given(st.integers(0, len(WHOLE) - 1))
def test_no_cut_goes_unseen(length: int) -> None:
    with pytest.raises(SegmentError):
        list(read(WHOLE[:length]))


def test_a_bomb_of_one_endless_line_is_refused_in_bounded_memory() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    body = b"".join([packer.compress(bytes(1 << 20)) for _ in range(80)]) + packer.flush()
    with pytest.raises(SegmentError, match="longer than any"):
        list(read(body))


def test_reading_holds_a_line_not_the_segment() -> None:
    made = record({}, {"text": {"S": "x" * 20_000}})
    entries = [convert(made, SOURCE, CONVERSION)] * 1000
    body = encode("s", "r", "g", (), entries).body
    tracemalloc.start()
    count = sum(1 for _ in read(body))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 1001
    assert peak < 4_000_000


@given(st.lists(st.integers(0, 3000), max_size=30), st.integers(1, 4000))
def test_bulk_requests_keep_order_and_size(sizes: list[int], most: int) -> None:
    items = [(f"id-{place}", "tabletrail-v1-2026.11", b'"%b"' % (b"x" * size)) for place, size in enumerate(sizes)]
    made = list(requests(items, most))
    assert [one for request in made for one in request.ids] == [one for one, _, _ in items]
    assert all(len(request.body) <= most or len(request.ids) == 1 for request in made)
    lines = b"".join(request.body for request in made).splitlines()
    assert [json.loads(line) for line in lines[::2]] == [{"create": {"_id": i, "_index": n}} for i, n, _ in items]
    assert lines[1::2] == [document for _, _, document in items]


def test_bulk_requests_are_filled() -> None:
    items = [("i", "n", b"{}")] * 100
    one = len(next(requests(items[:1], 1)).body)
    assert [len(request.ids) for request in requests(items, one * 30)] == [30, 30, 30, 10]


@given(st.lists(st.integers(0, 10**40).map(str), min_size=2, max_size=20, unique=True), st.data())
def test_the_chain_shows_a_record_taken_out_put_in_or_moved(numbers: list[str], data: st.DataObject) -> None:
    whole = link_of(GENESIS_CHAIN, "stream", "shard", numbers)
    place = data.draw(st.integers(0, len(numbers) - 1))
    without = numbers[:place] + numbers[place + 1 :]
    twice = [*numbers, numbers[place]]
    turned = list(reversed(numbers))
    chains = [link_of(GENESIS_CHAIN, "stream", "shard", one).chain for one in (without, twice, turned)]
    assert whole.chain not in chains
    assert link_of(whole.chain, "stream", "shard", numbers).chain != whole.chain
    assert link_of(GENESIS_CHAIN, "stream", "other", numbers).chain != whole.chain
    assert (whole.first, whole.last, whole.count) == (numbers[0], numbers[-1], len(numbers))


def test_numbers_are_not_glued_together() -> None:
    one = link_of(GENESIS_CHAIN, "stream", "shard", ["1", "23"])
    assert one.sequences_sha256 != link_of(GENESIS_CHAIN, "stream", "shard", ["12", "3"]).sequences_sha256
