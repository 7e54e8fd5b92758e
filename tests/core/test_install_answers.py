"""Does CloudFormation get an answer whatever happens, and does a deletion never fail?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from handlers import install_mappings
from tabletrail.aws import custom_resource
from tabletrail.aws.custom_resource import KEPT, PHYSICAL_ID, Request, handle
from tabletrail.errors import DowngradeError, TransientError
from tests.ports.opensearch_stub import Answer, Stub, a_stub

EVENT: dict[str, Any] = {
    "RequestType": "Create",
    "ResponseURL": "https://answers.test/?X-Amz-Signature=credential",
    "StackId": "stack",
    "RequestId": "request",
    "LogicalResourceId": "Mappings",
    "ResourceProperties": {"WriterRoles": ["arn:a"]},
}


class Sent:
    def __init__(self) -> None:
        self.answers: list[dict[str, Any]] = []

    def __call__(self, url: str, body: bytes) -> None:
        assert url == EVENT["ResponseURL"]
        self.answers.append(json.loads(body))


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[Stub]:
    with a_stub(tmp_path, certificate="") as stub:
        yield stub


def failing(error: Exception) -> Any:
    def work(_: Request) -> str:
        raise error

    return work


def test_success_carries_the_report(sent: Sent) -> None:
    handle(EVENT, lambda request: f"wrote {request.properties['WriterRoles']}", sent)
    assert sent.answers == [
        {
            "Status": "SUCCESS",
            "Reason": "wrote ['arn:a']",
            "Data": {"Report": "wrote ['arn:a']"},
            "PhysicalResourceId": PHYSICAL_ID,
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": "Mappings",
        }
    ]


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_our_errors_fail_the_deployment_with_their_words(sent: Sent, kind: str) -> None:
    handle({**EVENT, "RequestType": kind}, failing(DowngradeError("deploy the newer release")), sent)
    assert (sent.answers[0]["Status"], sent.answers[0]["Reason"]) == ("FAILED", "deploy the newer release")


def test_an_unexpected_error_gives_its_class_and_not_its_text(sent: Sent, caplog: pytest.LogCaptureFixture) -> None:
    handle(EVENT, failing(RuntimeError("password=hunter2")), sent)
    assert sent.answers[0]["Status"] == "FAILED"
    assert "RuntimeError" in sent.answers[0]["Reason"]
    assert "hunter2" not in json.dumps(sent.answers) + caplog.text
    assert "test_install_answers.py" in caplog.text, "the log tells where"


@pytest.mark.parametrize("error", [DowngradeError("x"), RuntimeError("x"), KeyError("x")])
def test_a_deletion_succeeds_and_says_what_stays(sent: Sent, error: Exception) -> None:
    handle({**EVENT, "RequestType": "Delete", "PhysicalResourceId": "kept"}, failing(error), sent)
    assert (sent.answers[0]["Status"], sent.answers[0]["Reason"]) == ("SUCCESS", KEPT)
    assert sent.answers[0]["PhysicalResourceId"] == "kept"


def test_the_physical_id_stays_as_it_was(sent: Sent) -> None:
    handle({**EVENT, "RequestType": "Update", "PhysicalResourceId": PHYSICAL_ID}, lambda _: "", sent)
    handle({**EVENT, "RequestType": "Update", "PhysicalResourceId": "old"}, failing(TransientError("x")), sent)
    assert [answer["PhysicalResourceId"] for answer in sent.answers] == [PHYSICAL_ID, "old"]


def test_a_long_report_fits_into_an_answer() -> None:
    sizes: list[int] = []
    handle(EVENT, lambda _: "ä" * 10_000, lambda _, body: sizes.append(len(body)))
    assert 2_500 < sizes[0] <= 4_096


def test_a_call_by_hand_gets_the_answer_back(sent: Sent) -> None:
    event = {name: value for name, value in EVENT.items() if name != "ResponseURL"}
    assert handle(event, lambda _: "done", sent)["Reason"] == "done"
    assert sent.answers == []


def test_the_answer_is_put_without_a_content_type_and_again_after_trouble(stub: Stub) -> None:
    stub.first, stub.otherwise = [Answer(500), Answer(503)], Answer(200)
    custom_resource.put(f"{stub.url}/answer?signature=s", b"{}")
    assert [one.method for one in stub.heard] == ["PUT"] * 3
    assert stub.heard[-1].headers.get("content-type") == ""
    assert stub.heard[-1].body == b"{}"


def test_an_answer_that_is_not_taken_is_an_error_without_the_address(stub: Stub) -> None:
    stub.otherwise = Answer(403)
    with pytest.raises(TransientError) as caught:
        custom_resource.put(f"{stub.url}/answer?signature=credential", b"{}")
    assert "credential" not in str(caught.value)


def test_the_handler_deletes_without_settings_cluster_or_credentials(
    stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TABLETRAIL_OPENSEARCH_ENDPOINT", raising=False)
    stub.otherwise = Answer(200)
    install_mappings.handler({**EVENT, "RequestType": "Delete", "ResponseURL": f"{stub.url}/answer"}, None)
    assert json.loads(stub.heard[0].body)["Status"] == "SUCCESS"


def test_the_handler_names_a_missing_setting(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TABLETRAIL_STREAMS_TABLE", raising=False)
    stub.otherwise = Answer(200)
    install_mappings.handler({**EVENT, "ResponseURL": f"{stub.url}/answer"}, None)
    answer = json.loads(stub.heard[0].body)
    assert answer["Status"] == "FAILED"
    assert "streams_table" in answer["Reason"]
