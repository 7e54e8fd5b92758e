"""Do the EventBridge patterns that docs/alerts.md shows match the alerts that it says, and no others?

What judges them is the local AWS's own TestEventPattern.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tabletrail.aws.alerts import DETAIL_TYPE, SOURCE
from tabletrail_local.info import StackInfo
from tests.ports.test_alerts_port import alert

pytestmark = pytest.mark.stack

PAGE = (Path(__file__).parents[2] / "docs/alerts.md").read_text("utf-8")
START = re.compile(r'^    (?=\{"source")', re.MULTILINE)

CHANGE = alert(1).detail | {"kind": "change", "rules": ["role-changed"], "actor": {"id": "mallory", "type": "user"}}
PRODUCTION = CHANGE | {"table": {"arn": "arn", "name": "prod-users"}}
OTHER_RULE = PRODUCTION | {"rules": ["email-changed"]}
UNKNOWN = CHANGE | {"actor": None}
CRITICAL = CHANGE | {"severity": 99, "severity_name": "critical"}
GAP = alert(1).detail
FINDING = {name: value for name, value in CHANGE.items() if name != "actor"} | {"kind": "attribution", "rules": []}
AGREED, CLAIM = FINDING | {"contradiction": False}, FINDING | {"contradiction": True}
EXPECTED = [[PRODUCTION], [UNKNOWN], [CLAIM], [CRITICAL, GAP]]
"""By pattern, in the order of the page."""


def patterns() -> list[dict[str, Any]]:
    return [json.JSONDecoder().raw_decode(PAGE[start.end() :])[0] for start in START.finditer(PAGE)]


def test_each_matches_what_it_says(stack: StackInfo) -> None:
    client = stack.session().client("events")

    def matches(pattern: dict[str, Any], detail: dict[str, Any]) -> bool:
        event = {"source": SOURCE, "detail-type": DETAIL_TYPE, "detail": detail}
        fixed = {"id": "1", "account": "1", "time": "2027-01-15T08:00:00Z", "region": "eu-central-1", "resources": []}
        reply = client.test_event_pattern(EventPattern=json.dumps(pattern), Event=json.dumps(event | fixed))
        return bool(reply["Result"])

    shown = patterns()
    assert len(shown) == len(EXPECTED)
    for pattern, expected in zip(shown, EXPECTED, strict=True):
        for detail in (CHANGE, PRODUCTION, OTHER_RULE, UNKNOWN, CRITICAL, GAP, AGREED, CLAIM):
            assert matches(pattern, detail) == (detail in expected), (pattern, detail)
