"""Does an alert keep apart what a writer claims and whom IAM verified, and is none of several the actor?"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import pytest
from jsonschema import Draft202012Validator

from tabletrail.core.alert import MOST_BYTES, AlertForm, alert_of
from tabletrail.core.alert_digest import digest_of, subject_of, text_of
from tests.core.alerted_entries import CLOSED, OPEN, ROOT, TOKEN, entry, told, valid

ENTRY_SCHEMA = json.loads((ROOT / "mappings/schema/audit_entry.v1.schema.json").read_text("utf-8"))
ABOUT = "cd" * 32
MALLORY: dict[str, Any] = {
    "account": "123456789012",
    "address": "203.0.113.7",
    "arn": "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Dev_0a/mallory",
    "at": "2027-01-15T08:00:00Z",
    "call": "5b1c2a8e-0d31-4a7d-9d8f-0c7d3f8f2f11",
    "claimed": "alice",
    "confidence": "likely",
    "id": "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Dev_0a/mallory",
    "name": "mallory",
    "request_id": "Q1" * 26,
    "role": "arn:aws:iam::123456789012:role/AWSReservedSSO_Dev_0a",
    "session": "mallory",
    "type": "AssumedRole",
    "user_agent": "aws-cli/2.15",
}
DEPLOY = "arn:aws:sts::123456789012:assumed-role/deploy/run-17"
CALLS = [{"arn": MALLORY["arn"], "name": "mallory", "call": "c1"}, {"arn": DEPLOY, "name": "deploy", "call": "c2"}]
SEVERAL = [{"id": "alice", "type": "user"}, {"id": "bob", "type": "user"}]

WIDE = "\U0001f600" * 1_040


def contradiction(principal: dict[str, Any] = MALLORY, **fields: Any) -> dict[str, Any]:
    """As a segment's line has it: alice is in the change's entry, IAM saw mallory."""
    made = entry("attribution", item={"id": "user#17", "key": {"id": "user#17"}}, principal=principal)
    made["event"] = {
        "action": "attributed",
        "category": ["database"],
        "dataset": "tabletrail.attribution",
        "hash": "0" * 64,
        "id": "ab" * 32,
        "kind": "event",
        "sequence_key": "9" * 40,
        "severity": 73,
        "type": ["info"],
    }
    made["message"] = "alice is claimed, IAM saw mallory on users user#17"
    made["stream"] = {"arn": "arn:stream"}
    made["table"] = {"arn": "arn:table", "id": "i", "name": "users"}
    made["tabletrail"] |= {"about": ABOUT, "contradiction": True, "rules_version": "none", "schema": 1}
    return made | fields


def test_it_is_an_entry_as_the_schema_has_them() -> None:
    Draft202012Validator(ENTRY_SCHEMA).validate(contradiction())


def test_the_principal_stands_beside_the_claim_and_is_no_actor() -> None:
    detail = valid(alert_of(contradiction(), OPEN))
    assert "actor" not in detail
    assert (detail["claimed"], detail["contradiction"], detail["kind"]) == ("alice", True, "attribution")
    assert detail["principal"] == {
        name: MALLORY[name]
        for name in ("address", "arn", "at", "call", "confidence", "id", "name", "request_id", "session", "type")
    }


def test_its_links_lead_to_both_entries() -> None:
    detail = valid(alert_of(contradiction(), OPEN))
    assert detail["about"] == ABOUT
    assert detail["link"].endswith(f"tabletrail-v1-2027.01?id={'ab' * 32}")
    link = unquote(detail["about_link"])
    assert f"query:'event.id : \"{ABOUT}\"'" in link
    assert "time:(from:'2027-01-15T08:00:00Z',to:'2027-01-15T08:00:00.999Z')" in link
    assert "about_link" not in valid(alert_of(contradiction(), AlertForm()))
    assert valid(alert_of(contradiction(), AlertForm()))["about"] == ABOUT


def test_the_words_say_both_and_which_is_which() -> None:
    alert = alert_of(contradiction(), OPEN)
    text = told(alert)
    assert "who  " not in text
    for line in (
        "claimed   alice (as the change's writer says)",
        f"IAM says  {MALLORY['arn']} (likely, session mallory, address 203.0.113.7, at 2027-01-15T08:00:00Z)",
        "what      attributed (attribution), severity high",
        f"look at   {alert.detail['link']}",
        f"change at {alert.detail['about_link']}",
        f"about     {ABOUT}",
    ):
        assert f"\n{line}\n" in text, line
    assert subject_of(digest_of([alert], OPEN)) == "tabletrail: claim against IAM in users"
    many = text_of(digest_of([alert] * 9, OPEN))
    assert f"principals:\n       9 {MALLORY['arn']}\nfindings:\n       9 claim against IAM\n" in many
    assert "actors:" not in many


@pytest.mark.parametrize("form", [OPEN, CLOSED], ids=["values", "none"])
def test_of_several_callers_none_is_said_to_be_it(form: AlertForm) -> None:
    principal = {"candidates": CALLS, "claimed": "alice", "confidence": "possible", "more": 3}
    alert = alert_of(contradiction(principal), form)
    assert valid(alert)["principal"] == {"candidates": CALLS, "confidence": "possible", "more": 3}
    assert f"IAM says  possible: one of {MALLORY['arn']}, {DEPLOY} and 3 calls more\n" in told(alert, form)
    assert "principals:\n       9 one of several\n" in text_of(digest_of([alert] * 9, form))


def test_calls_that_are_not_shown_are_counted() -> None:
    calls = [{"arn": f"arn:{number}", "call": f"c{number}"} for number in range(10)]
    principal = {"candidates": calls, "claimed": "alice", "confidence": "possible", "more": 3}
    shown = valid(alert_of(contradiction(principal), OPEN))["principal"]
    assert (shown["candidates"], shown["more"]) == (calls[:5], 8)
    assert "more" not in valid(alert_of(contradiction(MALLORY), OPEN))["principal"]


def test_several_calls_of_one_principal_are_his() -> None:
    """The person is told, which of his calls it was is not."""
    his = {name: MALLORY[name] for name in ("arn", "id", "name", "type", "confidence", "claimed")}
    detail = valid(alert_of(contradiction(his | {"candidates": [CALLS[0], CALLS[0]], "more": 2}), OPEN))
    assert detail["principal"] == {name: text for name, text in his.items() if name != "claimed"}
    assert f"IAM says  {MALLORY['arn']} (likely)\n" in told(alert_of(contradiction(his), OPEN))


def test_where_no_call_fits_nobody_is_verified() -> None:
    alone = alert_of(contradiction({"claimed": "alice"}), OPEN)
    assert valid(alone)["principal"] == {}
    assert "IAM says" not in told(alone)


@pytest.mark.parametrize("form", [OPEN, CLOSED], ids=["values", "none"])
def test_of_several_actors_none_is_the_actor(form: AlertForm) -> None:
    actor = {"candidates": SEVERAL, "source": "outbox", "confidence": "possible", "last_known": "carol"}
    alert = alert_of(entry(actor=actor), form)
    detail = valid(alert)
    if form.values:
        assert (detail["actor"], detail["candidates"], detail["last_known"]) == (None, SEVERAL, "carol")
        assert "who       unknown; possible: one of alice (user), bob (user)\n" in told(alert)
    else:
        assert not detail.keys() & {"actor", "candidates", "last_known"}
        assert "who       not shown\n" in told(alert, form)
    assert "alice" not in subject_of(digest_of([alert], form))
    counted = text_of(digest_of([alert] * 9, form))
    assert f"actors:\n       9 {'unknown' if form.values else 'not shown'}\n" in counted


def test_whom_a_row_names_is_certain_and_a_writers_word_all_the_same() -> None:
    rowed = entry(actor={"id": "alice", "type": "user", "source": "outbox", "confidence": "certain"})
    said = "who       alice (user; certain: a row that was written with the change says so)\n"
    assert said in told(alert_of(rowed, OPEN))
    assert "actor" not in valid(alert_of(rowed, CLOSED))


def test_without_values_a_claim_is_not_told_and_iam_is() -> None:
    alert = alert_of(contradiction(), CLOSED)
    detail = valid(alert)
    assert detail["message"] == "a change of an item of users: whom IAM verified may not claim to be whom it names"
    assert detail["principal"]["arn"] == MALLORY["arn"]
    for text in (alert.json(), told(alert, CLOSED), text_of(digest_of([alert] * 9, CLOSED))):
        assert "alice" not in text


def test_a_claim_that_is_hidden_is_its_token() -> None:
    hidden = contradiction(MALLORY | {"claimed": TOKEN}, message=f"{TOKEN} is claimed on users user#17")
    assert valid(alert_of(hidden, OPEN))["claimed"] == TOKEN
    assert f"claimed   {TOKEN} (" in told(alert_of(hidden, OPEN))


@pytest.mark.parametrize("is_one", [True, False])
def test_the_longest_is_bounded(is_one: bool) -> None:
    call = dict.fromkeys(("arn", "id", "name", "session", "address", "user_agent", "request_id", "call"), WIDE)
    principal = {"claimed": WIDE, "confidence": "possible", "more": 9}
    principal |= call if is_one else {"candidates": [call] * 10}
    place = {"item": {"id": WIDE}, "service": {"name": WIDE}}
    alert = alert_of(contradiction(principal, message=WIDE, **place), AlertForm(dashboards="https://" + "d" * 392))
    valid(alert)
    assert len(alert.json().encode()) <= MOST_BYTES
    assert len(told(alert).encode()) <= MOST_BYTES


def test_several_long_names_leave_room_for_a_change() -> None:
    several = [{"id": WIDE, "type": "user", "service": WIDE}] * 10
    actor = {"candidates": several, "source": "outbox", "confidence": "possible", "last_known": WIDE}
    paths = [f"{number}{WIDE}" for number in range(20)]
    values = dict.fromkeys(paths, WIDE)
    changes: dict[str, Any] = {"changed": paths, "changed_count": 20, "before": values, "after": values}
    place: dict[str, Any] = {
        "item": {"id": WIDE},
        "service": {"name": WIDE},
        "tags": [WIDE] * 20,
        "rule": {"name": [WIDE] * 20},
    }
    rowed = alert_of(entry(actor=actor, message=WIDE, **place, **changes), OPEN)
    assert len(rowed.json().encode()) <= MOST_BYTES
    assert valid(rowed)["changes"], "something is shown"
    assert rowed.detail["candidates"] == [{"id": WIDE[:100] + "…", "type": "user"}] * 10
