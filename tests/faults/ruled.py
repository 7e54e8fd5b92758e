"""A world under rules: what is published, what is written, and what must hold of its log at any time."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from tabletrail.core.checkpoint import NO_RULES
from tabletrail.core.policy import merged, version_of
from tabletrail.core.tokens import Tokens
from tests.fakes.rules import KEY
from tests.faults.world import World

RULE = {
    "name": "email-changed",
    "description": "Somebody's e-mail address is another one.",
    "when": {"table": "*", "path": "email"},
    "tags": ["contact"],
    "severity": "high",
}
FIRST = ("10-rules.json", json.dumps({"rules": [RULE]}, indent=1))
SECRET = ("20-sensitive.json", json.dumps({"sensitive": [{"table": "*", "path": ["email", "id"]}]}, indent=1))
BAD = ("10-rules.json", json.dumps({"rules": [{**RULE, "severity": "loud"}]}, indent=1))
TOKENS = Tokens(KEY)


def version(*files: tuple[str, str]) -> str:
    return version_of(merged([(name, json.loads(text)) for name, text in files]))


V1, V2 = version(FIRST), version(FIRST, SECRET)


def write(world: World, arn: str, count: int, shard: str = "shard-0") -> None:
    """Changes of an e-mail address; each item's key holds a value of its own."""
    for _ in range(count):
        number = len(world.written[arn, shard])
        keys = {"id": {"S": f"planted-key-{shard}-{number}"}}
        old, new = ({**keys, "email": {"S": f"planted-{side}-{number}@example.com"}} for side in ("old", "new"))
        world.write(arn, shard, 1, keys=keys, old=old, new=new)


def changes(world: World) -> list[dict[str, Any]]:
    return [entry for entry in world.lines() if entry["tabletrail"]["kind"] == "change"]


def coverage(world: World, arn: str) -> list[dict[str, Any]]:
    return [one for one in world.lines() if one["tabletrail"]["kind"] == "coverage" and one["stream"]["arn"] == arn]


def told(world: World) -> list[str]:
    return list(world.notes.read("last_run")["problems"])


def assert_under_rules(world: World) -> None:
    """What must hold at any time of any log."""
    named = world.notes.read("rules").get("version")
    assert named is None or named in world.rules.texts, "the note names what lies there"
    seen: dict[tuple[str, str], list[str]] = defaultdict(list)
    for entry in changes(world):
        made = entry["tabletrail"]["rules_version"]
        seen[entry["stream"]["arn"], entry["stream"]["shard"]].append(made)
        assert ("planted" in json.dumps(entry)) == (made != V2), "what is sensitive is hidden, and only that"
        if made != NO_RULES:
            assert entry["rule"]["name"] == ["email-changed"]
    for versions in seen.values():
        assert [one for one, after in zip(versions, [*versions[1:], ""], strict=True) if one != after] == sorted(
            set(versions), key=[NO_RULES, V1, V2].index
        ), "a shard never goes back to earlier rules"
    for arn, row in world.rows.streams.items():
        entries = coverage(world, arn)
        assert [one["tabletrail"]["coverage"]["number"] for one in entries] == list(range(1, len(entries) + 1))
        assert entries[-1]["tabletrail"]["rules_version"] == row.rules_version, "the log says what the row says"
        now = NO_RULES
        for one in entries:
            after = one["tabletrail"]["rules_version"]
            is_change = one["event"]["action"] == "rules_changed"
            assert is_change == (after != now) or one["event"]["action"] == "joined"
            now = after
