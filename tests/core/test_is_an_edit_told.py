"""Do the marks of a deployment tell a person's work from its own, and survive whatever lies in their place?"""

from __future__ import annotations

from typing import Any

import pytest

from tabletrail.core.installed import MARKS, Marks, State, digest
from tabletrail.install.bundle import KINDS, Bundle
from tests.ports.opensearch_server import MAPPINGS

KEY = "monitor/x"


def installed(wanted: Any = "wanted", shown: Any = "shown", version: int = 1) -> Marks:
    marks = Marks()
    marks.begin(KEY, version, wanted)
    marks.complete(KEY, shown)
    return Marks.of_template(marks.template())


@pytest.mark.parametrize(
    ("marks", "wanted", "shown", "state"),
    [
        (Marks(), "wanted", None, State.ABSENT),
        (Marks(), "wanted", "wanted", State.FOREIGN),
        (installed(), "wanted", "shown", State.SAME),
        (installed(), "next", "shown", State.OURS),
        (installed(), "wanted", "else", State.EDITED),
        (installed(), "next", "else", State.EDITED),
        (installed(), "wanted", None, State.ABSENT),
    ],
)
def test_what_an_object_is_follows_from_its_mark(marks: Marks, wanted: str, shown: str | None, state: State) -> None:
    assert marks.judge(KEY, wanted, shown) is state


def test_a_deployment_that_died_in_between_left_its_own() -> None:
    marks = Marks()
    marks.begin(KEY, 1, "wanted")
    assert Marks.of_template(marks.template()).judge(KEY, "wanted", "whatever") is State.OURS


def test_only_a_later_version_of_the_same_kind_is_newer() -> None:
    marks = installed(version=2)
    assert (marks.newer("monitor", 1), marks.newer("monitor", 2), marks.newer("role", 1)) == ((KEY,), (), ())


@pytest.mark.parametrize(
    "template",
    [None, {}, {"_meta": None}, {"_meta": {"objects": []}}, {"_meta": {"objects": {KEY: "x y z"}}}]
    + [{"_meta": {"objects": {KEY: text}}} for text in ("", "1", 7, None, "1 a b c")],
)
def test_a_damaged_memory_makes_nothing_ours(template: Any) -> None:
    assert Marks.of_template(template).judge(KEY, "wanted", "shown") is State.FOREIGN


def test_digests_do_not_mind_how_a_server_writes_numbers_and_orders_fields() -> None:
    assert digest({"boost": 1, "size": [10]}) == digest({"size": [10.0], "boost": 1.0})
    assert digest({"boost": 1}) != digest({"boost": 1.5})
    assert digest([1, 2]) != digest([2, 1])
    assert digest({"on": True}) != digest({"on": 1})


def test_no_index_ever_matches_the_template_that_remembers() -> None:
    assert Marks().template()["index_patterns"] == [MARKS]
    assert "template" not in Marks().template(), "it would give an index nothing either"


def test_the_release_has_a_version_for_each_kind() -> None:
    bundle = Bundle.load(MAPPINGS)
    assert set(bundle.versions) == set(KINDS)
    assert all(version >= 1 for version in bundle.versions.values())
    assert all((bundle.roles, bundle.policies, bundle.monitors, bundle.dashboards))
