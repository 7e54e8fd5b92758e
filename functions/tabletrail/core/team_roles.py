"""Readers who see the entries of some services or tables only: what an operator declares, and the roles made of it.

Rules
- `mappings/security/teams.json` declares them, if it is there: {"billing": {"services": ["billing"], "tables":
  ["invoices"], "backend_roles": ["arn:aws:iam::111122223333:role/billing"], "users": ["ann"]}}. A team sees an entry
  whose service it names or whose table it names. Names are whole and exact.
- Whatever is wrong is told at once, with the place and what to write instead. Nothing of a bad declaration is used.
- Of the actions that read, a role has those alone that document-level security holds for: not term vectors, validation
  of queries or explanations, which tell of entries that the role must not see (docs/access.md).
- A team that is declared no more keeps its role, without a right in it: nothing is ever deleted.
- Who has the role is the file's affair where it has `backend_roles` or `users`, be they empty, else OpenSearch's.

Called by `tabletrail.install`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tabletrail.core.periods import PATTERN
from tabletrail.errors import InstallError

JsonObject = dict[str, Any]

TEAMS_FILE = "teams.json"
ROLE_PREFIX = "tabletrail_reader_"
_MARK = "tabletrail: a team's entries"
"""How the description of each of these roles begins: by it a role that was declared once is known again."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_TABLE = re.compile(r"[A-Za-z0-9_.-]{3,255}")
_FIELDS = {"services": "service.name", "tables": "table.name"}
_PEOPLE = ("backend_roles", "users")

_CLUSTER_ACTIONS = [
    "cluster:monitor/main",
    "indices:data/read/mget",
    "indices:data/read/msearch",
    "indices:data/read/scroll",
    "indices:data/read/scroll/clear",
]
_INDEX_ACTIONS = [
    "indices:admin/resolve/index",
    "indices:data/read/field_caps*",
    "indices:data/read/get",
    "indices:data/read/mget*",
    "indices:data/read/point_in_time/create",
    "indices:data/read/point_in_time/delete",
    "indices:data/read/search",
]


@dataclass(frozen=True, slots=True)
class Team:
    """Who may read the entries of which services and tables."""

    name: str
    services: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    backend_roles: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    names_people: bool = False
    """Then the file alone decides who has the role."""

    @property
    def role(self) -> str:
        return ROLE_PREFIX + self.name


def teams_in(text: str) -> tuple[Team, ...]:
    """What the file declares, by name. InstallError with every problem in it."""
    twice: list[str] = []

    def once(pairs: list[tuple[str, Any]]) -> JsonObject:
        names = [name for name, _ in pairs]
        twice.extend(sorted({name for name in names if names.count(name) > 1}))
        return dict(pairs)

    try:
        declared = json.loads(text, object_pairs_hook=once)
    except ValueError as error:
        raise InstallError(f"{TEAMS_FILE} is no JSON: {error}") from None
    if not isinstance(declared, dict):
        raise InstallError(f'{TEAMS_FILE} must be an object, a member for each team: {{"billing": {{...}}}}')
    problems = [f"{name} stands twice in one object" for name in twice]
    for name, body in declared.items():
        problems += [f"{name}: {problem}" for problem in _problems(name, body)]
    if problems:
        raise InstallError(f"{TEAMS_FILE} cannot be used: {'; '.join(problems)}. Nothing was installed")
    return tuple(_team(name, declared[name]) for name in sorted(declared))


def role_of(team: Team) -> JsonObject:
    """As the security API takes it."""
    named = {"services": team.services, "tables": team.tables}
    seen = [{"terms": {_FIELDS[kind]: list(names)}} for kind, names in named.items() if names]
    query = seen[0] if len(seen) == 1 else {"bool": {"minimum_should_match": 1, "should": seen}}
    words = "; ".join(f"{kind} {', '.join(names)}" for kind, names in named.items() if names)
    return {
        "description": f"{_MARK}: {words} ({TEAMS_FILE})",
        "cluster_permissions": list(_CLUSTER_ACTIONS),
        "index_permissions": [
            {
                "index_patterns": [PATTERN],
                "dls": json.dumps(query, separators=(",", ":"), ensure_ascii=False),
                "allowed_actions": list(_INDEX_ACTIONS),
            }
        ],
    }


def left_roles(found: Mapping[str, Mapping[str, Any]], declared: Iterable[str]) -> dict[str, JsonObject]:
    """Of the cluster's roles those that a team had and none declares now, each without its rights."""
    wanted = set(declared)
    return {
        name: {"description": f"{_MARK}: declared no more", "cluster_permissions": [], "index_permissions": []}
        for name, role in found.items()
        if name.startswith(ROLE_PREFIX) and name not in wanted and str(role.get("description", "")).startswith(_MARK)
    }


def whole_mapping(
    found: Mapping[str, Any] | None, users: Iterable[str], backend_roles: Iterable[str]
) -> JsonObject | None:
    """The body to write so that these and nobody else have the role, or None if that is so."""
    wanted = {"users": sorted(users), "backend_roles": sorted(backend_roles)}
    others = ("hosts", "and_backend_roles")
    is_so = found is not None and all(sorted(found.get(name) or ()) == names for name, names in wanted.items())
    return None if is_so and found and not any(found.get(name) for name in others) else dict(wanted)


def _team(name: str, body: Mapping[str, Any]) -> Team:
    lists = {kind: tuple(sorted(body.get(kind, ()))) for kind in (*_FIELDS, *_PEOPLE)}
    return Team(name, **lists, names_people=any(kind in body for kind in _PEOPLE))


def _problems(name: str, body: Any) -> list[str]:
    if not _NAME.fullmatch(name):
        return ["a team's name is up to 40 of a-z, 0-9, _ and -, and begins with a letter or a digit"]
    if not isinstance(body, dict):
        return ['must be an object: {"services": [...], "tables": [...], "backend_roles": [...]}']
    known = (*_FIELDS, *_PEOPLE)
    problems = [f"{kind} is not known, only {', '.join(known)}" for kind in body if kind not in known]
    for kind in known:
        values = body.get(kind, [])
        if not isinstance(values, list) or not all(isinstance(value, str) and value.strip() for value in values):
            problems.append(f"{kind} must be a list of names, none of them empty")
        else:
            problems += [f"{kind}: {problem}" for value in values if (problem := _problem_of(kind, value))]
    if not any(body.get(kind) for kind in _FIELDS):
        problems.append("names neither services nor tables: it would see nothing")
    return problems


def _problem_of(kind: str, value: str) -> str:
    if "${" in value:
        return f"{value} holds ${{, which OpenSearch would replace"
    if kind in _FIELDS and ("*" in value or "?" in value):
        return f"{value} has a wildcard; write each name out"
    if kind == "tables" and not _TABLE.fullmatch(value):
        return f"{value} is no name of a table (not an ARN: the name alone)"
    if kind == "backend_roles" and ":assumed-role/" in value:
        return f"{value} is one session; write the role, arn:aws:iam::ACCOUNT:role/NAME"
    return ""
