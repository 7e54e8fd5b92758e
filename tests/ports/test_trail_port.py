"""Do the bucket and the fake keep the same promises, over S3's own lists and objects?"""

from __future__ import annotations

import gzip
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tabletrail.aws.clients import s3_client
from tabletrail.aws.clock import SystemClock
from tabletrail.aws.trail import BucketTrail, TrailPlace
from tabletrail.errors import TrailError
from tabletrail_local.info import StackInfo
from tests.core.trail import ACCOUNT, OTHER_ACCOUNT, REGION
from tests.fakes.trail import FakeTrail
from tests.ports.local_tables import make_bucket
from tests.ports.trail_bucket import trail_key
from tests.ports.trail_contract import Deliver, TrailContract


class TestFakeTrail(TrailContract):
    @pytest.fixture
    def trail(self) -> FakeTrail:
        return FakeTrail(SystemClock())

    @pytest.fixture
    def deliver(self, trail: FakeTrail) -> Deliver:
        return lambda body, at: trail.deliver(body, at).name


@pytest.fixture(scope="module")
def client(stack: StackInfo) -> Any:
    return s3_client(stack.session())


@pytest.mark.stack
class TestBucket(TrailContract):
    @pytest.fixture
    def place(self, client: Any) -> Iterator[TrailPlace]:
        bucket = make_bucket(client)
        yield TrailPlace(bucket, "a/b", "o-abcdef1234", (ACCOUNT, OTHER_ACCOUNT), REGION)
        for version in client.list_object_versions(Bucket=bucket).get("Versions", []):
            client.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
        client.delete_bucket(Bucket=bucket)

    @pytest.fixture
    def trail(self, client: Any, place: TrailPlace) -> BucketTrail:
        return BucketTrail(client, place)

    @pytest.fixture
    def deliver(self, client: Any, place: TrailPlace) -> Deliver:
        def put(body: bytes, at: int) -> str:
            key = trail_key(place, place.accounts[len(body) % 2], at, uuid.uuid4().hex)
            client.put_object(Bucket=place.bucket, Key=key, Body=gzip.compress(body))
            return key

        return put

    def test_a_bucket_that_is_not_there_says_what_to_correct(self, client: Any) -> None:
        nowhere = TrailPlace(f"nowhere-{uuid.uuid4().hex}", "", "", (ACCOUNT,), REGION)
        with pytest.raises(TrailError, match="does not exist: correct TrailBucketName"):
            list(BucketTrail(client, nowhere).files(1_795_500_000, 1_795_500_060))
