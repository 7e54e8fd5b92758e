"""InstallMappings: puts into OpenSearch what tabletrail needs there, at each deployment.

Rules
- It reads, compares, and writes only what differs: a second installation writes nothing and says so.
- Nothing is written over a template of a newer release.
- What a cluster does not offer (roles, the setting against automatic creation) is reported, never passed over.
- It deletes nothing. Every write may be repeated; a crash between two is repaired by the next deployment.

Called by handlers/install_mappings.py and by whoever prepares a cluster of his own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tabletrail.core.cluster_objects import (
    TEMPLATE,
    merged_mapping,
    replicas_for,
    same_role,
    same_template,
    template_version,
    with_replicas,
    without_auto_create,
)
from tabletrail.core.periods import PREFIX
from tabletrail.errors import DowngradeError, InstallError, TransientError
from tabletrail.ports import Clock, IndexKeeper

NO_AUTO_CREATE = "tabletrail*"
"""With the alias's own name in it: an index that made itself under that name would shut the alias out."""

AUTO_CREATE_SETTING = "action.auto_create_index"
LEVELS = ("transient", "persistent", "defaults")
WAIT_SECONDS = 2.0

PROPERTIES = {
    "tabletrail_writer": "WriterRoles",
    "tabletrail_index_owner": "IndexOwnerRoles",
    "tabletrail_reader": "ReaderRoles",
}
"""Which property of the deployment names the IAM roles that get a role."""


class Cluster(Protocol):
    """The cluster's administration, under a role that may. Durable on return, may be repeated.

    TransientError if no reply came or the cluster is busy; InstallError if it refused, with its reason.
    """

    def data_nodes(self) -> int:
        """How many hold data. Also the sign of life: TransientError until the cluster can take writes."""

    def template(self, name: str) -> dict[str, Any] | None: ...

    def put_template(self, name: str, template: Mapping[str, Any]) -> None: ...

    def settings(self) -> dict[str, dict[str, Any]]:
        """Flat, by level: transient, persistent, defaults. The first of these that has a setting decides."""

    def put_setting(self, level: str, name: str, value: str) -> None: ...

    def has_roles(self) -> bool:
        """False without the security plugin or fine-grained access control."""

    def role(self, name: str) -> dict[str, Any] | None: ...

    def put_role(self, name: str, role: Mapping[str, Any]) -> None: ...

    def role_mapping(self, name: str) -> dict[str, Any] | None: ...

    def put_role_mapping(self, name: str, mapping: Mapping[str, Any]) -> None: ...

    def plugins(self) -> frozenset[str]: ...

    def replaceable_indices(self) -> frozenset[str]:
        """Our indices that are not append-only."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a release brings."""

    template: dict[str, Any]
    roles: dict[str, dict[str, Any]]
    template_name: str = TEMPLATE

    @classmethod
    def load(cls, mappings: Path) -> Bundle:
        """From the directory `mappings` of the release."""
        try:
            template = json.loads((mappings / "index_template.v1.json").read_text("utf-8"))
            roles = json.loads((mappings / "security" / "roles.v1.json").read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise InstallError(f"the release is incomplete, build it again: {type(error).__name__}: {error}") from None
        return cls(template, roles)


@dataclass(frozen=True, slots=True)
class Grant:
    """Who gets a role: users by name, IAM roles by ARN, and the ARNs that an earlier deployment gave it to."""

    users: tuple[str, ...] = ()
    backend_roles: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()


def grants_of(properties: Mapping[str, Any], old: Mapping[str, Any], with_users: bool) -> dict[str, Grant]:
    """From the deployment's properties and those of the one before: lists of IAM role ARNs.

    `with_users`: the user of a role's own name gets it too, where functions log in by password.
    """
    grants = {}
    for role, name in PROPERTIES.items():
        now, before = _names(properties.get(name)), _names(old.get(name))
        grants[role] = Grant((role,) if with_users else (), now, tuple(arn for arn in before if arn not in now))
    return grants


@dataclass(slots=True)
class Report:
    written: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def sentence(self) -> str:
        done = f"wrote {', '.join(self.written)}" if self.written else "nothing to write"
        text = f"{done}; {len(self.unchanged)} objects were as they should be"
        return ". ".join([text, *self.notes])


def install(
    cluster: Cluster,
    keeper: IndexKeeper,
    bundle: Bundle,
    grants: Mapping[str, Grant],
    indices: tuple[str, ...],
    clock: Clock,
    seconds: float,
) -> Report:
    """All of it within `seconds`, the wait for a new cluster included. InstallError, DowngradeError, TransientError."""
    report = Report()
    deadline = clock.monotonic() + seconds
    nodes = _wait_until_reachable(cluster, clock, deadline)
    steps: list[Callable[[], None]] = [
        lambda: _install_template(cluster, bundle, nodes, report),
        lambda: _forbid_auto_create(cluster, report),
        lambda: _install_roles(cluster, bundle.roles, grants, report),
        *(lambda index=index: _make_index(keeper, index, report) for index in indices),
        lambda: _look_around(cluster, report),
    ]
    for step in steps:
        if clock.monotonic() > deadline:
            raise InstallError(
                f"OpenSearch is too slow: not done after {seconds:.0f} s ({report.sentence()}). Deploy again; "
                "what was written stays and is not written twice"
            )
        step()
    return report


def _wait_until_reachable(cluster: Cluster, clock: Clock, deadline: float) -> int:
    while True:
        try:
            return cluster.data_nodes()
        except TransientError as error:
            if clock.monotonic() + WAIT_SECONDS > deadline:
                raise InstallError(f"OpenSearch could not be reached in time: {error}") from None
        clock.sleep(WAIT_SECONDS)


def _install_template(cluster: Cluster, bundle: Bundle, nodes: int, report: Report) -> None:
    found = cluster.template(bundle.template_name)
    ours, theirs = template_version(bundle.template), template_version(found or {})
    if theirs > ours:
        raise DowngradeError(
            f"the cluster holds version {theirs} of the index template {bundle.template_name}, this release brings "
            f"{ours}: deploy the newer release again. Nothing was written"
        )
    levels = cluster.settings()
    effective = {name: value for level in reversed(LEVELS) for name, value in levels.get(level, {}).items()}
    wanted = with_replicas(bundle.template, replicas_for(nodes, effective))
    name = f"index template {bundle.template_name}"
    if found is not None and same_template(found, wanted):
        report.unchanged.append(name)
        return
    cluster.put_template(bundle.template_name, wanted)
    report.written.append(name)


def _forbid_auto_create(cluster: Cluster, report: Report) -> None:
    """A transient value hides the persistent one, so it is the one to change where it exists."""
    levels = cluster.settings()
    values = {level: levels.get(level, {}).get(AUTO_CREATE_SETTING) for level in LEVELS}
    level = "transient" if values["transient"] is not None else "persistent"
    effective = next((value for value in values.values() if value is not None), None)
    wanted = without_auto_create(effective, NO_AUTO_CREATE)
    name = f"cluster setting {AUTO_CREATE_SETTING}"
    if wanted is None:
        report.unchanged.append(name)
        return
    try:
        cluster.put_setting(level, AUTO_CREATE_SETTING, wanted)
    except InstallError as error:
        report.notes.append(
            f"Automatic creation of indices could not be switched off ({error}); the writer's role does not allow it "
            f"either, but set {AUTO_CREATE_SETTING} to {wanted} if other writers use this cluster"
        )
        return
    report.written.append(f"{name} = {wanted}")


def _install_roles(
    cluster: Cluster, roles: Mapping[str, dict[str, Any]], grants: Mapping[str, Grant], report: Report
) -> None:
    if not cluster.has_roles():
        report.notes.append(
            "The cluster has no roles (security plugin or fine-grained access control is off): whoever may send "
            "requests to it may read entries and delete whole indices; the log in S3 does not depend on it"
        )
        return
    for name, wanted in roles.items():
        found = cluster.role(name)
        if found is not None and same_role(found, wanted):
            report.unchanged.append(f"role {name}")
        else:
            cluster.put_role(name, wanted)
            report.written.append(f"role {name}")
        _map_role(cluster, name, grants.get(name, Grant()), report)


def _map_role(cluster: Cluster, name: str, grant: Grant, report: Report) -> None:
    mapping = merged_mapping(cluster.role_mapping(name), grant.users, grant.backend_roles, grant.withdrawn)
    if mapping is None:
        report.unchanged.append(f"mapping of {name}")
        return
    cluster.put_role_mapping(name, mapping)
    report.written.append(f"mapping of {name}")


def _make_index(keeper: IndexKeeper, index: str, report: Report) -> None:
    made = keeper.ensure(index)
    (report.written if made else report.unchanged).append(f"index {index}")


def _look_around(cluster: Cluster, report: Report) -> None:
    replaceable = sorted(cluster.replaceable_indices())
    if replaceable:
        report.notes.append(
            f"Not write-once, made without the template: {', '.join(replaceable)}; entries in them can be replaced"
        )
    plugins = cluster.plugins()
    for plugin, loss in (
        ("opensearch-index-management", f"indices {PREFIX}* are never deleted by age"),
        ("opensearch-alerting", "no monitors: alerts come from the rules at conversion alone"),
    ):
        if plugin not in plugins:
            report.notes.append(f"The cluster has no {plugin}: {loss}")


def _names(value: Any) -> tuple[str, ...]:
    """A deployment gives lists or comma-separated text; empty entries come from conditions that do not hold."""
    parts = value if isinstance(value, list) else str(value or "").split(",")
    return tuple(str(part).strip() for part in parts if str(part).strip())
