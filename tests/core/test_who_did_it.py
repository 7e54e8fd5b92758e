"""Does an entry name an actor only where this record knows it?"""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tabletrail.core.entry import Conversion, convert
from tests.core.strategies import CONVERSION, SOURCE, record
from tests.validation import assert_valid_entry

ALICE, BOB = {"updatedBy": {"S": "alice"}}, {"updatedBy": {"S": "bob"}}
PAID, SHIPPED = {"status": {"S": "paid"}}, {"status": {"S": "shipped"}}
CLAIM = {"type": "user", "source": "attribute", "confidence": "possible"}


def document_of(made: dict[str, Any], attribute: str = "updatedBy") -> dict[str, Any]:
    return assert_valid_entry(convert(made, SOURCE, Conversion("month", attribute)).document)


@pytest.mark.parametrize(
    ("old", "new", "actor"),
    [
        (None, ALICE, {"id": "alice"} | CLAIM),
        (PAID | BOB, SHIPPED | ALICE, {"id": "alice"} | CLAIM),
        (PAID, SHIPPED | ALICE, {"id": "alice"} | CLAIM),
        (PAID | ALICE, SHIPPED | ALICE, {"last_known": "alice"}),
        (PAID | ALICE, SHIPPED, None),
        (PAID | ALICE, None, {"last_known": "alice"}),
        (PAID, SHIPPED, None),
        (None, {"updatedBy": {"S": ""}}, None),
        (None, {"updatedBy": {"N": "7"}}, None),
        (None, {"updatedBy": {"M": {"S": {"S": "alice"}}}}, None),
    ],
)
def test_the_attribute_names_the_actor_only_where_this_record_wrote_it(
    old: dict[str, Any] | None, new: dict[str, Any] | None, actor: dict[str, str] | None
) -> None:
    assert document_of(record(old, new)).get("actor") == actor


def test_without_an_old_image_nobody_knows_who_wrote() -> None:
    made = record(None, ALICE)
    made["eventName"] = "MODIFY"
    assert document_of(made)["actor"] == {"last_known": "alice"}


def test_no_attribute_configured_means_no_actor() -> None:
    assert "actor" not in document_of(record(PAID, SHIPPED | ALICE), attribute="")


@pytest.mark.parametrize(
    "identity",
    [
        {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"},
        {"type": "Service", "principalId": "dynamodb.amazonaws.com"},
    ],
)
def test_ttl_is_certain_and_is_not_the_last_writer(identity: dict[str, str]) -> None:
    document = document_of(record(PAID | ALICE, None) | {"userIdentity": identity})
    assert document["event"]["action"] == "expire"
    assert document["actor"] == {
        "id": "dynamodb.amazonaws.com",
        "type": "system",
        "source": "ttl",
        "confidence": "certain",
        "last_known": "alice",
    }
    assert document["message"] == "TTL expired orders order#17"


def test_only_a_removal_can_be_an_expiry() -> None:
    made = record(PAID, SHIPPED) | {"userIdentity": {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}}
    document = document_of(made)
    assert document["event"]["action"] == "modify"
    assert document["message"].startswith("dynamodb.amazonaws.com changed status")


def test_another_identity_of_dynamodbs_is_shown_as_it_says() -> None:
    made = record(PAID, SHIPPED | ALICE) | {"userIdentity": {"Type": "Service", "PrincipalId": "x.amazonaws.com"}}
    document = document_of(made)
    assert document["event"]["action"] == "modify"
    assert document["actor"] == {
        "id": "x.amazonaws.com",
        "type": "service",
        "source": "stream",
        "confidence": "certain",
        "last_known": "alice",
    }


def changes(count: int) -> tuple[dict[str, Any], dict[str, Any]]:
    old = {f"a{one}": {"N": str(one)} for one in range(count)}
    return old, {name: {"N": value["N"] + "0"} for name, value in old.items()}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            PAID | BOB,
            SHIPPED | ALICE,
            "alice changed status from paid to shipped, changed updatedBy from bob to alice on ",
        ),
        (PAID, SHIPPED, "status changed from paid to shipped on "),
        (PAID, PAID | SHIPPED | {"note": {"S": ""}}, 'note set to "", status changed from paid to shipped on '),
        (PAID | {"note": {"S": "x\ny"}}, PAID, "note removed on "),
        (*changes(3), "a0 changed from 0 to 00, a1 changed from 1 to 10, a2 changed from 2 to 20 on "),
        (*changes(7), "a0 changed from 0 to 00, a1 changed from 1 to 10, a2 changed from 2 to 20 and 4 more on "),
        ({"a": {"S": "x" * 90}}, {"a": {"S": "l1\nl2\x1b[0m"}}, f"a changed from {'x' * 80}… to l1 l2 [0m on "),
    ],
)
def test_the_sentence_of_a_change(old: dict[str, Any], new: dict[str, Any], message: str) -> None:
    assert document_of(record(old, new))["message"] == message + "orders order#17"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (None, ALICE, "alice created orders order#17"),
        (None, PAID, "orders order#17 was created"),
        (PAID | ALICE, None, "orders order#17 was removed"),
    ],
)
def test_the_sentence_of_a_whole_item(old: dict[str, Any] | None, new: dict[str, Any] | None, message: str) -> None:
    assert document_of(record(old, new))["message"] == message


@pytest.mark.parametrize(
    ("keys", "readable"),
    [
        ({"pk": {"S": "order#17"}}, "order#17"),
        ({"pk": {"S": "a/b\\c"}}, "a/b\\c"),
        ({"sk": {"N": "2"}, "pk": {"S": "order#17"}}, "order#17/2"),
        ({"pk": {"S": "a/b"}, "sk": {"S": "c\\d"}}, "a\\/b/c\\\\d"),
        ({"pk": {"B": "AQ/+"}, "sk": {"N": "1"}}, "AQ\\/+/1"),
    ],
)
def test_the_readable_key(keys: dict[str, Any], readable: str) -> None:
    document = assert_valid_entry(convert(record(PAID, SHIPPED, Keys=keys), SOURCE, CONVERSION).document)
    assert document["item"]["id"] == readable


def test_the_partition_key_comes_first_where_it_is_known() -> None:
    made = record(PAID, SHIPPED, Keys={"account": {"S": "a"}, "customer": {"S": "c"}})
    for name, readable in (("", "a/c"), ("customer", "c/a"), ("account", "a/c"), ("other", "a/c")):
        source = dataclasses.replace(SOURCE, partition_key=name)
        assert assert_valid_entry(convert(made, source, CONVERSION).document)["item"]["id"] == readable


def test_long_keys_stay_distinct() -> None:
    made = [record(PAID, SHIPPED, Keys={"pk": {"S": "k" * 1500 + end}}) for end in "ab"]
    ids = {document_of(one)["item"]["id"] for one in made}
    assert len(ids) == 2
    assert all(len(one) == 1066 for one in ids)
