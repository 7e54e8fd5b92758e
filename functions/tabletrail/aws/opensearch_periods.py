"""`closing.PeriodIndices` over OpenSearch and, where it is there, its index state management (ISM).

Rules
- Only concrete indices are closed, merged or managed: the name of a rebuilt one is an alias (`core.rebuilds`). Indices
  that stand for no name are not shown: a rebuild is filling them.
- A policy is changed by taking the old one off and adding the new one. ISM has a request that changes it in one step;
  but that one may run the new policy with the rights of whoever wrote it, an administrator, while an added policy runs
  with those of whoever added it. So the index owner has no right to the former.
- A domain answers what it does not offer with 401 and "is not allowed", a server without the plugin with "no handler
  found": both mean that there is no ISM.
- Requests have a few seconds each: what comes too late is looked at again by the next run.

Called by `opensearch_late` and the command `tabletrail holds`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opensearchpy import OpenSearch

from tabletrail.aws.opensearch_connect import Reply, ask
from tabletrail.closing import Shelf
from tabletrail.core.lifecycle import Managed, PeriodIndex
from tabletrail.core.periods import PATTERN
from tabletrail.core.rebuilds import Layout
from tabletrail.errors import ClosingError, TransientError

ISM = "/_plugins/_ism"
REQUEST_SECONDS = 5
_POLICY = "index.plugins.index_state_management.policy_id"
_NOT_MANAGED = "does not have a policy"


class OpenSearchPeriods:
    """Promises: see `closing.PeriodIndices`. The user is the index owner: it sees no document and deletes nothing."""

    def __init__(self, client: OpenSearch) -> None:
        self._client = client

    def look(self) -> Shelf:
        params = {"expand_wildcards": "all", "flat_settings": "true", "filter_path": "*.aliases,*.settings"}
        found = self._checked("GET", f"/{PATTERN}", "listing the indices", params=params)
        managed = self._managed()
        is_ism = managed is not None
        segments = {} if is_ism or not any(_is_blocked(body) for body in found.values()) else self._segments()
        layout = Layout({index: frozenset(body.get("aliases", {})) for index, body in found.items()})
        indices = []
        for name in sorted(layout.names()):
            index = layout.serving(name)
            assert index is not None
            indices.append(_period(name, index, found[index], segments.get(index), (managed or {}).get(index)))
        return Shelf(tuple(indices), is_ism)

    def block(self, index: str) -> None:
        data = self._checked("PUT", f"/{index}/_block/write", f"closing {index}")
        # Without it shards may still be taking what was sent before.
        if not data.get("shards_acknowledged"):
            raise TransientError(f"{index} is not closed in all of its shards yet")

    def unblock(self, index: str) -> None:
        self._checked("PUT", f"/{index}/_settings", f"opening {index}", {"index.blocks.write": None})

    def merge(self, index: str) -> None:
        path = f"/{index}/_forcemerge?max_num_segments=1&wait_for_completion=false"
        self._checked("POST", path, f"merging {index}")

    def put_under(self, index: str, policy: str) -> None:
        self._take_off(index)
        data = self._checked("POST", f"{ISM}/add/{index}", f"adding the policy {policy}", {"policy_id": policy})
        if failures := _failures(data):
            raise TransientError(f"ISM did not add the policy {policy} to {index}: {failures}")
        if not data.get("updated_indices"):
            # It passes over indices that the caller may not manage, and calls that a success.
            raise ClosingError(f"ISM does not let the index owner manage {index}: deploy again to install its role")

    def _take_off(self, index: str) -> None:
        data = self._checked("POST", f"{ISM}/remove/{index}", f"taking the policy off {index}")
        failures = _failures(data)
        if failures and _NOT_MANAGED not in failures:
            raise TransientError(f"ISM did not take the policy off {index}: {failures}")

    def _managed(self) -> dict[str, Managed] | None:
        """By index; None where ISM is missing."""
        reply = ask(self._client, "GET", f"{ISM}/explain/{PATTERN}", seconds=REQUEST_SECONDS)
        if _is_absent(reply):
            return None
        data = _data(reply, "asking ISM")
        bodies = {index: body for index, body in data.items() if isinstance(body, Mapping) and body.get(_POLICY)}
        return {index: _managed_of(body) for index, body in bodies.items()}

    def _segments(self) -> dict[str, int]:
        """How many each index has, its copies left out."""
        path = "indices.*.primaries.segments.count,_shards.failed"
        params = {"level": "indices", "expand_wildcards": "all", "filter_path": path}
        data = self._checked("GET", f"/{PATTERN}/_stats/segments", "counting segments", params=params)
        return {index: int(body["primaries"]["segments"]["count"]) for index, body in data.get("indices", {}).items()}

    def _checked(
        self,
        method: str,
        path: str,
        doing: str,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Mapping[str, Any]:
        return _data(ask(self._client, method, path, body, params, seconds=REQUEST_SECONDS), doing)


def _data(reply: Reply, doing: str) -> Mapping[str, Any]:
    """The reply's object. ClosingError where trying again will not help."""
    if reply.ok and isinstance(reply.data, dict):
        return reply.data
    if reply.ok or reply.status == 429 or reply.status >= 500:
        raise TransientError(f"OpenSearch is busy or not ready, {doing}: {reply.reason}")
    hint = ""
    if reply.status in (401, 403):
        hint = ". Deploy again, to install the index owner's role, or mend its user and password"
    if reply.status == 404 and "policy" in reply.reason:
        hint = ". Deploy again, to install the policies"
    raise ClosingError(f"OpenSearch refused {doing}: {reply.reason}{hint}")


def _period(
    name: str, index: str, body: Mapping[str, Any], segments: int | None, managed: Managed | None
) -> PeriodIndex:
    settings = body["settings"]
    made_at = int(settings["index.creation_date"]) // 1000
    shards = int(settings["index.number_of_shards"])
    is_merged = segments is not None and segments <= shards
    return PeriodIndex(name, index, made_at, _is_blocked(body), is_merged, managed)


def _is_blocked(body: Mapping[str, Any]) -> bool:
    return str(body["settings"].get("index.blocks.write")) == "true"


def _managed_of(body: Mapping[str, Any]) -> Managed:
    info = body.get("info") or {}
    has_failed = (
        (body.get("action") or {}).get("failed")
        or (body.get("step") or {}).get("step_status") == "failed"
        or (body.get("retry_info") or {}).get("failed")
    )
    message = str(info.get("cause") or info.get("message") or "it does not say why") if has_failed else ""
    state = (body.get("state") or {}).get("name") or body.get("transition_to") or ""
    return Managed(str(body[_POLICY]), str(state), message[:300])


def _failures(data: Mapping[str, Any]) -> str:
    return "; ".join(str(one.get("reason", one)) for one in data.get("failed_indices") or ())[:300]


def _is_absent(reply: Reply) -> bool:
    text = str(reply.data)
    return not reply.ok and ("no handler found" in text or (reply.status == 401 and "is not allowed" in text))
