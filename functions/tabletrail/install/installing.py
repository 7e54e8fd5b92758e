"""The installation as a whole: look at everything, refuse or write what differs.

Called by `tabletrail.install`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tabletrail.core.installed import Marks
from tabletrail.errors import DowngradeError, InstallError, TransientError
from tabletrail.install.basics import Roles, Templates, look_around
from tabletrail.install.bundle import Bundle, Wishes
from tabletrail.install.lifecycle import Lifecycle
from tabletrail.install.memory import Memory
from tabletrail.install.report import Report
from tabletrail.install.servers import Cluster, Dashboards, Monitors, Policies
from tabletrail.install.viewing import Viewing
from tabletrail.install.watching import Watching
from tabletrail.ports import Clock, IndexKeeper

WAIT_SECONDS = 2.0


class Part(Protocol):
    """One kind of object."""

    def look(self, marks: Marks) -> list[str]:
        """What of it a newer release wrote. Nothing is written before all parts have looked."""

    def write(self, memory: Memory, report: Report) -> None:
        """Writes what differs."""


@dataclass(frozen=True, slots=True)
class Servers:
    """Where to install. `dashboards` is None where their address is not known."""

    cluster: Cluster
    keeper: IndexKeeper
    policies: Policies
    monitors: Monitors
    dashboards: Dashboards | None = None


def install(servers: Servers, bundle: Bundle, wishes: Wishes, clock: Clock, seconds: float) -> Report:
    """All of it within `seconds`, the wait for a new cluster included. InstallError, DowngradeError, TransientError."""
    report = Report()
    deadline = clock.monotonic() + seconds
    nodes = _wait_until_reachable(servers.cluster, clock, deadline)
    memory = Memory(servers.cluster, bundle.marks_name)
    parts = _parts(servers, bundle, wishes, nodes)
    _refuse_downgrade([words for part in parts for words in part.look(memory.marks)])
    steps: list[Callable[[], None]] = [
        # Without the templates no index is made, and the indices are what a run cannot do without.
        lambda: parts[0].write(memory, report),
        *(lambda index=index: _make_index(servers.keeper, index, report) for index in wishes.indices),
        *(lambda part=part: part.write(memory, report) for part in parts[1:]),
        memory.save,
        lambda: look_around(servers.cluster, report),
    ]
    for step in steps:
        if clock.monotonic() > deadline:
            raise InstallError(
                f"OpenSearch is too slow: not done after {seconds:.0f} s ({report.sentence()}). Deploy again; "
                "what was written stays and is not written twice"
            )
        step()
    return report


def _parts(servers: Servers, bundle: Bundle, wishes: Wishes, nodes: int) -> tuple[Part, ...]:
    return (
        Templates(servers.cluster, bundle, nodes),
        Roles(servers.cluster, bundle, wishes),
        Lifecycle(servers.policies, bundle, wishes.repository),
        Watching(servers.monitors, bundle, wishes),
        Viewing(servers.dashboards, bundle, wishes),
    )


def _refuse_downgrade(newer: list[str]) -> None:
    """One newer object stops all: the objects of a release belong together, as panels name fields of the template."""
    if newer:
        raise DowngradeError(
            f"the cluster holds what a newer release wrote ({'; '.join(newer)}): deploy the newer release again. "
            "Nothing was written"
        )


def _wait_until_reachable(cluster: Cluster, clock: Clock, deadline: float) -> int:
    while True:
        try:
            return cluster.data_nodes()
        except TransientError as error:
            if clock.monotonic() + WAIT_SECONDS > deadline:
                raise InstallError(f"OpenSearch could not be reached in time: {error}") from None
        clock.sleep(WAIT_SECONDS)


def _make_index(keeper: IndexKeeper, index: str, report: Report) -> None:
    made = keeper.ensure(index)
    (report.written if made else report.unchanged).append(f"index {index}")
