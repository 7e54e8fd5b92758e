"""Index templates, the setting against automatic creation, roles and their mappings: what entries stand on.

Rules
- Templates and roles are ours whole: a difference is repaired. That a person had made it is said.
- Mappings and the setting are shared: what a person put there stays. A team's mapping is the file's that declares it,
  where that says anything of people.

Called by `tabletrail.install`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tabletrail.core.cluster_objects import (
    merged_mapping,
    replicas_for,
    same_role,
    same_template,
    template_version,
    with_replicas,
    without_auto_create,
)
from tabletrail.core.installed import Marks
from tabletrail.core.periods import PREFIX
from tabletrail.core.team_roles import left_roles, whole_mapping
from tabletrail.errors import InstallError
from tabletrail.install.bundle import Bundle, Grant, Wishes
from tabletrail.install.memory import Memory
from tabletrail.install.report import Report
from tabletrail.install.servers import Cluster

JsonObject = dict[str, Any]

NO_AUTO_CREATE = "tabletrail*"
"""With the alias's own name in it: an index that made itself under that name would shut the alias out."""

AUTO_CREATE_SETTING = "action.auto_create_index"
LEVELS = ("transient", "persistent", "defaults")


class Templates:
    """The index templates: the entries' and the health index's."""

    def __init__(self, cluster: Cluster, bundle: Bundle, nodes: int) -> None:
        self._cluster, self._bundle, self._nodes = cluster, bundle, nodes
        self._found: dict[str, JsonObject | None] = {}

    def look(self, _marks: Marks) -> list[str]:
        """The templates that a newer release wrote."""
        self._found = {name: self._cluster.template(name) for name in self._bundle.templates}
        newer = []
        for name, template in self._bundle.templates.items():
            ours, theirs = template_version(template), template_version(self._found[name] or {})
            if theirs > ours:
                newer.append(f"version {theirs} of the index template {name}, this release brings {ours}")
        return newer

    def write(self, memory: Memory, report: Report) -> None:
        levels = self._cluster.settings()
        effective = {name: value for level in reversed(LEVELS) for name, value in levels.get(level, {}).items()}
        replicas = replicas_for(self._nodes, effective)
        for name, template in self._bundle.templates.items():
            self._write_one(name, with_replicas(template, replicas), memory, report)
        _forbid_auto_create(self._cluster, levels, report)

    def _write_one(self, name: str, wanted: JsonObject, memory: Memory, report: Report) -> None:
        key, words, found = f"template/{name}", f"index template {name}", self._found[name]
        if found is not None and same_template(found, wanted):
            report.unchanged.append(words)
        else:
            was_edited = found is not None and memory.marks.is_as_brought(key, wanted)
            self._cluster.put_template(name, wanted)
            (report.repair if was_edited else report.written.append)(words)
        memory.marks.adopt(key, template_version(wanted), wanted, "")


class Roles:
    """The roles and who has them."""

    def __init__(self, cluster: Cluster, bundle: Bundle, wishes: Wishes) -> None:
        self._cluster, self._bundle, self._wishes = cluster, bundle, wishes
        self._teams = {team.role: team for team in bundle.teams}

    def look(self, marks: Marks) -> list[str]:
        return newer_objects(marks, "role", self._bundle)

    def write(self, memory: Memory, report: Report) -> None:
        found = self._cluster.roles()
        if found is None:
            report.notes.append(
                "The cluster has no roles (security plugin or fine-grained access control is off): whoever may send "
                "requests to it may read entries and delete whole indices; the log in S3 does not depend on it"
            )
            return
        mappings = self._cluster.role_mappings()
        for name, wanted in self._bundle.roles.items():
            self._write_one(name, wanted, found.get(name), memory, report)
            self._map(name, self._mapping(name, mappings.get(name)), report)
        for name, empty in left_roles(found, self._bundle.roles).items():
            self._write_one(name, empty, found[name], memory, report)
        if self._teams:
            report.notes.append(
                "What a team may see is limited by document-level security, which is no wall against requests written "
                "by hand: docs/access.md says which pass it"
            )

    def _write_one(
        self, name: str, wanted: JsonObject, found: JsonObject | None, memory: Memory, report: Report
    ) -> None:
        key, words = f"role/{name}", f"role {name}"
        if found is not None and same_role(found, wanted):
            report.unchanged.append(words)
        else:
            was_edited = found is not None and memory.marks.is_as_brought(key, wanted)
            self._cluster.put_role(name, wanted)
            (report.repair if was_edited else report.written.append)(words)
        memory.marks.adopt(key, self._bundle.version("role"), wanted, "")

    def _mapping(self, name: str, found: JsonObject | None) -> JsonObject | None:
        """What is to be written, None if it is so."""
        team = self._teams.get(name)
        if team and team.names_people:
            return whole_mapping(found, team.users, team.backend_roles)
        grant = self._wishes.grants.get(name, Grant())
        return merged_mapping(found, grant.users, grant.backend_roles, grant.withdrawn)

    def _map(self, name: str, mapping: JsonObject | None, report: Report) -> None:
        if mapping is None:
            report.unchanged.append(f"mapping of {name}")
            return
        self._cluster.put_role_mapping(name, mapping)
        report.written.append(f"mapping of {name}")


def look_around(cluster: Cluster, report: Report) -> None:
    """What nothing can mend any more, but somebody should know."""
    replaceable = sorted(cluster.replaceable_indices())
    if replaceable:
        report.notes.append(
            f"Not write-once, made without the template: {', '.join(replaceable)}; entries in them can be replaced"
        )


def no_plugin(name: str, loss: str) -> str:
    """The note of a plugin that the cluster lacks."""
    return f"The cluster has no {name}: {loss.format(indices=PREFIX + '*')}"


def newer_objects(marks: Marks, kind: str, bundle: Bundle) -> list[str]:
    """What a newer release wrote, in words."""
    ours = bundle.version(kind)
    return [f"a later {kind} {key.partition('/')[2]}" for key in marks.newer(kind, ours)]


def _forbid_auto_create(cluster: Cluster, levels: Mapping[str, Mapping[str, Any]], report: Report) -> None:
    """A transient value hides the persistent one, so it is the one to change where it exists."""
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
