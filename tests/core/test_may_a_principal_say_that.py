"""Is a name that IAM's principal may not claim a contradiction, and is every other one let alone?"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabletrail.core.attribution_policy import NO_ATTRIBUTION, Attribution, may_claim
from tabletrail.core.policy import compile_policy
from tabletrail.core.principal import Principal, principal_of
from tabletrail.core.tokens import Tokens

ACCOUNT = "123456789012"
TOKEN = Tokens(b"k" * 32)("S", "alice")


def role(name: str, session: str, **context: Any) -> Principal:
    """As CloudTrail has an assumed role."""
    path = "aws-reserved/sso.amazonaws.com/" if name.startswith("AWSReservedSSO_") else ""
    identity = {
        "type": "AssumedRole",
        "principalId": f"AROAEXAMPLE:{session}",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{session}",
        "accountId": ACCOUNT,
        "sessionContext": {
            "sessionIssuer": {"type": "Role", "arn": f"arn:aws:iam::{ACCOUNT}:role/{path}{name}", "userName": name},
            **context,
        },
    }
    return principal_of(identity, "event-1")


def sso(user: str) -> Principal:
    return role("AWSReservedSSO_Support_0123456789abcdef", user)


def user(name: str, path: str = "/") -> Principal:
    arn = f"arn:aws:iam::{ACCOUNT}:user{path}{name}"
    return principal_of({"type": "IAMUser", "arn": arn, "accountId": ACCOUNT, "userName": name}, "event-1")


ROOT = principal_of({"type": "Root", "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT}, "event-1")
SERVICE = principal_of({"type": "AWSService", "invokedBy": "dms.amazonaws.com"}, "event-1")
STRANGER = principal_of({"type": "AWSAccount", "principalId": "AIDAEXAMPLE", "accountId": "999999999999"}, "event-1")
FEDERATED = principal_of(
    {"type": "FederatedUser", "principalId": f"{ACCOUNT}:bob", "arn": f"arn:aws:sts::{ACCOUNT}:federated-user/bob"}, "e"
)
CENTER = principal_of({"type": "IdentityCenterUser", "accountId": ACCOUNT, "onBehalfOf": {"userId": "94-1"}}, "event-1")
UNREADABLE = [principal_of(identity, "event-1") for identity in (None, {}, "x", {"type": "AssumedRole"})]


def says(*claims: dict[str, Any]) -> Attribution:
    return compile_policy({"attribution": {"claims": list(claims)}}).of("orders").attribution


SELF = [
    (sso("alice"), "alice"),
    (sso("Alice"), "aLICE"),
    (sso("alice@example.org"), "alice@example.org"),
    (sso("Alice@Example.org"), "alice@example.ORG"),
    (sso("alice@example.org"), "alice"),
    (sso("alice"), "alice@example.org"),
    (user("alice"), "alice"),
    (user("alice", "/staff/north/"), "ALICE"),
    (user("alice@example.org"), "alice"),
    (ROOT, "root"),
]
OTHER = [
    (sso("alice"), "bob"),
    (sso("alice"), "alic"),
    (sso("alice"), "alice "),
    (sso("alice"), "alice.smith"),
    (sso("alice@example.org"), "alice@example.com"),
    (sso("alice@example.org"), "alice@"),
    (sso("alice@example.org"), "example.org"),
    (sso("alice@example.org"), "bob"),
    (sso("alice"), "AWSReservedSSO_Support_0123456789abcdef"),
    (user("alice"), "bob"),
    (user("alice", "/bob/"), "bob"),
    (user("alice"), f"arn:aws:iam::{ACCOUNT}:user/alice"),
    (user("billing-service"), "alice"),
    (ROOT, "alice"),
    (ROOT, ACCOUNT),
]


@pytest.mark.parametrize(("principal", "actor"), SELF)
def test_a_person_is_himself_in_any_case_and_by_his_address(principal: Principal, actor: str) -> None:
    assert may_claim(NO_ATTRIBUTION, principal, actor)


@pytest.mark.parametrize(("principal", "actor"), OTHER)
def test_a_person_is_nobody_else(principal: Principal, actor: str) -> None:
    assert not may_claim(NO_ATTRIBUTION, principal, actor)


@pytest.mark.parametrize("principal", [role("billing", "i-0123"), SERVICE, STRANGER, FEDERATED, CENTER])
def test_who_writes_on_behalf_of_others_may_name_them(principal: Principal) -> None:
    assert principal.is_known
    assert may_claim(NO_ATTRIBUTION, principal, "alice")


@pytest.mark.parametrize("principal", [sso("alice"), ROOT, *UNREADABLE])
@pytest.mark.parametrize("claims", [(), ({"principal": "*", "actors": ["nobody"]},)])
def test_what_cannot_be_judged_is_no_contradiction(principal: Principal, claims: tuple[dict[str, Any], ...]) -> None:
    assert may_claim(says(*claims), principal, "")
    assert may_claim(says(*claims), principal, TOKEN)
    assert may_claim(says(*claims), principal, "bob") is not principal.is_known


def test_a_text_like_a_token_is_a_name_where_nothing_is_hidden() -> None:
    assert not may_claim(NO_ATTRIBUTION, sso("alice"), TOKEN, may_be_hidden=False)
    assert not may_claim(NO_ATTRIBUTION, sso("alice"), "token:bob")
    assert not may_claim(NO_ATTRIBUTION, sso("alice"), TOKEN + "0")


def test_the_first_claim_that_fits_counts() -> None:
    found = says(
        {"principal": "arn:aws:iam::*:user/ops-*", "actors": "any"},
        {"principal": f"arn:aws:sts::{ACCOUNT}:assumed-role/billing/*", "actors": ["billing-*", "refunds"]},
        {"principal": f"arn:aws:iam::{ACCOUNT}:role/import", "actors": "self"},
        {"principal": "*:user/*", "actors": ["carol"]},
    )
    assert may_claim(found, user("ops-1"), "alice")
    assert [may_claim(found, role("billing", "x"), name) for name in ("billing-1", "refunds", "alice", "Refunds")] == [
        True, True, False, False,
    ]  # fmt: skip
    assert [may_claim(found, user("alice"), name) for name in ("alice", "carol")] == [False, True]
    assert may_claim(found, sso("alice"), "alice")
    assert not may_claim(found, sso("alice"), "bob")
    assert may_claim(found, SERVICE, "alice")


def test_a_role_that_may_claim_itself_is_its_session_its_name_or_its_source_identity() -> None:
    found = says({"principal": f"arn:aws:iam::{ACCOUNT}:role/import", "actors": "self"})
    caller = role("import", "Bob@example.org", sourceIdentity="carol")
    names = ("bob", "bob@example.org", "import", "carol", "alice")
    assert [may_claim(found, caller, name) for name in names] == [True, True, True, True, False]


def test_a_role_is_known_by_its_own_arn_and_by_its_session_s() -> None:
    for arn in (f"arn:aws:iam::{ACCOUNT}:role/billing", f"arn:aws:sts::{ACCOUNT}:assumed-role/billing/*"):
        found = says({"principal": arn, "actors": ["billing"]})
        assert not may_claim(found, role("billing", "x"), "alice")
        assert may_claim(found, role("billing-2", "x"), "alice")


def test_a_table_s_own_claims_are_not_those_of_the_others() -> None:
    policy = compile_policy(
        {
            "attribution": {
                "tables": [{"table": "orders", "claims": [{"principal": "*", "actors": ["x"]}]}],
                "claims": [{"principal": "*", "actors": "any"}],
            }
        }
    )
    assert may_claim(policy.of("users").attribution, sso("alice"), "bob")
    assert not may_claim(policy.of("orders").attribution, sso("alice"), "bob")


@given(st.text(min_size=1), st.sampled_from([principal for principal, _ in SELF + OTHER]))
def test_a_person_is_only_what_his_own_name_says(actor: str, principal: Principal) -> None:
    """By another way: an address is the part before its last @, and nothing but such a part."""
    forms = {actor.lower(), *(actor.lower().rsplit("@", 1)[:1] if "@" in actor else [])}
    own = principal.name.lower()
    own_forms = {own, *(own.rsplit("@", 1)[:1] if "@" in own else [])}
    expected = own in forms or actor.lower() in own_forms
    assert may_claim(NO_ATTRIBUTION, principal, actor, may_be_hidden=False) is expected
