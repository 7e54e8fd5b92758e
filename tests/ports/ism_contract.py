"""What is asked of index state management (ISM), of the fake and of a real cluster alike."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tabletrail.aws.opensearch_connect import Reply, ask
from tabletrail.aws.opensearch_periods import OpenSearchPeriods
from tabletrail.core.ism_policies import for_repository
from tabletrail.core.periods import PREFIX
from tabletrail.errors import ClosingError

ISM = "/_plugins/_ism"
FILES = sorted((Path(__file__).parents[2] / "mappings" / "ism").glob("*.json"))
NOT_MANAGED = "index.plugins.index_state_management.policy_id"


class IsmContract:
    """`client` and `index` (one of ours, which no policy manages) are the fixtures of whoever inherits this."""

    @pytest.fixture
    def policy_id(self, client: Any) -> Iterator[str]:
        """A policy of the test's own, as we install them."""
        name = f"tabletrail-test-{uuid.uuid4().hex[:8]}"
        document = json.loads(FILES[0].read_text())
        assert ask(client, "PUT", f"{ISM}/policies/{name}", {"policy": document["policy"]}).status in (200, 201)
        yield name
        ask(client, "DELETE", f"{ISM}/policies/{name}")

    @pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
    @pytest.mark.parametrize("repository", ["", "vault"])
    def test_does_it_take_each_of_our_policies(self, client: Any, path: Path, repository: str) -> None:
        document = for_repository(json.loads(path.read_text()), repository)
        name = f"tabletrail-test-{uuid.uuid4().hex[:8]}"
        made = ask(client, "PUT", f"{ISM}/policies/{name}", {"policy": document["policy"]})
        try:
            assert made.status in (200, 201), made.reason
            shown = ask(client, "GET", f"{ISM}/policies/{name}").data["policy"]
            assert [one["name"] for one in shown["states"]] == [one["name"] for one in document["policy"]["states"]]
            assert shown["states"][0]["actions"] == document["policy"]["states"][0]["actions"]
            assert shown["states"][0]["transitions"] == document["policy"]["states"][0]["transitions"]
        finally:
            ask(client, "DELETE", f"{ISM}/policies/{name}")

    def test_is_a_policy_changed_only_by_who_knows_its_number(self, client: Any, policy_id: str) -> None:
        path = f"{ISM}/policies/{policy_id}"
        found = ask(client, "GET", path).data
        body = {"policy": json.loads(FILES[0].read_text())["policy"]}
        assert ask(client, "PUT", path, body).status == 409
        stale = f"?if_seq_no={found['_seq_no'] + 7}&if_primary_term={found['_primary_term']}"
        assert ask(client, "PUT", path + stale, body).status == 409
        right = f"?if_seq_no={found['_seq_no']}&if_primary_term={found['_primary_term']}"
        assert ask(client, "PUT", path + right, body).status == 200
        assert ask(client, "PUT", path + right, body).status == 409

    def test_is_a_policy_added_once_shown_and_taken_off(self, client: Any, index: str, policy_id: str) -> None:
        assert _policy_of(client, index) is None
        added = ask(client, "POST", f"{ISM}/add/{index}", {"policy_id": policy_id})
        assert (added.status, added.data["updated_indices"], added.data["failures"]) == (200, 1, False)
        assert _policy_of(client, index) == policy_id
        again = ask(client, "POST", f"{ISM}/add/{index}", {"policy_id": policy_id})
        assert (again.status, again.data["updated_indices"], again.data["failures"]) == (200, 0, True)
        assert "already has a policy" in again.data["failed_indices"][0]["reason"]
        removed = ask(client, "POST", f"{ISM}/remove/{index}")
        assert (removed.status, removed.data["updated_indices"]) == (200, 1)
        assert _policy_of(client, index) is None
        nothing = ask(client, "POST", f"{ISM}/remove/{index}")
        assert (nothing.status, nothing.data["updated_indices"]) == (200, 0)
        assert "does not have a policy" in nothing.data["failed_indices"][0]["reason"]

    def test_is_an_unknown_policy_none(self, client: Any, index: str) -> None:
        reply = ask(client, "POST", f"{ISM}/add/{index}", {"policy_id": "tabletrail-not-there"})
        assert reply.status == 404
        assert "policy" in reply.reason
        with pytest.raises(ClosingError, match="Deploy again, to install the policies"):
            OpenSearchPeriods(client).put_under(index, "tabletrail-not-there")

    def test_does_the_adapter_change_one_policy_for_another(self, client: Any, index: str, policy_id: str) -> None:
        periods = OpenSearchPeriods(client)
        for _ in range(2):
            periods.put_under(index, policy_id)
            found = [one for one in periods.look().indices if one.index == index]
            assert [one.managed and one.managed.policy for one in found] == [policy_id]
        assert periods.look().has_ism


def _policy_of(client: Any, index: str) -> Any:
    reply: Reply = ask(client, "GET", f"{ISM}/explain/{index}")
    assert reply.ok, reply.reason
    return reply.data[index][NOT_MANAGED]


def unused_period() -> str:
    """Centuries ahead: nobody closes it."""
    return f"{PREFIX}{2300 + uuid.uuid4().int % 600}.{1 + uuid.uuid4().int % 12:02d}"
