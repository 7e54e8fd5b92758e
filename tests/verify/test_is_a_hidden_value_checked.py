"""Does the checker see a value that should be hidden, a token that stands for another value, rules that went?"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabletrail.core.change import change_entry
from tabletrail.core.checkpoint import SegmentRow
from tabletrail.core.document import Conversion
from tabletrail.core.outbox import Evidence, OutboxRow
from tabletrail.core.places import Atlas, Pattern, steps_of
from tabletrail.core.policy import compile_policy
from tabletrail.core.tokens import Tokens
from tabletrail_verify import places
from tabletrail_verify.published_rules import PublishedRules, declared_by
from tabletrail_verify.shown_values import ShownValues, token_of
from tabletrail_verify.verification import Wish
from tests.core.strategies import SOURCE, image_pairs, record
from tests.fakes.rules import KEY
from tests.faults.ruled import FIRST, SECRET, V2, write
from tests.faults.world import World
from tests.verify.checked_world import Checked, in_turn, sealed, segments_of

TOKENS = Tokens(KEY)
Lines = list[dict[str, Any]]


@pytest.fixture
def checked(tmp_path: Path) -> Checked:
    world = World()
    arn = world.add_table("orders")
    write(world, arn, 2)
    world.run()
    world.publish(FIRST, SECRET)
    write(world, arn, 3)
    world.run()
    return Checked(world, tmp_path, Wish(index=False), lambda: KEY)


@pytest.fixture
def victim(checked: Checked) -> SegmentRow:
    """The segment whose entries have tokens."""
    (arn,) = checked.world.rows.streams
    return segments_of(checked.world, arn, "shard-0")[-1]


def test_is_a_log_with_tokens_whole(checked: Checked) -> None:
    result, findings = checked.run()
    assert findings == []
    assert result.notes == []
    assert result.entries == 7


def test_is_it_said_that_tokens_were_not_compared(checked: Checked) -> None:
    checked.key = lambda: None
    result, findings = checked.run()
    assert findings == []
    assert "tokens were not compared" in result.notes[0]


def altered(change: Callable[[dict[str, Any]], Any]) -> Callable[[Lines], None]:
    """The second line's entry changed, and its hash made to fit."""
    return lambda lines: in_turn(change, sealed)(lines[2]["entry"])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda entry: entry["after"].update(email="planted-new-3@example.com"), "value-clear"),
        (lambda entry: entry["before"].update(email="planted-old-3@example.com"), "value-clear"),
        (lambda entry: entry["item"]["key"].update(id="planted-key-shard-0-3"), "value-clear"),
        (lambda entry: entry["item"].update(id="planted-key-shard-0-3"), "value-clear"),
        (lambda entry: entry.update(numbers=[{"path": "email", "after": 1}]), "value-clear"),
        (lambda entry: entry["after"].update(email=TOKENS("S", "another")), "value-differs"),
        (lambda entry: entry["after"].update(email=TOKENS("N", "planted-new-3@example.com")), "value-differs"),
        (lambda entry: entry["tabletrail"].update(rules_version="0" * 64), "rules-missing"),
        (lambda entry: entry["tabletrail"].update(rules_version="rules-2"), "rules-missing"),
    ],
)
def test_is_damage_found_that_whoever_can_write_everything_made(
    checked: Checked, victim: SegmentRow, change: Callable[[dict[str, Any]], Any], code: str
) -> None:
    checked.rewrite(victim, altered(change), row_too=True)
    found = [finding for finding in checked.findings() if finding.code != "entry-schema"]
    assert {finding.code for finding in found} == {code}
    assert all("planted" not in str(finding.facts()) for finding in found)
    if code != "rules-missing":
        assert {(finding.segment, finding.line) for finding in found} == {(victim.segment_id, 2)}


def test_is_a_token_of_another_value_found_only_by_who_has_the_key(checked: Checked, victim: SegmentRow) -> None:
    change = altered(lambda entry: entry["after"].update(email=TOKENS("S", "another")))
    checked.rewrite(victim, change, row_too=True)
    checked.key = lambda: None
    assert checked.codes() == set()


def test_is_it_found_once_that_rules_are_gone(checked: Checked) -> None:
    del checked.world.rules.texts[V2]
    (found,) = checked.findings()
    assert found.code == "rules-missing"
    assert V2 in found.detail


def test_are_rules_found_that_are_not_what_was_published(checked: Checked) -> None:
    checked.objects.replaced[f"rules/v1/{V2}.json"] = b'{"schema": 1, "rules": [], "sensitive": []}'
    assert checked.codes() == {"rules-altered"}


@given(image_pairs(), st.booleans())
def test_does_what_the_conversion_shows_agree_with_its_images(pair: tuple[Any, Any], is_hidden: bool) -> None:
    """Whatever items hold, in clear and hidden: nothing is found, and each token is compared."""
    old, new = ({**image, "pk": {"S": "order#17"}} for image in pair)
    source = {"schema": 1, "rules": [], "sensitive": [{"table": "*", "path": "**"}] if is_hidden else []}
    policy = compile_policy(source)
    made = change_entry(record(old, new), SOURCE, Conversion("month", "updatedBy", policy, TOKENS))
    rules = PublishedRules(None, "", lambda finding: pytest.fail(str(finding)))
    rules._known[policy.version] = declared_by(source)
    values = ShownValues(rules, lambda: KEY)
    assert list(values.problems(json.loads(made.document), json.loads(made.images))) == []
    assert values.uncompared == 0


@pytest.mark.parametrize("path", ["_audit", "_audit.context", "_audit.context.lines[].sku", "**"])
def test_is_a_context_found_that_shows_what_is_declared(path: str) -> None:
    source = {"schema": 1, "rules": [], "sensitive": [{"table": "*", "path": path}]}
    policy = compile_policy(source)
    row = OutboxRow("", "", "delete", "alice", context='{"lines":[{"sku":"planted"}],"zip.code":"1"}')
    made = [
        change_entry(record({"pk": {"S": "order#17"}}, None), SOURCE, conversion, Evidence(row, "likely"))
        for conversion in (Conversion("month", "", policy, TOKENS), Conversion("month", ""))
    ]
    rules = PublishedRules(None, "", lambda finding: pytest.fail(str(finding)))
    rules._known[policy.version] = declared_by(source)
    values = ShownValues(rules, lambda: KEY)
    hidden, clear = (json.loads(one.document) for one in made)
    clear["tabletrail"]["rules_version"] = policy.version
    images = json.loads(made[0].images)
    assert list(values.problems(hidden, images)) == []
    assert ("value-clear", "a value that was declared sensitive stands in context as it is") in list(
        values.problems(clear, images)
    )


@given(st.sampled_from(("S", "N", "B")), st.text())
def test_is_a_token_made_as_the_page_says(kind: str, text: str) -> None:
    try:
        expected = TOKENS(kind, text)
    except UnicodeEncodeError:
        return
    assert token_of(KEY, kind, text) == expected


NAMES = st.sampled_from(["a", "b", "ab", "email", "Email", "x.y", ""])
STEPS = st.lists(NAMES | st.integers(0, 3), max_size=5)
PARTS = st.sampled_from(["a", "b", "*", "a*", "*b", "**", "[]", '["x.y"]', '[""]', "email", "*mail"])


@given(st.lists(PARTS, min_size=1, max_size=5), st.lists(STEPS, max_size=8))
def test_does_a_pattern_cover_what_the_conversion_hides(parts: list[str], paths: list[list[str | int]]) -> None:
    text = ""
    for part in parts:
        text += part if part.startswith("[") or not text else f".{part}"
    try:
        pattern: Pattern[None] = Pattern(steps_of(text), hides=True)
    except ValueError:
        return
    checker = places.Pattern(text)
    for steps in paths:
        place = Atlas([pattern]).root
        for step in steps:
            place = place.position() if isinstance(step, int) else place.into(step)
        assert checker.covers(steps) == place.hides, (text, steps)


def test_is_a_path_taken_apart_as_it_was_written() -> None:
    assert places.steps_of('lines[2].qty["a.b"][""].c') == ("lines", 2, "qty", "a.b", "", "c")
    assert places.steps_of("cut…#00") is None
    assert places.steps_of('["begins…"#' + "0" * 64 + "]") is None
