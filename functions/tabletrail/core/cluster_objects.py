"""What the objects that tabletrail keeps in OpenSearch should look like, given what is there.

Rules
- A template and a role are ours whole: any difference is repaired. A widened role is the danger they exist against.
- A role mapping and `action.auto_create_index` are shared: what a person put there stays.
- Two descriptions are the same if the server means the same by both: it flattens settings, turns numbers into text and
  adds its own empty fields.

Called by `tabletrail.install`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

JsonObject = dict[str, Any]

TEMPLATE = "tabletrail-v1"
"""The index template's name. No index is made while it is not there."""


def template_version(template: Mapping[str, Any]) -> int:
    """The number that grows with each release that changes the template; 0 if a person made it without one."""
    version = template.get("version", template.get("_meta", {}).get("version", 0))
    return int(version) if str(version).isdigit() else 0


def with_replicas(template: Mapping[str, Any], replicas: int) -> JsonObject:
    """The template with the number of replicas that fits the cluster."""
    inner = dict(template.get("template", {}))
    inner["settings"] = _flat(inner.get("settings", {})) | {"index.number_of_replicas": str(replicas)}
    return {**template, "template": inner}


def same_template(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return _plain_template(found) == _plain_template(wanted)


def same_role(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return _plain_role(found) == _plain_role(wanted)


def merged_mapping(
    found: Mapping[str, Any] | None, users: Collection[str], backend_roles: Collection[str], withdrawn: Collection[str]
) -> JsonObject | None:
    """The body to write so that these users and IAM roles have the role, or None if they have it already.

    `withdrawn` are whom an earlier deployment named and this one does not: they alone are taken out.
    """
    before = found or {}
    now = {
        "users": _merged(before.get("users", ()), users, withdrawn),
        "backend_roles": _merged(before.get("backend_roles", ()), backend_roles, withdrawn),
    }
    if found is not None and all(sorted(before.get(name, ())) == values for name, values in now.items()):
        return None
    kept = {name: before[name] for name in ("hosts", "and_backend_roles", "description") if before.get(name)}
    return {**kept, **now}


def without_auto_create(value: str | None, pattern: str) -> str | None:
    """`action.auto_create_index` changed so that no index like `pattern` makes itself; None if that is so already.

    The setting is true, false, or a list in which the first expression that matches a name decides.
    """
    ours = "-" + pattern
    if value is None or value.lower() in ("", "true"):
        return f"{ours},+*"
    if value.lower() == "false":
        return None
    parts = [part.strip() for part in value.split(",") if part.strip()]
    allowing = [place for place, part in enumerate(parts) if not part.startswith("-")]
    if ours in parts and (not allowing or parts.index(ours) < allowing[0]):
        return None
    return ",".join([ours, *(part for part in parts if part != ours)])


def replicas_for(data_nodes: int, settings: Mapping[str, Any]) -> int:
    """One copy beside the primary; none on a single node, where it could never be placed.

    A domain with standby zones refuses an index whose copies are not a multiple of its zones.
    """
    if data_nodes <= 1:
        return 0
    awareness = "cluster.routing.allocation.awareness"
    if str(settings.get(f"{awareness}.balance", "")).lower() == "true":
        zones = _items(settings.get(f"{awareness}.force.zone.values", ""))
        return max(1, len(zones) - 1)
    return 1


def _items(value: Any) -> list[str]:
    if isinstance(value, list):
        return [str(item) for item in value]
    return [part for part in str(value).split(",") if part.strip()]


def _merged(found: Collection[str], wanted: Collection[str], withdrawn: Collection[str]) -> list[str]:
    return sorted((set(found) - (set(withdrawn) - set(wanted))) | set(wanted))


def _plain_template(template: Mapping[str, Any]) -> JsonObject:
    inner = dict(template.get("template", {}))
    settings = _flat(inner.pop("settings", {}))
    outer = {name: value for name, value in template.items() if name != "template"}
    return {**_filled(outer), "template": _filled(inner), "settings": settings}


def _plain_role(role: Mapping[str, Any]) -> JsonObject:
    return {
        "description": role.get("description") or "",
        "cluster_permissions": sorted(role.get("cluster_permissions") or ()),
        "tenant_permissions": list(role.get("tenant_permissions") or ()),
        "index_permissions": [
            {name: sorted(value) for name, value in _filled(part).items()}
            for part in role.get("index_permissions") or ()
        ],
    }


def _filled(fields: Mapping[str, Any]) -> JsonObject:
    return {name: value for name, value in fields.items() if value not in ([], {}, None, "")}


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """{"index": {"a": {"b": 1}}}, {"index.a.b": "1"} and {"a.b": 1} are one setting."""
    flat: dict[str, str] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            full = prefix + name
            flat[full if full.startswith("index.") else f"index.{full}"] = _text(value)
    return flat


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(_text(item) for item in value)
    return str(value)
