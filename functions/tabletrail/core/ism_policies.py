"""The policies of ISM (index state management) as a deployment installs them, and how they are compared.

Rules
- Each file of mappings/ism/ is {"policy_id", "policy"}. None names an index: ReportRun alone gives and takes them.
- A state is left only for the next one of the same policy. One in which an index rests has a transition whose condition
  is never met: without any, ISM would end its work, and no longer show the state.
- With a repository, an index that was merged goes through a state `snapshot` before it is `closed`.
- What ISM adds to a policy by itself says nothing about it.

Pure. Called by `tabletrail.install`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tabletrail.core.lifecycle import CLOSED, CLOSED_STATE

SNAPSHOT_STATE = "snapshot"
DEFAULT_RETRY: Mapping[str, Any] = {"count": 3, "backoff": "exponential", "delay": "1m"}
"""What ISM gives an action that names none."""
_COMPARED = ("description", "default_state", "states", "ism_template")


def for_repository(document: Mapping[str, Any], repository: str) -> dict[str, Any]:
    """The file's content, with the snapshot where `repository` is not empty and the policy closes an index."""
    if not repository or document["policy_id"] != CLOSED:
        return dict(document)
    policy = document["policy"]
    retry = {"count": 3, "backoff": "exponential", "delay": "1h"}
    # ISM adds the moment to the name, so a second snapshot of an index does not meet the first.
    action = {"retry": retry, "snapshot": {"repository": repository, "snapshot": "{{ctx.index}}"}}
    snapshot = {"name": SNAPSHOT_STATE, "actions": [action], "transitions": [{"state_name": CLOSED_STATE}]}
    states = [_led_to_snapshot(state) for state in policy["states"]]
    return {**document, "policy": {**policy, "states": [*states[:-1], snapshot, states[-1]]}}


def same_policy(found: Mapping[str, Any], ours: Mapping[str, Any]) -> bool:
    """Whether the `policy` that ISM shows is the one of a file."""
    return _essence(found) == _essence(ours)


def _led_to_snapshot(state: Mapping[str, Any]) -> dict[str, Any]:
    ways = state["transitions"]
    if any("conditions" in way for way in ways):
        return dict(state)
    return {**state, "transitions": [{**way, "state_name": SNAPSHOT_STATE} for way in ways]}


def _essence(policy: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: policy.get(name) for name in _COMPARED}
    found["states"] = [
        {
            "name": state["name"],
            "actions": [{"retry": dict(DEFAULT_RETRY), **action} for action in state.get("actions") or ()],
            "transitions": list(state.get("transitions") or ()),
        }
        for state in policy.get("states") or ()
    ]
    return found
