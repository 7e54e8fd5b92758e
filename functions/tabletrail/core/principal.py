"""Who IAM says made a call: CloudTrail's `userIdentity`.

Rules
- Two calls are one principal's if `Principal.id` is the same: the ARN (of a role: with its session), else what stands
  in.
- A role's session name is chosen by whoever assumes the role, so it is told apart and is no name. In IAM Identity
  Center's own roles (`AWSReservedSSO_...`) it is the person's user name, put there by AWS: there it is the name.
- An identity that cannot be read is a principal nonetheless, `is_known` false and one's own: a call must never drop
  out of the candidates for that, or the others would look surer than they are.

Source of the fields: AWS CloudTrail User Guide, "CloudTrail userIdentity element".
Called by `cloudtrail`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tabletrail.core.paths import cut_text

_SSO_ROLE = "AWSReservedSSO_"
_ASSUMED = ":assumed-role/"


@dataclass(frozen=True, slots=True)
class Principal:
    """Texts are cut at what an entry may hold; empty where CloudTrail says nothing."""

    id: str
    kind: str = ""
    """CloudTrail's type: Root, IAMUser, AssumedRole, FederatedUser, AWSAccount, AWSService, SAMLUser, ..."""
    name: str = ""
    arn: str = ""
    account: str = ""
    """The account of the caller, which need not be that of the table."""
    role: str = ""
    """The ARN of the role, user or account that gave the temporary credentials."""
    session: str = ""
    source_identity: str = ""
    provider: str = ""
    """Who vouched for a federated user."""
    is_sso: bool = False
    is_known: bool = True


def principal_of(identity: Any, event_id: str) -> Principal:
    """The principal of a record's `userIdentity`, whatever that is. `event_id` tells one unreadable identity from
    another."""
    if type(identity) is not dict:
        return _nobody(event_id)
    kind, arn = text_of(identity, "type"), text_of(identity, "arn")
    account = text_of(identity, "accountId")
    context = _part(identity, "sessionContext")
    issuer = _part(context, "sessionIssuer")
    stand_in = text_of(identity, "principalId") or _on_behalf(identity) or text_of(identity, "invokedBy")
    whole = arn or (f"{kind}:{account}:{stand_in}" if kind and stand_in else "")
    if not whole:
        return _nobody(event_id, kind)
    role_name, session = _role_and_session(arn, text_of(identity, "principalId"), kind)
    is_sso = role_name.startswith(_SSO_ROLE)
    return Principal(
        id=whole,
        kind=kind,
        name=_name(identity, kind, arn, session if is_sso else role_name),
        arn=arn,
        account=account,
        role=text_of(issuer, "arn"),
        session=session,
        source_identity=text_of(context, "sourceIdentity"),
        provider=_provider(identity, context),
        is_sso=is_sso,
    )


def text_of(part: dict[str, Any], name: str) -> str:
    """The text of a field, cut, and such that UTF-8 can hold it; empty if there is none."""
    value = part.get(name)
    return cut_text(value.encode("utf-8", "replace").decode()) if type(value) is str else ""


def _nobody(event_id: str, kind: str = "") -> Principal:
    return Principal(id=f"unknown:{event_id}", kind=kind, is_known=False)


def _part(whole: dict[str, Any], name: str) -> dict[str, Any]:
    part = whole.get(name)
    return part if type(part) is dict else {}


def _on_behalf(identity: dict[str, Any]) -> str:
    """The user's id in IAM Identity Center, where an application called on a user's behalf."""
    return text_of(_part(identity, "onBehalfOf"), "userId")


def _role_and_session(arn: str, principal_id: str, kind: str) -> tuple[str, str]:
    """(role, session) of `arn:aws:sts::123456789012:assumed-role/ROLE/SESSION`; a session's name holds no slash."""
    if _ASSUMED in arn:
        role, _, session = arn.partition(_ASSUMED)[2].rpartition("/")
        return role, session
    return "", principal_id.partition(":")[2] if kind in ("AssumedRole", "FederatedUser") else ""


def _name(identity: dict[str, Any], kind: str, arn: str, role_or_person: str) -> str:
    """What a person calls this principal."""
    if kind == "Root":
        return "root"
    if kind == "AWSService":
        return text_of(identity, "invokedBy") or text_of(identity, "principalId")
    if kind == "AWSAccount":
        return text_of(identity, "accountId")
    return role_or_person or text_of(identity, "userName") or _on_behalf(identity) or arn.rpartition("/")[2]


def _provider(identity: dict[str, Any], context: dict[str, Any]) -> str:
    named = text_of(identity, "identityProvider")
    return named or text_of(_part(context, "webIdFederationData"), "federatedProvider")
