"""Is the table in docs/access.md true? Each of its cells is tried on the real security plugin.

yes: each of the action's requests does what it asks, by a user who has the role alone. no: each is refused, or shows
nothing, and changes nothing, by a user who has `kibana_user` beside it. own: of the entries it is true for those of the
team, and false for others'.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.ports.access_actions import ACTIONS, READING, Attempt
from tests.ports.access_world import ADMINISTRATOR, HIDDEN, NOBODY, SEEN, TEAM, Access, an_access_world
from tests.ports.opensearch_server import MAPPINGS, Server

PAGE = Path(__file__).parents[2] / "docs" / "access.md"
CELLS = ("yes", "no", "own")


@cache
def table() -> dict[str, dict[str, str]]:
    """The page's table: by action, its cells by role."""
    rows = [line.strip("| ").split("|") for line in PAGE.read_text().splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in row] for row in rows]
    first = next(number for number, row in enumerate(cells) if row[0] == "action")
    roles = [name.strip("`") for name in cells[first][1:]]
    found: dict[str, dict[str, str]] = {}
    for row in cells[first + 2 :]:
        if len(row) != len(roles) + 1:
            break
        assert row[0] not in found, f"{row[0]} stands twice"
        found[row[0]] = dict(zip(roles, row[1:], strict=True))
    return found


CASES = [(action, role) for action, row in table().items() for role in row]


@pytest.fixture(scope="module")
def access(server: Server) -> Iterator[Access]:
    with an_access_world(server) as access:
        yield access


def test_the_table_has_every_role_and_every_action() -> None:
    roles = json.loads((MAPPINGS / "security" / "roles.v1.json").read_text())
    assert list(table()) == list(ACTIONS)
    for action, row in table().items():
        assert set(row) == {*roles, TEAM, ADMINISTRATOR, NOBODY}, action
        assert set(row.values()) <= set(CELLS), action


def test_the_page_describes_each_role() -> None:
    text = PAGE.read_text()
    roles = json.loads((MAPPINGS / "security" / "roles.v1.json").read_text())
    assert [role for role in (*roles, TEAM) if not re.search(rf"^- `{role}`", text, re.MULTILINE)] == []


@pytest.mark.stack
@pytest.mark.parametrize(("action", "role"), CASES, ids=[f"{role}: {action}" for action, role in CASES])
def test_a_cell(access: Access, action: str, role: str) -> None:
    cell = table()[action][role]
    for attempt in ACTIONS[action]:
        try_once(access, role, attempt, SEEN, expected=cell != "no")
        if attempt.shows and action in READING:
            try_once(access, role, attempt, HIDDEN, expected=cell == "yes")
    if cell == "no" and not all(attempt.shows for attempt in ACTIONS[action]):
        assert access.state() == access.known, "refused, and yet something changed"


def try_once(access: Access, role: str, attempt: Attempt, doc: str, expected: bool) -> None:
    happened, reply = access.try_it(access.user(role, beside=not expected), attempt, doc)
    if happened and not attempt.shows and access.state() != access.known:
        access.renew()
    assert happened is expected, f"{attempt.method} {attempt.path} as {role}: {reply.status} {reply.reason}"
