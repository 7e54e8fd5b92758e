"""The marks of the cluster, kept there as they change. Called by the parts of `tabletrail.install`."""

from __future__ import annotations

from typing import Any

from tabletrail.core.installed import Marks
from tabletrail.install.servers import Cluster


class Memory:
    """Read once, written when there is something new to remember."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        found = cluster.template(name)
        self.marks = Marks.of_template(found)
        self._cluster, self._name = cluster, name
        # Whatever else somebody wrote into this template goes with the next change, not before.
        self._kept: dict[str, Any] = (found or {}).get("_meta", {}).get("objects", {})

    def save(self) -> None:
        """Durable on return. Nothing is written where nothing changed."""
        template = self.marks.template(self._name)
        objects = template["_meta"]["objects"]
        if objects != self._kept:
            self._cluster.put_template(self._name, template)
            self._kept = objects
