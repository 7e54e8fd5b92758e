"""Do searches and histories find by who did it exactly what they say, and keep claims and IAM's word apart?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tabletrail_local.info import StackInfo
from tests.end_to_end.attributed import ACCOUNT, MARK
from tests.end_to_end.cli_log import Log, a_log
from tests.end_to_end.cli_story import Document, Result, tabletrail
from tests.end_to_end.who_story import EVIL, MANY, fill

pytestmark = pytest.mark.stack

JOB = f"arn:aws:sts::{ACCOUNT}:assumed-role/billing/job-42"


@pytest.fixture(scope="module")
def log(stack: StackInfo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    with a_log(stack, tmp_path_factory.mktemp("named"), fill) as found:
        yield found


def search(log: Log, *words: str) -> Result:
    return tabletrail("search", *words, "--table", log.table, "--all", "--json")


def value(entry: Document, path: str) -> Any:
    found: Any = entry
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def has(path: str, *texts: Any) -> Callable[[Document], bool]:
    return lambda one: value(one, path) in texts


def candidate(group: str, name: str, text: str) -> Callable[[Document], bool]:
    return lambda one: any(each.get(name) == text for each in value(one, f"{group}.candidates") or ())


def is_change(condition: Callable[[Document], bool]) -> Callable[[Document], bool]:
    return lambda one: one["tabletrail"]["kind"] == "change" and condition(one)


CASES: list[tuple[list[str], Callable[[Document], bool]]] = [
    (["--actor", "bob"], has("actor.id", "bob")),
    (["--actor-source", "outbox"], has("actor.source", "outbox")),
    (["--actor-source", "ttl", "--actor-source", "attribute"], has("actor.source", "ttl", "attribute")),
    (["--actor-confidence", "possible"], has("actor.confidence", "possible")),
    (["--actor-confidence", "c*"], has("actor.confidence", "certain")),
    (["--not", "actor-confidence=likely"], lambda one: value(one, "actor.confidence") != "likely"),
    (["--actor-last-known", "dave"], has("actor.last_known", "dave")),
    (
        ["--not", "actor=*", "--action", "remove", "--kind", "change"],
        is_change(lambda one: one["event"]["action"] == "remove" and not value(one, "actor.id")),
    ),
    (["--candidate", "nina"], candidate("actor", "id", "nina")),
    (["--candidate", "dora"], candidate("principal", "name", "dora")),
    (["--candidate", "job-42"], candidate("principal", "session", "job-42")),
    (["--candidate", JOB], candidate("principal", "arn", JOB)),
    (["--principal", "billing"], has("principal.name", "billing")),
    (["--principal", "job-42"], has("principal.session", "job-42")),
    (["--principal", JOB], has("principal.arn", JOB)),
    (["--principal", "*/billing/*"], has("principal.name", "billing")),
    (["--principal", "gina", "--principal", "mallory"], has("principal.name", "gina", "mallory")),
    (
        ["--kind", "attribution", "--not", "principal=billing"],
        lambda one: one["tabletrail"]["kind"] == "attribution" and value(one, "principal.name") != "billing",
    ),
    (["--principal-confidence", "likely"], has("principal.confidence", "likely")),
    (["--claimed", "bob"], has("principal.claimed", "bob")),
    (["--principal", "billing", "--claimed", "bob"], has("principal.claimed", "bob")),
    (["--request", "req-1"], has("request.id", "req-1")),
    (["--request", "AWS-1"], has("principal.request_id", "AWS-1")),
    (
        ["--kind", "attribution", "--not", "request=AWS-1"],
        lambda one: one["tabletrail"]["kind"] == "attribution" and value(one, "principal.request_id") != "AWS-1",
    ),
    (["--reason", "new order"], has("reason", "new order")),
    (["--reason", "order"], has("reason", "new order")),
    (["--reason", "new*"], has("reason", "new order")),
    (["--reason", EVIL], has("reason", EVIL)),
    (["--mark", MARK], has("tabletrail.mark", MARK)),
    (
        ["--mark", "01a20c23*", "--action", "remove"],
        lambda one: value(one, "tabletrail.mark") == MARK and one["event"]["action"] == "remove",
    ),
    (["--contradiction"], has("tabletrail.contradiction", True)),
    (
        ["--kind", "attribution", "--not", "contradiction=true"],
        lambda one: one["tabletrail"]["kind"] == "attribution" and not value(one, "tabletrail.contradiction"),
    ),
    (["--action", "unrecorded"], has("event.action", "unrecorded")),
    (["--action", "attributed", "--action", "unattributed"], has("event.action", "attributed", "unattributed")),
]


@pytest.mark.parametrize(("words", "condition"), CASES, ids=[" ".join(words)[:60] for words, _ in CASES])
def test_given_a_filter_does_the_search_find_exactly_its_entries(
    log: Log, words: list[str], condition: Callable[[Document], bool]
) -> None:
    found = [one for one in log.documents if condition(one)]
    # A parked entry is not told beside its full form; alone it stands for it.
    expected = {one["event"]["id"] for one in found} - {value(one, "tabletrail.supersedes") for one in found}
    assert 0 < len(expected) < len(log.documents)
    result = search(log, *words)
    assert (result.code, result.err, result.ids) == (0, "", expected)


@pytest.mark.parametrize(
    "words",
    [
        ["--principal", "alice"],
        ["--principal", "bob"],
        ["--actor", "billing"],
        ["--actor", "nina"],
        ["--principal", "dora"],
        ["--principal", "billin"],
        ["--reason", "orde"],
        ["--claimed", "alice", "--principal", "billing"],
    ],
)
def test_is_one_never_found_as_the_other(log: Log, words: list[str]) -> None:
    """A claim is no principal, a principal no actor, a candidate neither, and a part of a name no name."""
    assert search(log, *words).code == 1


def test_do_facets_count_by_who_did_it(log: Log) -> None:
    names = (
        "actor-confidence,actor-source,actor-last-known,principal,principal-arn,candidate,request,reason,contradiction"
    )
    rows = [json.loads(line) for line in search(log, "--facets", names).out.splitlines()]
    counts = {(row["facet"], row["value"]): row["count"] for row in rows}
    assert list(dict.fromkeys(row["facet"] for row in rows)) == names.split(",")
    assert counts["actor-confidence", "possible"] == sum(map(has("actor.confidence", "possible"), log.documents))
    assert counts["actor-confidence", "likely"] > MANY
    assert counts["principal", "billing"] == counts["principal-arn", JOB] == 1
    assert counts["candidate", "nina"] == counts["reason", "new order"] == counts["contradiction", "true"] == 1
    assert counts["actor-last-known", "dave"] == counts["request", "req-1"] == 1


def test_does_a_history_show_what_iam_says_below_the_change(log: Log) -> None:
    lines = log.ask("history", "a").out.splitlines()
    at = lines.index("2021-05-01 12:20:00Z  modify  bob")
    assert lines[at + 1] == (
        "    IAM: role billing as job-42 (likely)  CONTRADICTION: the change claims bob, which this caller may not"
    )
    assert lines[at + 2] == "    status: new → paid"
    assert "    IAM: role billing as job-42, user dora or the callers of 4 more calls (possible)" in lines
    assert "    IAM: no call in CloudTrail fits this change" in log.ask("history", "b").out.splitlines()
    assert "user mallory called PutItem, and the log has no entry of it" in log.ask("history", "u").out


def test_does_a_history_tell_both_steps_of_a_marked_delete(log: Log) -> None:
    lines = log.ask("history", "re").out.splitlines()
    assert "2021-05-01 12:20:00Z  modify  judy (likely, mark)  step 1 of a marked delete" in lines
    assert "2021-05-01 12:21:00Z  remove  judy  step 2 of a marked delete" in lines
    assert "step" not in log.ask("history", "gone").out


def test_does_a_history_in_json_give_the_entries_as_they_are(log: Log) -> None:
    found = log.ask("history", "a", "--json").entries
    own = [one for one in log.documents if value(one, "item.id") == "a"]
    assert {one["event"]["id"]: one for one in found} == {one["event"]["id"]: one for one in own}
    assert len(found) == len(own)


def test_does_a_list_say_how_sure_it_is(log: Log) -> None:
    out = tabletrail("search", "--table", log.table, "--item", "cand", "--item", "b", "--item", "evil").out
    assert f"{log.table} cand was removed  nina or oscar (possible)" in out
    assert r'evil was created  "eve\x1b[31m (certain)\u202e\n, or \"bob\"" (likely, mark)' in out
    assert "MEDIUM user mallory called PutItem" in tabletrail("search", "--table", log.table, "--item", "u").out


@pytest.mark.parametrize("text", ["contradiction=yes", "contradiction=*", "nobody=x"])
def test_given_what_cannot_be_excluded_is_the_legal_form_shown(log: Log, text: str) -> None:
    result = search(log, "--not", text)
    assert result.code == 2
    assert "cannot be: contradiction is true" in result.err or "NAME one of table" in result.err
