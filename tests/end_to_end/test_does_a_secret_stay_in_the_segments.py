"""Values are declared sensitive, planted and changed: does any of them turn up outside the segments?

A real deployment with rules of its own, real tables and streams, functions, state machines, alerts and OpenSearch. The
search itself is tried on a value that nobody declared: it must be found.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tabletrail_local.alert_queue import AlertQueue
from tabletrail_local.deploy import deploy
from tabletrail_local.errors import DeployError
from tabletrail_local.info import StackInfo
from tabletrail_local.paths import DIRECTORY_VARIABLE, stack_paths
from tests.end_to_end import planted_secrets as planted
from tests.end_to_end.cli_story import tabletrail
from tests.end_to_end.conftest import DASHBOARDS
from tests.end_to_end.deployed_alerts import DeployedAlerts
from tests.end_to_end.other_rules import checkout_with
from tests.end_to_end.planted_secrets import Secrets, person
from tests.ports.alert_queue import Queue
from tests.ports.opensearch_server import Server

pytestmark = pytest.mark.stack

RULES = {"90-planted.json": {"rules": [planted.RULE], "sensitive": planted.SENSITIVE}}
BAD = {"90-planted.json": {"rules": [{**planted.RULE, "severity": "loud"}], "sensitive": planted.SENSITIVE}}
TOKEN = re.compile(r"token:[0-9a-f]{32}")


@dataclass
class Story:
    """What was written, and where to look."""

    alerts: DeployedAlerts
    people: str
    accounts: str
    template: Callable[[dict[str, Any]], Path]
    since: str
    secrets: Secrets = field(default_factory=Secrets)
    outputs: list[str] = field(default_factory=list)
    """Of the executions."""
    has_usual_rules: bool = False

    @property
    def stack(self) -> StackInfo:
        return self.alerts.stack

    @property
    def open_value(self) -> str:
        return f"open-{self.secrets.mark}"

    def entries(self, table: str) -> list[dict[str, Any]]:
        """Change entries as the index has them, the oldest first."""
        return self.search(
            {"bool": {"filter": [{"term": {"table.name": table}}, {"term": {"tabletrail.kind": "change"}}]}}
        )

    def search(self, query: dict[str, Any]) -> list[dict[str, Any]]:
        body = {"query": query, "size": 1000, "sort": ["@timestamp", "event.sequence_key"]}
        server = Server(self.stack)
        assert server.ask("admin", "POST", "/tabletrail/_refresh").ok
        reply = server.ask("admin", "POST", "/tabletrail/_search", body)
        return [hit["_source"] for hit in reply.data["hits"]["hits"]]

    def run(self, output: str) -> None:
        states = self.alerts.client("stepfunctions", inject_host_prefix=False, read_timeout=300)
        done = states.start_sync_execution(stateMachineArn=self.alerts.outputs()[output], input="{}")
        assert done["status"] == "SUCCEEDED", done
        self.outputs.append(json.dumps(done, default=str))

    def until(self, is_enough: Callable[[], Any]) -> None:
        """Runs of both state machines until `is_enough` has come of them."""
        end = time.monotonic() + 300
        while not is_enough():
            assert time.monotonic() < end, "not within 300 s"
            self.run("AuditRunArn")
            self.run("IndexBacklogArn")
            self.alerts.collect()


@pytest.fixture(scope="module")
def story(stack: StackInfo, mailbox: AlertQueue, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    events = Queue(stack)
    events.behind_bus("default", events.name, {"source": ["tabletrail"]})

    def template(rules: dict[str, Any]) -> Path:
        return checkout_with(tmp_path_factory.mktemp("checkout"), rules)

    since = (datetime.now(UTC) - timedelta(minutes=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    alerts = DeployedAlerts(stack, mailbox, events)
    deploy(stack, stack_paths(), parameters_of(alerts), template(RULES))
    story = Story(alerts, alerts.make_table("people"), make_accounts(alerts), template, since)
    write(story)
    story.until(lambda: len(story.entries(story.people)) == 4 and len(story.entries(story.accounts)) == 3)
    story.until(lambda: len(alerts.of(story.people)) >= 4)
    yield story
    events.leave_bus("default", events.name)
    for table in (story.people, story.accounts):
        alerts.client("dynamodb").delete_table(TableName=table)
    if not story.has_usual_rules:
        deploy(stack, stack_paths(), parameters_of(alerts))


def parameters_of(alerts: DeployedAlerts) -> dict[str, str]:
    """As of every end-to-end test."""
    return {"ScheduleState": "ENABLED", "DashboardsUrl": DASHBOARDS, **alerts.words.parameters}


def make_accounts(alerts: DeployedAlerts) -> str:
    """A table with a key of two parts, of which the second is sensitive."""
    name = f"accounts-{Secrets().mark[:8]}"
    alerts.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": one, "AttributeType": "S"} for one in ("bank", "iban")],
        KeySchema=[{"AttributeName": "bank", "KeyType": "HASH"}, {"AttributeName": "iban", "KeyType": "RANGE"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        Tags=[{"Key": "tabletrail", "Value": "on"}],
    )
    return name


def write(story: Story) -> None:
    """A person is created, changed and removed, another one has the same e-mail; an account does likewise."""
    secrets, client = story.secrets, story.alerts.client("dynamodb")
    key = secrets.text("key")
    client.put_item(TableName=story.people, Item=person(secrets, key, 1, story.open_value))
    client.put_item(TableName=story.people, Item=person(secrets, key, 2, story.open_value))
    client.delete_item(TableName=story.people, Key={"id": key})
    twin = {"id": secrets.text("twin"), "email": {"S": secrets.forms["email2"][0]}}
    client.put_item(TableName=story.people, Item=twin)
    account = {"bank": {"S": "bank/one"}, "iban": secrets.text("iban")}
    client.put_item(TableName=story.accounts, Item={**account, "holder": {"S": secrets.forms["email2"][0]}})
    client.put_item(TableName=story.accounts, Item={**account, "holder": secrets.number("holder")})
    client.delete_item(TableName=story.accounts, Key=account)


@pytest.fixture(scope="module")
def elsewhere(story: Story) -> dict[str, str]:
    """All that is looked through, by what it is."""
    outputs = story.alerts.outputs()
    tables = [outputs[f"{name}TableName"] for name in ("Streams", "Shards", "Segments", "Runs")]
    told = [json.dumps(detail) for detail in story.alerts.details]
    told += [json.dumps([one.subject, one.text, one.attributes]) for one in story.alerts.messages]
    found = {
        "documents": planted.documents(story.stack, story.since),
        "logs": planted.logs(story.stack, Path(os.environ[DIRECTORY_VARIABLE])),
        "executions": [*story.outputs, *planted.executions(story.stack)],
        "alerts": told,
        "rows": planted.rows(story.stack, tables),
        "rules": planted.objects(story.stack, outputs["SegmentsBucketName"], "rules/"),
    }
    return {what: "\n".join(texts) for what, texts in found.items()}


def test_does_no_secret_turn_up_anywhere_else(story: Story, elsewhere: dict[str, str]) -> None:
    found = {what: story.secrets.found_in(text) for what, text in elsewhere.items()}
    assert found == {what: set() for what in elsewhere}
    assert story.secrets.mark not in elsewhere["alerts"].replace(story.open_value, "")
    assert all(elsewhere.values()), "there was something to look through"


def test_is_what_nobody_declared_found_by_the_same_search(story: Story, elsewhere: dict[str, str]) -> None:
    assert {what for what, text in elsewhere.items() if story.open_value in text} == {"documents", "alerts"}
    assert story.people in elsewhere["rows"]


def test_do_the_segments_hold_each_value_whole(story: Story) -> None:
    bucket = story.alerts.outputs()["SegmentsBucketName"]
    text = "\n".join(planted.objects(story.stack, bucket, "segments/"))
    assert story.secrets.found_in(text) == set(story.secrets.forms)


def test_has_a_value_the_same_token_wherever_it_stands(story: Story) -> None:
    created, changed, removed, twin = story.entries(story.people)
    opened, moved, closed = story.entries(story.accounts)
    email = changed["after"]["email"]
    assert TOKEN.fullmatch(email)
    assert {removed["before"]["email"], twin["after"]["email"], opened["after"]["holder"]} == {email}
    assert changed["before"]["email"] == created["after"]["email"] != email
    assert created["item"]["id"] == changed["item"]["id"] == removed["item"]["id"] != twin["item"]["id"]
    assert opened["item"]["id"] == moved["item"]["id"] == closed["item"]["id"]
    assert re.fullmatch(r"bank\\/one/token:[0-9a-f]{32}", opened["item"]["id"])
    assert email in changed["message"] + twin["message"] + str(changed["after"])
    assert all("planted-change" in entry["rule"]["name"] for entry in (created, changed, removed, twin))
    assert created["after"]["colour"] == story.open_value


def test_does_the_command_find_them_by_value_and_by_token(story: Story) -> None:
    key, email = story.secrets.forms["key"][0], story.secrets.forms["email2"][0]
    (token,) = tabletrail("token", email, "--local").out.splitlines()
    by_value = tabletrail("search", "--local", "--json", "--after", f"email={email}", "--table", story.people)
    by_token = tabletrail("search", "--local", "--json", "--after", f"email={token}", "--table", story.people)
    assert len(by_value.ids) == 2
    assert by_value.ids == by_token.ids
    found = tabletrail("history", story.people, key, "--local", "--json")
    assert [entry["event"]["action"] for entry in found.entries] == ["insert", "modify", "remove"]
    assert tabletrail("search", "--local", "--json", "--item", key, "--table", story.people).ids == found.ids
    typed = json.dumps({"iban": story.secrets.forms["iban"][0], "bank": "bank/one"})
    for account in (typed, f"bank\\/one/{story.secrets.forms['iban'][0]}"):
        history = tabletrail("history", story.accounts, account, "--local", "--json")
        assert [entry["event"]["action"] for entry in history.entries] == ["insert", "modify", "remove"]


def test_is_the_item_of_a_hidden_key_shown_as_it_was(story: Story) -> None:
    """Whole, from the log: who may read that sees what the index hides."""
    *_, removed, twin = story.entries(story.people)[:4]
    for what, entry, state in (("key", removed, "absent"), ("twin", twin, "existed")):
        words = (story.people, story.secrets.forms[what][0], "--local", "--json", "--at", entry["@timestamp"])
        answer = json.loads(tabletrail("history", *words).out)
        assert answer["state"] == state
    assert answer["item"]["email"] == {"S": story.secrets.forms["email2"][0]}
    never = tabletrail(
        "history", story.people, story.secrets.forms["twin"][0], "--local", "--json", "--at", "2000-01-01"
    )
    assert json.loads(never.out)["state"] == "unknown"


def test_do_tried_rules_see_whole_values_where_the_index_has_tokens(story: Story, tmp_path: Path) -> None:
    condition = {"table": "people-*", "path": "email", "after": {"in": story.secrets.forms["email2"]}}
    rule = {**planted.RULE, "name": "that-mail", "when": condition}
    (tmp_path / "rules.json").write_text(json.dumps({"rules": [rule]}))
    for way in ("log", "index"):
        words = ("--local", "--json", "--table", story.people, "--since", story.since, "--against", way)
        lines = tabletrail("rules", "try", str(tmp_path / "rules.json"), *words).entries
        found, *examples, result = lines
        assert (found["rule"], found["entries"], found["alerts"]) == ("that-mail", 2, 2)
        assert {one["entry"]["event"]["action"] for one in examples} == {"modify", "insert"}
        assert (result["changes"], result["marked"], result["damaged"]) == (4, 2, 0)


def test_are_the_rules_in_force_shown(story: Story) -> None:
    (told,) = tabletrail("rules", "show", "--local", "--json").entries
    assert "planted-change" in [rule["name"] for rule in told["rules"]]
    assert {"table": story.people, "version": told["version"]} in told["tables"]


def test_does_verify_find_such_a_log_whole(story: Story) -> None:
    told = tabletrail("verify", "--local", "--json", "--table", story.people)
    *findings, result = told.entries
    assert [one for one in findings if one["kind"] == "finding"] == []
    assert result["entries"] >= 4
    assert not any("token" in note for note in result["notes"]), "their key was read, and each was compared"


def test_does_a_deployment_with_bad_rules_fail_with_the_reason_and_change_nothing(story: Story) -> None:
    runs = story.alerts.outputs()["RunsTableName"]
    note = {"TableName": runs, "Key": {"name": {"S": "note#rules"}}}
    client = story.alerts.client("dynamodb")
    before = client.get_item(**note)["Item"]["facts"]["M"]["version"]
    with pytest.raises(DeployError) as raised:
        deploy(story.stack, stack_paths(), parameters_of(story.alerts), story.template(BAD))
    assert re.search(r"90-planted\.json, line \d+, rule planted-change, severity: ", str(raised.value))
    assert "those before stay in force" in str(raised.value)
    assert client.get_item(**note)["Item"]["facts"]["M"]["version"] == before
    item = {"id": {"S": "another"}, "email": story.secrets.text("late")}
    client.put_item(TableName=story.people, Item=item)
    story.until(lambda: len(story.entries(story.people)) == 5)
    assert story.entries(story.people)[-1]["tabletrail"]["rules_version"] == before["S"]
    assert story.secrets.found_in("\n".join(planted.documents(story.stack, story.since))) == set()


def test_is_a_change_of_rules_an_entry_and_in_force_from_then_on(story: Story) -> None:
    """The usual rules again: nothing is declared sensitive by them."""
    before = story.entries(story.people)[-1]["tabletrail"]["rules_version"]
    deploy(story.stack, stack_paths(), parameters_of(story.alerts))
    story.has_usual_rules = True
    changed = {
        "bool": {"filter": [{"term": {"table.name": story.people}}, {"term": {"event.action": "rules_changed"}}]}
    }
    story.until(lambda: story.search(changed))
    (entry,) = story.search(changed)
    after = entry["tabletrail"]["rules_version"]
    assert entry["tabletrail"]["coverage"]["detail"] == f"{before[:12]} -> {after[:12]}"
    assert "is audited under other rules from the next read on" in entry["message"]
    known = len(story.entries(story.people))
    item = {"id": {"S": "in-the-open"}, "email": {"S": "anybody@example.com"}}
    story.alerts.client("dynamodb").put_item(TableName=story.people, Item=item)
    story.until(lambda: len(story.entries(story.people)) > known)
    last = story.entries(story.people)[-1]
    assert (last["item"]["id"], last["after"]["email"]) == ("in-the-open", "anybody@example.com")
    assert last["tabletrail"]["rules_version"] == after
