"""Does `tabletrail who` name who last changed an item, or a path in it, and never with more certainty than there is?"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tabletrail_local.info import StackInfo
from tests.end_to_end.attributed import MARK
from tests.end_to_end.cli_log import Log, a_log
from tests.end_to_end.cli_story import Document
from tests.end_to_end.who_story import EVIL, MANY, fill, minutes

pytestmark = pytest.mark.stack


def said(log: Log, *words: str) -> tuple[int, list[str], str]:
    """As of a time before the gap, so that only its own doubts are told."""
    result = log.ask("who", *words, "--at", minutes(70).isoformat())
    return result.code, result.out.splitlines(), result.err


def facts(log: Log, *words: str, at: float = 70) -> Document:
    result = log.ask("who", *words, "--at", minutes(at).isoformat(), "--json")
    found: Document = json.loads(result.out)
    assert result.code == (0 if found["entry"] else 1)
    return found


@pytest.fixture(scope="module")
def log(stack: StackInfo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    with a_log(stack, tmp_path_factory.mktemp("named"), fill) as found:
        yield found


def name_of(found: Document) -> str:
    return str((found["actor"] or {}).get("id", ""))


@pytest.mark.parametrize(
    ("words", "at", "name", "sure"),
    [
        (["a"], 70, "carol", "possible"),
        (["a", "status"], 70, "bob", "certain"),
        (["a", "lines"], 70, "carol", "possible"),
        (["a", "lines[0]"], 70, "carol", "possible"),
        (["a", "lines[].qty"], 70, "carol", "possible"),
        (["a", "lin*"], 70, "carol", "possible"),
        (["a", "lines[0].qty"], 29, "alice", "likely"),
        (["a", "status"], 19.99, "alice", "likely"),
        (["a", "status"], 20, "bob", "certain"),
        (["b"], 70, "", "unknown"),
        (["gone"], 70, "dynamodb.amazonaws.com", "certain"),
        (["gone"], 39, "henry", "likely"),
        (["gone", "expires_at"], 39, "frank", "possible"),
        (["re"], 70, "kim", "likely"),
        (["re"], 29, "judy", "certain"),
        (["re", "status"], 70, "judy", "certain"),
        (["dead"], 70, "", "unknown"),
        (["dead", "note"], 70, "mona", "likely"),
        (["cand"], 70, "", "possible"),
        (["w/10"], 70, "walter", "likely"),
        (['{"sort": "10", "id": {"S": "w"}}', "sort"], 70, "walter", "likely"),
        (["p" * 600], 70, "sam", "likely"),
        (["parked"], 70, "sam", "likely"),
        (["m"], 70, f"writer-{MANY - 1}", "likely"),
        (["m", "first"], 70, "writer-0", "likely"),
        (["m", "n"], 40, "writer-2", "likely"),
    ],
)
def test_given_an_item_or_a_path_is_its_last_changer_named(
    log: Log, words: list[str], at: float, name: str, sure: str
) -> None:
    found = facts(log, *words, at=at)
    assert (name_of(found), found["sure"]) == (name, sure)


def test_given_a_row_of_the_outbox_and_a_contradiction_is_each_told_apart(log: Log) -> None:
    code, lines, err = said(log, "a", "status")
    assert (code, err) == (0, "")
    assert lines[:-1] == [
        f"status of {log.table} a was last changed at 2021-05-01 12:20:00Z",
        f"  status changed from new to paid on {log.table} a",
        "  who       bob",
        "  sure      certain: the write and a row of the outbox that names bob were one transaction",
        "  context   ticket: T-1",
        "  IAM       role billing as job-42 (likely)  CONTRADICTION: the change claims bob, which this caller may not",
        "            arn:aws:sts::123456789012:assumed-role/billing/job-42 at 2021-05-01 12:20:00Z",
        "              from 10.0.0.7, request AWS-1, CloudTrail event ct-1",
    ]
    found = facts(log, "a", "status")
    assert found["contradiction"] is True
    assert [one["principal"]["name"] for one in found["findings"]] == ["billing"]


def test_given_several_callers_are_all_named_and_none_is_it(log: Log) -> None:
    _, lines, _ = said(log, "a")
    assert "  IAM       role billing as job-42, user dora or the callers of 4 more calls (possible)" in lines
    assert "            and 4 more calls" in lines
    assert any(line.startswith("            what CloudTrail says of") for line in lines), "the finding's own sentence"
    assert facts(log, "a")["contradiction"] is False


def test_given_a_mark_is_what_its_writer_said_told(log: Log) -> None:
    result = log.ask("who", "a", "--at", minutes(15).isoformat())
    for line in ("  through   crm", "  request   req-1", "  reason    new order", f"  mark      {MARK}"):
        assert line in result.out.splitlines()
    assert "likely: the item holds a mark that alice made for this very write" in result.out
    assert "IAM       nothing on record" in result.out


def test_given_nobody_is_known_is_nobody_named(log: Log) -> None:
    code, lines, err = said(log, "b")
    assert (code, err) == (0, "")
    assert "  who       nobody knows" in lines
    assert (
        "  sure      nothing in this change tells who made it\n"
        "            last known: dave, whom the item names from an earlier change\n" in "\n".join(lines)
    )
    assert "  IAM       no call in CloudTrail fits this change" in lines


def test_given_candidates_is_the_answer_all_of_them(log: Log) -> None:
    _, lines, _ = said(log, "cand")
    assert "  who       nina or oscar" in lines
    assert "possible: several rows of the outbox could be this delete's" in "\n".join(lines)


def test_given_ttl_is_who_set_its_attribute_told_with_how_sure(log: Log) -> None:
    _, lines, _ = said(log, "gone")
    assert f"{log.table} gone was removed by TTL at 2021-05-01 12:40:00Z" in lines
    assert "  TTL       expires_at was last set at 2021-05-01 12:20:00Z by frank (possible, attribute)" in lines
    assert "            IAM: user gina (likely)" in lines
    ttl = facts(log, "gone")["ttl"]
    assert (ttl["attribute"], name_of(ttl["set_by"]), ttl["sure"]) == ("expires_at", "frank", "possible")


@pytest.mark.parametrize("key", ["lost", "twice"])
def test_given_ttl_and_no_change_that_set_it_in_this_life_is_nobody_blamed(log: Log, key: str) -> None:
    assert "  TTL       no change on record set expires_at of this item" in said(log, key)[1]
    assert facts(log, key)["ttl"]["set_by"] is None


def test_given_a_marked_delete_are_both_steps_told(log: Log) -> None:
    _, lines, _ = said(log, "re", "status")
    assert f"status of {log.table} re was last changed, as the item was removed, at 2021-05-01 12:21:00Z" in lines
    assert "  in steps  marked at 2021-05-01 12:20:00Z by judy (likely, mark), then removed" in lines
    assert lines[-1] == "  the item was created again later, without it: its last change is of 2021-05-01T12:30:00Z"
    assert said(log, "dead", "note")[1][-1] == "  the item itself was removed later, at 2021-05-01T12:30:00Z"
    assert facts(log, "a", "status")["later"] is None


def test_given_a_path_that_never_changed_is_it_said_since_when(log: Log) -> None:
    code, lines, _ = said(log, "b", "w")
    assert code == 1
    assert lines == [
        f"no change of w of {log.table} b is on record: not since 2021-05-01T12:00:00Z: the item changed, and this in "
        "it did not"
    ]
    assert (
        "it is in no change of this item since it was created at 2021-05-01T12:10:00Z" in said(log, "a", "note")[1][0]
    )
    assert "not since 2021-05-01T12:00:00Z, when its table's auditing began" in said(log, "nobody")[1][0]
    assert "nothing is known before 2021-05-01T12:00:00Z" in facts(log, "a", at=-10)["because"]
    assert "not since 2021-05-01T12:00:00Z" in facts(log, "a", at=5)["because"]


def test_given_a_parked_change_does_it_come_from_the_log(log: Log) -> None:
    _, lines, _ = said(log, "parked")
    assert lines[2] == "  who       sam"
    assert lines[-1].endswith("from there: the index refused it")
    assert "index refused" not in said(log, "p" * 600)[1][-1], "its full form made it into the index"
    assert "  who       carol" in said(log, "a")[1], "a parked finding is no change"
    as_of = log.ask("history", "a", "--at", minutes(70).isoformat())
    assert as_of.code == 0
    assert "as written at 2021-05-01T12:30:00Z" in as_of.out


def test_given_a_change_that_does_not_list_the_path_is_that_a_doubt(log: Log) -> None:
    _, lines, err = said(log, "t", "status")
    assert "  who       paul" in lines
    assert "not certain: 2021-05-01T12:20:00Z: a change lists 1 of its 1,500 paths" in err
    assert said(log, "t")[2] == ""
    [doubt] = facts(log, "parked", "other")["doubts"]
    assert "a change that the index refused may be of it: `tabletrail parked show " in doubt
    assert facts(log, "p" * 600, "other")["doubts"] == []


def test_given_a_write_that_only_cloudtrail_saw_is_that_a_doubt(log: Log) -> None:
    assert "not certain: 2021-05-01T12:35:00Z: user mallory called PutItem" in said(log, "u")[2]
    assert log.ask("who", "u", "--at", minutes(32).isoformat()).err == ""


def test_given_a_gap_since_the_change_is_the_answer_called_uncertain(log: Log) -> None:
    """The gap was seen at 90, and the last record before it is of 80: it hides nothing before that."""
    for words in ((), ("--at", minutes(85).isoformat())):
        assert "not certain: 2021-05-01T13:30:00Z: changes of" in log.ask("who", "a", *words).err


def test_given_a_segment_that_waits_is_the_answer_called_uncertain(log: Log) -> None:
    with log.waiting():
        assert "1 segments wait to be indexed" in said(log, "a")[2]


def test_given_no_right_to_the_tables_is_there_an_answer_that_says_so(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TABLETRAIL_SEGMENTS_TABLE")
    code, lines, err = said(log, "a")
    assert code == 0
    assert "  who       carol" in lines
    assert "not certain: whether newer changes wait to be read or indexed is not known: it is not known which" in err


def test_given_many_changes_does_each_come_once_from_the_newest_back(log: Log) -> None:
    until = ("--at", minutes(70).isoformat(), "--json")
    found = [json.loads(line) for line in log.ask("who", "m", "--all", *until).out.splitlines()]
    assert [name_of(one) for one in found] == [f"writer-{n}" for n in reversed(range(MANY))]
    last = [json.loads(line) for line in log.ask("who", "m", "n", "--last", "3", *until).out.splitlines()]
    assert [name_of(one) for one in last] == [f"writer-{MANY - n}" for n in (1, 2, 3)]


def test_given_several_changes_does_each_have_its_own_findings(log: Log) -> None:
    out = log.ask("who", "a", "--all", "--at", minutes(70).isoformat(), "--json").out
    found = [json.loads(line) for line in out.splitlines()]
    told = [(name_of(one), [each["principal"].get("claimed") for each in one["findings"]]) for one in found]
    assert told == [("carol", ["carol"]), ("bob", ["bob"]), ("alice", [])]


def test_given_names_that_hold_anything_is_each_line_one_line_and_no_claim(log: Log) -> None:
    result = log.ask("who", "evil", "--at", minutes(70).isoformat())
    assert not [one for one in result.out if (ord(one) < 32 and one != "\n") or one == "\u202e"]
    who = next(line for line in result.out.splitlines() if line.startswith("  who"))
    assert who == r'  who       "eve\x1b[31m (certain)\u202e\n, or \"bob\""'
    assert "  sure      likely: " in result.out
    found = facts(log, "evil")
    assert name_of(found) == EVIL
    history = log.ask("history", "evil")
    assert "\x1b" not in history.out
    assert r'"eve\x1b[31m (certain)\u202e\n, or \"bob\"" (likely, mark)' in history.out


def test_given_a_table_s_arn_is_the_answer_the_same(log: Log) -> None:
    arn = log.documents[0]["table"]["arn"]
    other = Log(log.stack, log.tables, log.bucket, arn)
    assert facts(other, "a", "status")["entry"] == facts(log, "a", "status")["entry"]


@pytest.mark.parametrize(
    ("words", "said"),
    [(["a", "--last", "0"], "--last must be 1 or more"), ([""], "KEY is empty"), (["a", " "], "needs a path")],
)
def test_given_what_cannot_be_asked_is_the_legal_form_shown(log: Log, words: list[str], said: str) -> None:
    result = log.ask("who", *words)
    assert result.code == 2
    assert said in result.err
