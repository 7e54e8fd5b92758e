"""Does an entry of kind attribution say what CloudTrail says: no more, no surer, and nothing that is to be hidden?"""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import pytest

from tabletrail.core.attribution import attribution_entry, lowered, unrecorded_entry
from tabletrail.core.cloudtrail import Call
from tabletrail.core.document import Conversion
from tabletrail.core.entry import convert
from tabletrail.core.judgement import TableWindow, judge
from tabletrail.core.policy import compile_policy
from tabletrail.core.seen_changes import Seen, is_attributable, kinds_of, seen
from tabletrail.core.tokens import Tokens
from tabletrail.core.unrecorded import Missing
from tabletrail.core.witness import Candidate, Verdict, match
from tests.core.strategies import SOURCE
from tests.core.trail import NOON, SCOPE, call, event, put, role, stamp, update, user
from tests.fakes.rules import KEY
from tests.fakes.stream import make_record
from tests.validation import assert_valid_entry

TABLE = replace(SOURCE, table_name="orders", partition_key="id")
PLAIN = Conversion("month", "updatedBy")
HIDING = Conversion("month", "updatedBy", compile_policy({"sensitive": [{"table": "*", "path": "id"}]}), Tokens(KEY))


def change(key: dict[str, Any], number: int = 1, at: int = NOON, conversion: Conversion = PLAIN) -> Seen:
    """A change of an item, as a segment's line has it."""
    record = make_record(str(number), created=at, keys=key, old={**key, "n": {"N": "1"}}, new={**key, "n": {"N": "2"}})
    entry = convert(record, TABLE, conversion)
    document = json.loads(entry.document) | {"log": {"index": entry.index}}
    assert is_attributable(document)
    return seen(document, json.loads(entry.images))


def said(one: Seen, verdict: Verdict, **flags: bool) -> dict[str, Any]:
    entry = attribution_entry(one.document, verdict, **flags)
    document = assert_valid_entry(entry.document)
    assert (entry.id, entry.index, entry.severity) == (
        document["event"]["id"],
        one.document["log"]["index"],
        document["event"]["severity"],
    )
    return document


def not_recorded(found: Call, kinds: dict[str, str], conversion: Conversion = PLAIN) -> dict[str, Any]:
    entry = unrecorded_entry(Missing(found, found.writes[0], "a reason"), TABLE, conversion, kinds)
    return assert_valid_entry(entry.document)


def candidates(*names: str) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(call(put({"id": "1"}, userIdentity=user(name), eventID=f"call-{name}")), shows_key=True)
        for name in names
    )


@pytest.mark.parametrize(
    ("names", "more", "words"),
    [
        (("a",), 0, "user a may have changed orders 1: its call fits, but is not known to be the one"),
        (("a", "b"), 0, "user a or user b may have changed orders 1: 2 calls fit"),
        (("a", "b", "c"), 0, "user a, user b or user c may have changed orders 1: 3 calls fit"),
        (("a", "b", "c", "d"), 0, "user a, user b, user c or another may have changed orders 1: 4 calls fit"),
        (("a", "b", "c", "d", "e"), 0, "user a, user b, user c or 2 others may have changed orders 1: 5 calls fit"),
        (("a",), 30, "user a or somebody else may have changed orders 1: 31 calls fit"),
    ],
)
def test_is_nobody_named_for_sure_among_candidates(names: tuple[str, ...], more: int, words: str) -> None:
    one = change({"id": {"S": "1"}})
    document = said(one, Verdict(one.change.entry_id, "possible", None, candidates(*names), more))
    assert document["message"] == words
    assert [candidate["name"] for candidate in document["principal"]["candidates"]] == list(names)
    assert document["principal"].get("more", 0) == more


def test_is_no_verdict_sure_beside_what_cannot_be_read() -> None:
    one = change({"id": {"S": "1"}})
    [verdict] = match([one.change], [call(put({"id": "1"}))])
    assert verdict.confidence == "likely"
    document = said(one, lowered(verdict), is_whole=False)
    assert document["principal"]["confidence"] == "possible"
    assert "arn" not in document["principal"]
    assert "a part of the trail could not be read" in document["message"]
    nobody = Verdict(one.change.entry_id, "")
    assert lowered(nobody) == nobody


def test_is_a_caller_whom_cloudtrail_does_not_tell_called_so() -> None:
    one = change({"id": {"S": "1"}})
    unknown = Candidate(call(put({"id": "1"}, userIdentity="?")), shows_key=True)
    document = said(one, Verdict(one.change.entry_id, "possible", None, (unknown,)))
    assert document["message"].startswith("a caller whom CloudTrail does not tell may have changed")


@pytest.mark.parametrize("conversion", [PLAIN, HIDING], ids=["plain", "hiding"])
@pytest.mark.parametrize(
    ("kind", "written", "own"),
    [
        ("S", "1.50", "1.50"),
        ("N", "1.50", "1.5"),
        ("N", "1.5E2", "150"),
        ("N", "-0.0", "0"),
        ("N", "12345678901234567890123456789012345678", "12345678901234567890123456789012345678"),
        ("N", "1E-130", "0." + "0" * 129 + "1"),
    ],
)
def test_is_the_item_of_a_call_the_one_that_its_changes_have(
    conversion: Conversion, kind: str, written: str, own: str
) -> None:
    """So whoever asks for the item finds both, by name or by token."""
    found = call(put({"id": written}))
    document = not_recorded(found, {"id": kind}, conversion)
    assert document["item"] == change({"id": {kind: own}}, conversion=conversion).document["item"]
    assert conversion is PLAIN or written not in json.dumps(document["item"]) + document["message"]


def test_is_a_hidden_key_of_unknown_type_not_shown() -> None:
    document = not_recorded(call(put({"id": "planted-key"})), {}, HIDING)
    assert "item" not in document
    assert "planted-key" not in json.dumps(document)
    assert document["message"].startswith("user alice called PutItem for an item of orders from")


@pytest.mark.parametrize(
    ("record", "kinds"),
    [
        (put({"id": "1"}), {"id": "S", "range": "S"}),
        (put({"id": "1", "other": "x"}), {"id": "S"}),
        (put({"id": "AA=="}), {"id": "B"}),
        (event("ExecuteStatement", {"statement": "UPDATE orders SET a=1 WHERE id='1'"}), {}),
        (event("PutItem", {"tableName": "orders"}), {}),
        (put({"id": "half \ud800 a pair"}), {"id": "S"}),
    ],
    ids=["part of a key", "more than a key", "binary", "statement", "no key", "surrogate"],
)
def test_is_an_item_shown_only_where_it_is_known_whole(record: dict[str, Any], kinds: dict[str, str]) -> None:
    assert "item" not in not_recorded(call(record), kinds)


def test_are_the_writes_of_one_call_told_apart() -> None:
    items = [{"operation": "Put", "tableName": "orders", "key": {"id": str(number)}} for number in range(5)]
    found = call(event("TransactWriteItems", {"requestItems": items}))
    ids = {unrecorded_entry(Missing(found, one, ""), TABLE, PLAIN, {}).id for one in found.writes}
    assert len(ids) == 5


def test_is_a_key_compared_in_the_clear_and_shown_as_its_entry_shows_it() -> None:
    one = change({"id": {"S": "planted-key"}}, conversion=HIDING)
    assert one.change.key == (("id", "S", "planted-key"),)
    [verdict] = match([one.change], [call(update({"id": "planted-key"}))])
    document = said(one, verdict)
    assert document["principal"]["confidence"] == "likely"
    assert "planted-key" not in json.dumps(document)
    assert document["item"]["id"].startswith("token:")


def test_is_a_key_without_an_image_as_if_no_call_showed_it() -> None:
    """The stream's view type leaves images out: then no text of a key says of which type it is."""
    record = make_record("1", created=NOON, keys={"id": {"S": "1"}})
    entry = convert(record, TABLE, PLAIN)
    one = seen(json.loads(entry.document) | {"log": {"index": entry.index}}, json.loads(entry.images))
    assert kinds_of([one]) == {}
    [verdict] = match([one.change], [call(put({"id": "1"})), call(put({"id": "2"}, eventID="other"))])
    assert verdict.confidence == "possible"
    assert len(verdict.candidates) == 2


@pytest.mark.parametrize("name", ["a.b", "with space", " padded", 'q"uote', "x" * 255, "é.ü"])
def test_is_a_key_found_whose_name_is_written_otherwise(name: str) -> None:
    one = change({name: {"S": "1"}})
    assert one.change.key == ((name, "S", "1"),)
    [verdict] = match([one.change], [call(put({name: "1"}))])
    assert verdict.confidence == "likely"


def test_are_the_entries_the_same_in_whatever_order_all_comes() -> None:
    changes = [change({"id": {"S": str(number % 7)}}, number, NOON + number) for number in range(1, 40)]
    people = [user("alice"), user("bob"), role("batch", "night")]
    calls = [
        call(put({"id": str(n % 7)}, eventID=f"c{n}", eventTime=stamp(NOON + n), userIdentity=people[n % 3]))
        for n in range(1, 45)
    ]
    window = TableWindow({TABLE.stream_arn: (NOON + 5, NOON + 30)}, TABLE, PLAIN, {"none": PLAIN})
    assert SCOPE.tables >= {"orders"}

    def judged(order: int) -> list[bytes]:
        chance = random.Random(order)
        some, others = list(changes), [*calls, *calls]
        chance.shuffle(some)
        chance.shuffle(others)
        found = judge(window, some, others, is_trail_whole=True, is_log_whole=True)
        assert found.counts[TABLE.stream_arn]["attributed"] == 25
        return [entry.document for entry in found.entries[TABLE.stream_arn]]

    assert judged(1) == judged(2) == judged(3)


@pytest.mark.parametrize(
    ("action", "source", "confidence", "is_claim"),
    [
        ("REMOVE", "outbox", "likely", False),
        ("REMOVE", "mark", "likely", False),
        ("REMOVE", "outbox", "certain", True),
        ("REMOVE", "mark", "certain", True),
        ("MODIFY", "mark", "likely", True),
        ("MODIFY", "attribute", "possible", True),
    ],
)
def test_is_nobody_accused_of_a_name_that_another_left(
    action: str, source: str, confidence: str, is_claim: bool
) -> None:
    """Bob deletes an item plainly. Alice's row near it, or the mark of her delete that was given up, names her."""
    old, new = {"id": {"S": "1"}, "n": {"N": "1"}}, {"id": {"S": "1"}, "n": {"N": "2"}}
    images = {"old": old} if action == "REMOVE" else {"old": old, "new": new}
    entry = convert(make_record("1", event=action, created=NOON, keys={"id": {"S": "1"}}, **images), TABLE, PLAIN)
    document = json.loads(entry.document) | {"log": {"index": entry.index}}
    document["actor"] = {"id": "alice", "type": "user", "source": source, "confidence": confidence}
    name = "DeleteItem" if action == "REMOVE" else "UpdateItem"
    his = call(event(name, {"tableName": "orders", "key": {"id": "1"}}, userIdentity=user("bob")))
    window = TableWindow({TABLE.stream_arn: (NOON - 5, NOON + 5)}, TABLE, PLAIN, {"none": PLAIN})
    changed = seen(document, json.loads(entry.images))
    judged = judge(window, [changed], [his], is_trail_whole=True, is_log_whole=True)
    [found] = [json.loads(one.document) for one in judged.entries[TABLE.stream_arn]]
    assert (found["principal"]["name"], found["principal"]["claimed"]) == ("bob", "alice")
    assert found["tabletrail"].get("contradiction", False) is is_claim
    assert found["event"]["severity"] == (73 if is_claim else 0)
    assert judged.counts[TABLE.stream_arn]["contradictions"] == is_claim
    told = "its row of the outbox names alice, whom" if source == "outbox" else "the item names alice, whom"
    assert found["message"].partition("; ")[2].startswith(told if is_claim else "the change names alice")


def test_is_no_entry_missed_of_a_time_in_which_the_table_was_not_audited() -> None:
    calls = [
        call(put({"id": str(n)}, eventID=f"c{n}", eventTime=stamp(NOON + n), userIdentity=user("bob")))
        for n in range(10)
    ]
    spans = {TABLE.stream_arn: (NOON, NOON + 10)}

    def unrecorded(audited_since: int) -> int:
        window = TableWindow(spans, TABLE, PLAIN, {"none": PLAIN}, audited_since=audited_since)
        return judge(window, [], calls, is_trail_whole=True, is_log_whole=True).counts[TABLE.stream_arn]["unrecorded"]

    assert [unrecorded(since) for since in (0, NOON, NOON + 6, NOON + 20)] == [10, 10, 4, 0]
