"""`install.servers.Policies` and `Monitors`: the plugins for index state, alerting and notifications.

Rules
- One request reads all objects of a kind. A write names the sequence number that it replaces, so that what somebody
  changed a moment ago is not lost: the server answers 409, and the next deployment looks again.
- A plugin that is missing answers "no handler found": see `opensearch_cluster.is_absent`.
- A search of monitors in a cluster that never had one may answer 404: there are none.

Called by `install_wiring`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from opensearchpy import OpenSearch

from tabletrail.aws.opensearch_cluster import check, is_absent
from tabletrail.aws.opensearch_connect import Reply, ask
from tabletrail.errors import InstallError
from tabletrail.install.servers import Stored

JsonObject = dict[str, Any]

ISM = "/_plugins/_ism/policies"
MONITORS = "/_plugins/_alerting/monitors"
CHANNELS = "/_plugins/_notifications/configs"
MANY = 1000
"""More policies, or monitors of our names, than a cluster has."""


class OpenSearchPlugins:
    """Promises: see `install.servers`. The user is an administrator, whose rights monitors keep for their queries."""

    def __init__(self, client: OpenSearch) -> None:
        self._client = client

    def policies(self) -> dict[str, Stored] | None:
        reply = ask(self._client, "GET", ISM, params={"size": str(MANY)})
        if is_absent(reply):
            return None
        if reply.status == 404:
            return {}
        check(reply, "reading the policies of index state management")
        found = reply.data.get("policies", [])
        return {str(one["_id"]): Stored(one["policy"], _token(one), str(one["_id"])) for one in found}

    def put_policy(self, name: str, policy: Mapping[str, Any], over: Stored | None) -> None:
        reply = ask(self._client, "PUT", f"{ISM}/{name}", {"policy": policy}, _guard(over))
        _check_write(reply, f"the policy {name}")

    def monitors(self, names: Collection[str]) -> dict[str, list[Stored]] | None:
        query = {"terms": {"monitor.name.keyword": sorted(names)}}
        body = {"size": MANY, "seq_no_primary_term": True, "version": True, "query": query}
        reply = ask(self._client, "POST", f"{MONITORS}/_search", body)
        if is_absent(reply):
            return None
        if reply.status == 404:
            return {}
        check(reply, "reading monitors")
        found: dict[str, list[Stored]] = {}
        for hit in sorted(reply.data["hits"]["hits"], key=_age):
            body = hit["_source"].get("monitor", hit["_source"])
            found.setdefault(str(body["name"]), []).append(Stored(body, _token(hit), str(hit["_id"])))
        return found

    def put_monitor(self, monitor: Mapping[str, Any], over: Stored | None) -> Stored:
        name = f"the monitor {monitor['name']}"
        if over is None:
            reply = ask(self._client, "POST", MONITORS, monitor)
        else:
            reply = ask(self._client, "PUT", f"{MONITORS}/{over.id}", monitor, _guard(over))
        _check_write(reply, name)
        written = str(reply.data["_id"])
        # The reply to a write and the reply to a search need not show the same: the next deployment will search.
        found = (self.monitors([str(monitor["name"])]) or {}).get(str(monitor["name"]), [])
        for one in found:
            if one.id == written:
                return one
        raise InstallError(f"OpenSearch took {name} and does not show it: deploy again")

    def channel(self, channel_id: str) -> JsonObject | None:
        reply = ask(self._client, "GET", CHANNELS, params={"config_id_list": channel_id})
        if is_absent(reply):
            return None
        if reply.status == 404:
            return {}
        check(reply, "reading the notification channels")
        for one in reply.data.get("config_list", []):
            if one.get("config_id") == channel_id:
                return dict(one["config"])
        return {}

    def put_channel(self, channel_id: str, channel: Mapping[str, Any], is_new: bool) -> None:
        if is_new:
            reply = ask(self._client, "POST", CHANNELS, {"config_id": channel_id, "config": channel})
        else:
            reply = ask(self._client, "PUT", f"{CHANNELS}/{channel_id}", {"config": channel})
        _check_write(reply, f"the notification channel {channel_id}")


def _token(found: Mapping[str, Any]) -> tuple[int, int]:
    return int(found["_seq_no"]), int(found["_primary_term"])


def _guard(over: Stored | None) -> dict[str, str]:
    if over is None:
        return {}
    return {"if_seq_no": str(over.token[0]), "if_primary_term": str(over.token[1])}


def _age(hit: Mapping[str, Any]) -> tuple[int, str]:
    # Nothing tells when a monitor was made; one that nobody changes keeps its place.
    return int(hit.get("_seq_no", 0)), str(hit["_id"])


def _check_write(reply: Reply, what: str) -> None:
    if reply.status == 409:
        raise InstallError(f"somebody changed {what} while it was being written: deploy again, it is looked at anew")
    check(reply, f"writing {what}")
