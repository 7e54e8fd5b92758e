"""OpenSearch's alerting and notifications over HTTP, as much as installing monitors asks: in memory.

The plugins are in no registry, so this does what their source says (opensearch-project/alerting, common-utils,
notifications)

- A monitor gets its id from the server: names are not unique. A PUT to an id that is not there is 404. With `if_seq_no`
  and `if_primary_term` it is 409 if the monitor was changed meanwhile.
- What comes back is the monitor as the server understood it: queries in their long form, `enabled_time`,
  `last_update_time` and more added, unknown fields dropped, `ui_metadata` never shown.
- A trigger of another kind than the monitor's, an unknown field of an action, a throttle without its time: 400.
- A channel has the id that it was made with. One that is not there is 404, a second one of an id 409.
"""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
Answer = tuple[int, Any]

MONITORS = "/_plugins/_alerting/monitors"
CHANNELS = "/_plugins/_notifications/configs"
TRIGGERS = {"query_level_monitor": "query_level_trigger", "bucket_level_monitor": "bucket_level_trigger"}
KNOWN = ("type", "name", "monitor_type", "enabled", "schedule", "inputs", "triggers")
OF_ACTION = {
    "id", "name", "destination_id", "subject_template", "message_template", "throttle", "throttle_enabled",
    "action_execution_policy",
}  # fmt: skip
TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]+")


@dataclass
class FakeAlerting:
    """`monitors` by id: how the server shows it, and its sequence number. `channels` by id."""

    monitors: dict[str, tuple[Json, int]] = field(default_factory=dict)
    channels: dict[str, Json] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def answer(self, method: str, path: str, params: dict[str, str], body: Json) -> Answer | None:
        """None if this is none of its addresses."""
        for pattern, handle in _ROUTES:
            if match := re.fullmatch(pattern, f"{method} {path}"):
                return handle(self, match, params, body)
        return None

    def by_name(self, name: str) -> Json:
        """The monitor as it is shown; fails if there is not exactly one."""
        (found,) = [monitor for monitor, _ in self.monitors.values() if monitor["name"] == name]
        return found

    def edit(self, name: str, change: Callable[[Json], Any]) -> None:
        """As a person does, in Dashboards."""
        for monitor_id, (monitor, _) in list(self.monitors.items()):
            if monitor["name"] == name:
                changed = copy.deepcopy(monitor)
                change(changed)
                self.monitors[monitor_id] = (changed, next(self._numbers))

    def _search(self, _match: re.Match[str], _params: Json, body: Json) -> Answer:
        names = body["query"]["terms"]["monitor.name.keyword"]
        hits = [
            self._hit(monitor_id, "_source")
            for monitor_id, (monitor, _) in self.monitors.items()
            if monitor["name"] in names
        ]
        return 200, {"hits": {"total": {"value": len(hits)}, "hits": hits[: body.get("size", 10)]}}

    def _create(self, _match: re.Match[str], _params: Json, body: Json) -> Answer:
        if why := _refusal(body):
            return 400, _error("alerting_exception", why)
        monitor_id = f"monitor-{next(self._numbers)}"
        self.monitors[monitor_id] = (_shown(body), next(self._numbers))
        return 201, self._hit(monitor_id, "monitor")

    def _update(self, match: re.Match[str], params: Json, body: Json) -> Answer:
        if match[1] not in self.monitors:
            return 404, _error("alerting_exception", f"Monitor with {match[1]} is not found")
        _, number = self.monitors[match[1]]
        if params and (params["if_seq_no"], params["if_primary_term"]) != (str(number), "1"):
            return 409, _error("version_conflict_engine_exception", "version conflict")
        if why := _refusal(body):
            return 400, _error("alerting_exception", why)
        self.monitors[match[1]] = (_shown(body), next(self._numbers))
        return 200, self._hit(match[1], "monitor")

    def _delete(self, match: re.Match[str], _params: Json, _body: Json) -> Answer:
        return (200, {"_id": match[1]}) if self.monitors.pop(match[1], None) else (404, _error("x", "not found"))

    def _hit(self, monitor_id: str, name: str) -> Json:
        monitor, number = self.monitors[monitor_id]
        return {"_id": monitor_id, "_version": 1, "_seq_no": number, "_primary_term": 1, name: monitor}

    def _channels(self, _match: re.Match[str], params: Json, _body: Json) -> Answer:
        wanted = params["config_id_list"].split(",")
        if any(one not in self.channels for one in wanted):
            return 404, _error("status_exception", f"NotificationConfig {wanted} not found")
        listed = [{"config_id": one, "created_time_ms": 1, "config": self.channels[one]} for one in wanted]
        return 200, {"start_index": 0, "total_hits": len(listed), "config_list": listed}

    def _put_channel(self, match: re.Match[str], _params: Json, body: Json) -> Answer:
        is_new = not match.lastindex
        channel_id = body["config_id"] if is_new else match[1]
        if is_new and channel_id in self.channels:
            return 409, _error("version_conflict_engine_exception", "document already exists")
        if not is_new and channel_id not in self.channels:
            return 404, _error("status_exception", f"NotificationConfig {channel_id} not found")
        if not TOPIC.fullmatch(body["config"]["sns"]["topic_arn"]):
            return 400, _error("illegal_argument_exception", "Invalid AWS SNS topic ARN")
        self.channels[channel_id] = body["config"]
        return 200, {"config_id": channel_id}


_ROUTES: tuple[tuple[str, Callable[[FakeAlerting, re.Match[str], Json, Json], Answer]], ...] = (
    (rf"(?:GET|POST) {MONITORS}/_search", FakeAlerting._search),
    (rf"POST {MONITORS}", FakeAlerting._create),
    (rf"PUT {MONITORS}/([^/]+)", FakeAlerting._update),
    (rf"DELETE {MONITORS}/([^/]+)", FakeAlerting._delete),
    (rf"GET {CHANNELS}", FakeAlerting._channels),
    (rf"POST {CHANNELS}", FakeAlerting._put_channel),
    (rf"PUT {CHANNELS}/([^/]+)", FakeAlerting._put_channel),
)


def _refusal(monitor: Json) -> str:
    for name in ("name", "schedule"):
        if name not in monitor:
            return f"Monitor {name} is null"
    kind = TRIGGERS.get(monitor.get("monitor_type", "query_level_monitor"))
    for trigger in monitor.get("triggers", []):
        if kind not in trigger:
            return f"Illegal trigger type for {monitor.get('monitor_type')}"
        for action in trigger[kind]["actions"]:
            if unknown := set(action) - OF_ACTION:
                return f"Unexpected field: {sorted(unknown)[0]}, while parsing action"
            if action.get("throttle_enabled") and "throttle" not in action:
                return "Action throttle enabled but not set throttle value"
    return ""


def _shown(monitor: Json) -> Json:
    shown = {name: copy.deepcopy(monitor[name]) for name in KNOWN if name in monitor}
    for part in shown["inputs"]:
        part["search"]["query"] = _long(part["search"]["query"])
    shown |= {"schema_version": 8, "last_update_time": 1, "enabled_time": 1 if shown["enabled"] else None}
    return shown | {"data_sources": {"alerts_index": ".opendistro-alerting-alerts"}, "owner": "alerting"}


def _long(node: Any) -> Any:
    """A search as OpenSearch writes one down that it has read."""
    if isinstance(node, list):
        return [_long(part) for part in node]
    if not isinstance(node, dict):
        return node
    long: Json = {}
    for name, part in node.items():
        if name == "range":
            long[name] = {key: _long_range(value) for key, value in part.items()}
        elif name == "term":
            long[name] = {key: {"value": value, "boost": 1.0} for key, value in part.items()}
        elif name == "exists":
            long[name] = {**part, "boost": 1.0}
        elif name == "bool":
            long[name] = {**_long(part), "adjust_pure_negative": True, "boost": 1.0}
        else:
            long[name] = _long(part)
    return long


def _long_range(condition: Json) -> Json:
    kept = {name: value for name, value in condition.items() if name not in ("gt", "gte", "lt", "lte")}
    bounds = {
        "from": condition.get("gte", condition.get("gt")),
        "to": condition.get("lte", condition.get("lt")),
        "include_lower": "gt" not in condition,
        "include_upper": "lt" not in condition,
    }
    return {**bounds, **kept, "boost": 1.0}


def _error(kind: str, reason: str) -> Json:
    return {"error": {"type": kind, "reason": reason}}
