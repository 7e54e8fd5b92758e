"""What does the caller learn when OpenSearch turns a bulk away, answers nonsense, or does not answer?"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tabletrail.aws import opensearch
from tabletrail.aws.opensearch import OpenSearchIndex, OpenSearchKeeper
from tabletrail.aws.opensearch_connect import SECRET_RETRY_SECONDS, SECRET_SECONDS, PasswordAuth, ask, connect
from tabletrail.core.outcome import Outcome
from tabletrail.errors import SettingsError, TransientError
from tabletrail_local.certificates import ensure_certificates
from tabletrail_local.info import StackInfo
from tests.ports.opensearch_server import GOOD, Server, bulk, settings_for, unused_name
from tests.ports.opensearch_stub import Answer, Stub, a_stub

NAME = "tabletrail-v1-2099.01"
TWO = bulk((NAME, "one", GOOD), (NAME, "two", GOOD))
CREATED: dict[str, Any] = {"create": {"status": 201}}


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[Stub]:
    with a_stub(tmp_path / "tls") as stub:
        yield stub


def index_at(stub: Stub, ca_pem: str | None = None, read_seconds: float = 5) -> OpenSearchIndex:
    secret = {"username": "u", "password": "pw", "ca_pem": stub.ca_pem if ca_pem is None else ca_pem}
    return OpenSearchIndex(connect(settings_for(stub.url), lambda _: json.dumps(secret), read_seconds))


@pytest.mark.parametrize(
    "answer",
    [
        Answer(401, "Unauthorized", "text/plain"),
        Answer(403, {"error": {"type": "security_exception", "reason": "no permissions"}, "status": 403}),
        Answer(413, "<html><title>413 Request Entity Too Large</title></html>", "text/html"),
        Answer(413, "", "text/plain"),
        Answer(429, {"error": {"type": "circuit_breaking_exception"}, "status": 429}),
        Answer(429, "Too Many Requests", "text/plain"),
        Answer(502, "<html>bad gateway</html>", "text/html"),
        Answer(503, "OpenSearch Security not initialized.", "text/plain"),
        Answer(504, {"message": None}),
    ],
    ids=lambda answer: f"{answer.status} {answer.content_type}",
)
def test_a_bulk_turned_away_gives_its_status_and_no_results(stub: Stub, answer: Answer) -> None:
    stub.otherwise = answer
    reply = index_at(stub).create(TWO)
    assert (reply.status, reply.results) == (answer.status, None)
    assert len(stub.heard) == 1, "nothing is sent twice"


@pytest.mark.parametrize(
    "body",
    [
        {"errors": False, "items": [CREATED]},
        {"errors": False, "items": [CREATED] * 3},
        {"errors": True, "items": [{"create": {"status": 400}}]},
        {"errors": False},
        {},
    ],
    ids=["too few", "too many", "too few, with an error", "no items", "nothing"],
)
def test_a_reply_that_does_not_account_for_each_document_accounts_for_none(stub: Stub, body: Any) -> None:
    stub.otherwise = Answer(200, body)
    reply = index_at(stub).create(TWO)
    assert reply.results is not None
    assert [result.outcome for result in reply.results] == [Outcome.TRY_AGAIN] * 2


def test_each_status_of_an_item_has_its_outcome(stub: Stub) -> None:
    """A whole reply, as a domain gives it: it ignores the filter in a signed POST's address."""
    expected = {
        (201, ""): Outcome.STORED,
        (409, "version_conflict_engine_exception"): Outcome.ALREADY_THERE,
        (400, "mapper_parsing_exception"): Outcome.REFUSED,
        (400, "illegal_argument_exception"): Outcome.REFUSED,
        (400, "index_closed_exception"): Outcome.TRY_AGAIN,
        (400, "validation_exception"): Outcome.TRY_AGAIN,
        (403, "cluster_block_exception"): Outcome.TRY_AGAIN,
        (404, "index_not_found_exception"): Outcome.TRY_AGAIN,
        (429, "rejected_execution_exception"): Outcome.TRY_AGAIN,
        (503, "unavailable_shards_exception"): Outcome.TRY_AGAIN,
    }
    items = [
        {
            "create": {
                "_index": NAME,
                "_id": "x",
                "status": status,
                **({"error": {"type": kind, "reason": "r"}} if kind else {}),
            }
        }
        for status, kind in expected
    ]
    stub.otherwise = Answer(200, {"took": 3, "errors": True, "items": items})
    reply = index_at(stub).create(bulk(*((NAME, str(number), GOOD) for number in range(len(expected)))))
    assert reply.results is not None
    assert {(one.status, one.reason): one.outcome for one in reply.results} == expected


def test_no_answer_in_time_is_transient(stub: Stub) -> None:
    stub.hang = True
    with pytest.raises(TransientError, match="did not answer in time"):
        index_at(stub, read_seconds=0.2).create(TWO)


def test_no_server_is_transient_and_says_what_to_look_at(tmp_path: Path) -> None:
    with a_stub(tmp_path) as gone:
        index = index_at(gone)
    with pytest.raises(TransientError, match="cannot be reached"):
        index.create(TWO)


def test_another_authoritys_certificate_is_named_as_the_cause(stub: Stub, tmp_path: Path) -> None:
    ensure_certificates(tmp_path / "other")
    with pytest.raises(TransientError, match="certificate is not trusted: ca_pem"):
        index_at(stub, ca_pem=(tmp_path / "other" / "root-ca.pem").read_text()).create(TWO)
    with pytest.raises(TransientError, match="certificate is not trusted"):
        index_at(stub, ca_pem="").create(TWO)
    assert stub.heard == [], "no password goes to a server that is not trusted"


def test_a_certificate_for_another_name_is_named_as_the_cause(tmp_path: Path) -> None:
    with a_stub(tmp_path, certificate="admin") as stub, pytest.raises(TransientError, match="made out to another name"):
        index_at(stub).create(TWO)


def test_a_page_in_place_of_json_is_transient(stub: Stub) -> None:
    stub.otherwise = Answer(200, "<html>log in to the hotel's network</html>", "text/html")
    with pytest.raises(TransientError, match="not OpenSearch"):
        index_at(stub).create(TWO)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"username": "u"}'])
def test_a_secret_of_another_shape_is_a_settings_error_that_shows_the_right_one(text: str) -> None:
    with pytest.raises(SettingsError, match='"username", "password", "ca_pem"'):
        connect(settings_for("https://127.0.0.1:1"), lambda _: text)


def test_a_changed_password_is_noticed_without_a_new_process() -> None:
    now, words = [0.0], ["old", "new"]
    auth = PasswordAuth("name", lambda _: json.dumps({"username": "u", "password": words[0]}), lambda: now[0])
    before = auth("GET", "", None)
    words.pop(0)
    assert auth("GET", "", None) == before
    now[0] += SECRET_SECONDS
    assert auth("GET", "", None) != before


def test_a_password_outlives_trouble_with_the_secret() -> None:
    now, words = [0.0], [json.dumps({"username": "u", "password": "old"})]

    tries: list[str] = []

    def read(name: str) -> str:
        tries.append(name)
        if not words:
            raise TransientError("no answer")
        return words.pop()

    auth = PasswordAuth("name", read, lambda: now[0])
    before = auth("GET", "", None)
    now[0] += SECRET_SECONDS
    tries.clear()
    assert [auth("GET", "", None) for _ in range(3)] == [before] * 3
    assert len(tries) == 1, "each try is time of a request"
    now[0] += SECRET_RETRY_SECONDS
    assert auth("GET", "", None) == before
    assert len(tries) == 2


def test_a_proxy_in_the_environment_is_not_used(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    stub.otherwise = Answer(200, {"errors": False, "items": [CREATED] * 2})
    assert index_at(stub).create(TWO).status == 200
    sign_as_test(monkeypatch, stub)
    assert OpenSearchIndex(connect(settings_for(stub.url, "sigv4"), lambda _: "")).create(TWO).status == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "params"),
    [
        ("POST", "/_bulk", TWO, {"filter_path": "errors,items.*.status"}),
        ("POST", opensearch._BULK, TWO, {}),
        ("GET", "/tabletrail-v1-*/_settings/index.uuid", None, {"expand_wildcards": "all"}),
        ("PUT", "/tabletrail-v1-2026.11", {"settings": {}}, {}),
    ],
)
def test_a_signature_is_the_one_that_botocore_makes(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, method: str, path: str, body: Any, params: dict[str, str]
) -> None:
    stub.otherwise = Answer(200, {})
    sign_as_test(monkeypatch, stub)
    ask(connect(settings_for(stub.url, "sigv4"), lambda _: ""), method, path, body, params)
    (heard,) = stub.heard
    scope, signed, signature = heard.headers["authorization"].split(", ")
    names = signed.removeprefix("SignedHeaders=").split(";")
    request = AWSRequest(method, stub.url + heard.target, {name: heard.headers[name] for name in names}, heard.body)
    request.context["timestamp"] = heard.headers["x-amz-date"]
    auth = SigV4Auth(Credentials("AKIDEXAMPLE", "secret", "token"), "es", "eu-west-1")
    text = auth.string_to_sign(request, auth.canonical_request(request))
    assert signature == f"Signature={auth.signature(text, request)}"
    assert "/eu-west-1/es/aws4_request" in scope
    assert heard.headers["x-amz-security-token"] == "token"
    assert heard.headers["x-amz-content-sha256"]


def test_no_document_reaches_a_log(stub: Stub, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    stub.otherwise = Answer(503, {"error": "busy"})
    index_at(stub).create(TWO)
    assert GOOD["message"] not in caplog.text


@pytest.mark.stack
class TestRealServer:
    @pytest.fixture
    def server(self, stack: StackInfo) -> Server:
        server = Server(stack)
        server.install()
        return server

    def test_a_wrong_password_is_401(self, server: Server) -> None:
        login = server.stack.login("writer")
        client = connect(settings_for(server.stack.opensearch_url), server.secret(login.user, "wrong"))
        reply = OpenSearchIndex(client).create(TWO)
        assert (reply.status, reply.results) == (401, None)

    def test_a_wrong_authority_is_named(self, server: Server, tmp_path: Path) -> None:
        ensure_certificates(tmp_path)
        secret = server.secret("u", "p", (tmp_path / "root-ca.pem").read_text())
        with pytest.raises(TransientError, match="not trusted"):
            OpenSearchIndex(connect(settings_for(server.stack.opensearch_url), secret)).create(TWO)

    def test_a_closed_or_blocked_index_is_never_the_documents_fault(self, server: Server) -> None:
        index = OpenSearchIndex(server.client("writer"))
        with server.an_index() as name:
            for trouble in (f"/{name}/_block/write", f"/{name}/_close"):
                assert server.ask("admin", "PUT" if "_block" in trouble else "POST", trouble).ok
                reply = index.create(bulk((name, "late", GOOD)))
                assert reply.results is None or reply.results[0].outcome is Outcome.TRY_AGAIN

    def test_a_term_too_long_for_the_index_is_refused_alone(self, server: Server) -> None:
        with server.an_index() as name:
            huge = {**GOOD, "after": {"note": "x" * 40_000}}
            reply = OpenSearchIndex(server.client("writer")).create(bulk((name, "huge", huge), (name, "small", GOOD)))
            assert reply.results is not None
            assert [result.outcome for result in reply.results] == [Outcome.REFUSED, Outcome.STORED]

    def test_an_index_is_made_once_and_listed(self, server: Server) -> None:
        keeper, name = OpenSearchKeeper(server.client("index-owner")), unused_name()
        try:
            assert (keeper.ensure(name), keeper.ensure(name)) == (True, False)
            assert name in keeper.existing()
            assert server.ask("admin", "POST", f"/{name}/_close").ok
            assert name in keeper.existing(), "a closed index is there too"
            assert keeper.ensure(name) is False
        finally:
            server.ask("admin", "DELETE", f"/{name}")


@pytest.mark.parametrize("status", [404, 403])
def test_no_index_is_made_without_the_template(stub: Stub, status: int) -> None:
    stub.answers["GET /_index_template/tabletrail-v1"] = Answer(status, {"error": "no"})
    secret = json.dumps({"username": "u", "password": "pw", "ca_pem": stub.ca_pem})
    with pytest.raises(TransientError, match="deploy the stack again"):
        OpenSearchKeeper(connect(settings_for(stub.url), lambda _: secret)).ensure(NAME)
    assert stub.writes() == []


def sign_as_test(monkeypatch: pytest.MonkeyPatch, stub: Stub) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        # opensearch-py takes the trusted authorities from here before it takes certifi's.
        "SSL_CERT_FILE": stub.ca_file,
    }.items():
        monkeypatch.setenv(name, value)
