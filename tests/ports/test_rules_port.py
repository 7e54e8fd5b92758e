"""Do the bucket and the fake keep the same promises of published rules? And what does the reader of the key say?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from tabletrail.aws import token_key
from tabletrail.aws.clients import s3_client
from tabletrail.aws.rules_store import BucketRules, key_of
from tabletrail.aws.token_key import token_key_reader
from tabletrail.conversions import RulesStore
from tabletrail.errors import RulesError, TransientError
from tabletrail_local.info import StackInfo
from tests.fakes.rules import FakeRules
from tests.ports.local_tables import make_bucket, unique

TEXT = b'{"rules":[],"schema":1,"sensitive":[]}'
VERSION = hashlib.sha256(TEXT).hexdigest()


class RulesContract:
    def test_the_very_text_comes_back(self, rules: RulesStore) -> None:
        rules.put(VERSION, TEXT)
        assert rules.get(VERSION) == TEXT

    def test_it_may_be_put_again(self, rules: RulesStore) -> None:
        rules.put(VERSION, TEXT)
        rules.put(VERSION, TEXT)
        assert rules.get(VERSION) == TEXT

    def test_what_is_not_there_is_said(self, rules: RulesStore) -> None:
        with pytest.raises(RulesError):
            rules.get(VERSION)


class TestFakeRules(RulesContract):
    @pytest.fixture
    def rules(self) -> FakeRules:
        return FakeRules()


@pytest.mark.stack
class TestBucket(RulesContract):
    @pytest.fixture
    def client(self, stack: StackInfo) -> Any:
        return s3_client(stack.session())

    @pytest.fixture
    def bucket(self, client: Any) -> Iterator[str]:
        bucket = make_bucket(client)
        yield bucket
        for version in client.list_object_versions(Bucket=bucket).get("Versions", []):
            client.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
        client.delete_bucket(Bucket=bucket)

    @pytest.fixture
    def rules(self, client: Any, bucket: str) -> BucketRules:
        return BucketRules(client, bucket)

    def test_what_lies_under_its_name_stays(self, client: Any, bucket: str, rules: BucketRules) -> None:
        client.put_object(Bucket=bucket, Key=key_of(VERSION), Body=b"forged")
        rules.put(VERSION, TEXT)
        assert rules.get(VERSION) == b"forged", "each reader compares; nothing is replaced"


class Client:
    """An SDK client of which each call raises `answer`, or returns it."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def __getattr__(self, name: str) -> Any:
        def call(**_: Any) -> Any:
            if isinstance(self._answer, Exception):
                raise self._answer
            return self._answer

        return call


def refusal(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Call")


def test_is_no_answer_a_passing_trouble() -> None:
    rules = BucketRules(Client(ReadTimeoutError(endpoint_url="https://s3")), "bucket")
    with pytest.raises(TransientError):
        rules.get(VERSION)
    with pytest.raises(TransientError):
        rules.put(VERSION, TEXT)


@pytest.mark.parametrize(
    ("secret", "answer", "words"),
    [
        ("", {}, "deploy again"),
        ("named", refusal("AccessDeniedException", 400), "GetSecretValue"),
        ("named", refusal("ResourceNotFoundException", 400), "does the secret named exist"),
        ("named", {"SecretString": "short"}, "32 bytes or more"),
    ],
)
def test_does_a_key_that_cannot_be_had_say_what_to_do(
    secret: str, answer: Any, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_key, "control_client", lambda session, service: Client(answer))
    with pytest.raises(RulesError, match=words) as raised:
        token_key_reader(None, secret)()
    assert "short" not in str(raised.value).replace("too short", "")


@pytest.mark.stack
def test_is_the_key_the_bytes_of_the_secret(stack: StackInfo) -> None:
    session, name = stack.session(), unique("key")
    secrets = session.client("secretsmanager")
    secrets.create_secret(Name=name, SecretString="0123456789" * 4)
    try:
        assert token_key_reader(session, name)() == b"0123456789" * 4
    finally:
        secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
