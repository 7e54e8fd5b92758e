"""Is an index defined as this release defines it? If so, a document that it refuses is at fault itself.

Rules
- Compared is what decides whether a document is refused: the mapping, and the settings that bear on it. Where the two
  say the same, nothing of the index is left to blame.
- An index of an earlier period is as the release that made it said, for as long as it is kept. So each definition that
  a release had is known, and an index that is as any of them is no stranger: each of them took every entry.
- An index may lack fields that came later: with `dynamic: false` what is not mapped is not looked at. A field that it
  has must be as the definition has it, in each parameter.
- Only names and parameters of the definition are told, never a document.

Called by the adapter of OpenSearch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

JsonObject = Mapping[str, Any]

DECIDING = ("index.mapping.", "index.analysis.", "index.default_pipeline", "index.final_pipeline")
"""Settings that begin so can make an index refuse a document, or change it before."""


def departure(found: JsonObject, templates: Sequence[JsonObject]) -> str:
    """Where an index departs from all of `templates`, this release's first: "" if it is as one of them says.

    `found` is the index as `GET /index?flat_settings=true` shows it: `mappings` and `settings`. Told is the first place
    that differs from the version which made it, as its `_meta` says (the first one did not), or from this release's.
    """
    places = {template["version"]: _of_template(found, template["template"]) for template in templates}
    if "" in places.values():
        return ""
    made_by = found.get("mappings", {}).get("_meta", {}).get("template")
    return places.get(made_by) or next(iter(places.values()))


def _of_template(found: JsonObject, ours: JsonObject) -> str:
    place = _of_mapping(found.get("mappings", {}), ours["mappings"], "")
    return place or _of_settings(found.get("settings", {}), ours["settings"])


def _of_mapping(found: JsonObject, ours: JsonObject, name: str) -> str:
    """Of one field, or of the whole mapping, whose `name` is empty."""
    ignored = {"properties", "_meta"}
    if _texts(found, ignored) != _texts(ours, ignored):
        return f"field {name}" if name else "the mapping's own parameters"
    fields, our_fields = found.get("properties", {}), ours.get("properties", {})
    for field in sorted(fields):
        full = f"{name}.{field}" if name else field
        if field not in our_fields:
            return f"field {full}, which this release does not have"
        if place := _of_mapping(fields[field], our_fields[field], full):
            return place
    return ""


def _of_settings(found: JsonObject, ours: JsonObject) -> str:
    theirs = {name: value for name, value in found.items() if name.startswith(DECIDING)}
    wanted = {name: value for name, value in ours.items() if name.startswith(DECIDING)}
    differing = sorted(name for name in {*theirs, *wanted} if _text(theirs.get(name)) != _text(wanted.get(name)))
    return f"setting {differing[0]}" if differing else ""


def _texts(parameters: JsonObject, ignored: set[str]) -> dict[str, str]:
    return {name: _text(value) for name, value in parameters.items() if name not in ignored}


def _text(value: Any) -> str:
    """The server turns numbers, booleans and lists into text here and there."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(_text(one) for one in value)
    if isinstance(value, Mapping):
        return str(sorted((name, _text(inner)) for name, inner in value.items()))
    return str(value)
