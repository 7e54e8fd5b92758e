"""The saved objects of OpenSearch Dashboards over HTTP, as much as importing them asks: in memory.

As its source does it (src/core/server/saved_objects)

- A request that writes or reads by POST needs the header `osd-xsrf`: else 400.
- The header `securitytenant` chooses the tenant; without it everything is in the caller's private one.
- `_import` answers 200 with `"success": false` where an object refers to a data view or search that is nowhere, has a
  type that is unknown, or is there already and may not be replaced. The others of the same file are written.
- `_bulk_get` answers 200 and tells of each object whether it is there. `PUT` with a `version` that is old is 409.
"""

from __future__ import annotations

import email
import itertools
import json
import re
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
Answer = tuple[int, Any]
Key = tuple[str, str]

TYPES = ("index-pattern", "search", "visualization", "dashboard", "query")
REFERRED = ("index-pattern", "search")
"""References to others are not looked after."""


@dataclass
class FakeSavedObjects:
    """`tenants` by name: the objects by type and id."""

    tenants: dict[str, dict[Key, Json]] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def shared(self) -> dict[Key, Json]:
        return self.tenants.setdefault("global", {})

    def edit(self, key: Key, **attributes: Any) -> None:
        """As a person does who changes it and saves it."""
        self.shared[key]["attributes"] |= attributes
        self.shared[key]["version"] = f"v{next(self._numbers)}"

    def answer(self, method: str, path: str, params: dict[str, str], headers: dict[str, str], body: bytes) -> Answer:
        if method != "GET" and "osd-xsrf" not in headers:
            return 400, {
                "statusCode": 400,
                "error": "Bad Request",
                "message": "Request must contain a osd-xsrf header.",
            }
        objects = self.tenants.setdefault(headers.get("securitytenant", "__user__"), {})
        verb = path.rpartition("/api/saved_objects/")[2]
        if (method, verb) == ("POST", "_bulk_get"):
            return 200, {"saved_objects": [_shown(objects, (one["type"], one["id"])) for one in json.loads(body)]}
        if (method, verb) == ("POST", "_import"):
            return 200, self._import(objects, params.get("overwrite") == "true", headers["content-type"], body)
        if match := re.fullmatch(r"([a-z-]+)/([^/]+)", verb):
            return self._one(objects, method, (match[1], match[2]), json.loads(body or b"{}"))
        return 404, {"statusCode": 404, "error": "Not Found", "message": "Not Found"}

    def _one(self, objects: dict[Key, Json], method: str, key: Key, body: Json) -> Answer:
        if key not in objects:
            return 404, _missing(key)["error"]
        if method == "PUT":
            if body.get("version", objects[key]["version"]) != objects[key]["version"]:
                return 409, {"statusCode": 409, "error": "Conflict", "message": "version conflict"}
            objects[key]["attributes"] |= body["attributes"]
            objects[key]["version"] = f"v{next(self._numbers)}"
        if method == "DELETE":
            del objects[key]
            return 200, {}
        return 200, _shown(objects, key)

    def _import(self, objects: dict[Key, Json], overwrite: bool, content_type: str, body: bytes) -> Json:
        message = email.message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
        parts = [part for part in message.walk() if part.get_param("name", header="content-disposition") == "file"]
        lines = bytes(parts[0].get_payload(decode=True)).decode().splitlines()
        given = [json.loads(line) for line in lines if line.strip()]
        known = set(objects) | {(one["type"], one["id"]) for one in given}
        errors: list[Json] = []
        for one in given:
            if why := _refusal(one, objects, known, overwrite):
                errors.append({"type": one["type"], "id": one["id"], "error": {"type": why}})
                continue
            stored = {name: one[name] for name in ("attributes", "migrationVersion") if name in one}
            version = f"v{next(self._numbers)}"
            objects[one["type"], one["id"]] = {**stored, "references": one.get("references", []), "version": version}
        done = {"successCount": len(given) - len(errors), "success": not errors}
        return {**done, "errors": errors} if errors else done


def _refusal(one: Json, objects: dict[Key, Json], known: set[Key], overwrite: bool) -> str:
    if one["type"] not in TYPES:
        return "unsupported_type"
    referred = [(ref["type"], ref["id"]) for ref in one.get("references", []) if ref["type"] in REFERRED]
    if any(key not in known for key in referred):
        return "missing_references"
    return "" if overwrite or (one["type"], one["id"]) not in objects else "conflict"


def _shown(objects: dict[Key, Json], key: Key) -> Json:
    if key not in objects:
        return _missing(key)
    return {"type": key[0], "id": key[1], "updated_at": "2026-11-24T12:00:00.000Z", **objects[key]}


def _missing(key: Key) -> Json:
    text = f"Saved object [{key[0]}/{key[1]}] not found"
    return {"type": key[0], "id": key[1], "error": {"statusCode": 404, "error": "Not Found", "message": text}}
