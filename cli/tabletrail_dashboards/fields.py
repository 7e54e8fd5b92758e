"""A data view's fields, as far as they decide how a query is translated.

Pure. Called by `dql_query`, `search_source` and `aggregations`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tabletrail_dashboards.objects import SavedObject


@dataclass(frozen=True, slots=True)
class Field:
    """`type` is Dashboards' own: string, number, date, boolean, unknown. `nested_path` is empty outside nested ones."""

    name: str
    type: str
    is_aggregatable: bool
    nested_path: str = ""


@dataclass(frozen=True, slots=True)
class DataView:
    """What is asked (`index`: a name, an alias or a pattern), its time field, its fields by name."""

    id: str
    index: str
    time_field: str
    fields: Mapping[str, Field]


def data_view_of(one: SavedObject) -> DataView:
    fields = [_field_of(spec) for spec in one.parsed("fields")]
    return DataView(one.id, one.title, str(one.attributes["timeFieldName"]), {field.name: field for field in fields})


def _field_of(spec: Mapping[str, Any]) -> Field:
    nested = spec.get("subType", {}).get("nested", {}).get("path", "")
    return Field(str(spec["name"]), str(spec["type"]), bool(spec["aggregatable"]), str(nested))
