"""Rules in files: are the release's own fine, and is each thing that can be wrong told with file, line and rule?"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tabletrail.core.policy import merged, version_of
from tabletrail.errors import InstallError
from tabletrail.policy_files import FileProblem, check
from tabletrail.publishing import TOLD, files_in, packaged, refusal

MAPPINGS = Path(__file__).parents[2] / "mappings"
GOOD = {"name": "price-changed", "description": "A price.", "when": {"path": "price"}, "severity": "low"}


def text(*rules: Any, **more: Any) -> str:
    return json.dumps({"rules": list(rules), **more}, indent=2)


def problems(*files: tuple[str, str]) -> list[FileProblem]:
    return list(check(files).problems)


def test_are_the_rules_of_the_release_fine() -> None:
    rules = packaged(MAPPINGS)
    assert rules.counts["rules"] >= 5
    assert rules.counts["sensitive"] == 0, "nothing is hidden that nobody declared"
    assert sha256(rules.text).hexdigest() == rules.version


def test_do_all_files_together_make_the_policy() -> None:
    second = {**GOOD, "name": "other"}
    checked = check([("20.json", text(second)), ("10.json", text(GOOD, sensitive=[{"table": "t", "path": "a"}]))])
    both = merged(
        [("10.json", {"rules": [GOOD], "sensitive": [{"table": "t", "path": "a"}]}), ("20.json", {"rules": [second]})]
    )
    assert checked.version == version_of(both)
    assert dict(checked.counts) == {"rules": 2, "sensitive": 1, "attribution": 0, "claims": 0}


def test_are_no_files_a_policy_that_marks_nothing() -> None:
    checked = check([])
    assert checked.policy is not None
    assert checked.policy.rules == ()


def test_is_a_text_that_is_no_json_told_with_line_and_column() -> None:
    (found,) = problems(("rules.json", '{\n "rules": [\n  {"name": "a",}\n ]\n}'))
    assert (found.file, found.line, found.column) == ("rules.json", 3, 16)
    assert "this is not JSON" in found.sentence()


def test_is_a_number_that_no_program_reads_told_with_its_line() -> None:
    checked = check([("a.json", '{"rules": [],\n "sensitive": ' + "1" * 5000 + "}")])
    assert checked.policy is None
    assert "a.json" in checked.problems[0].sentence()
    assert "line 2" in checked.problems[0].sentence()


def test_is_a_wrong_member_told_with_its_line_and_rule() -> None:
    written = text(GOOD, {**GOOD, "name": "loud-one", "severity": "loud"})
    (found,) = problems(("rules.json", written))
    assert written.splitlines()[found.line - 1].strip() == '"severity": "loud"'
    assert (found.rule, found.part) == ("rule loud-one", "severity")
    assert found.sentence().startswith(f"rules.json, line {found.line}, rule loud-one, severity: ")


def test_is_the_right_file_named_where_there_are_several() -> None:
    files = [
        ("10.json", text(GOOD, {**GOOD, "name": "second"})),
        ("20.json", text({**GOOD, "name": "third"}, {**GOOD, "name": "fourth", "when": {"path": "a..b"}})),
        ("30.json", text(sensitive=[{"table": "t", "path": "a"}, {"table": "t", "path": "["}])),
    ]
    found = problems(*files)
    assert [(one.file, one.rule, one.part) for one in found] == [
        ("20.json", "rule fourth", "when.path"),
        ("30.json", "sensitive declaration number 2", "path"),
    ]
    for one in found:
        line = dict(files)[one.file].splitlines()[one.line - 1]
        assert '"path"' in line


def test_is_a_name_in_two_files_told_at_the_second() -> None:
    (found,) = problems(("10.json", text(GOOD)), ("20.json", text(GOOD)))
    assert (found.file, found.rule, found.part) == ("20.json", "rule price-changed", "name")


def test_is_a_missing_member_told_where_the_rule_begins() -> None:
    written = text({name: value for name, value in GOOD.items() if name != "severity"})
    (found,) = problems(("rules.json", written))
    assert found.line == 3
    assert "severity" in found.sentence()


def test_is_a_rule_without_a_name_counted() -> None:
    found = problems(("rules.json", text(GOOD, {"when": {}, "severity": "low"})))
    assert found
    assert all("number 2" in one.rule for one in found)


@pytest.mark.parametrize("content", ["[]", '"text"', "3", '{"rules": {}}', '{"rule": []}', '{"schema": 2}'])
def test_is_a_file_of_another_form_told(content: str) -> None:
    found = problems(("10.json", text(GOOD)), ("20.json", content))
    assert found
    assert all((one.file, one.line) == ("20.json", 1) for one in found)


def test_are_all_problems_told_at_once() -> None:
    found = problems(
        ("10.json", "{"), ("20.json", text({**GOOD, "severity": 1})), ("30.json", text({**GOOD, "tags": 1}))
    )
    assert [one.file for one in found] == ["10.json", "20.json", "30.json"]


def test_does_a_deployment_tell_as_much_as_fits(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    bad = [{**GOOD, "name": f"rule-{number}", "severity": "loud"} for number in range(TOLD + 5)]
    (tmp_path / "rules" / "bad.json").write_text(text(*bad))
    with pytest.raises(InstallError, match="and 5 more: `tabletrail rules check` shows all") as raised:
        packaged(tmp_path)
    assert len(str(raised.value)) < 2_000
    assert str(raised.value) == refusal(check(files_in(tmp_path / "rules")))


def test_is_a_file_that_is_no_text_refused(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "bad.json").write_bytes(b"\xff\xfe")
    with pytest.raises(InstallError, match="UTF-8"):
        packaged(tmp_path)
