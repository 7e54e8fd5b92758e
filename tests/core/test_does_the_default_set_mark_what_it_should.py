"""Do the rules that are shipped mark what docs/rules.md says, and leave daily work alone?"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tabletrail.core.actor import actor_of_change
from tabletrail.core.policy import Facts, compile_policy, merged
from tabletrail.core.rules import SEVERITIES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "rules.md").read_text("utf-8")
FILE = json.loads((ROOT / "mappings" / "rules" / "default.json").read_text("utf-8"))
POLICY = compile_policy(merged([("default.json", FILE)]))

Item = dict[str, Any]
UNKNOWN = "sensitive-change-by-unknown"
BY: Item = {"updatedBy": {"S": "alice"}}
OLD: Item = {"updatedBy": {"S": "bob"}}


def marks(old: Item | None, new: Item | None, action: str = "") -> list[str]:
    """The names of the rules that fit."""
    action = action or ("insert" if old is None else "remove" if new is None else "modify")
    actor = actor_of_change(action, None, old, new, "updatedBy")
    return list(POLICY.judge(Facts("users", action, old, new, actor, 1_795_500_000)).names)


def text(name: str, value: str) -> Item:
    return {name: {"S": value}}


def inner(name: str, value: Item) -> Item:
    return {"inner": {"M": {name: value}}}


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        (OLD | text("role", "user"), BY | text("role", "admin"), ["role-changed"]),
        (text("role", "user"), text("role", "admin"), ["role-changed", UNKNOWN]),
        (OLD, BY | {"roles": {"SS": ["admin"]}}, ["role-changed"]),
        (OLD | {"roles": {"L": [{"S": "a"}]}}, BY | {"roles": {"L": [{"S": "b"}]}}, ["role-changed"]),
        (OLD | inner("isAdmin", {"BOOL": False}), BY | inner("isAdmin", {"BOOL": True}), ["role-changed"]),
        (OLD | text("role", "user"), BY | {"role": {"M": {"name": {"S": "admin"}}}}, ["role-changed"]),
        (None, BY | text("role", "Administrator"), ["created-with-power"]),
        (None, BY | {"permissions": {"SS": ["read", "*"]}}, ["created-with-power"]),
        (None, BY | text("role", "customer"), []),
        (None, BY | {"isAdmin": {"BOOL": True}}, ["created-as-admin"]),
        (None, BY | {"isAdmin": {"BOOL": False}}, []),
        (OLD | text("iban", "DE1"), BY | text("iban", "DE2"), ["payment-details-changed"]),
        (OLD, BY | {"bankAccount": {"M": text("owner", "x")}}, ["payment-details-changed"]),
        (OLD, BY | {"cards": {"L": [{"M": text("cardNumber", "4111")}]}}, ["payment-details-changed"]),
        (None, BY | text("iban", "DE1") | text("email", "a@example.org"), []),
        (OLD | text("email", "a@example.org"), BY | text("email", "b@example.org"), ["email-changed"]),
        (OLD | text("emailsSent", "1"), BY | text("emailsSent", "2"), []),
        (OLD | {"price": {"N": "100"}}, BY | {"price": {"N": "50"}}, ["price-changed"]),
        (OLD | {"price": {"N": "100"}}, BY | {"price": {"N": "49.99"}}, ["price-changed", "price-cut"]),
        (OLD | inner("price", {"N": "9"}), BY | inner("price", {"N": "1"}), ["price-changed", "price-cut"]),
        (
            OLD | {"lines": {"L": [{"M": {"price": {"N": "100"}}}, {"M": {"price": {"N": "1"}}}]}},
            BY | {"lines": {"L": [{"M": {"price": {"N": "1"}}}]}},
            [],
        ),
        (OLD | text("status", "a"), text("status", "b"), ["audit-attribute-removed"]),
        (OLD, {"updatedBy": {"S": ""}}, ["audit-attribute-emptied"]),
        (OLD, {"updatedBy": {"S": "  "}}, ["audit-attribute-emptied"]),
        (OLD, {"updatedBy": {"NULL": True}}, ["audit-attribute-emptied"]),
        (None, {"updatedBy": {"S": "Unknown"}}, ["audit-attribute-emptied"]),
        (OLD, {"updatedBy": {"S": "nulling"}}, []),
        (OLD | {"_audit": {"M": text("actor", "x")}}, BY | {"_audit": {"M": {}}}, ["audit-attribute-removed"]),
        (OLD | text("createdBy", "x"), BY | text("createdBy", "y"), ["author-rewritten"]),
        (OLD, BY | text("createdBy", "y"), []),
        (OLD | text("status", "paid"), BY | text("status", "shipped"), []),
        (text("status", "paid"), text("status", "shipped"), []),
        (OLD | text("role", "admin") | text("iban", "DE1"), None, []),
    ],
)  # fmt: skip
def test_a_change_is_marked_by(old: Item | None, new: Item | None, names: list[str]) -> None:
    assert marks(old, new) == sorted(names)


def test_a_ttl_removal_is_left_alone() -> None:
    assert marks(text("role", "admin"), None, "expire") == []


def test_the_page_lists_the_set_as_it_is() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| .* \| `([a-z-]+)` \| (low|medium|high|critical) \|$", PAGE, re.MULTILINE)
    assert rows == [(rule["name"], *rule["tags"], rule["severity"]) for rule in FILE["rules"]]


def test_the_page_s_examples_are_legal() -> None:
    blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
    example, sensitive, attribution = blocks
    [rule] = compile_policy({"rules": [example]}).rules
    assert compile_policy(sensitive).is_sensitive_anywhere
    assert sensitive == json.loads((ROOT / "docs" / "examples" / "sensitive.json").read_text("utf-8"))
    assert attribution == json.loads((ROOT / "docs" / "examples" / "attribution.json").read_text("utf-8"))
    admin, reader = text("role", "admin"), text("role", "reader")
    noon, night = 1_795_604_400, 1_795_647_600  # a Wednesday, 12:00 and 24:00 in Berlin

    def fits(table: str, old: Item, new: Item, actor: dict[str, str], seconds: int) -> bool:
        facts = Facts(table, "modify", old, new, actor, seconds)
        return compile_policy({"rules": [example]}).judge(facts).names == (rule.name,)

    assert fits("staff-de", reader, admin, {}, night)
    assert not fits("staff-de", reader, admin, {}, noon)
    assert not fits("orders", reader, admin, {}, night)
    assert not fits("users", reader, admin, {"id": "personnel-1"}, night)
    assert not fits("users", admin, text("role", "owner"), {}, night)


def test_each_severity_of_the_page_is_the_number_of_the_format() -> None:
    numbers = (ROOT / "docs" / "format.md").read_text("utf-8")
    assert all(f"`{word}` {number}" in numbers for word, number in SEVERITIES.items())
