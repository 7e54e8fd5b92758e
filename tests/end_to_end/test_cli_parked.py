"""Is what the index refused found, shown whole and checked, and stored once when it is offered again?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tabletrail.core.entry import reduced_entry
from tabletrail.core.identity import retry_id
from tabletrail_cli.parked_retry import writer_of
from tabletrail_cli.place import local_place
from tabletrail_local.info import StackInfo
from tests.end_to_end.cli_story import Result, tabletrail
from tests.end_to_end.parked_log import LARGE_KEY, LOW, RIGHT, ParkedLog, a_place, parked
from tests.ports.opensearch_server import GOOD, bulk
from tests.validation import assert_valid_entry

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def place(stack: StackInfo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ParkedLog]:
    with a_place(stack, tmp_path_factory.mktemp("parked")) as found:
        yield found


@pytest.fixture(scope="module")
def shared(place: ParkedLog) -> Iterator[ParkedLog]:
    """For tests that leave it as it is."""
    with parked(place) as found:
        yield found


@pytest.fixture
def own(place: ParkedLog) -> Iterator[ParkedLog]:
    with parked(place) as found:
        yield found


def listed(log: ParkedLog, *words: str) -> Result:
    return tabletrail("parked", "list", "--table", log.table, *words)


def rows(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.out.splitlines()]


def item_of(log: ParkedLog, row: dict[str, Any]) -> str:
    return next(key for key in log.documents if log.id_of(key) == row["id"])


def test_are_parked_entries_listed_the_newest_first_with_all_that_tells_them_apart(shared: ParkedLog) -> None:
    result = listed(shared, "--json")
    assert (result.code, result.err) == (0, "")
    assert [item_of(shared, row) for row in rows(result)] == [LARGE_KEY, "many#1"]
    [_, many] = rows(result)
    assert many == {
        "id": shared.id_of("many#1"),
        "time": "2035-05-01T12:01:00Z",
        "table": shared.table,
        "item": "many#1",
        "state": "parked",
        "kind": "change",
        "reason": many["reason"],
        "index": shared.index,
        "segment": shared.documents["many#1"]["log"]["segment"],
        "line": 2,
        "retried": False,
        "retried_as": None,
    }
    assert many["reason"].endswith("_exception")


def test_is_the_list_for_people_one_line_each_without_control_characters(shared: ParkedLog) -> None:
    head, large, many = listed(shared, "--zone", "Europe/Berlin").out.splitlines()
    assert head.split() == ["id", "time", "table", "item", "kind", "reason", "segment:line", "retried"]
    assert many.startswith(shared.id_of("many#1")[:12] + "  2035-05-01 14:01:00 +02:00  ")
    assert many.endswith(f"{shared.documents['many#1']['log']['segment']}:2  no")
    assert "evil\\x1b[2J\\u202e#1" in large


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--since", "2035-05-01T12:03:00Z"], [LARGE_KEY]),
        (["--until", "2035-05-01T12:03:00Z"], ["many#1"]),
        (["--since", "2035-05-02"], []),
        (["--reason", "*_exception"], [LARGE_KEY, "many#1"]),
        (["--reason", "request_entity_too_large"], []),
        (["--unreadable"], [LARGE_KEY, "odd#1", "many#1"]),
        (["--unreadable", "--reason", "an attribute*"], ["odd#1"]),
        (["--limit", "1"], [LARGE_KEY]),
        (["--table", "orders"], [LARGE_KEY, "many#1"]),
    ],
)
def test_are_filters_obeyed(shared: ParkedLog, words: list[str], found: list[str]) -> None:
    result = listed(shared, *words, "--json")
    assert [item_of(shared, row) for row in rows(result)] == found
    assert result.code == (0 if found else 1)
    if "--limit" in words:
        assert result.err == "1 of 2 entries; --all lists them all, --limit N more of them\n"


def test_is_the_full_entry_shown_as_the_log_has_it(shared: ParkedLog) -> None:
    for key in ("many#1", LARGE_KEY):
        result = tabletrail("parked", "show", shared.id_of(key), "--images", "--json")
        assert (result.code, result.err) == (0, "")
        shown = json.loads(result.out)
        assert shown["entry"] == shared.documents[key]
        assert_valid_entry(shown["entry"])
        data = shared.records[key]["dynamodb"]
        assert shown["images"] == {"form": "plain", "new": data["NewImage"], "old": data.get("OldImage")}
        assert shared.row is not None
        assert (shown["key"], shown["version_id"], shown["sha256"]) == (
            shared.row.key,
            shared.row.version_id,
            shared.row.sha256,
        )


def test_is_it_shown_to_people_with_why_and_images_only_on_request(shared: ParkedLog) -> None:
    result = tabletrail("parked", "show", shared.id_of("many#1")[:10])
    assert result.code == 0
    assert f"parked: 2035-05-01 12:01:00Z  {shared.table} many#1" in result.out
    assert "the object is the committed one" in result.out
    assert "--images shows the item whole" in result.out
    with_images = tabletrail("parked", "show", shared.id_of("many#1"), "--images").out
    assert "images (plain):" in with_images
    assert with_images.count("lost and found") > result.out.count("lost and found")
    large = tabletrail("parked", "show", shared.id_of(LARGE_KEY), "--images").out
    assert "\x1b" not in large
    assert "\u202e" not in large


def test_is_an_unreadable_record_shown_whole(shared: ParkedLog) -> None:
    shown = json.loads(tabletrail("parked", "show", shared.id_of("odd#1"), "--json").out)
    assert json.loads(shown["record"]) == shared.records["odd#1"]
    assert (shown["state"], shown["retried"]) == ("unreadable", None)
    text = tabletrail("parked", "show", shared.id_of("odd#1")).out
    assert json.dumps(shared.records["odd#1"], sort_keys=True, separators=(",", ":")) in text.splitlines()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["show", "many#1"], 2, "is no entry's id"),
        (["show", "abcdef1"], 2, "is no entry's id"),
        (["show", "0" * 64], 1, "no parked or unreadable entry has the id"),
        (["retry"], 2, "say which: IDs"),
        (["retry", "0" * 64, "--all"], 2, "say which: IDs"),
        (["retry", "0" * 64, "--table", "x"], 2, "filters are for --all"),
        (["retry", "0" * 64], 2, "no parked entry has the id"),
        (["retry", "--all", "--table", "none-has-this-name"], 1, "nothing found"),
        (["list", "--limit", "0"], 2, "--limit must be 1 or more"),
        (["list", "--since", "2035-05-02", "--until", "2035-05-01"], 2, "is not before"),
    ],
)
def test_is_a_question_that_cannot_be_answered_told_so(
    shared: ParkedLog, words: list[str], code: int, said: str
) -> None:
    result = tabletrail("parked", *words)
    assert (result.code, result.out) == (code, "")
    assert said in result.err


def test_is_an_unreadable_record_nothing_to_offer(shared: ParkedLog) -> None:
    result = tabletrail("parked", "retry", shared.id_of("odd#1"))
    assert (result.code, result.out) == (2, "")
    assert "is an unreadable record" in result.err


def test_does_a_dry_run_check_and_offer_nothing(shared: ParkedLog) -> None:
    result = tabletrail("parked", "retry", "--all", "--table", shared.table, "--dry-run", "--json")
    assert (result.code, result.err) == (0, "2 would be offered\n")
    assert [item_of(shared, row) for row in rows(result)] == ["many#1", LARGE_KEY]
    assert not [row for row in rows(result) if shared.stored(row["retry_id"])]


def test_is_a_user_without_the_writers_role_told_which_one(
    shared: ParkedLog, stack: StackInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = stack.login("reader")
    shared.log_in(monkeypatch, reader.user, reader.password)
    result = tabletrail("parked", "retry", shared.id_of("many#1"))
    assert (result.code, result.out) == (3, "")
    assert "you need the role tabletrail_writer" in result.err


def test_does_the_local_stack_write_as_its_writer_and_read_as_its_reader(shared: ParkedLog) -> None:
    place = local_place("tabletrail")
    reply = writer_of(place).transport.perform_request("POST", "/_bulk", body=bulk((shared.index, "by-writer", GOOD)))
    assert not reply["errors"]
    assert place.search is not writer_of(place)


def test_is_a_refused_entry_told_with_the_servers_own_words_and_stored_once_it_fits(own: ParkedLog) -> None:
    refused = tabletrail("parked", "retry", own.id_of("many#1"), "--json")
    assert (refused.code, refused.err) == (1, "1 refused again\n")
    [row] = rows(refused)
    assert f"has exceeded the allowed limit of [{LOW}]" in row["detail"]
    assert own.stored(row["retry_id"]) is None

    own.limit(RIGHT)
    stored = tabletrail("parked", "retry", "--all", "--table", own.table, "--json")
    assert (stored.code, stored.err) == (0, "2 stored\n")
    for key in ("many#1", LARGE_KEY):
        document = assert_valid_entry(own.stored(retry_id(own.id_of(key))))
        assert document["tabletrail"]["supersedes"] == own.id_of(key)
        full = own.documents[key]
        assert {**document, "event": 0, "tabletrail": 0} == {**full, "event": 0, "tabletrail": 0}
        assert own.stored(own.id_of(key))["tabletrail"]["kind"] == "parked"

    # The index shows neither of them before its next refresh: the same id answers for itself.
    again = tabletrail("parked", "retry", own.id_of("many#1"), own.id_of("many#1")[:20])
    assert (again.code, again.err) == (0, "1 already there\n")
    own.refresh()
    assert tabletrail("parked", "retry", "--all", "--table", own.table).err == "2 already there\n"
    assert [row["retried"] for row in rows(listed(own, "--json"))] == [True, True]
    assert f"retried  yes, as {retry_id(own.id_of('many#1'))}" in tabletrail("parked", "show", own.id_of("many#1")).out


def test_is_a_retried_entry_found_once_and_no_longer_counted(own: ParkedLog) -> None:
    def parked_by_status() -> int:
        streams = [json.loads(line) for line in tabletrail("status", "--json").out.splitlines()]
        return next(int(one["parked"]) for one in streams if one.get("table") == own.table)

    assert parked_by_status() == 2
    own.limit(RIGHT)
    assert tabletrail("parked", "retry", own.id_of("many#1")).code == 0
    own.refresh()
    assert parked_by_status() == 1

    def kinds(*words: str) -> list[str]:
        return [one["tabletrail"]["kind"] for one in tabletrail(*words, "--json").entries]

    table = ("--table", own.table)
    for order in ("asc", "desc"):
        found = kinds("search", *table, "--all", "--order", order)
        assert sorted(found) == ["change", "change", "change", "parked", "unreadable"]
    assert tabletrail("search", *table, "--limit", "5").err == ""
    assert "4 of 6 entries" in tabletrail("search", *table, "--limit", "4").err
    assert kinds("search", *table, "--item", "many#1") == ["change"]
    assert kinds("search", *table, "--item", "many#1", "--kind", "parked") == ["parked"]
    assert kinds("search", *table, "--after", "text=lost and found") == ["change"]
    assert kinds("history", own.table, "many#1") == ["change"]
    [as_of] = tabletrail("history", own.table, "many#1", "--at", "2035-05-01T12:30:00Z", "--json").entries
    assert as_of["item"]["text"] == {"S": "lost and found"}


def test_is_an_entry_that_the_log_does_not_hold_as_it_was_parked_called_damage(own: ParkedLog) -> None:
    """A document under another entry's id, which only an index that lost the real one would take."""
    forged = {**own.documents["small#1"], "event": {**own.documents["small#1"]["event"], "hash": "0" * 64}}
    with own.server.an_index() as index:
        document = json.loads(reduced_entry(forged, "made_up"))
        reply = own.server.ask("admin", "POST", "/_bulk", bulk((index, own.id_of("small#1"), document)))
        assert not reply.data["errors"]
        own.server.ask("admin", "POST", f"/{index}/_refresh")
        own.limit(RIGHT)
        shown = tabletrail("parked", "show", own.id_of("small#1"))
        assert (shown.code, shown.out) == (4, "")
        assert "the index says " + "0" * 64 in shown.err
        result = tabletrail("parked", "retry", "--all", "--table", own.table, "--json")
        assert (result.code, result.err) == (4, "2 stored, 1 damaged\n")
        assert own.stored(retry_id(own.id_of("small#1"))) is None


def test_is_nothing_offered_from_an_object_that_was_altered(own: ParkedLog) -> None:
    assert own.row is not None
    client = own.server.stack.session().client("dynamodb")
    client.update_item(
        TableName=own.tables.segments,
        Key={"segment_id": {"S": own.row.segment_id}},
        UpdateExpression="SET sha256 = :s",
        ExpressionAttributeValues={":s": {"S": "0" * 64}},
    )
    own.limit(RIGHT)
    assert tabletrail("parked", "show", own.id_of("many#1")).code == 4
    result = tabletrail("parked", "retry", "--all", "--table", own.table, "--json")
    assert (result.code, result.err) == (4, "2 damaged\n")
    assert all("is not what was committed" in row["reason"] for row in rows(result))


def test_is_an_index_that_is_closed_for_writing_no_refusal(own: ParkedLog) -> None:
    assert own.server.ask("admin", "PUT", f"/{own.index}/_block/write").ok
    result = tabletrail("parked", "retry", "--all", "--table", own.table)
    assert (result.code, result.err) == (3, "2 not taken now\n")
    assert result.out.count("cluster_block_exception; its index takes no more entries: `tabletrail reindex`") == 2
