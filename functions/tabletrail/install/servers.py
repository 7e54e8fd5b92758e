"""The servers that are installed into, each with the promises it makes.

Rules
- All writes are durable on return and may be repeated. Nothing here deletes.
- TransientError if no reply came or the server is busy; InstallError if it refused, with its reason.
- None, where a whole kind of object is asked for, means that the server does not offer this kind.
- Objects are shown without what the server alone decides (ids, times, versions): `token` holds what guards a write.

Adapters are in `tabletrail.aws`; fakes with the servers' own HTTP in `tests/fakes`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as the server shows it. `token` is (sequence number, primary term) of the document behind it."""

    body: JsonObject
    token: tuple[int, int]
    id: str = ""


class Cluster(Protocol):
    """The cluster's administration, under a role that may."""

    def data_nodes(self) -> int:
        """How many hold data. Also the sign of life: TransientError until the cluster can take writes."""

    def template(self, name: str) -> JsonObject | None: ...

    def put_template(self, name: str, template: Mapping[str, Any]) -> None: ...

    def settings(self) -> dict[str, JsonObject]:
        """Flat, by level: transient, persistent, defaults. The first of these that has a setting decides."""

    def put_setting(self, level: str, name: str, value: str) -> None: ...

    def roles(self) -> dict[str, JsonObject] | None:
        """All of them. None without the security plugin or fine-grained access control."""

    def put_role(self, name: str, role: Mapping[str, Any]) -> None: ...

    def role_mappings(self) -> dict[str, JsonObject]: ...

    def put_role_mapping(self, name: str, mapping: Mapping[str, Any]) -> None: ...

    def replaceable_indices(self) -> frozenset[str]:
        """Our indices that are not append-only."""


class Policies(Protocol):
    """Index state management."""

    def policies(self) -> dict[str, Stored] | None:
        """All of them."""

    def put_policy(self, name: str, policy: Mapping[str, Any], over: Stored | None) -> None:
        """Makes it, or replaces `over` if nobody changed that meanwhile (else InstallError)."""


class Monitors(Protocol):
    """Alerting, and the channels of notifications."""

    def monitors(self, names: Collection[str]) -> dict[str, list[Stored]] | None:
        """By name: those of these names, the oldest first. Names are not unique there."""

    def put_monitor(self, monitor: Mapping[str, Any], over: Stored | None) -> Stored:
        """As `Policies.put_policy`. Returns how it is shown then."""

    def channel(self, channel_id: str) -> JsonObject | None:
        """Empty if there is none of this id; None where channels are not offered."""

    def put_channel(self, channel_id: str, channel: Mapping[str, Any], is_new: bool) -> None: ...


class Dashboards(Protocol):
    """Saved objects of OpenSearch Dashboards, in the tenant that everybody shares."""

    def objects(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], JsonObject]:
        """Those that exist of these (type, id): attributes and references."""

    def put_objects(self, objects: Sequence[Mapping[str, Any]]) -> None:
        """All of them, over what is there: the interface has no guard for this. InstallError names what was refused."""
