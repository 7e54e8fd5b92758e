"""Does the deployed product say by CloudTrail's files who made each change, and which call left no entry?

The writes were made before the stack was deployed, and this file is read last: a change is judged a minute after it
was seen at the earliest, and so nobody waits for that. The function, its role and its state machine are the deployed
ones; what stands in for CloudTrail is in `deployed_trail`.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from tabletrail.core.attribution_windows import APPEARS_SECONDS, LEAST_SECONDS
from tabletrail_local.deploy import STACK_NAME
from tabletrail_local.info import StackInfo
from tests.end_to_end.deployed_trail import WitnessedTable, eventually, run_machine
from tests.ports.opensearch_server import Server

pytestmark = pytest.mark.stack

BEFORE = LEAST_SECONDS + 60
"""Seconds before the writes from which on they are judged: longer than the shortest window."""
SEEN_SECONDS = APPEARS_SECONDS + 10
"""A record may appear in its stream so much later than its time, and a little is added for clocks."""

Found = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(scope="module")
def outputs(deployed: StackInfo) -> dict[str, str]:
    [stack] = deployed.session().client("cloudformation").describe_stacks(StackName=STACK_NAME)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


@pytest.fixture(scope="module")
def found(deployed: StackInfo, witnessed: WitnessedTable, outputs: dict[str, str]) -> Found:
    """Of each item its last change's entry and what is said of it, and the rest of kind attribution."""
    server = Server(deployed)

    def run(machine: str) -> dict[str, Any]:
        return run_machine(deployed, outputs[machine])

    def begin() -> bool:
        run("AuditRunArn")
        result = run("AttributeChangesArn")
        assert not result["failures"], result
        return int(witnessed.row(outputs).get("attributed_until", {"N": "0"})["N"]) > 0

    eventually(begin, "the table is audited, and its stream attributed")
    eventually(lambda: time.time() > witnessed.ended + SEEN_SECONDS, "the time at which its changes may be judged")
    results: list[dict[str, Any]] = []

    def judged() -> bool:
        if not entries(server, witnessed):  # a run that was at work may have written the row meanwhile
            witnessed.read_again_from(outputs, witnessed.began - BEFORE)
        run("AuditRunArn")
        results.append(run("AttributeChangesArn"))
        assert not results[-1]["failures"], results[-1]
        run("IndexBacklogArn")
        server.ask("admin", "POST", "/tabletrail/_refresh")
        return len(entries(server, witnessed)) >= len(witnessed.truth)

    eventually(judged, "the writes are judged, and what is said of them is in the index")
    return entries(server, witnessed)


def entries(server: Server, table: WitnessedTable) -> Found:
    """(item, action) to entries of kind attribution, as a reader finds them."""
    query = {"bool": {"filter": [{"term": {"table.name": table.name}}, {"term": {"tabletrail.kind": "attribution"}}]}}
    reply = server.ask("reader", "POST", "/tabletrail/_search", {"size": 100, "query": query})
    assert reply.ok, reply.reason
    hits = [hit["_source"] for hit in reply.data["hits"]["hits"]]
    return {(one.get("item", {}).get("id", ""), what_of(one)): one for one in hits}


def what_of(document: dict[str, Any]) -> str:
    return str(document["tabletrail"].get("action", document["event"]["action"]))


def last(found: Found, item: str) -> dict[str, Any]:
    """What is said of the last change of an item."""
    actions = [what for what in ("remove", "modify", "insert") if (item, what) in found]
    return found[item, actions[0]]


def test_each_change_names_whom_iam_knows(found: Found, witnessed: WitnessedTable) -> None:
    for item, arn in witnessed.truth.items():
        document = last(found, item)
        if arn:
            assert document["event"]["action"] == "attributed", item
            assert document["principal"]["confidence"] == "likely", (item, document)
            assert document["principal"]["arn"] == arn, item
        else:
            assert document["event"]["action"] == "unattributed"
            assert "arn" not in document.get("principal", {})


def test_the_one_call_that_fits_is_told_with_where_it_came_from(found: Found, witnessed: WitnessedTable) -> None:
    told = last(found, "put")["principal"]
    [call] = [one for one in witnessed.events[:1] if one["requestParameters"]["key"] == {"id": "put"}]
    assert (told["address"], told["request_id"]) == ("192.0.2.10", call["requestID"])
    assert told["user_agent"].startswith("aws-cli/")
    assert told["call"] == call["eventID"]


def test_two_calls_of_one_principal_name_him_and_both_calls(found: Found) -> None:
    told = last(found, "updated")["principal"]
    assert len({one["call"] for one in told["candidates"]}) == 2
    assert "address" not in told


def test_session_and_single_sign_on_are_told(found: Found) -> None:
    by_role = last(found, "updated")["principal"]
    assert (by_role["name"], by_role["session"]) == ("orders-api", "i-0a1b2c3d")
    person = last(found, "transacted-1")["principal"]
    assert person["session"] == "carol@example.com"


def test_it_is_said_of_the_change_s_own_entry(deployed: StackInfo, found: Found) -> None:
    document = last(found, "put")
    body = {"query": {"ids": {"values": [document["tabletrail"]["about"]]}}}
    reply = Server(deployed).ask("reader", "POST", "/tabletrail/_search", body)
    [hit] = reply.data["hits"]["hits"]
    assert hit["_source"]["tabletrail"]["kind"] == "change"
    assert hit["_source"]["item"]["id"] == "put"
    assert hit["_source"]["@timestamp"] == document["@timestamp"]


def test_a_claim_against_iam_is_a_contradiction(found: Found) -> None:
    document = last(found, "forged")
    assert document["principal"]["claimed"] == "mallory"
    assert document["principal"]["arn"].endswith("/alice")
    assert document["tabletrail"]["contradiction"] is True
    assert document["event"]["severity"] >= 73


def test_a_call_without_an_entry_is_told_and_a_refused_one_is_not(found: Found) -> None:
    unrecorded = {item: one for (item, _), one in found.items() if one["event"]["action"] == "unrecorded"}
    assert set(unrecorded) == {"ghost"}
    assert unrecorded["ghost"]["principal"]["confidence"] == "possible"
    assert "user/eve" not in str(found)
