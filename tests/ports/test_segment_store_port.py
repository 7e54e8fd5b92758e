"""Do the bucket and the fake keep the same promises, and what of S3's own replies?"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from tabletrail.aws.clients import s3_client
from tabletrail.aws.segment_store import BucketSegmentStore
from tabletrail.errors import (
    ObjectExistsError,
    ObjectMissingError,
    TabletrailError,
    ThrottledError,
    TransientError,
)
from tabletrail_local.info import StackInfo
from tests.fakes.segments import FakeSegmentStore
from tests.ports.local_tables import make_bucket
from tests.ports.store_contract import BODY, StoreContract


class TestFakeStore(StoreContract):
    @pytest.fixture
    def store(self) -> FakeSegmentStore:
        return FakeSegmentStore()


@pytest.fixture(scope="module")
def client(stack: StackInfo) -> Any:
    return s3_client(stack.session())


@pytest.mark.stack
class TestBucket(StoreContract):
    @pytest.fixture
    def bucket(self, client: Any) -> Iterator[str]:
        bucket = make_bucket(client)
        yield bucket
        for version in client.list_object_versions(Bucket=bucket).get("Versions", []):
            client.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
        client.delete_bucket(Bucket=bucket)

    @pytest.fixture
    def store(self, client: Any, bucket: str) -> BucketSegmentStore:
        return BucketSegmentStore(client, bucket)

    def test_an_object_is_a_gzip_file_that_nobody_inflates(
        self, client: Any, bucket: str, store: BucketSegmentStore
    ) -> None:
        store.put("segments/one", BODY)
        head = client.head_object(Bucket=bucket, Key="segments/one", ChecksumMode="ENABLED")
        assert head["ContentType"] == "application/gzip"
        assert "ContentEncoding" not in head
        assert head["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(BODY).digest()).decode()


class Failing:
    """An SDK client whose calls raise `error`."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        def fail(**_: Any) -> Any:
            raise self._error

        return fail


def s3_error(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "PutObject")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (s3_error("PreconditionFailed", 412), ObjectExistsError),
        (s3_error("ConditionalRequestConflict", 409), ObjectExistsError),
        (s3_error("SlowDown", 503), ThrottledError),
        (s3_error("InternalError", 500), TransientError),
        (ReadTimeoutError(endpoint_url="https://s3"), TransientError),
        (s3_error("BadDigest", 400), TabletrailError),
        (s3_error("AccessDenied", 403), TabletrailError),
    ],
)
def test_a_put_says_what_went_wrong(error: Exception, kind: type[TabletrailError]) -> None:
    with pytest.raises(kind) as raised:
        BucketSegmentStore(Failing(error), "bucket").put("key", BODY)
    assert isinstance(raised.value, TransientError) == issubclass(kind, TransientError)


@pytest.mark.parametrize("code", ["NoSuchKey", "NoSuchVersion"])
def test_a_missing_object_says_that_the_log_is_damaged(code: str) -> None:
    with pytest.raises(ObjectMissingError, match="restore"):
        BucketSegmentStore(Failing(s3_error(code, 404)), "bucket").get("key", "version")
