"""Does an installation into the real OpenSearch write what differs, once, and repair what it must?

Template and roles have names of their own here, so that tests beside these keep the ones they stand on.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tabletrail.aws.clock import SystemClock
from tabletrail.aws.opensearch_cluster import OpenSearchCluster
from tabletrail.aws.opensearch_connect import connect
from tabletrail.errors import DowngradeError, InstallError, TransientError
from tabletrail.install import Bundle, Grant, Report, Wishes, install
from tabletrail_local.info import StackInfo
from tests.ports.opensearch_server import MAPPINGS, SMALL_TEMPLATE, Server, servers_for, settings_for
from tests.ports.opensearch_stub import Answer, Stub, a_stub

SECURITY = "/_plugins/_security/api"


@dataclass
class Place:
    """An installation under names of its own. `writes` are the requests of the last `run` that were no reads."""

    server: Server
    name: str = field(default_factory=lambda: f"tabletrail-test-{uuid.uuid4().hex[:8]}")
    writes: list[str] = field(default_factory=list)
    backend_roles: tuple[str, ...] = ("arn:aws:iam::111122223333:role/writer",)
    withdrawn: tuple[str, ...] = ()

    @property
    def bundle(self) -> Bundle:
        roles = json.loads((MAPPINGS / "security" / "roles.v1.json").read_text())
        named = {role.replace("tabletrail", self.name): body for role, body in roles.items()}
        template = {**SMALL_TEMPLATE, "index_patterns": [f"{self.name}-*"], "version": 2}
        return Bundle(template, named, self.name, marks_name=f"{self.name}-installed")

    @property
    def writer(self) -> str:
        return f"{self.name}_writer"

    def run(self, monkeypatch: pytest.MonkeyPatch, bundle: Bundle | None = None) -> Report:
        client = self.server.client("admin")
        perform, self.writes = client.transport.perform_request, []

        def counted(method: str, path: str, *rest: Any, **more: Any) -> Any:
            if method not in ("GET", "HEAD"):
                self.writes.append(f"{method} {path}")
            return perform(method, path, *rest, **more)

        with monkeypatch.context() as patch:
            patch.setattr(client.transport, "perform_request", counted)
            grants = {self.writer: Grant((self.writer,), self.backend_roles, self.withdrawn)}
            return install(servers_for(client), bundle or self.bundle, Wishes(grants), SystemClock(), 60)

    def role_mapping(self) -> Any:
        return self.server.ask("admin", "GET", f"{SECURITY}/rolesmapping/{self.writer}").data[self.writer]

    def remove(self) -> None:
        for name in (self.name, self.bundle.marks_name):
            self.server.ask("admin", "DELETE", f"/_index_template/{name}")
        for role in self.bundle.roles:
            for kind in ("rolesmapping", "roles"):
                self.server.ask("admin", "DELETE", f"{SECURITY}/{kind}/{role}")


@pytest.fixture
def place(stack: StackInfo) -> Iterator[Place]:
    server = Server(stack)
    server.install()
    place = Place(server)
    yield place
    place.remove()


@pytest.mark.stack
class TestRealServer:
    def test_the_first_writes_and_the_second_writes_nothing(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place.run(monkeypatch)
        roles = len(place.bundle.roles)
        assert len(place.writes) == 2 + 2 * roles, "a template, the marks, roles and their mappings"
        report = place.run(monkeypatch)
        assert place.writes == []
        assert report.sentence().startswith(f"nothing to write; {2 + 2 * roles} objects were as they should be")

    def test_the_release_itself_is_installed_and_then_unchanged(self, place: Place) -> None:
        assert place.server.install().written == []

    def test_a_widened_role_is_narrowed_again(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        place.run(monkeypatch)
        path = f"{SECURITY}/roles/{place.writer}"
        assert place.server.ask("admin", "PUT", path, {"cluster_permissions": ["*"], "index_permissions": []}).ok
        assert place.run(monkeypatch).repaired == [f"role {place.writer}"]
        assert place.writes == [f"PUT {path}"]
        role = place.server.ask("admin", "GET", path).data[place.writer]
        assert role["cluster_permissions"] == ["indices:data/write/bulk"]

    def test_a_persons_mapping_stays_and_a_withdrawn_role_goes(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place.run(monkeypatch)
        path = f"{SECURITY}/rolesmapping/{place.writer}"
        by_hand = {"users": ["ann"], "backend_roles": ["theirs", *place.backend_roles], "hosts": ["10.*"]}
        assert place.server.ask("admin", "PUT", path, by_hand).ok
        place.withdrawn, place.backend_roles = place.backend_roles, ("arn:aws:iam::111122223333:role/next",)
        place.run(monkeypatch)
        mapping = place.role_mapping()
        assert mapping["users"] == ["ann", place.writer]
        assert mapping["backend_roles"] == ["arn:aws:iam::111122223333:role/next", "theirs"]
        assert mapping["hosts"] == ["10.*"]

    def test_an_edited_template_is_repaired(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        place.run(monkeypatch)
        edited = {**place.bundle.template, "template": {"settings": {"index.number_of_shards": 7}}}
        assert place.server.ask("admin", "PUT", f"/_index_template/{place.name}", edited).ok
        assert place.run(monkeypatch).repaired == [f"index template {place.name}"]
        assert place.run(monkeypatch).written == []

    def test_a_downgrade_is_refused_and_nothing_is_written(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        place.run(monkeypatch)
        older = replace(place.bundle, template={**place.bundle.template, "version": 1})
        with pytest.raises(DowngradeError, match=f"version 2 of the index template {place.name}"):
            place.run(monkeypatch, older)
        assert place.writes == []

    def test_a_persons_list_of_automatic_indices_is_kept(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        name = "action.auto_create_index"
        # The second part keeps our indices from making themselves while this test runs.
        theirs = "-mine*,-tabletrail-v1-*,+*"
        assert place.server.ask("admin", "PUT", "/_cluster/settings", {"persistent": {name: theirs}}).ok
        try:
            place.run(monkeypatch)
            found = place.server.ask("admin", "GET", "/_cluster/settings?flat_settings=true")
            assert found.data["persistent"][name] == f"-tabletrail*,{theirs}"
        finally:
            place.server.ask("admin", "PUT", "/_cluster/settings", {"persistent": {name: "-tabletrail*,+*"}})

    def test_who_is_no_administrator_is_told_so(self, place: Place) -> None:
        cluster = OpenSearchCluster(place.server.client("reader"))
        with pytest.raises(InstallError, match="must be an administrator"):
            cluster.put_template(place.name, place.bundle.template)
        with pytest.raises(InstallError, match="must be an administrator"):
            cluster.roles()

    def test_what_the_server_rejects_is_told_in_its_words(self, place: Place) -> None:
        cluster = OpenSearchCluster(place.server.client("admin"))
        with pytest.raises(InstallError, match="no_such_thing"):
            cluster.put_template(place.name, {"index_patterns": ["x"], "template": {"settings": {"no_such_thing": 1}}})


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[Stub]:
    with a_stub(tmp_path) as stub:
        yield stub


def cluster_at(stub: Stub) -> OpenSearchCluster:
    secret = json.dumps({"username": "u", "password": "hunter2", "ca_pem": stub.ca_pem})
    return OpenSearchCluster(connect(settings_for(stub.url), lambda _: secret, 2))


@pytest.mark.parametrize(
    ("answer", "roles"),
    [
        (Answer(400, {"error": "no handler found for uri [/_plugins/_security/api/roles] and method [GET]"}), None),
        (Answer(401, {"Message": "Your request: '/_plugins/_security/api/roles' is not allowed."}), None),
        (Answer(200, {"tabletrail_writer": {}}), {"tabletrail_writer": {}}),
    ],
    ids=["no plugin", "domain without fine-grained access", "has a role"],
)
def test_a_cluster_without_roles_is_told_from_one_that_has_some(
    stub: Stub, answer: Answer, roles: dict[str, Any] | None
) -> None:
    stub.otherwise = answer
    assert cluster_at(stub).roles() == roles


def test_a_cluster_that_hides_its_roles_has_some(stub: Stub) -> None:
    stub.otherwise = Answer(403, {"status": "FORBIDDEN", "message": "No permission to access REST API"})
    with pytest.raises(InstallError, match="must be an administrator"):
        cluster_at(stub).roles()


@pytest.mark.parametrize(
    "answer",
    [
        Answer(503, "OpenSearch Security not initialized.", "text/plain"),
        Answer(429, "Too Many Requests", "text/plain"),
        Answer(200, {"status": "green", "number_of_data_nodes": 0}),
        Answer(200, "<html></html>", "text/html"),
    ],
    ids=["starting", "busy", "no data node", "something else"],
)
def test_a_cluster_that_is_not_ready_is_worth_waiting_for(stub: Stub, answer: Answer) -> None:
    stub.otherwise = answer
    with pytest.raises(TransientError):
        cluster_at(stub).data_nodes()


def test_a_wrong_password_is_not_waited_for_and_not_told(stub: Stub) -> None:
    stub.otherwise = Answer(401, "Unauthorized", "text/plain")
    with pytest.raises(InstallError, match="correct the password") as caught:
        cluster_at(stub).data_nodes()
    assert "hunter2" not in str(caught.value)


def test_an_old_version_is_named_as_the_cause(stub: Stub) -> None:
    reason = "unknown setting [index.append_only.enabled] please check that any required plugins are installed"
    stub.otherwise = Answer(400, {"error": {"type": "illegal_argument_exception", "reason": reason}})
    with pytest.raises(InstallError, match=r"needs OpenSearch 2\.19 or newer"):
        cluster_at(stub).put_template("x", {})


def test_settings_are_sent_flat_as_domains_demand(stub: Stub) -> None:
    stub.otherwise = Answer(200, {"acknowledged": True})
    cluster_at(stub).put_setting("persistent", "action.auto_create_index", "-tabletrail*,+*")
    assert json.loads(stub.heard[0].body) == {"persistent": {"action.auto_create_index": "-tabletrail*,+*"}}
