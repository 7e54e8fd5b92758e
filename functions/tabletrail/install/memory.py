"""The marks of the cluster, kept there as they change. Called by the parts of `tabletrail.install`."""

from __future__ import annotations

from tabletrail.core.installed import Marks
from tabletrail.install.servers import Cluster


class Memory:
    """Read once, written when there is something new to remember."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.marks = Marks.of_template(cluster.template(name))
        self._cluster, self._name = cluster, name
        self._kept = dict(self.marks.marks)

    def save(self) -> None:
        """Durable on return. Nothing is written where nothing changed."""
        if self.marks.marks != self._kept:
            self._cluster.put_template(self._name, self.marks.template(self._name))
            self._kept = dict(self.marks.marks)
