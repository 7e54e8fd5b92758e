"""Entries that are due an alert, and what is asked of each alert."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from tabletrail.core.alert import Alert, AlertForm
from tabletrail.core.alert_digest import digest_of, text_of

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "mappings/schema/alert_event.v1.schema.json").read_text("utf-8"))
DASHBOARDS = "https://search-x.eu-central-1.es.amazonaws.com/_dashboards"
OPEN, CLOSED = AlertForm(dashboards=DASHBOARDS), AlertForm(values=False)
ALICE = {"id": "alice", "type": "user", "source": "attribute", "confidence": "possible"}
TOKEN = "token:0123456789abcdef0123456789abcdef"


def entry(kind: str = "change", **fields: Any) -> dict[str, Any]:
    """As a segment's line has it: a role that was granted."""
    change = {
        "actor": ALICE,
        "after": {"role": "admin", "email": TOKEN},
        "before": {"role": "viewer"},
        "changed": ["email", "role"],
        "changed_count": 2,
        "item": {"id": "user#17", "key": {"id": "user#17"}},
        "rule": {"name": ["role-granted"]},
        "service": {"name": "crm"},
        "tags": ["iam"],
    }
    return {
        "@timestamp": "2027-01-15T08:00:00Z",
        "cloud": {"account": {"id": "123456789012"}, "region": "eu-central-1"},
        "event": {"action": "modify", "id": "ab" * 32, "severity": 73},
        "log": {"index": "tabletrail-v1-2027.01", "line": 2, "segment": "s" * 80},
        "message": "alice changed role from viewer to admin on users user#17",
        "stream": {"arn": "arn:stream", "sequence": "9" * 40, "shard": "shard-0"},
        "table": {"arn": "arn:table", "name": "users"},
        "tabletrail": {"kind": kind},
        **(change if kind == "change" else {}),
        **fields,
    }


def told(alert: Alert, form: AlertForm = OPEN) -> str:
    return text_of(digest_of([alert], form))


def valid(alert: Alert) -> dict[str, Any]:
    Draft202012Validator(SCHEMA).validate(alert.detail)
    return alert.detail
