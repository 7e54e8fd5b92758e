"""Values that nobody else has, planted into items, and everything outside the segments in which they could turn up.

Rules
- A value is planted in each type and place that DynamoDB has; its forms are all texts that it may be written as.
- What is looked through is what a person or program with the right could read: documents with all their fields, logs,
  state machines, alerts, tables. The segments are looked through apart: they must hold each value whole.
"""

from __future__ import annotations

import base64
import json
import uuid
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tabletrail_local.info import StackInfo
from tests.ports.opensearch_server import Server

Item = dict[str, Any]


@dataclass
class Secrets:
    """One run's values: `mark` is in each text, so that none can be there by chance."""

    mark: str = field(default_factory=lambda: uuid.uuid4().hex)
    forms: dict[str, list[str]] = field(default_factory=dict)
    """By what was planted: every text that would give it away."""

    def text(self, what: str) -> dict[str, str]:
        return {"S": self._keep(what, f"planted-{what}-{self.mark}")[0]}

    def number(self, what: str) -> dict[str, str]:
        """38 digits, of which the first 20 are looked for: a `double` would keep no more."""
        digits = str(uuid.uuid4().int).replace("0", "1")[:38]
        self._keep(what, digits[:16])
        return {"N": digits}

    def binary(self, what: str) -> dict[str, bytes]:
        plain = f"planted-{what}-{self.mark}"
        self._keep(what, plain, base64.b64encode(plain.encode()).decode())
        return {"B": plain.encode()}

    def name(self, what: str) -> str:
        return self._keep(what, f"planted-{what}-{self.mark}")[0]

    def _keep(self, what: str, *forms: str) -> list[str]:
        self.forms[what] = list(forms)
        return self.forms[what]

    def found_in(self, text: str) -> set[str]:
        return {what for what, forms in self.forms.items() if any(form in text for form in forms)}


SENSITIVE = [
    {"table": "people-*", "path": ["id", "email", "address", "**.pin", "salary", "photo", "lines[].note", "seals"]},
    {"table": "people-*", "path": ["phones", "codes", "updatedBy"]},
    {"table": "people-*", "path": "by_name.*", "names": True},
    {"table": "accounts-*", "path": ["iban", "holder"]},
]
RULE = {
    "name": "planted-change",
    "description": "Each change of a planted table, so that each is alerted.",
    "when": {"table": ["people-*", "accounts-*"]},
    "tags": ["planted"],
    "severity": "high",
}


def person(secrets: Secrets, key: dict[str, str], turn: int, colour: str) -> Item:
    """An item with a secret of each type in each kind of place; `colour` alone is not declared."""
    return {
        "id": key,
        "colour": {"S": colour},
        "email": secrets.text(f"email{turn}"),
        "salary": secrets.number(f"salary{turn}"),
        "photo": secrets.binary(f"photo{turn}"),
        "address": {"M": {"city": secrets.text(f"city{turn}"), "door": {"M": {"code": secrets.number(f"door{turn}")}}}},
        "account": {"M": {"cards": {"L": [{"M": {"pin": secrets.number(f"pin{turn}")}}]}}},
        "lines": {"L": [{"M": {"note": secrets.text(f"note{turn}"), "qty": {"N": str(turn)}}}]},
        "phones": {"SS": [secrets.text(f"phone{turn}")["S"], secrets.text(f"second-phone{turn}")["S"]]},
        "codes": {"NS": [secrets.number(f"code{turn}")["N"]]},
        "seals": {"BS": [secrets.binary(f"seal{turn}")["B"]]},
        "by_name": {"M": {secrets.name(f"name{turn}"): secrets.text(f"named{turn}")}},
        "updatedBy": secrets.text(f"writer{turn}"),
    }


def documents(stack: StackInfo, since: str) -> Iterator[str]:
    """Every document of every index, but entries and figures older than `since`, with all its fields."""
    server = Server(stack)
    assert server.ask("admin", "POST", "/*/_refresh").ok
    recent = {"bool": {"must_not": [{"range": {"@timestamp": {"lt": since}}}]}}
    body = {"query": recent, "size": 1000, "fields": ["*"], "sort": ["_doc"]}
    reply = server.ask("admin", "POST", "/*,.*/_search?scroll=1m&expand_wildcards=all&ignore_unavailable=true", body)
    while reply.ok and reply.data["hits"]["hits"]:
        yield from (json.dumps(hit, ensure_ascii=False) for hit in reply.data["hits"]["hits"])
        reply = server.ask("admin", "POST", "/_search/scroll", {"scroll": "1m", "scroll_id": reply.data["_scroll_id"]})
    assert reply.ok, reply.reason


def logs(stack: StackInfo, directory: Path) -> Iterator[str]:
    """Each event of each log group, each line of the servers' own files."""
    client = stack.session().client("logs")
    for page in client.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            events = client.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
            yield from (event["message"] for reply in events for event in reply["events"])
    for folder in (directory / "logs", directory / "opensearch" / "logs"):
        for path in folder.rglob("*"):
            if path.is_file():
                yield path.read_text(errors="replace")


def executions(stack: StackInfo) -> Iterator[str]:
    """What the state machines show of their executions: input, output, each event."""
    client = stack.session().client("stepfunctions")
    for machine in client.list_state_machines()["stateMachines"]:
        for execution in client.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]:
            arn = execution["executionArn"]
            yield json.dumps(client.describe_execution(executionArn=arn), default=str)
            yield json.dumps(client.get_execution_history(executionArn=arn, includeExecutionData=True), default=str)


def rows(stack: StackInfo, tables: list[str]) -> Iterator[str]:
    client = stack.session().client("dynamodb")
    for table in tables:
        for page in client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
            yield from (json.dumps(item, default=str) for item in page["Items"])


def objects(stack: StackInfo, bucket: str, prefix: str) -> Iterator[str]:
    """Keys and contents."""
    client = stack.session().client("s3")
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for one in page.get("Contents", ()):
            body = client.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()
            text = zlib.decompress(body, 31) if one["Key"].endswith(".gz") else body
            yield f"{one['Key']}\n{text.decode()}"
