"""Does the adapter find each file that may hold calls of a time, and read it within bounds?"""

from __future__ import annotations

import dataclasses
import gzip
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabletrail.aws import trail as adapter
from tabletrail.aws.trail import BucketTrail, TrailPlace, unzipped
from tabletrail.core.cloudtrail import FILE_BYTES
from tabletrail.errors import ThrottledError, TrailError
from tabletrail.trail import TrailFile
from tests.core.trail import ACCOUNT, OTHER_ACCOUNT, REGION, put
from tests.ports.trail_bucket import MemoryBucket, at, firehose_file, firehose_key, trail_file, trail_key

PLACE = TrailPlace("evidence", "", "", (ACCOUNT,), REGION)
SINCE, UNTIL = at("2026-11-24T12:00:00"), at("2026-11-24T13:00:00")
BODY = trail_file(put({"id": "1"}))


@pytest.fixture
def bucket() -> MemoryBucket:
    return MemoryBucket()


def files(bucket: MemoryBucket, since: int = SINCE, until: int = UNTIL, place: TrailPlace = PLACE) -> list[TrailFile]:
    return list(BucketTrail(bucket, place).files(since, until))


def names(bucket: MemoryBucket, since: int = SINCE, until: int = UNTIL, place: TrailPlace = PLACE) -> list[str]:
    return [one.name for one in files(bucket, since, until, place)]


@pytest.mark.parametrize(
    ("delivered", "is_read"),
    [
        ("2026-11-24T11:59:00", False),
        ("2026-11-24T12:00:00", True),
        ("2026-11-24T12:31:00", True),
        ("2026-11-24T13:00:00", True),
        ("2026-11-24T13:01:00", False),
    ],
)
def test_a_trail_s_file_counts_for_the_minute_in_its_name(bucket: MemoryBucket, delivered: str, is_read: bool) -> None:
    key = trail_key(PLACE, ACCOUNT, at(delivered))
    bucket.put(key, BODY, at(delivered) + 40)
    assert names(bucket) == [key] * is_read


def test_a_minute_that_holds_the_first_second_is_read(bucket: MemoryBucket) -> None:
    key = trail_key(PLACE, ACCOUNT, SINCE)
    bucket.put(key, BODY, SINCE + 50)
    assert names(bucket, since=SINCE + 45) == [key]


def test_a_copy_in_another_bucket_counts_for_its_name_and_says_when_it_came(bucket: MemoryBucket) -> None:
    bucket.put(trail_key(PLACE, ACCOUNT, SINCE + 60), BODY, UNTIL + 86_400)
    [file] = files(bucket)
    assert (file.delivered_at, file.trouble) == (UNTIL + 86_400, "")
    assert file.body == gzip.decompress(BODY)


@pytest.mark.parametrize(
    ("modified", "is_read"), [(SINCE - 1, False), (SINCE, True), (UNTIL, True), (UNTIL + 1, False)]
)
def test_firehose_s_file_counts_for_the_time_at_which_it_came(
    bucket: MemoryBucket, modified: int, is_read: bool
) -> None:
    key = firehose_key(PLACE, ACCOUNT, SINCE - 300)
    bucket.put(key, firehose_file(put({"id": "1"})), modified)
    assert names(bucket) == [key] * is_read


def test_the_night_is_no_border(bucket: MemoryBucket) -> None:
    """Firehose's file of the evening comes after midnight, a trail's call of the evening in a file of the morning."""
    midnight = at("2026-11-25T00:00:00")
    late = firehose_key(PLACE, ACCOUNT, midnight - 400)
    bucket.put(late, BODY, midnight + 500)
    next_day = trail_key(PLACE, ACCOUNT, midnight + 240)
    bucket.put(next_day, BODY, midnight + 240)
    assert names(bucket, midnight + 300 - 3600, midnight + 3600) == [late, next_day]
    assert names(bucket, midnight + 60, midnight + 600) == [late, next_day]


def test_an_organization_s_folders_and_each_account_s_are_read(bucket: MemoryBucket) -> None:
    place = TrailPlace("evidence", "audit/trail", "o-abcdef1234", (ACCOUNT, OTHER_ACCOUNT), REGION)
    keys = [trail_key(place, account, SINCE + 60) for account in place.accounts]
    assert keys[0].startswith(f"audit/trail/AWSLogs/o-abcdef1234/{ACCOUNT}/CloudTrail/{REGION}/2026/11/24/{ACCOUNT}_")
    for key in keys:
        bucket.put(key, BODY, SINCE + 60)
    assert names(bucket, place=place) == keys


def test_nothing_else_in_the_bucket_is_touched(bucket: MemoryBucket) -> None:
    key = trail_key(PLACE, ACCOUNT, SINCE + 60)
    for other in (
        key.replace("/CloudTrail/", "/CloudTrail-Digest/"),
        key.replace(f"/{REGION}/", "/us-east-1/"),
        key.replace(ACCOUNT, OTHER_ACCOUNT),
        f"elsewhere/{key}",
        key.removesuffix(".gz"),
        key[: key.rindex("/") + 1],
    ):
        bucket.put(other, BODY, SINCE + 60)
    assert names(bucket) == []
    assert bucket.read == []


def test_names_before_the_time_are_not_even_listed(bucket: MemoryBucket) -> None:
    names(bucket)
    [(folder, after)] = bucket.listed
    assert folder == f"AWSLogs/{ACCOUNT}/CloudTrail/{REGION}/2026/11/24/"
    assert after == f"{folder}{ACCOUNT}_CloudTrail_{REGION}_20261124T1159"


def test_a_name_with_an_impossible_time_counts_for_when_it_came(bucket: MemoryBucket) -> None:
    key = f"{PLACE.folder(ACCOUNT)}2026/11/24/{ACCOUNT}_CloudTrail_{REGION}_20261399T1275Z_x.json.gz"
    bucket.put(key, BODY, SINCE + 60)
    assert names(bucket) == [key]


@pytest.mark.parametrize(
    ("body", "trouble"),
    [
        (b"", adapter.NOT_WHOLE),
        (b"no gzip", adapter.NOT_WHOLE),
        (BODY[:-1], adapter.NOT_WHOLE),
        (BODY[:20], adapter.NOT_WHOLE),
        (BODY[:-8] + b"\0" * 8, adapter.NOT_WHOLE),
        (BODY + b"rest", adapter.NOT_WHOLE),
        (gzip.compress(b" " * (FILE_BYTES + 1)), adapter.TOO_LARGE),
    ],
    ids=["empty", "no gzip", "cut", "cut early", "wrong check", "rest", "too large"],
)
def test_a_file_in_trouble_says_so_and_the_next_one_is_read(bucket: MemoryBucket, body: bytes, trouble: str) -> None:
    bucket.put(trail_key(PLACE, ACCOUNT, SINCE + 60, "a"), body, SINCE + 60)
    bucket.put(trail_key(PLACE, ACCOUNT, SINCE + 60, "b"), BODY, SINCE + 60)
    first, second = files(bucket)
    assert (first.body, first.trouble) == (b"", trouble)
    assert (second.trouble, second.body) == ("", gzip.decompress(BODY))


def test_a_bomb_is_not_unzipped_beyond_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    class Watched:
        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def decompress(self, data: bytes, most: int) -> bytes:
            found: bytes = self._inner.decompress(data, most)
            made.append(len(found))
            return found

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

    make = zlib.decompressobj
    monkeypatch.setattr(adapter, "FILE_BYTES", 1_000_000)
    monkeypatch.setattr(zlib, "decompressobj", lambda bits: Watched(make(bits)))
    bomb = gzip.compress(bytes(600_000)) * 300
    assert unzipped(bomb) == (b"", adapter.TOO_LARGE)
    assert sum(made) == 1_000_001, "a byte over the bound tells, and no more is made"


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=4))
def test_all_members_of_a_file_are_read(parts: list[bytes]) -> None:
    assert unzipped(b"".join(map(gzip.compress, parts))) == (b"".join(parts), "")


@given(st.binary(max_size=60))
def test_nothing_that_lies_there_raises(data: bytes) -> None:
    body, trouble = unzipped(data)
    assert not (body and trouble)


def test_what_is_too_large_before_it_is_unzipped_is_not_fetched(bucket: MemoryBucket) -> None:
    key = trail_key(PLACE, ACCOUNT, SINCE + 60)
    bucket.put(key, BODY, SINCE + 60)
    bucket.size_of[key] = FILE_BYTES + 1
    [file] = files(bucket)
    assert (file.trouble, bucket.read) == (adapter.TOO_LARGE, [])


@pytest.mark.parametrize(("code", "trouble"), [("NoSuchKey", adapter.GONE), ("InvalidObjectState", adapter.ARCHIVED)])
def test_a_file_that_is_gone_or_archived_is_one_in_trouble(bucket: MemoryBucket, code: str, trouble: str) -> None:
    key = trail_key(PLACE, ACCOUNT, SINCE + 60)
    bucket.put(key, BODY, SINCE + 60)
    bucket.refused[key] = code
    [file] = files(bucket)
    assert file.trouble == trouble


@pytest.mark.parametrize(
    ("operation", "code", "words"),
    [
        ("ListObjectsV2", "AccessDenied", "s3:ListBucket"),
        ("ListObjectsV2", "NoSuchBucket", "correct TrailBucketName"),
        ("GetObject", "AccessDenied", "kms:Decrypt"),
        ("GetObject", "KMS.DisabledException", "KMS.DisabledException"),
    ],
)
def test_what_no_next_try_mends_says_what_to_do(bucket: MemoryBucket, operation: str, code: str, words: str) -> None:
    bucket.put(trail_key(PLACE, ACCOUNT, SINCE + 60), BODY, SINCE + 60)
    bucket.refused[operation] = code
    with pytest.raises(TrailError, match=words) as caught:
        files(bucket)
    assert "evidence" in str(caught.value)


@pytest.mark.parametrize("operation", ["ListObjectsV2", "GetObject"])
def test_a_busy_service_is_one_to_ask_again(bucket: MemoryBucket, operation: str) -> None:
    bucket.put(trail_key(PLACE, ACCOUNT, SINCE + 60), BODY, SINCE + 60)
    bucket.refused[operation] = "SlowDown"
    with pytest.raises(ThrottledError):
        files(bucket)


def test_a_place_is_what_its_parts_say() -> None:
    assert dataclasses.replace(PLACE, prefix="a/b").folder("1") == f"a/b/AWSLogs/1/CloudTrail/{REGION}/"
