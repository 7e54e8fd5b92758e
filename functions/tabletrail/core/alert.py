"""Which entries are due an alert, and what an alert says. Pure.

Rules
- Due is an entry whose `event.severity` is high or more, in exactly the segment in which it is committed.
- An alert holds no value of an item and no image, only its key: it goes to places with readers of their own. A change's
  sentence quotes values, so its alert has another that names the attributes alone.
- Its id is the entry's. An alert may come twice, and then it is the same to the byte.
- Form of the event: mappings/schema/alert_event.v1.schema.json. Its size is bounded (`MOST_BYTES`).

Called by staging and recovery (what is due), `tabletrail.alert` (what is said), the adapters of the ways out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tabletrail.core.document import SEVERITY_HIGH
from tabletrail.core.message import short

ALERTED_FROM = SEVERITY_HIGH
SCHEMA = 1
MOST_BYTES = 25_000
"""Of an event's detail: ten of them fit one request of 256 KB."""
MESSAGE_CHARACTERS = 1_000
MOST_PATHS = 5
FEW = 5
"""Up to so many alerts of one segment are told in messages of their own, more in a single one."""
FIRST_IDS = 10


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert, as `detail` says it."""

    id: str
    detail: dict[str, Any]

    def json(self) -> str:
        """The event's detail: keys sorted, not escaped beyond need."""
        return json.dumps(self.detail, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def is_due(severity: int) -> bool:
    """True if an entry of this `event.severity` is to be told at once."""
    return severity >= ALERTED_FROM


def alert_of(entry: dict[str, Any]) -> Alert:
    """The alert of a committed entry, as its segment's line has it."""
    event, stream = entry["event"], entry["stream"]
    detail: dict[str, Any] = {
        "account": entry["cloud"]["account"]["id"],
        "action": event["action"],
        "id": event["id"],
        "kind": entry["tabletrail"]["kind"],
        "log": {name: entry["log"][name] for name in ("index", "line", "segment")},
        "message": short(_message(entry), MESSAGE_CHARACTERS),
        "region": entry["cloud"]["region"],
        "schema": SCHEMA,
        "severity": event["severity"],
        "stream": {name: stream[name] for name in ("arn", "sequence", "shard") if name in stream},
        "table": {"arn": entry["table"]["arn"], "name": entry["table"]["name"]},
        "time": entry["@timestamp"],
    }
    if "item" in entry:
        detail["item"] = {"id": short(entry["item"]["id"], MESSAGE_CHARACTERS)}
    return Alert(event["id"], detail)


def subject_of(alerts: Sequence[Alert]) -> str:
    """For a message's subject line: printable ASCII, under 100 characters. `alerts` is not empty."""
    first = alerts[0].detail
    more = f" and {len(alerts) - 1} more" if len(alerts) > 1 else ""
    text = f"tabletrail: {first['kind']} in {first['table']['name'][:50]}{more}"
    return text.encode("ascii", "replace").decode()


def text_of(alerts: Sequence[Alert]) -> str:
    """For a person: one alert whole, or what several of one segment have in common. `alerts` is not empty."""
    return _text_of_one(alerts[0].detail) if len(alerts) == 1 else _text_of_several(alerts)


def _message(entry: dict[str, Any]) -> str:
    if entry["tabletrail"]["kind"] != "change":
        return str(entry["message"])
    paths = [short(path) for path in entry["changed"][:MOST_PATHS]]
    count = int(entry["changed_count"])
    more = f" and {count - len(paths)} more" if count > len(paths) else ""
    named = f": {', '.join(paths)}{more}" if paths else ""
    return f"{entry['event']['action']} of an item of {entry['table']['name']}{named}"


def _text_of_one(detail: dict[str, Any]) -> str:
    stream = detail["stream"]
    lines = [
        detail["message"],
        "",
        f"time      {detail['time']}",
        f"kind      {detail['kind']} ({detail['action']}), severity {detail['severity']}",
        f"table     {detail['table']['arn']}",
        f"item      {detail['item']['id']}" if "item" in detail else "",
        f"shard     {stream['shard']}" if "shard" in stream else "",
        f"position  {stream['sequence']}" if "sequence" in stream else "",
        f"entry     {detail['id']}",
        f"log       segment {detail['log']['segment']}, line {detail['log']['line']}",
    ]
    return "\n".join(line for number, line in enumerate(lines) if line or number == 1)


def _text_of_several(alerts: Sequence[Alert]) -> str:
    details = [alert.detail for alert in alerts]
    log = details[0]["log"]
    ids = [alert.id for alert in alerts[:FIRST_IDS]]
    return "\n".join(
        [
            f"{len(alerts)} entries of one segment are due an alert.",
            "",
            f"from {min(one['time'] for one in details)} to {max(one['time'] for one in details)}",
            *_counted("kinds", (one["kind"] for one in details)),
            *_counted("tables", (one["table"]["name"] for one in details)),
            *_counted("reasons", (one["message"] for one in details)),
            f"log       segment {log['segment']}, lines {log['line']} to {details[-1]['log']['line']}",
            f"the first {len(ids)} entries:" if len(ids) < len(alerts) else "the entries:",
            *(f"  {id_}" for id_ in ids),
        ]
    )


def _counted(name: str, values: Any) -> list[str]:
    counts = Counter(values)
    lines = [f"  {count:>6} {short(value, 200)}" for value, count in counts.most_common(FIRST_IDS)]
    rest = [f"  and {len(counts) - FIRST_IDS} more"] if len(counts) > FIRST_IDS else []
    return [f"{name}:", *lines, *rest]
