"""`tabletrail rules`: does it tell what was declared of the writers of tables, in words and as JSON?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tabletrail.core.policy import compile_policy
from tabletrail_cli.main import main
from tabletrail_cli.rules_attribution import as_rows, counted, lines, tried_lines
from tabletrail_cli.trial import Named

ROLE = "arn:aws:iam::123456789012:role/billing"
SECTION = {
    "tables": [
        {
            "table": ["orders*", "items"],
            "attribute": "editor",
            "type": "service",
            "outbox": True,
            "deletes": "marked",
            "claims": [{"principal": ROLE, "actors": ["billing-*"]}],
        },
        {"table": "old", "attribute": ""},
    ],
    "claims": [{"principal": ["*:user/ops", "*:user/ci"], "actors": "any"}, {"principal": "*", "actors": "self"}],
}


def test_are_all_entries_told_in_the_order_in_which_they_count() -> None:
    policy = compile_policy({"attribution": SECTION})
    shared = "*:user/ops, *:user/ci may name anybody; * may name themselves alone"
    assert list(lines(policy)) == [
        "  orders*, items: editor names a service; the outbox is read; unmarked deletes are refused;"
        f" {ROLE} may name billing-*",
        f"  old: no attribute names an actor; {shared}",
        f"  *: the attribute of ActorAttribute names a user; {shared}",
    ]
    assert as_rows(policy)[0] == {
        **{name: value for name, value in SECTION["tables"][0].items() if name != "claims"},  # type: ignore[attr-defined]
        "claims": [{"principal": [ROLE], "actors": ["billing-*"]}],
    }
    assert counted(policy) == ", attribution of 2 groups of tables, claims of 3 groups of principals"


@pytest.mark.parametrize("section", [{}, {"attribution": {"tables": []}}])
def test_is_nothing_told_where_nothing_is_said(section: dict[str, object]) -> None:
    policy = compile_policy(section)
    assert (list(lines(policy)), as_rows(policy), counted(policy)) == ([], [], "")


def test_are_tables_without_claims_told_once() -> None:
    policy = compile_policy({"attribution": {"tables": [{"table": "orders", "outbox": True}]}})
    assert [row["table"] for row in as_rows(policy)] == [["orders"]]
    assert counted(policy) == ", attribution of 1 groups of tables"


def test_is_a_terminal_safe_from_what_is_declared() -> None:
    policy = compile_policy({"attribution": {"tables": [{"table": "t", "attribute": '["\\u001b[2Jx"]'}]}})
    assert "\x1b" not in "".join(lines(policy))


def test_does_a_check_count_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rules.json"
    path.write_text(json.dumps({"attribution": SECTION}))
    assert main(["rules", "check", str(path)]) == 0
    assert "attribution of 2 groups of tables, claims of 3 groups of principals, version" in capsys.readouterr().out
    assert main(["rules", "check", str(path), "--json"]) == 0
    [result] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (result["attribution"], result["claims"]) == (2, 2)


def test_does_a_check_tell_what_is_wrong_and_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rules.json"
    tables = [{"table": "t"}, {"table": "t2", "attribute": "meta.by"}]
    path.write_text(json.dumps({"attribution": {"tables": tables}}, indent=1))
    assert main(["rules", "check", str(path)]) == 2
    told = capsys.readouterr()
    assert f"{path}:9: attribution of tables number 2, attribute: is a path" in told.out


def test_does_a_trial_tell_each_table_once() -> None:
    named = {"b": Named(5, 3, 0), "a": Named(12_000, 0, 4_000)}
    assert list(tried_lines(named)) == [
        "a: an attribute names the actor of 0 of 12,000 changes, and did of 4,000",
        "b: an attribute names the actor of 3 of 5 changes, and did of 0",
    ]
