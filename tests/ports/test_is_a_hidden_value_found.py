"""Searching by a value of which the index has only the token: what is asked of OpenSearch, and what of the key?"""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tabletrail.core.document import Conversion
from tabletrail.core.entry import convert
from tabletrail.core.paths import NAME_CHARACTERS
from tabletrail.core.policy import compile_policy
from tabletrail.core.tokens import Tokens
from tabletrail.errors import QueryError
from tabletrail_cli import hidden, hidden_paths
from tabletrail_cli.entries import Entries
from tabletrail_cli.errors import AccessError
from tabletrail_cli.hidden import is_token, readings_of, reveal, with_tokens
from tabletrail_cli.hidden_paths import paths_of, readings_of_path
from tabletrail_cli.item_key import item_key
from tabletrail_cli.patterns import pieces
from tabletrail_cli.place import Place
from tabletrail_cli.queries import Question, query_of
from tabletrail_cli.token import number_text
from tests.core.hostile import NAMES
from tests.core.strategies import SOURCE
from tests.fakes.stream import make_record

TOKENS = Tokens(b"a key of tokens that is no secret")
PLACE = cast(Place, SimpleNamespace())


class Found:
    """`Entries` of which a search finds something or nothing; keeps what was asked."""

    def __init__(self, has_any: bool) -> None:
        self._has_any, self.asked = has_any, cast(list[dict[str, Any]], [])

    def first(self, query: dict[str, Any], order: str) -> dict[str, Any] | None:
        self.asked.append(query)
        return {"event": {}} if self._has_any else None


def test_are_all_types_of_a_value_asked_for() -> None:
    assert readings_of("17", TOKENS) == [TOKENS("S", "17"), TOKENS("N", "17"), TOKENS("B", "17")]


def test_is_a_key_of_two_parts_found_whichever_of_them_is_hidden() -> None:
    readings = readings_of("a\\/b/3", TOKENS)
    assert f"{TOKENS('S', 'a/b')}/3" in readings
    assert f"a\\/b/{TOKENS('N', '3')}" in readings
    assert f"{TOKENS('S', 'a/b')}/{TOKENS('N', '3')}" in readings
    assert "a\\/b/3" in readings
    assert TOKENS("S", "a\\/b/3") in readings, "or it is one part"


def test_is_a_key_in_json_told_from_one_with_its_parts_the_other_way_round() -> None:
    key = with_tokens(item_key('{"id": "a", "sort": "b"}'), TOKENS)
    assert {f"{TOKENS('S', 'a')}/b", f"b/{TOKENS('S', 'a')}"} <= set(key.ids)
    assert key.parts["id"] == ["a", TOKENS("S", "a"), TOKENS("N", "a"), TOKENS("B", "a")]
    terms = key.candidates()["bool"]["filter"]
    assert {"terms": {"item.key.sort": key.parts["sort"]}} in terms


def test_is_the_key_not_read_where_nothing_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hidden, "tokens_of", lambda _: pytest.fail("nobody needs it"))
    question = Question(after=["email=ada@example.com"])
    assert reveal(question, PLACE, cast(Entries, Found(False))) == (question, "")
    assert reveal(Question(text="ada"), PLACE, cast(Entries, Found(True)))[1] == ""


def test_is_only_the_asked_table_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hidden, "tokens_of", lambda _: TOKENS)
    found = Found(True)
    reveal(Question(fields=[("table", ["orders"]), ("item", ["one"])]), PLACE, cast(Entries, found))
    assert {"term": {"table.name": "orders"}} in found.asked[0]["bool"]["filter"]
    assert {"prefix": {"item.key": "token:"}} in found.asked[0]["bool"]["filter"]


def test_is_the_value_asked_for_as_it_is_and_as_its_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hidden, "tokens_of", lambda _: TOKENS)
    asked = Question(fields=[("item", ["one"])], after=["email=ada@example.com"], excluded=["item=two"])
    question, note = reveal(asked, PLACE, cast(Entries, Found(True)))
    assert not note
    query = str(query_of(question))
    for text in ("one", "two", "ada@example.com"):
        assert text in query
        assert TOKENS("S", text) in query


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("actor", "actor.id"),
        ("actor-last-known", "actor.last_known"),
        ("candidate", "actor.candidates.id"),
        ("claimed", "principal.claimed"),
        ("request", "request.id"),
        ("reason", "reason.keyword"),
        ("mark", "tabletrail.mark"),
    ],
)
@pytest.mark.parametrize("is_excluded", [True, False])
def test_is_who_did_it_asked_for_as_its_token_too(
    monkeypatch: pytest.MonkeyPatch, name: str, field: str, is_excluded: bool
) -> None:
    monkeypatch.setattr(hidden, "tokens_of", lambda _: TOKENS)
    found = Found(True)
    asked = Question(excluded=[f"{name}=ada"]) if is_excluded else Question(fields=[(name, ["ada"])])
    question, note = reveal(asked, PLACE, cast(Entries, found))
    assert not note
    assert {"prefix": {field: "token:"}} in found.asked[0]["bool"]["filter"]
    assert TOKENS("S", "ada") in str(query_of(question))


def test_is_the_key_not_read_for_whom_iam_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hidden, "tokens_of", lambda _: pytest.fail("IAM's names are never hidden"))
    question = Question(fields=[("principal", ["ada"]), ("actor-source", ["mark"])])
    assert reveal(question, PLACE, cast(Entries, Found(True))) == (question, "")


def test_is_a_path_asked_for_with_each_of_its_names_hidden_or_not() -> None:
    users, ada = TOKENS("name", "users"), TOKENS("name", "ada")
    assert readings_of_path("users.ada", TOKENS) == ["users.ada", f"users.{ada}", f"{users}.ada", f"{users}.{ada}"]
    assert f"lines[].{TOKENS('name', 'a.b')}" in readings_of_path('lines[]["a.b"]', TOKENS)
    assert readings_of_path("us*", TOKENS) == ["us*"]
    assert readings_of_path("us\\*", TOKENS) == ["us\\*", TOKENS("name", "us*")]
    assert len(readings_of_path(".".join("abcdefghijkl"), TOKENS)) == 2**8


@pytest.mark.parametrize("name", [name for name in NAMES if len(name) <= NAME_CHARACTERS])
def test_is_whatever_path_is_shown_to_a_reader_without_secrets_among_its_readings(name: str) -> None:
    policy = compile_policy({"sensitive": [{"table": "*", "path": "emails.*", "names": True}]})
    item = {"emails": {"M": {name: {"M": {"a.b": {"L": [{"S": "x"}]}}}}}}
    made = make_record("1", old=None, new=item, event="INSERT")

    def path_by(conversion: Conversion) -> str:
        [path] = [one for one in json.loads(convert(made, SOURCE, conversion).document)["changed"] if "emails" in one]
        return str(path)

    plain, shown = path_by(Conversion("month", "")), path_by(Conversion("month", "", policy, TOKENS))
    assert plain != shown
    asked = plain.replace("\\", "\\\\").replace("*", "\\*")
    assert {plain, shown} <= {literal for one in readings_of_path(asked, TOKENS) for literal in pieces(one)}


def test_is_a_hidden_name_that_cannot_be_asked_for_no_silent_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Place) -> Tokens:
        raise AccessError("the key of the tokens cannot be read")

    monkeypatch.setattr(hidden_paths, "tokens_of", refuse)
    item: dict[str, Any] = {"match_all": {}}
    paths, note = paths_of(cast(Entries, Found(True)), item, "users.ada", PLACE)
    assert paths == ["users.ada"]
    assert "not searched for: the key of the tokens cannot be read" in note
    assert paths_of(cast(Entries, Found(False)), item, "users.ada", PLACE) == (["users.ada"], "")
    assert paths_of(cast(Entries, Found(True)), item, f"users.{TOKENS('name', 'ada')}", PLACE)[1] == ""
    assert paths_of(cast(Entries, Found(True)), item, "", PLACE) == ([], "")
    monkeypatch.setattr(hidden_paths, "tokens_of", lambda _: TOKENS)
    assert "a pattern finds them only as such" in paths_of(cast(Entries, Found(True)), item, "users.a*", PLACE)[1]


def test_is_a_pattern_no_value() -> None:
    question = Question(fields=[("item", ["on*"])], after=["email=*@example.com"], hidden=lambda _: ["token:x"])
    assert "token:x" not in str(query_of(question))


def test_is_a_key_that_cannot_be_read_no_silent_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Place) -> Tokens:
        raise AccessError("the key of the tokens cannot be read")

    monkeypatch.setattr(hidden, "tokens_of", refuse)
    question = Question(after=["email=ada@example.com"])
    same, note = reveal(question, PLACE, cast(Entries, Found(True)))
    assert same == question
    assert "not searched for: the key of the tokens cannot be read" in note


@pytest.mark.parametrize(
    ("text", "expected"),
    [("17", "17"), (" 1.50 ", "1.5"), ("-0", "0"), ("1E+3", "1000"), ("1" * 38, "1" * 38), ("0.00012", "0.00012")],
)
def test_is_a_number_written_as_dynamodb_gives_it_back(text: str, expected: str) -> None:
    assert number_text(text) == expected


@pytest.mark.parametrize("text", ["", "ada", "NaN", "Infinity", "1,5"])
def test_is_what_is_no_number_refused(text: str) -> None:
    with pytest.raises(QueryError, match="not a number"):
        number_text(text)


def test_is_a_token_told_by_its_form() -> None:
    assert is_token(TOKENS("S", "one"))
    assert not is_token("token:one")


def test_is_the_stack_asked_for_where_only_a_server_is_named() -> None:
    place = Place(session=None, stack="", given={"opensearch_endpoint": "https://search.example"}, login=None)
    with pytest.raises(AccessError, match=r"secret of the stack.*--stack NAME"):
        hidden.tokens_of(place)
