"""Does an entry of an expiry name the attribute that the item bears out, and nobody whom the record does not name?"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tabletrail.core.document import Conversion
from tabletrail.core.entry import convert
from tabletrail.core.policy import NO_POLICY, Policy, compile_policy
from tabletrail.core.tokens import Tokens
from tests.core.naive_marks import bound, uuid_at
from tests.core.strategies import SOURCE, record
from tests.validation import assert_valid_entry

NOW = 1_795_500_000
TTL = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
TOKENS = Tokens(b"k" * 32)
PASSED = {"N": str(NOW - 60)}


def entry_of(
    old: dict[str, Any] | None,
    attribute: str = "expires",
    policy: Policy = NO_POLICY,
    identity: dict[str, str] | None = TTL,
) -> dict[str, Any]:
    made = record(old, None, ApproximateCreationDateTime=NOW)
    made["eventName"] = "REMOVE"
    made |= {"userIdentity": identity} if identity else {}
    source = replace(SOURCE, ttl_attribute=attribute)
    return assert_valid_entry(convert(made, source, Conversion("month", "updatedBy", policy, TOKENS)).document)


def item(**values: Any) -> dict[str, Any]:
    return {"pk": {"S": "order#17"}, **values}


@pytest.mark.parametrize("text", [str(NOW - 60), str(NOW), "0", "-5", f"{NOW - 60}.5", "1.7E+9"])
def test_a_time_that_has_passed_bears_it_out(text: str) -> None:
    entry = entry_of(item(expires={"N": text}))
    assert entry["tabletrail"]["ttl_attribute"] == "expires"
    assert entry["actor"] == {
        "id": "dynamodb.amazonaws.com",
        "type": "system",
        "source": "ttl",
        "confidence": "certain",
    }


ODD: list[dict[str, Any] | None] = [
    None,
    {},
    item(),
    item(expires={"N": str(NOW + 1)}),
    item(expires={"S": str(NOW - 60)}),
    item(expires={"NULL": True}),
    item(expires={"N": "soon"}),
    item(expires={"N": "NaN"}),
    item(expires={"N": "sNaN"}),
    item(expires={"N": 5}),
    item(expires={"N": ["5"]}),
    item(expires=5),
    item(expires={"M": {"expires": PASSED}}),
    item(Expires=PASSED),
]


@pytest.mark.parametrize("old", ODD)
def test_an_attribute_that_the_item_does_not_bear_out_is_not_named(old: dict[str, Any] | None) -> None:
    made = record(old, None, ApproximateCreationDateTime=NOW)
    made |= {"eventName": "REMOVE", "userIdentity": TTL}
    found = convert(made, replace(SOURCE, ttl_attribute="expires"), Conversion("month", "updatedBy"))
    assert "ttl_attribute" not in json.loads(found.document)["tabletrail"]


def test_only_an_expiry_has_one() -> None:
    old = item(expires=PASSED)
    assert "ttl_attribute" not in entry_of(old, identity=None)["tabletrail"]
    assert "ttl_attribute" not in entry_of(old, identity={"Type": "Service", "PrincipalId": "a.b"})["tabletrail"]
    assert "ttl_attribute" not in entry_of(old, attribute="")["tabletrail"]


def test_the_name_is_hidden_where_names_are_data() -> None:
    old = item(expires=PASSED, **{"alice@example.org": PASSED})
    hiding = compile_policy({"sensitive": [{"table": "*", "path": "*@*", "names": True}]})
    assert entry_of(old, "expires", hiding)["tabletrail"]["ttl_attribute"] == "expires"
    hidden = entry_of(old, "alice@example.org", hiding)
    assert hidden["tabletrail"]["ttl_attribute"] == TOKENS("name", "alice@example.org")
    assert hidden["tabletrail"]["ttl_attribute"] in hidden["changed"]
    assert "alice" not in json.dumps(hidden)


def test_the_value_alone_is_hidden_where_only_that_is_declared() -> None:
    hiding = compile_policy({"sensitive": [{"table": "*", "path": "expires"}]})
    entry = entry_of(item(expires=PASSED), "expires", hiding)
    assert entry["tabletrail"]["ttl_attribute"] == "expires"
    assert entry["before"]["expires"] == TOKENS("N", PASSED["N"])


def test_who_marked_the_item_last_is_not_said_to_have_set_it() -> None:
    """The record is the same whoever set the attribute, before the mark or after it: it cannot tell."""
    mark_id = uuid_at((NOW - 5_000) * 1000)
    said = {"id": mark_id, "for": bound(mark_id, SOURCE.table_name, item()), "actor": "alice"}
    old = item(expires=PASSED, _audit={"M": {name: {"S": text} for name, text in said.items()}})
    entry = entry_of(old)
    assert entry["actor"]["id"] == "dynamodb.amazonaws.com"
    assert entry["actor"]["last_known"] == "alice"
    assert "mark" not in entry["tabletrail"]
    assert "alice" not in entry["message"]
