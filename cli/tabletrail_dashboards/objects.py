"""Saved objects as Dashboards exports them: one JSON object a line, with JSON texts inside.

Pure. Rules
- An object is known by its id; ids are unique over all types in a file of ours.
- What an object names by a reference is looked up in the same file: it must be whole.

Called by `search_body`, the renderer and the tests.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tabletrail_dashboards.errors import SavedObjectError

DATA_VIEW = "index-pattern"
"""Dashboards' own name for the type."""


@dataclass(frozen=True, slots=True)
class SavedObject:
    """One line. `attributes` as stored: `visState`, `panelsJSON` and the like are texts."""

    id: str
    type: str
    attributes: Mapping[str, Any]
    references: Mapping[str, str]
    """From a reference's name to the id of what it names."""
    migration_version: Mapping[str, str]

    @property
    def title(self) -> str:
        return str(self.attributes["title"])

    def parsed(self, attribute: str) -> Any:
        """A JSON text among the attributes. SavedObjectError if there is none."""
        try:
            return json.loads(self.attributes[attribute])
        except (KeyError, TypeError, ValueError) as error:
            raise SavedObjectError(f"{self.id}: {attribute} is no JSON text: {error}") from error

    @property
    def search_source(self) -> dict[str, Any]:
        """Query, filters and the name of the data view's reference."""
        meta = self.attributes.get("kibanaSavedObjectMeta", {})
        try:
            source: dict[str, Any] = json.loads(meta["searchSourceJSON"])
        except (KeyError, TypeError, ValueError) as error:
            raise SavedObjectError(f"{self.id}: searchSourceJSON is no JSON text: {error}") from error
        return source


Objects = Mapping[str, SavedObject]


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel of a dashboard: what it shows, and where on Dashboards' grid of 48 columns."""

    object_id: str
    x: int
    y: int
    width: int
    height: int
    title: str = ""
    """Shown instead of the object's own, if not empty."""


def load(text: str) -> dict[str, SavedObject]:
    """The objects of an export by id, in its order. SavedObjectError names the line that is none."""
    objects: dict[str, SavedObject] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            one = _object_of(json.loads(line))
        except (KeyError, TypeError, ValueError) as error:
            raise SavedObjectError(f"line {number} is no saved object: {error!r}") from error
        if one.id in objects:
            raise SavedObjectError(f"line {number}: the id {one.id} is there twice")
        objects[one.id] = one
    return objects


def _object_of(line: Mapping[str, Any]) -> SavedObject:
    return SavedObject(
        str(line["id"]),
        str(line["type"]),
        dict(line["attributes"]),
        {str(one["name"]): str(one["id"]) for one in line.get("references", ())},
        dict(line.get("migrationVersion", {})),
    )


def referred(one: SavedObject, name: str, objects: Objects) -> SavedObject:
    """What `one` calls `name`. SavedObjectError if it names nothing, or something that is not in the file."""
    if name not in one.references:
        raise SavedObjectError(f"{one.id} has no reference {name!r}")
    if one.references[name] not in objects:
        raise SavedObjectError(f"{one.id} refers to {one.references[name]}, which is not in the file")
    return objects[one.references[name]]


def panels(dashboard: SavedObject) -> list[Panel]:
    """A dashboard's panels, in the order in which a person reads them."""
    found = []
    for panel in dashboard.parsed("panelsJSON"):
        grid = panel["gridData"]
        name = panel["panelRefName"]
        if name not in dashboard.references:
            raise SavedObjectError(f"{dashboard.id} has no reference {name!r}")
        found.append(
            Panel(
                dashboard.references[name],
                int(grid["x"]),
                int(grid["y"]),
                int(grid["w"]),
                int(grid["h"]),
                str(panel.get("title", "")),
            )
        )
    return sorted(found, key=lambda one: (one.y, one.x))
