"""Do the words about who did it ever say more than the entry, and does a name ever say something itself?"""

from __future__ import annotations

import unicodedata
from datetime import UTC
from typing import Any

import pytest

from tabletrail_cli.attribution_text import callers, details, finding
from tabletrail_cli.entry_text import actor, list_line, named, one_of, timeline
from tabletrail_cli.item_story import Told
from tabletrail_cli.last_changes import LastChange, Setter
from tabletrail_cli.who_text import because, evidence, headline, how_sure, who
from tests.core.hostile import NAMES

Entry = dict[str, Any]
CONFIDENCES = ("certain", "likely", "possible")
ACTIONS = ("insert", "modify", "remove", "expire")
SOURCES = ("ttl", "stream", "outbox", "mark", "attribute", "a source of later")
SPOOFS = (
    "alice (certain)",
    "alice or bob",
    "alice, bob",
    'alice" (certain) "',
    "alice (certain, mark)\x1b[0m",
    "nobody knows",
    "IAM: alice",
    "certain: it was alice",
    "nobody and alice",
    " ",
    "",
)


def change(action: str = "modify", **more: Any) -> Entry:
    return {
        "@timestamp": "2021-05-01T12:00:00Z",
        "event": {"action": action, "id": "f" * 64, "severity": 0},
        "message": "status changed from new to paid on orders a",
        "tabletrail": {"kind": "change"},
        "log": {"segment": "s", "line": 1},
        **more,
    }


def by(name: str, source: str, confidence: str, action: str = "modify") -> Entry:
    return change(action, actor={"id": name, "type": "user", "source": source, "confidence": confidence})


def found(name: str = "billing", **more: Any) -> Entry:
    principal = {"id": f"arn:x/{name}", "name": name, "type": "AssumedRole", "session": name, "confidence": "likely"}
    return {
        "event": {"action": "attributed"},
        "message": "role billing as job-42 probably changed orders a",
        "tabletrail": {"kind": "attribution"},
        "principal": {**principal, **more},
    }


def words(parts: Any) -> str:
    return "".join(text for text, _ in parts)


def lines_of(entry: Entry, *findings: Entry) -> list[str]:
    told = Told(entry, list(findings))
    lines = [words(line) for line in evidence(LastChange(told, Setter("t", told)), UTC)]
    return [words(headline(LastChange(told), "orders a", "status", UTC)), *lines]


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_is_the_word_for_how_sure_it_is_the_entry_s_own(action: str, source: str, confidence: str) -> None:
    entry = by("alice", source, confidence, action)
    assert how_sure(entry) == confidence
    sure = next(line for line in lines_of(entry) if line.startswith("  sure"))
    assert sure.startswith(f"  sure      {confidence}: ")
    others = {*CONFIDENCES} - {confidence}
    assert not [word for word in others if word in because(entry)]
    if confidence != "certain" and source != "ttl":
        assert confidence in actor(entry)
        assert confidence in words(list_line(entry, UTC))
        assert confidence in words(next(timeline(entry, UTC)))


@pytest.mark.parametrize("source", ["outbox", "mark", "attribute"])
def test_where_something_could_look_the_same_is_it_said(source: str) -> None:
    unsure = {"outbox": "no mark ties the two", "mark": "would look the same", "attribute": "a copy carries it along"}
    confidence = "possible" if source == "attribute" else "likely"
    action = "remove" if source == "outbox" else "modify"
    assert unsure[source] in because(by("alice", source, confidence, action))


def test_is_a_mark_beside_a_row_not_forgotten() -> None:
    """A removal is joined with its row by its mark or by the time alone; a change by its mark."""
    marked, changed = by("alice", "outbox", "likely", "remove"), by("alice", "outbox", "likely")
    marked["tabletrail"]["mark"] = "0199"
    assert "may have been missed" in because(marked)
    assert "no mark ties" not in because(marked)
    assert "may have been missed" in because(changed)
    marked["actor"] = {"source": "outbox", "confidence": "possible", "candidates": [{"id": "a"}, {"id": "b"}]}
    assert "mark for a delete and a row of the outbox do not name the same" in because(marked)


def test_where_there_is_no_word_for_how_sure_it_is_no_name_stands_bare() -> None:
    entry = change(actor={"id": "alice", "source": "mark"})
    assert actor(entry) == "alice (nobody says how sure, mark)"
    assert how_sure(entry) == "unknown"


def test_is_an_unread_outbox_told() -> None:
    entry = by("alice", "mark", "likely")
    entry["tabletrail"]["outbox"] = "unread"
    assert "the outbox could not be read" in "\n".join(lines_of(entry))


def test_are_candidates_never_the_actor() -> None:
    entry = change(
        "remove", actor={"source": "outbox", "confidence": "possible", "candidates": [{"id": "a"}, {"id": "b"}]}
    )
    assert actor(entry) == "a or b (possible)"
    assert (who(Told(entry)), how_sure(entry)) == ("a or b", "possible")
    assert "nothing tells which" in because(entry)
    assert words(list_line(entry, UTC)).endswith("on orders a  a or b (possible)")
    entry["event"]["action"] = "modify"
    assert "do not name the same" in because(entry)


def test_where_only_iam_knows_is_the_caller_not_made_the_actor() -> None:
    told = Told(change(actor={"last_known": "bob"}), [found()])
    assert who(told) == "the change itself names nobody"
    assert "billing" not in because(told.entry)
    lines = lines_of(told.entry, found())
    assert "  who       the change itself names nobody" in lines
    assert "  IAM       role billing as billing (likely)" in lines
    assert who(Told(change(), [{"event": {"action": "unattributed"}}])) == "nobody knows"


@pytest.mark.parametrize("confidence", ["likely", "possible"])
def test_is_whom_iam_verified_said_with_how_sure_it_is(confidence: str) -> None:
    assert words(finding(found(confidence=confidence))).endswith(f"({confidence})")


def test_is_it_told_that_a_part_of_the_trail_could_not_be_read() -> None:
    nobody = {"event": {"action": "unattributed"}, "message": "no call; a part of the trail could not be read"}
    possible = found(confidence="possible") | {"message": nobody["message"]}
    for entry in (nobody, possible):
        assert any("a part of the trail could not be read" in line for line in lines_of(change(), entry))


def test_are_all_callers_of_a_possible_finding_named_once() -> None:
    calls = [{"id": f"arn:x/{name}", "name": name, "type": "IAMUser"} for name in ("ann", "ben", "ann")]
    entry = {"event": {"action": "attributed"}, "principal": {"confidence": "possible", "candidates": calls, "more": 2}}
    assert callers(entry) == "user ann, user ben or the callers of 2 more calls"
    assert len(list(details(entry, UTC))) == 4


def test_is_a_caller_without_an_identity_told_as_such() -> None:
    entry = {
        "event": {"action": "attributed"},
        "principal": {"confidence": "possible", "candidates": [{"id": "unknown:e"}]},
    }
    assert words(finding(entry)) == "IAM: a caller whom CloudTrail does not tell (possible)"


def test_is_a_role_s_session_no_person_unless_aws_says_so() -> None:
    sso = "arn:aws:sts::1:assumed-role/AWSReservedSSO_Admin_0a/ann"
    assert callers(found(arn=sso, name="ann", session="ann")) == "ann of IAM Identity Center"
    assert callers(found("ann")) == "role ann as ann"


def test_is_a_contradiction_marked() -> None:
    entry = found(claimed="alice (certain)")
    assert "CONTRADICTION" not in words(finding(entry))
    entry["tabletrail"]["contradiction"] = True
    assert words(finding(entry)).endswith(
        'CONTRADICTION: the change claims "alice (certain)", which this caller may not'
    )


@pytest.mark.parametrize("name", SPOOFS)
def test_does_a_name_that_says_something_stand_in_quotes(name: str) -> None:
    assert named(name).startswith('"')
    assert named(name).endswith('"')
    assert one_of([name, "carol"]) == f"{named(name)} or carol"
    assert actor(by(name, "mark", "likely")) == (f"{named(name)} (likely, mark)" if name else "unknown")


@pytest.mark.parametrize(
    "name", ["alice", "alice@example.com", "Ada Lovelace", "arn:aws:iam::1:user/a", "order-job_2", "{who}", "Anderson"]
)
def test_does_a_plain_name_stand_as_it_is(name: str) -> None:
    assert named(name) == name
    assert name in because(by(name, "mark", "likely"))


@pytest.mark.parametrize("name", [*NAMES, *SPOOFS, "\u202ealice", "x" * 5000])
def test_does_no_name_end_a_line_or_steer_a_terminal(name: str) -> None:
    finding_ = found(name, claimed=name, user_agent=name, address=name, request_id=name, call=name, at=name)
    finding_["tabletrail"]["contradiction"] = True
    entry = by(name, name, name)
    entry |= {
        "reason": name,
        "request": {"id": name},
        "context": {name: name},
        "rule": {"name": [name]},
        "message": name,
    }
    entry["actor"] |= {"service": name}
    entry["tabletrail"] |= {"mark": name}
    shown = [*lines_of(entry, finding_), words(list_line(entry, UTC))]
    shown += [words(line) for line in timeline(entry, UTC, "", [finding(finding_)])]
    for line in shown:
        assert len(line.splitlines()) <= 1
        assert not [one for one in line if unicodedata.category(one) == "Cc"]
        assert not [one for one in line if unicodedata.bidirectional(one) in ("RLO", "LRO", "RLE", "RLI")]
