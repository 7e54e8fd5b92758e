"""Are the policies that we install what the plugin's parsers accept, and do they keep what they promise?

The plugin is in no registry, so this holds them against a schema that was written from its source.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tabletrail.core.ism_policies import DEFAULT_RETRY, SNAPSHOT_STATE, for_repository, same_policy
from tabletrail.core.lifecycle import CLOSED, CLOSED_STATE, DELETION, KEPT, OPEN, POLICIES

MAPPINGS = Path(__file__).parents[2] / "mappings"
SCHEMA = json.loads((MAPPINGS / "schema" / "ism_policy.schema.json").read_text())
FILES = {
    document["policy_id"]: document
    for document in (json.loads(path.read_text()) for path in sorted((MAPPINGS / "ism").glob("*.json")))
}
INSTALLED = [*FILES.values(), for_repository(FILES[CLOSED], "tabletrail-snapshots")]


def problems(document: dict[str, Any]) -> list[str]:
    """What the plugin would refuse: by the schema, and by what a schema cannot say."""
    found = [f"{error.json_path}: {error.message}" for error in Draft202012Validator(SCHEMA).iter_errors(document)]
    if found:
        return found
    policy = document["policy"]
    names = [state["name"] for state in policy["states"]]
    if len(set(names)) < len(names):
        found.append("a state is there twice")
    if policy["default_state"] not in names:
        found.append("the default state does not exist")
    for state in policy["states"]:
        found += [
            f"{state['name']} leads to {way['state_name']}, which does not exist"
            for way in state["transitions"]
            if way["state_name"] not in names
        ]
        kinds = [next(name for name in action if name not in ("retry", "timeout")) for action in state["actions"]]
        if "delete" in kinds[:-1]:
            found.append(f"{state['name']} does something after it deleted the index")
    return found


def test_is_the_schema_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("document", INSTALLED, ids=lambda document: str(document["policy_id"]))
def test_does_the_plugin_take_it(document: dict[str, Any]) -> None:
    assert problems(document) == []


def _wrong(change: str) -> dict[str, Any]:
    document: dict[str, Any] = copy.deepcopy(FILES[CLOSED])
    policy = document["policy"]
    closing = policy["states"][0]
    read_only = closing["actions"][0]
    {
        "no description": lambda: policy.pop("description"),
        "no default state": lambda: policy.pop("default_state"),
        "unknown default state": lambda: policy.update(default_state="shut"),
        "no states": lambda: policy.update(states=[]),
        "unknown field of a policy": lambda: policy.update(retention="7d"),
        "unknown field of a state": lambda: closing.update(action=[]),
        "unknown action": lambda: closing["actions"].append({"readonly": {}}),
        "two actions in one": lambda: read_only.update(force_merge={"max_num_segments": 1}),
        "no action in one": lambda: read_only.pop("read_only"),
        "a parameter that the action has not": lambda: read_only["read_only"].update(wait=True),
        "a merge into unsaid many": closing["actions"][1]["force_merge"].clear,
        "a merge into none": lambda: closing["actions"][1]["force_merge"].update(max_num_segments=0),
        "two conditions": lambda: closing["transitions"][0].update(
            conditions={"min_index_age": "7d", "min_doc_count": 1}
        ),
        "an empty condition": lambda: closing["transitions"][0].update(conditions={}),
        "an unknown condition": lambda: closing["transitions"][0].update(conditions={"max_index_age": "7d"}),
        "a time without a unit": lambda: closing["transitions"][0].update(conditions={"min_index_age": "7"}),
        "a way to nowhere": lambda: closing["transitions"].append({"state_name": "deleted"}),
        "a state twice": lambda: policy["states"].append(copy.deepcopy(closing)),
        "a way out of deletion": lambda: closing["actions"].append({"delete": {}}),
        "work after deletion": lambda: closing.update(actions=[{"delete": {}}, {"read_only": {}}], transitions=[]),
        "a retry without a count": lambda: read_only["retry"].pop("count"),
        "a backoff that does not exist": lambda: read_only["retry"].update(backoff="random"),
        "a snapshot without a repository": lambda: closing["actions"].append({"snapshot": {"snapshot": "x"}}),
        "the plugin's own field": lambda: policy.update(last_updated_time=1),
        "another's name": lambda: document.update(policy_id="hot-warm"),
    }[change]()
    return document


@pytest.mark.parametrize(
    "change",
    [
        "no description", "no default state", "unknown default state", "no states", "unknown field of a policy",
        "unknown field of a state", "unknown action", "two actions in one", "no action in one",
        "a parameter that the action has not", "a merge into unsaid many", "a merge into none", "two conditions",
        "an empty condition", "an unknown condition", "a time without a unit", "a way to nowhere", "a state twice",
        "a way out of deletion", "work after deletion", "a retry without a count", "a backoff that does not exist",
        "a snapshot without a repository", "the plugin's own field", "another's name",
    ],
)  # fmt: skip
def test_is_a_wrong_policy_found(change: str) -> None:
    assert problems(_wrong(change)), change


def test_are_all_stages_there_and_no_other() -> None:
    assert set(FILES) == set(POLICIES)


def _kinds(document: dict[str, Any]) -> dict[str, list[str]]:
    return {
        state["name"]: [name for action in state["actions"] for name in action if name not in ("retry", "timeout")]
        for state in document["policy"]["states"]
    }


def test_does_each_policy_do_what_its_name_says() -> None:
    assert _kinds(FILES[OPEN]) == {"open": ["read_write"]}
    assert _kinds(FILES[CLOSED]) == {"closing": ["read_only", "force_merge"], CLOSED_STATE: []}
    assert _kinds(FILES[KEPT]) == {"kept": []}
    assert _kinds(FILES[DELETION]) == {"expired": [], "deleted": ["delete"]}
    deleting = [one for one in INSTALLED if any("delete" in kinds for kinds in _kinds(one).values())]
    assert [one["policy_id"] for one in deleting] == [DELETION]


@pytest.mark.parametrize("document", INSTALLED, ids=lambda document: str(document["policy_id"]))
def test_does_no_policy_act_by_itself(document: dict[str, Any]) -> None:
    """No template attaches it, and a state that an index rests in is never left for reasons of age."""
    policy = document["policy"]
    assert not policy.get("ism_template")
    for state in policy["states"]:
        for way in state["transitions"]:
            assert "conditions" not in way or (way["state_name"], way["conditions"]) == (
                state["name"],
                {"min_index_age": "36500d"},
            )
        assert state["transitions"] or "delete" in str(state["actions"]), "ISM would end, and show no state any more"


def test_is_the_snapshot_between_merging_and_the_end() -> None:
    document = for_repository(FILES[CLOSED], "vault")
    assert list(_kinds(document)) == ["closing", SNAPSHOT_STATE, CLOSED_STATE]
    ways = {s["name"]: [way["state_name"] for way in s["transitions"]] for s in document["policy"]["states"]}
    assert ways == {"closing": [SNAPSHOT_STATE], SNAPSHOT_STATE: [CLOSED_STATE], CLOSED_STATE: [CLOSED_STATE]}
    assert document["policy"]["states"][1]["actions"][0]["snapshot"]["repository"] == "vault"
    assert for_repository(FILES[CLOSED], "") == FILES[CLOSED]
    assert for_repository(FILES[DELETION], "vault") == FILES[DELETION]


def test_is_a_policy_known_again_as_the_plugin_shows_it() -> None:
    ours = FILES[CLOSED]["policy"]
    shown = copy.deepcopy(ours) | {
        "policy_id": CLOSED,
        "last_updated_time": 1,
        "schema_version": 19,
        "error_notification": None,
    }
    assert same_policy(shown, ours)
    plain = copy.deepcopy(ours)
    del plain["states"][0]["actions"][0]["retry"]
    filled = copy.deepcopy(plain)
    filled["states"][0]["actions"][0]["retry"] = dict(DEFAULT_RETRY)
    assert same_policy(filled, plain)
    assert not same_policy(filled, ours)
    shown["states"][0]["actions"].pop()
    assert not same_policy(shown, ours)
