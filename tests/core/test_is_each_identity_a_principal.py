"""Is each kind of CloudTrail's identities told as who it is?"""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.trail import ACCOUNT, OTHER_ACCOUNT, call, put, role, user

KEY = {"id": "1"}

IDENTITIES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (user("alice"), {"kind": "IAMUser", "name": "alice", "arn": f"arn:aws:iam::{ACCOUNT}:user/alice"}),
    (
        {"type": "Root", "principalId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT},
        {"kind": "Root", "name": "root"},
    ),
    (
        role("billing", "billing-function"),
        {"name": "billing", "session": "billing-function", "role": f"arn:aws:iam::{ACCOUNT}:role/billing"},
    ),
    (
        role("AWSReservedSSO_Admin_0123456789abcdef", "bob@example.com", "aws-reserved/sso.amazonaws.com/"),
        {"name": "bob@example.com", "session": "bob@example.com", "is_sso": True},
    ),
    (role("deploy", "carol", account=OTHER_ACCOUNT), {"name": "deploy", "account": OTHER_ACCOUNT}),
    (
        {
            "type": "FederatedUser",
            "principalId": f"{ACCOUNT}:dave",
            "arn": f"arn:aws:sts::{ACCOUNT}:federated-user/dave",
            "accountId": ACCOUNT,
            "sessionContext": {"sessionIssuer": {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/broker"}},
        },
        {"name": "dave", "session": "dave", "role": f"arn:aws:iam::{ACCOUNT}:user/broker"},
    ),
    (
        {"type": "AWSService", "invokedBy": "backup.amazonaws.com"},
        {"kind": "AWSService", "name": "backup.amazonaws.com", "id": "AWSService::backup.amazonaws.com"},
    ),
    (
        {"type": "AWSAccount", "principalId": "AIDAQ", "accountId": OTHER_ACCOUNT},
        {"name": OTHER_ACCOUNT, "id": f"AWSAccount:{OTHER_ACCOUNT}:AIDAQ"},
    ),
    (
        {
            "type": "WebIdentityUser",
            "principalId": "accounts.google.com:app:erin",
            "userName": "erin",
            "identityProvider": "accounts.google.com",
        },
        {"name": "erin", "provider": "accounts.google.com"},
    ),
    (
        {"type": "IdentityCenterUser", "accountId": ACCOUNT, "onBehalfOf": {"userId": "544894e8"}},
        {"name": "544894e8", "id": f"IdentityCenterUser:{ACCOUNT}:544894e8"},
    ),
]


@pytest.mark.parametrize(("identity", "known"), IDENTITIES)
def test_each_kind_of_identity_is_a_principal(identity: dict[str, Any], known: dict[str, Any]) -> None:
    found = call(put(KEY, userIdentity=identity)).principal
    assert {name: getattr(found, name) for name in known} == known
    assert found.is_known
    assert found.id == identity.get("arn", found.id)


def test_a_source_identity_and_a_web_identity_are_told() -> None:
    identity = role("web", "s")
    identity["sessionContext"] |= {
        "sourceIdentity": "frank",
        "webIdFederationData": {"federatedProvider": "cognito-identity.amazonaws.com"},
    }
    found = call(put(KEY, userIdentity=identity)).principal
    assert (found.source_identity, found.provider) == ("frank", "cognito-identity.amazonaws.com")


@pytest.mark.parametrize("identity", [{}, {"type": "Unknown"}, {"arn": None}])
def test_who_cannot_be_read_is_a_caller_of_its_own(identity: dict[str, Any]) -> None:
    one = call(put(KEY, userIdentity=identity, eventID="one")).principal
    other = call(put(KEY, userIdentity=identity, eventID="other")).principal
    assert not one.is_known
    assert one.id != other.id
