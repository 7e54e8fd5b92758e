"""Does an alert say who, what, where, before and after, within its bounds, and no value where none may be shown?"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from tabletrail.core.alert import MOST_BYTES, MOST_CHANGES, Alert, AlertForm, alert_of
from tabletrail.core.alert_digest import Digest, digest_of, subject_of, text_of
from tabletrail.core.links import COLUMNS, DATA_VIEW, DATA_VIEW_TITLE, document_link
from tests.core.alerted_entries import ALICE, CLOSED, DASHBOARDS, OPEN, ROOT, TOKEN, entry, told, valid


def test_who_what_where_before_and_after() -> None:
    detail = valid(alert_of(entry(), OPEN))
    assert detail["actor"] == ALICE
    assert detail["changes"] == [
        {"path": "email", "after": TOKEN},
        {"path": "role", "before": "viewer", "after": "admin"},
    ]
    assert (detail["rules"], detail["tags"], detail["service"]) == (["role-granted"], ["iam"], "crm")
    assert (detail["severity"], detail["severity_name"], detail["more_changes"]) == (73, "high", 0)


def test_the_words_begin_with_one_sentence_and_say_each_of_these() -> None:
    alert = alert_of(entry(), OPEN)
    first, blank, *rest = told(alert).splitlines()
    assert (first, blank) == ("alice changed role from viewer to admin on users user#17", "")
    assert rest[:9] == [
        "who       alice (user; possible: the item's own attribute says so)",
        "what      modify (change), severity high",
        "where     table users, item user#17, service crm, account 123456789012, eu-central-1",
        "when      2027-01-15T08:00:00Z",
        f"changed   email: (not there) -> {TOKEN}",
        "          role: viewer -> admin",
        "why       role-granted",
        "tags      iam",
        f"look at   {alert.detail['link']}",
    ]
    assert alert.id in told(alert)
    assert subject_of(digest_of([alert], OPEN)) == "tabletrail: role-granted in users"


def test_an_actor_whom_nobody_knows_is_said_to_be_unknown() -> None:
    nobody = alert_of(entry(actor={"last_known": "bob"}), OPEN)
    assert valid(nobody)["actor"] is None
    assert "who       unknown; the item names bob as an earlier writer" in told(nobody)
    no_field = entry()
    del no_field["actor"]
    assert valid(alert_of(no_field, OPEN))["actor"] is None
    assert "who       unknown\n" in told(alert_of(no_field, OPEN))


def test_what_is_no_change_has_no_actor_and_no_changes() -> None:
    alert = alert_of(entry("gap", message="changes of users may be missing"), OPEN)
    assert valid(alert)["changes"] == []
    assert "who " not in told(alert)
    assert subject_of(digest_of([alert], OPEN)) == "tabletrail: gap in users"


def test_without_values_there_is_none_of_them() -> None:
    alert = alert_of(entry(), CLOSED)
    assert valid(alert)["values"] is False
    assert alert.detail["message"] == "modify of an item of users: email, role"
    digest = digest_of([alert] * 9, CLOSED)
    for text in (alert.json(), told(alert, CLOSED), text_of(digest), subject_of(digest)):
        assert not [value for value in ("viewer", "admin", "alice", "token:") if value in text], text
    assert "who       not shown" in told(alert, CLOSED)
    assert "changed   email\n          role\n" in told(alert, CLOSED)


def test_whom_dynamodb_itself_names_is_no_value_of_the_item() -> None:
    ttl = {"id": "dynamodb.amazonaws.com", "type": "system", "source": "ttl", "confidence": "certain"}
    assert valid(alert_of(entry(actor=ttl), CLOSED))["actor"] == ttl
    assert "last_known" not in valid(alert_of(entry(actor={"last_known": "bob"}), CLOSED))


def test_whom_a_mark_names_is_a_value_of_the_item() -> None:
    marked = entry(actor=ALICE | {"source": "mark", "confidence": "likely"})
    assert "actor" not in valid(alert_of(marked, CLOSED))
    assert valid(alert_of(marked, OPEN))["actor"]["id"] == "alice"
    assert "who       alice (user; likely: the mark of this write says so)" in told(alert_of(marked, OPEN))


def test_many_and_long_changes_are_cut_and_counted() -> None:
    paths = [f"attribute{number:03}" for number in range(100)]
    many = entry(changed=paths, changed_count=1234, before={}, after=dict.fromkeys(paths, "x" * 1000))
    detail = valid(alert_of(many, OPEN))
    assert len(detail["changes"]) == MOST_CHANGES
    assert detail["more_changes"] == 1234 - MOST_CHANGES
    assert f"and {1234 - MOST_CHANGES} more" in told(alert_of(many, OPEN))
    assert all(len(change["after"]) <= 301 for change in detail["changes"])


def worst() -> dict[str, Any]:
    """Everything as long as it can be, in characters of four bytes."""
    wide = "\U0001f600" * 5_000
    paths = [f"{number}{wide}" for number in range(20)]
    values = dict.fromkeys(paths, wide)
    return entry(
        message=wide,
        item={"id": wide},
        table={"arn": "a" * 1000, "name": "n" * 255},
        actor=ALICE | {"id": wide, "last_known": wide},
        service={"name": wide},
        rule={"name": [wide] * 99},
        tags=[wide] * 99,
        changed=paths,
        changed_count=20,
        before=values,
        after=values,
    )


def test_the_longest_alert_is_bounded_and_so_are_many() -> None:
    alert = alert_of(worst(), AlertForm(dashboards="https://" + "d" * 392))
    assert len(alert.json().encode()) <= MOST_BYTES
    assert valid(alert)["changes"], "something is shown"
    assert alert.detail["more_changes"] + len(alert.detail["changes"]) == 20
    many = Digest(OPEN)
    for number in range(10_000):
        many.add(Alert(f"{number:064x}", alert.detail | {"table": {"arn": "a", "name": f"table{number}"}}))
    assert len(text_of(many).encode()) < 60_000
    assert len(many.few) <= 5, "a digest does not hold them all"
    for digest in (many, digest_of([alert], OPEN)):
        assert len(subject_of(digest)) < 100
        assert subject_of(digest).isascii()
        assert subject_of(digest).isprintable()


def test_a_name_that_would_break_a_message_does_not() -> None:
    odd = alert_of(entry(message="alice\nSubject: x\ufffe\uffff wrote", item={"id": "a\u2028b"}), OPEN)
    text = told(odd)
    assert text.splitlines()[0] == "alice Subject: x\ufffd\ufffd wrote"
    assert "item a b" in text
    text.encode()


def test_many_are_counted_by_rule_table_actor_and_severity() -> None:
    entries = [entry(actor=ALICE | {"id": f"user{number % 3}"}) for number in range(30)]
    entries += [
        entry("gap", event={"action": "gap", "id": "cd" * 32, "severity": 99}, table={"arn": "a", "name": "t2"})
    ]
    entries[4]["@timestamp"] = "2027-01-15T09:00:00Z"
    digest = digest_of([alert_of(one, OPEN) for one in entries], OPEN)
    text = text_of(digest)
    assert text.splitlines()[0] == "31 entries are due an alert, of severity critical at most."
    assert "when      2027-01-15T08:00:00Z to 2027-01-15T09:00:00Z" in text
    for line in ("    30 high", "     1 critical", "    30 role-granted", "    30 users", "    10 user1", "     1 gap"):
        assert f"\n  {line}\n" in text, line
    assert subject_of(digest) == "tabletrail: 31 alerts, role-granted in users and elsewhere"


def test_a_link_leads_to_the_one_document() -> None:
    link = valid(alert_of(entry(), OPEN))["link"]
    assert link == f"{DASHBOARDS}/app/discover#/doc/tabletrail/tabletrail-v1-2027.01?id={'ab' * 32}"
    assert document_link("https://x/", "a/b?c#d", "e f&g") == (
        "https://x/app/discover#/doc/tabletrail/a%2Fb%3Fc%23d?id=e%20f%26g"
    )
    assert "link" not in alert_of(entry(), AlertForm()).detail
    assert "look at" not in told(alert_of(entry(), AlertForm()))


def test_a_link_leads_to_all_of_many() -> None:
    link = digest_of([alert_of(entry(), OPEN)] * 9, OPEN).link
    assert f"look at   {link}\n" in text_of(digest_of([alert_of(entry(), OPEN)] * 9, OPEN))
    assert not set(link) & set(" '\"()<>!"), "nothing in it ends a link in a mail"
    parts = urlsplit(link)
    assert parts.path == "/_dashboards/app/data-explorer/discover"
    state = parse_qs(unquote(parts.fragment).removeprefix("/?"))
    assert state["_g"] == ["(filters:!(),time:(from:'2027-01-15T08:00:00Z',to:'2027-01-15T08:00:00.999Z'))"]
    assert "query:'event.severity >= 73 and table.name : \"users\"'" in state["_q"][0]
    assert "metadata:(indexPattern:'tabletrail',view:discover)" in state["_a"][0]
    assert digest_of([alert_of(entry(), AlertForm())] * 9, AlertForm()).link == ""


@pytest.mark.parametrize("form", [OPEN, CLOSED], ids=["values", "none"])
def test_the_same_entry_says_the_same_to_the_byte(form: AlertForm) -> None:
    assert alert_of(entry(), form).json() == alert_of(entry(), form).json()


def test_the_links_lead_to_the_data_view_that_is_installed() -> None:
    views = json.loads((ROOT / "mappings/dashboards/sources/data-views.json").read_text("utf-8"))
    assert {view["id"]: view["index"] for view in views}[DATA_VIEW] == DATA_VIEW_TITLE
    fields = json.loads((ROOT / "mappings/index_template.v1.json").read_text("utf-8"))["template"]["mappings"]
    for column in COLUMNS:
        place = fields
        for name in column.split("."):
            place = place["properties"][name]
        assert "type" in place, column
