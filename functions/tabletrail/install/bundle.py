"""What a release brings for OpenSearch, and what a deployment decides about it.

Called by `tabletrail.install`, the handler, and whoever compares an index with this release's template.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tabletrail.core.cluster_objects import TEMPLATE
from tabletrail.core.installed import MARKS
from tabletrail.core.team_roles import TEAMS_FILE, Team, role_of, teams_in
from tabletrail.errors import InstallError

JsonObject = dict[str, Any]

HEALTH_TEMPLATE = "tabletrail-health-v1"

PROPERTIES = {
    "tabletrail_writer": "WriterRoles",
    "tabletrail_index_owner": "IndexOwnerRoles",
    "tabletrail_reader": "ReaderRoles",
    "tabletrail_auditor": "AuditorRoles",
    "tabletrail_retention": "RetentionRoles",
    "tabletrail_snapshots": "SnapshotRoles",
}
"""Which property of the deployment names the IAM roles that get a role."""

LENT = {"tabletrail_retention": "tabletrail_index_owner", "tabletrail_snapshots": "tabletrail_index_owner"}
"""Roles without a user of their own: another role's user has them while the deployment's property names anybody."""

KINDS = ("role", "policy", "monitor", "dashboards")
"""What has a version by kind in mappings/versions.json. Index templates carry their own."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """`policies` are the files of mappings/ism by id, `dashboards` the saved objects as an export's lines hold them."""

    template: JsonObject
    roles: dict[str, JsonObject]
    template_name: str = TEMPLATE
    others: dict[str, JsonObject] = field(default_factory=dict)
    policies: dict[str, JsonObject] = field(default_factory=dict)
    monitors: tuple[JsonObject, ...] = ()
    dashboards: tuple[JsonObject, ...] = ()
    versions: dict[str, int] = field(default_factory=dict)
    marks_name: str = MARKS
    teams: tuple[Team, ...] = ()
    """Their roles are among `roles`."""

    @property
    def templates(self) -> dict[str, JsonObject]:
        return {self.template_name: self.template, **self.others}

    def version(self, kind: str) -> int:
        return self.versions.get(kind, 0)

    @classmethod
    def load(cls, mappings: Path) -> Bundle:
        """From the directory `mappings` of the release. InstallError if it is incomplete."""
        try:
            template = _json(mappings / "index_template.v1.json")
            policies = [_json(path) for path in sorted((mappings / "ism").glob("*.json"))]
            lines = _lines(mappings / "dashboards" / "tabletrail.v1.ndjson")
            declared = mappings / "security" / TEAMS_FILE
            teams = teams_in(declared.read_text("utf-8")) if declared.exists() else ()
            return cls(
                template=template,
                roles=_json(mappings / "security" / "roles.v1.json") | {team.role: role_of(team) for team in teams},
                others={HEALTH_TEMPLATE: _json(mappings / "health_template.v1.json")},
                policies={policy["policy_id"]: policy for policy in policies},
                monitors=tuple(_json(path) for path in sorted((mappings / "monitors").glob("*.json"))),
                # The last line of an export counts the others.
                dashboards=tuple(line for line in lines if "type" in line),
                versions=_json(mappings / "versions.json"),
                teams=teams,
            )
        except (OSError, ValueError, KeyError) as error:
            raise InstallError(f"the release is incomplete, build it again: {type(error).__name__}: {error}") from None


@dataclass(frozen=True, slots=True)
class Grant:
    """Who gets a role: users by name, IAM roles by ARN, and those that an earlier deployment gave it to."""

    users: tuple[str, ...] = ()
    backend_roles: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()


def grants_of(properties: Mapping[str, Any], old: Mapping[str, Any], with_users: bool) -> dict[str, Grant]:
    """From the deployment's properties and those of the one before: lists of IAM role ARNs.

    `with_users`: users get them too, where functions log in by password: the user of a role's own name, see LENT.
    """
    grants = {}
    for role, name in PROPERTIES.items():
        now, before = names_in(properties.get(name)), names_in(old.get(name))
        gone = tuple(arn for arn in before if arn not in now)
        user = LENT.get(role, role)
        has_user = with_users and (role not in LENT or bool(now))
        if with_users and before and not has_user:
            gone = (*gone, user)
        grants[role] = Grant((user,) if has_user else (), now, gone)
    return grants


@dataclass(frozen=True, slots=True)
class Channel:
    """Where monitors send what they find: an SNS topic, and the IAM role as which the domain publishes there.

    Without a role the cluster's nodes publish as themselves.
    """

    topic: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What one deployment decides.

    `repository` takes snapshots of closed indices, empty for none. `restore` names edited objects that are to be the
    release's again, or is "all".
    """

    grants: Mapping[str, Grant]
    indices: tuple[str, ...] = ()
    channel: Channel | None = None
    repository: str = ""
    restore: frozenset[str] = frozenset()

    def restores(self, key: str) -> bool:
        return key in self.restore or "all" in self.restore


def names_in(value: Any) -> tuple[str, ...]:
    """A deployment gives lists or comma-separated text; empty entries come from conditions that do not hold."""
    parts = value if isinstance(value, list) else str(value or "").split(",")
    return tuple(str(part).strip() for part in parts if str(part).strip())


def _json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def _lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]
