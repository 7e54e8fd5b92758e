"""Is what is missing, altered, doubled, foreign or misplaced in the index found, and only that?"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tabletrail_verify import index_pages, index_walk
from tabletrail_verify.cut import Question
from tabletrail_verify.index_pages import SearchError
from tabletrail_verify.state import State
from tabletrail_verify.verification import Wish
from tests.faults.world import World
from tests.verify.checked_world import Checked, eventful_world, in_turn, sealed

Document = dict[str, Any]


@pytest.fixture
def checked(tmp_path: Path) -> Checked:
    return Checked(eventful_world(), tmp_path)


@pytest.fixture
def world(checked: Checked) -> World:
    return checked.world


@pytest.fixture
def index(world: World) -> dict[str, Document]:
    """The index with most documents."""
    return max(world.index.indices.values(), key=len)


def some_change(index: dict[str, Document]) -> str:
    """An id; not the first or the last of them all."""
    ids = sorted(id_ for id_, one in index.items() if one["tabletrail"]["kind"] == "change" and one["item"]["key"])
    return ids[len(ids) // 2]


def of_kind(index: dict[str, Document], condition: Callable[[Document], bool]) -> str:
    return next(id_ for id_, one in index.items() if condition(one))


def codes(checked: Checked) -> list[tuple[str, str]]:
    return [(finding.code, finding.entry) for finding in checked.findings()]


@pytest.mark.parametrize("which", ["first", "some", "last"])
def test_a_missing_document(checked: Checked, index: dict[str, Document], which: str) -> None:
    ids = sorted(id_ for id_, one in index.items() if "supersedes" not in one["tabletrail"])
    id_ = {"first": ids[0], "some": some_change(index), "last": ids[-1]}[which]
    gone = index.pop(id_)
    (found,) = checked.findings()
    assert (found.code, found.entry, found.segment) == ("document-missing", id_, gone["log"]["segment"])


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one["after"].update(note="altered"),
        lambda one: one.update(message="altered"),
        lambda one: one["after"].pop("note"),
        in_turn(lambda one: one.update(message="altered"), sealed),
        lambda one: one["event"].update(hash="0" * 64),
        lambda one: one["log"].update(line=77),
        lambda one: one["log"].update(segment="another"),
        lambda one: one.pop("log"),
        lambda one: one.update(invented={"more": 1.5}),
    ],
)
def test_an_altered_document(checked: Checked, index: dict[str, Document], change: Callable[[Document], Any]) -> None:
    id_ = some_change(index)
    change(index[id_])
    assert codes(checked) == [("document-altered", id_)]


def test_an_altered_event_id_is_a_missing_and_a_foreign_document(checked: Checked, index: dict[str, Document]) -> None:
    id_ = some_change(index)
    index[id_]["event"]["id"] = "cd" * 32
    sealed(index[id_])
    # The _id is taken, so a get by id still finds something there: the foreign one.
    assert codes(checked) == [("document-foreign", "cd" * 32)]


@pytest.mark.parametrize("id_", ["00" * 32, "ff" * 32, "no hash", "~"])
def test_a_foreign_document(checked: Checked, index: dict[str, Document], id_: str) -> None:
    forged = copy.deepcopy(index[some_change(index)])
    forged["event"]["id"] = id_
    sealed(forged)
    index[id_] = forged
    assert codes(checked) == [("document-foreign", id_)]


def test_a_foreign_document_of_no_segment(checked: Checked, index: dict[str, Document]) -> None:
    index["x"] = {"message": "hello"}
    index["y"] = {"event": {"id": "y"}, "log": {"segment": "#stamp"}}
    assert sorted(codes(checked)) == [("document-foreign", "x"), ("document-foreign", "y")]


def test_a_copy_under_another_id(checked: Checked, index: dict[str, Document]) -> None:
    id_ = some_change(index)
    index["copy"] = copy.deepcopy(index[id_])
    assert codes(checked) == [("document-doubled", id_)]


def test_a_copy_in_another_index(checked: Checked, world: World, index: dict[str, Document]) -> None:
    id_ = some_change(index)
    other = next(one for one in world.index.indices.values() if one is not index)
    other[id_] = copy.deepcopy(index[id_])
    assert codes(checked) == [("document-misplaced", id_)]


def test_an_entry_that_lies_in_another_index_only(checked: Checked, world: World, index: dict[str, Document]) -> None:
    id_ = some_change(index)
    other = next(one for one in world.index.indices.values() if one is not index)
    other[id_] = index.pop(id_)
    assert sorted(codes(checked)) == [("document-misplaced", id_), ("document-missing", id_)]


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one["tabletrail"]["parked"].update(hash="0" * 64),
        in_turn(lambda one: one["tabletrail"]["parked"].update(hash="0" * 64), sealed),
        lambda one: one["log"].update(line=99),
        lambda one: one.update(message="altered"),
    ],
)
def test_a_parked_entry_that_stands_for_another(
    checked: Checked, index: dict[str, Document], change: Callable[[Document], Any]
) -> None:
    id_ = of_kind(index, lambda one: one["tabletrail"]["kind"] == "parked")
    change(index[id_])
    assert codes(checked) == [("parked-wrong", id_)]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda one: one.update(message="altered"), "document-altered"),
        (in_turn(lambda one: one.update(message="altered"), sealed), "document-altered"),
        (lambda one: one["log"].update(line=99), "parked-wrong"),
        (in_turn(lambda one: one["tabletrail"].update(supersedes="ab" * 32), sealed), "document-foreign"),
    ],
)
def test_a_retried_entry_that_is_another(
    checked: Checked, index: dict[str, Document], change: Callable[[Document], Any], code: str
) -> None:
    id_ = of_kind(index, lambda one: "supersedes" in one["tabletrail"])
    change(index[id_])
    assert codes(checked) == [(code, id_)]


def test_a_retried_entry_for_an_entry_that_it_does_not_follow_from(
    checked: Checked, index: dict[str, Document]
) -> None:
    id_ = of_kind(index, lambda one: "supersedes" in one["tabletrail"])
    index[id_]["tabletrail"]["supersedes"] = some_change(index)
    sealed(index[id_])
    assert codes(checked) == [("parked-wrong", id_)]


def test_a_retried_entry_under_an_id_of_its_own(checked: Checked, index: dict[str, Document]) -> None:
    id_ = of_kind(index, lambda one: "supersedes" in one["tabletrail"])
    index["ab" * 32] = index.pop(id_)
    index["ab" * 32]["event"]["id"] = "ab" * 32
    sealed(index["ab" * 32])
    assert codes(checked) == [("parked-wrong", "ab" * 32)]


def test_an_index_that_is_gone_is_one_finding(checked: Checked, world: World) -> None:
    name = next(name for name, one in world.index.indices.items() if one)
    del world.index.indices[name]
    assert [(one.code, one.index) for one in checked.findings()] == [("index-missing", name)]


def test_a_closed_index_is_said_not_to_be_checked(checked: Checked, world: World) -> None:
    name = next(name for name, one in world.index.indices.items() if one)
    checked.search.closed = {name}
    world.index.indices[name].clear()
    result, findings = checked.run()
    assert findings == []
    assert any(name in note for note in result.notes)


def test_what_a_search_does_not_show_yet_is_not_missing(checked: Checked, index: dict[str, Document]) -> None:
    checked.search.hidden = {some_change(index)}
    assert checked.findings() == []


def test_what_is_not_marked_is_waiting_and_still_compared(checked: Checked, world: World) -> None:
    """Documents of a segment whose mark was not made are there, or are not; an altered one is found in either case."""
    waiting = {row.segment_id for row in world.rows.segments.values() if not row.indexed_at}
    entry = next(entry for entry in world.lines() if entry["log"]["segment"] in waiting)
    document = json.loads(json.dumps(entry))
    world.index.indices[document["log"]["index"]][document["event"]["id"]] = document
    assert checked.findings() == []
    document["message"] = "altered"
    assert codes(checked) == [("document-altered", document["event"]["id"])]


def test_entries_of_a_damaged_segment_are_not_called_foreign(checked: Checked, world: World) -> None:
    row = next(row for row in world.rows.segments.values() if row.links)
    checked.objects.gone[row.key] = "NoSuchVersion"
    assert {finding.code for finding in checked.findings()} == {"version-missing"}


def test_entries_of_a_lost_row_are_named(checked: Checked, world: World) -> None:
    row = next(row for row in world.rows.segments.values() if not row.links)
    checked.tables.changes[row.segment_id] = None
    entries = [entry["event"]["id"] for entry in world.lines() if entry["log"]["segment"] == row.segment_id]
    findings = checked.findings()
    assert {one.entry for one in findings if one.code == "document-foreign"} == set(entries)
    assert {one.code for one in findings} == {"document-foreign", "coverage-hole"}


def test_a_rebuilt_index_stands_for_its_name(checked: Checked, world: World, index: dict[str, Document]) -> None:
    (name,) = [name for name, one in world.index.indices.items() if one is index]
    rebuilt = f"{name}-r000002"
    del world.index.indices[name]
    world.index.indices[rebuilt] = index
    checked.search.aliases = {rebuilt: (name, "tabletrail")}
    world.index.indices[f"{name}-r000003"] = copy.deepcopy(index)  # being filled: nothing reads it
    assert checked.findings() == []
    index[some_change(index)]["message"] = "altered"
    assert [code for code, _ in codes(checked)] == ["document-altered"]


def test_two_indices_behind_one_name_are_doubles(checked: Checked, world: World, index: dict[str, Document]) -> None:
    (name,) = [name for name, one in world.index.indices.items() if one is index]
    id_ = some_change(index)
    world.index.indices[f"{name}-r000002"] = {id_: copy.deepcopy(index[id_])}
    checked.search.aliases = {f"{name}-r000002": (name,)}
    assert codes(checked) == [("document-doubled", id_)]


@pytest.mark.parametrize(("page", "chunk"), [(2, 1), (3, 7), (5, 1000), (1000, 5)])
def test_no_document_falls_between_two_pages(
    checked: Checked, index: dict[str, Document], monkeypatch: pytest.MonkeyPatch, page: int, chunk: int
) -> None:
    monkeypatch.setattr(index_pages, "PAGE", page)
    monkeypatch.setattr(index_walk, "CHUNK_ENTRIES", chunk)
    assert checked.findings() == []
    ids = sorted(index)
    for id_ in ids[::3]:
        index[f"copy of {id_}"] = copy.deepcopy(index[id_])
    index["00"] = {"event": {"id": "00"}}
    index["zz"] = {"event": {"id": "zz"}}
    found = codes(checked)
    doubled = {id_ for id_ in ids[::3] if "supersedes" not in index[id_]["tabletrail"]}
    assert {entry for code, entry in found if code == "document-doubled"} == doubled
    assert {entry for code, entry in found if code == "document-foreign"} == {"00", "zz"}


def test_a_part_is_compared_with_its_part(checked: Checked, world: World, index: dict[str, Document]) -> None:
    """A damaged document of another table, or of another month, is no matter of the question."""
    id_ = next(id_ for id_, one in sorted(index.items()) if one["table"]["name"] == "orders" and "after" in one)
    index[id_]["message"] = "altered"
    (name,) = [name for name, one in world.index.indices.items() if one is index]
    other = next(one for one in world.index.indices if one != name and world.index.indices[one])
    for question, expected in (
        (Question(table="orders"), {"document-altered"}),
        (Question(table="items"), set()),
        (Question(index=name), {"document-altered"}),
        (Question(index=other), set()),
    ):
        checked.wish = Wish(question)
        assert checked.codes() == expected


@pytest.mark.parametrize(
    "answer", [(503, {"error": {"type": "busy"}}), (200, {"_shards": {"failed": 1}, "hits": {"hits": []}})]
)
def test_an_answer_in_part_is_none(checked: Checked, answer: tuple[int, Any]) -> None:
    inner = checked.search.__call__

    def ask(method: str, path: str, body: Any, params: Any) -> tuple[int, Any]:
        return answer if path.endswith("/_search") else inner(method, path, body, params)

    state = State(checked.directory)
    verification = checked.verification(state)
    verification.clients = type(verification.clients)(checked.tables, checked.objects, checked.streams, ask)
    with pytest.raises(SearchError):
        verification.run()
    state.close(finished=True)
