"""Do alerting, notifications, ISM and Dashboards behave as the installer and its fakes take them to?

None of them is in a registry. Whoever has them names them, and the same contract is tried there
- TABLETRAIL_OPENSEARCH_WITH_PLUGINS: https://user:password@host:port of an administrator
- TABLETRAIL_DASHBOARDS: https://user:password@host:port, a path may follow
- TABLETRAIL_OPENSEARCH_WITH_PLUGINS_CA, TABLETRAIL_DASHBOARDS_CA: the file of the authority that signed for them
What is made there has names of its own and is removed again.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from opensearchpy import OpenSearch

from tabletrail.aws.dashboards import DashboardsServer
from tabletrail.aws.opensearch_connect import ask, connect
from tabletrail.aws.opensearch_plugins import ISM, MONITORS, OpenSearchPlugins
from tabletrail.core.ism_policies import same_policy
from tabletrail.errors import InstallError
from tabletrail.install import Bundle
from tests.fakes.domain import DASHBOARDS, Domain, served
from tests.ports.opensearch_server import MAPPINGS, settings_for

PLUGINS, VIEWS = "TABLETRAIL_OPENSEARCH_WITH_PLUGINS", "TABLETRAIL_DASHBOARDS"
BUNDLE = Bundle.load(MAPPINGS)
TOPIC = "arn:aws:sns:eu-central-1:111122223333:monitors"


@pytest.fixture(scope="module")
def domain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Domain]:
    with served(Domain(), tmp_path_factory.mktemp("certificates")) as domain:
        yield domain


def client_of(url: str, user: str, password: str, ca_pem: str) -> OpenSearch:
    secret = json.dumps({"username": user, "password": password, "ca_pem": ca_pem})
    return connect(settings_for(url), lambda _: secret, 10)


def named(variable: str) -> tuple[OpenSearch, str]:
    """A client of the server that a variable of the environment names, and the path of its address."""
    if variable not in os.environ:
        pytest.skip(f"{variable} names no server")
    parts = urlsplit(os.environ[variable])
    ca_file = os.environ.get(variable + "_CA")
    ca_pem = Path(ca_file).read_text() if ca_file else ""
    url = f"https://{parts.hostname}:{parts.port or 443}"
    return client_of(url, unquote(parts.username or ""), unquote(parts.password or ""), ca_pem), parts.path


@pytest.fixture(params=["fake", "real"])
def client(request: pytest.FixtureRequest, domain: Domain) -> OpenSearch:
    if request.param == "real":
        return named(PLUGINS)[0]
    return client_of(domain.url, "admin", "x", domain.ca_pem)


@pytest.fixture(params=["fake", "real"])
def views(request: pytest.FixtureRequest, domain: Domain) -> tuple[OpenSearch, str]:
    if request.param == "real":
        return named(VIEWS)
    return client_of(domain.url, "admin", "x", domain.ca_pem), DASHBOARDS


@pytest.mark.parametrize("which", range(len(BUNDLE.monitors)))
def test_a_monitor_is_taken_found_by_name_and_guarded(client: OpenSearch, which: int) -> None:
    server = OpenSearchPlugins(client)
    name = f"tabletrail: {uuid.uuid4().hex}"
    monitor = {**BUNDLE.monitors[which], "name": name, "enabled": False}
    made = server.put_monitor(monitor, None)
    try:
        (found,) = (server.monitors([name]) or {})[name]
        assert found == made, "shown alike each time"
        assert [set(trigger) for trigger in found.body["triggers"]] == [set(trigger) for trigger in monitor["triggers"]]
        changed = server.put_monitor({**monitor, "enabled": True}, made)
        assert (changed.id, changed.body["enabled"]) == (made.id, True)
        with pytest.raises(InstallError, match="somebody changed the monitor"):
            server.put_monitor(monitor, made)
    finally:
        ask(client, "DELETE", f"{MONITORS}/{made.id}")
    assert server.monitors([name]) == {}


def test_a_monitor_with_a_slip_in_an_action_is_refused(client: OpenSearch) -> None:
    monitor = json.loads(json.dumps(BUNDLE.monitors[0]))
    (body,) = monitor["triggers"][0].values()
    body["actions"][0]["destination"] = "x"
    with pytest.raises(InstallError, match="Unexpected field"):
        OpenSearchPlugins(client).put_monitor({**monitor, "name": f"tabletrail: {uuid.uuid4().hex}"}, None)


def test_a_channel_keeps_its_id(client: OpenSearch) -> None:
    server, channel_id = OpenSearchPlugins(client), f"tabletrail-{uuid.uuid4().hex}"
    config = {"name": channel_id, "description": "x", "config_type": "sns", "is_enabled": True}
    config["sns"] = {"topic_arn": TOPIC}
    assert server.channel(channel_id) == {}
    server.put_channel(channel_id, config, is_new=True)
    try:
        found: Any = server.channel(channel_id)
        assert {name: found[name] for name in config} == config
        with pytest.raises(InstallError):
            server.put_channel(channel_id, config, is_new=True)
        server.put_channel(channel_id, {**config, "sns": {"topic_arn": TOPIC + "-2"}}, is_new=False)
        assert (server.channel(channel_id) or {})["sns"]["topic_arn"] == TOPIC + "-2"
    finally:
        ask(client, "DELETE", f"/_plugins/_notifications/configs/{channel_id}")


@pytest.mark.parametrize("which", sorted(BUNDLE.policies))
def test_a_policy_is_shown_as_ours_and_guarded(client: OpenSearch, which: str) -> None:
    server, name = OpenSearchPlugins(client), f"tabletrail-{uuid.uuid4().hex}"
    policy = BUNDLE.policies[which]["policy"]
    server.put_policy(name, policy, None)
    try:
        found = (server.policies() or {})[name]
        assert same_policy(found.body, policy)
        server.put_policy(name, {**policy, "description": "another"}, found)
        with pytest.raises(InstallError, match="somebody changed the policy"):
            server.put_policy(name, policy, found)
    finally:
        ask(client, "DELETE", f"{ISM}/{name}")


def test_saved_objects_come_back_as_they_went_in(views: tuple[OpenSearch, str]) -> None:
    client, path = views
    server, mark = DashboardsServer(client, path), uuid.uuid4().hex
    objects = [{**one, "id": f"{mark}-{one['id']}"} for one in BUNDLE.dashboards if one["type"] == "index-pattern"]
    keys = [(str(one["type"]), str(one["id"])) for one in objects]
    assert server.objects(keys) == {}
    server.put_objects(objects)
    try:
        found = server.objects(keys)
        assert [found[key]["attributes"] for key in keys] == [one["attributes"] for one in objects]
        server.put_objects(objects)
        assert server.objects(keys) == found, "imported again, it is shown as before"
        orphan = {
            "type": "search",
            "id": mark,
            "attributes": {"title": "x"},
            "references": [{"name": "ref", "type": "index-pattern", "id": f"{mark}-nowhere"}],
        }
        with pytest.raises(InstallError, match=f"search {mark} .missing_references"):
            server.put_objects([orphan])
    finally:
        for type_, id_ in keys:
            headers = {"osd-xsrf": "x", "securitytenant": "global"}
            ask(client, "DELETE", f"{path}/api/saved_objects/{type_}/{id_}", headers=headers)


def test_a_request_without_the_header_is_refused(views: tuple[OpenSearch, str]) -> None:
    client, path = views
    headers = {"content-type": "application/json"}
    reply = ask(client, "POST", f"{path}/api/saved_objects/_bulk_get", b"[]", headers=headers)
    assert reply.status == 400
