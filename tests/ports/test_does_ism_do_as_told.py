"""Does the adapter speak to index state management as the plugin's source says? On the fake, and on a real cluster.

The plugin is in no registry. Whoever has a cluster with it sets TABLETRAIL_OPENSEARCH_WITH_PLUGINS to
https://user:password@host:port (an administrator; TABLETRAIL_OPENSEARCH_WITH_PLUGINS_CA names the file of the
certificate that signed the server's), and the same contract is tried there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tabletrail.aws.opensearch import OpenSearchKeeper
from tabletrail.aws.opensearch_connect import ask, connect
from tabletrail.aws.opensearch_periods import OpenSearchPeriods
from tabletrail.core.lifecycle import CLOSED, DELETION, Managed
from tabletrail.core.periods import PREFIX
from tabletrail.errors import ClosingError, TransientError
from tests.fakes.ism import FakeCluster
from tests.fakes.ism_server import served
from tests.ports.ism_contract import FILES, IsmContract, unused_period
from tests.ports.opensearch_server import MAPPINGS, settings_for

VARIABLE = "TABLETRAIL_OPENSEARCH_WITH_PLUGINS"
NAME = PREFIX + "2026.09"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture
def cluster(directory: Path) -> Iterator[FakeCluster]:
    with served(FakeCluster(), directory) as cluster:
        yield cluster


@pytest.fixture
def fake_client(cluster: FakeCluster) -> Any:
    secret = json.dumps({"username": "owner", "password": "x", "ca_pem": cluster.ca_pem})
    return connect(settings_for(cluster.url), lambda _: secret)


class TestFakeIsm(IsmContract):
    @pytest.fixture
    def client(self, fake_client: Any) -> Any:
        return fake_client

    @pytest.fixture
    def index(self, cluster: FakeCluster) -> str:
        name = unused_period()
        cluster.make(name, 1)
        return name


@pytest.mark.skipif(VARIABLE not in os.environ, reason=f"{VARIABLE} names no cluster that has the plugin")
class TestRealIsm(IsmContract):
    @pytest.fixture
    def client(self) -> Any:
        parts = urlsplit(os.environ[VARIABLE])
        ca_file = os.environ.get(VARIABLE + "_CA", "")
        login = {"username": unquote(parts.username or ""), "password": unquote(parts.password or "")}
        secret = json.dumps({**login, "ca_pem": Path(ca_file).read_text() if ca_file else ""})
        return connect(settings_for(f"https://{parts.hostname}:{parts.port or 443}"), lambda _: secret)

    @pytest.fixture
    def index(self, client: Any) -> Iterator[str]:
        name = unused_period()
        template = json.loads((MAPPINGS / "index_template.v1.json").read_text())
        assert ask(client, "PUT", "/_index_template/tabletrail-v1", template).ok
        assert OpenSearchKeeper(client).ensure(name)
        yield name
        ask(client, "DELETE", f"/{name}")


@pytest.fixture
def periods(cluster: FakeCluster, fake_client: Any) -> OpenSearchPeriods:
    for path in FILES:
        document = json.loads(path.read_text())
        cluster.policies[document["policy_id"]] = (document["policy"], 0)
    cluster.make(NAME, 1_788_000_000)
    return OpenSearchPeriods(fake_client)


def shown(periods: OpenSearchPeriods) -> Managed | None:
    (one,) = periods.look().indices
    return one.managed


def test_is_the_state_shown_at_each_turn(cluster: FakeCluster, periods: OpenSearchPeriods) -> None:
    periods.put_under(NAME, CLOSED)
    assert shown(periods) == Managed(CLOSED)
    states = []
    for _ in range(8):
        cluster.turn()
        managed = shown(periods)
        assert managed is not None
        states.append(managed.state)
    assert states == ["closing"] * 5 + ["closed"] * 3
    (one,) = periods.look().indices
    assert one.is_blocked


def test_is_a_failure_told_in_the_plugins_words(cluster: FakeCluster, periods: OpenSearchPeriods) -> None:
    cluster.rights.discard("settings")
    periods.put_under(NAME, CLOSED)
    for _ in range(6):
        cluster.turn()
    managed = shown(periods)
    assert managed is not None
    assert managed.failure == "no permissions for [settings]"


@pytest.mark.parametrize("offers", ["no", "domain"])
def test_is_a_cluster_without_the_plugin_known(cluster: FakeCluster, periods: OpenSearchPeriods, offers: str) -> None:
    cluster.offers = offers
    shelf = periods.look()
    assert not shelf.has_ism
    assert [(one.name, one.is_merged) for one in shelf.indices] == [(NAME, False)]


def test_is_an_index_that_may_not_be_managed_no_success(cluster: FakeCluster, periods: OpenSearchPeriods) -> None:
    cluster.unmanageable.add(NAME)
    with pytest.raises(ClosingError, match="Deploy again"):
        periods.put_under(NAME, CLOSED)


def test_is_an_index_passed_over_in_silence_no_success(cluster: FakeCluster, periods: OpenSearchPeriods) -> None:
    """ISM filters what the caller may not manage out of `add`, and answers 200."""
    cluster.before_answer = lambda what: cluster.unmanageable.add(NAME) if "remove" in what else None
    with pytest.raises(ClosingError, match="does not let the index owner manage"):
        periods.put_under(NAME, CLOSED)


def test_is_a_lost_reply_trouble_that_may_pass(cluster: FakeCluster, periods: OpenSearchPeriods) -> None:
    def lose(what: str) -> None:
        if "/add/" in what:
            raise ConnectionError(what)

    cluster.before_answer = lose
    with pytest.raises(TransientError):
        periods.put_under(NAME, DELETION)
    cluster.before_answer = lambda _: None
    assert shown(periods) == Managed(DELETION), "it happened: the next look shows it"
