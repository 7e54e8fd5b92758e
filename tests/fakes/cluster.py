"""The administration of an OpenSearch in memory: templates, settings, roles."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tabletrail.errors import InstallError, TransientError
from tests.fakes.clock import FakeClock


@dataclass
class FakeCluster:
    """`install.servers.Cluster` in memory: counts writes, may come up late, lack roles, or refuse a setting.

    It has neither policies nor monitors.
    """

    clock: FakeClock
    nodes: int = 1
    up_after: float = 0
    roles_offered: bool = True
    refuses_settings: bool = False
    seconds_a_write: float = 0
    templates: dict[str, dict[str, Any]] = field(default_factory=dict)
    levels: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {"transient": {}, "persistent": {}, "defaults": {}}
    )
    held: dict[str, dict[str, Any]] = field(default_factory=dict)
    mappings: dict[str, dict[str, Any]] = field(default_factory=dict)
    replaceable: frozenset[str] = frozenset()
    writes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.up_at = self.clock.monotonic() + self.up_after

    def data_nodes(self) -> int:
        if self.clock.monotonic() < self.up_at:
            raise TransientError("OpenSearch cannot be reached")
        return self.nodes

    def template(self, name: str) -> dict[str, Any] | None:
        return self.templates.get(name)

    def put_template(self, name: str, template: Mapping[str, Any]) -> None:
        self._wrote(f"template {name}")
        self.templates[name] = copy.deepcopy(dict(template))

    def settings(self) -> dict[str, dict[str, Any]]:
        return self.levels

    def put_setting(self, level: str, name: str, value: str) -> None:
        if self.refuses_settings:
            raise InstallError("OpenSearch refused writing the cluster setting: 401 is not allowed")
        self._wrote(f"setting {level}")
        self.levels[level][name] = value

    def roles(self) -> dict[str, dict[str, Any]] | None:
        return self.held if self.roles_offered else None

    def put_role(self, name: str, role: Mapping[str, Any]) -> None:
        self._wrote(f"role {name}")
        self.held[name] = dict(role)

    def role_mappings(self) -> dict[str, dict[str, Any]]:
        return self.mappings

    def put_role_mapping(self, name: str, mapping: Mapping[str, Any]) -> None:
        self._wrote(f"mapping {name}")
        self.mappings[name] = dict(mapping)

    def replaceable_indices(self) -> frozenset[str]:
        return self.replaceable

    def _wrote(self, what: str) -> None:
        self.clock.advance(self.seconds_a_write)
        self.writes.append(what)
