"""The jobs of index state management (ISM) in memory: what it makes of an index that is under a policy.

Rules, as the plugin's source has them
- A job's first turn loads the policy; each later one does one step of an action, or looks at the transitions. A
  transition that is met is made in the next turn. A state without transitions ends the policy, and shows no state.
- An action that failed more often than its `retry` allows stops the job: nothing moves until the policy is added anew.
- It works with the rights of whoever added the policy.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass
class Index:
    made_at: int
    aliases: set[str] = field(default_factory=lambda: {"tabletrail"})
    shards: int = 1
    segments: int = 7
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def is_blocked(self) -> bool:
        return self.settings.get("index.blocks.write") == "true"


@dataclass
class Job:
    """One managed index, as ISM remembers it."""

    policy_id: str
    policy: Json
    state: str = ""
    action: int = 0
    step: int = 0
    transition_to: str = ""
    tries: int = 0
    failure: str = ""
    is_enabled: bool = True
    has_ended: bool = False


@dataclass
class Jobs:
    """`rights` are what ISM may do in the name of whoever adds policies; `snapshots` are (repository, index)."""

    indices: dict[str, Index] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    rights: set[str] = field(default_factory=lambda: {"settings", "forcemerge", "delete", "snapshot"})
    snapshots: list[tuple[str, str]] = field(default_factory=list)

    def make(self, name: str, made_at: int, **values: Any) -> Index:
        self.indices[name] = Index(made_at, **values)
        return self.indices[name]

    def turn(self, *names: str) -> None:
        """One run of the job of each of these indices, of all without any."""
        for name in names or tuple(self.jobs):
            job = self.jobs.get(name)
            if job is None or name not in self.indices or not job.is_enabled:
                continue
            self._turn(name, job)

    def _turn(self, name: str, job: Job) -> None:
        if not job.state:
            job.state = job.policy["default_state"]
            return
        if job.transition_to:
            job.state, job.transition_to, job.action, job.step = job.transition_to, "", 0, 0
        state = next(one for one in job.policy["states"] if one["name"] == job.state)
        if job.action < len(state["actions"]):
            self._act(name, job, state["actions"][job.action])
            return
        if not state["transitions"]:
            job.has_ended, job.is_enabled = True, False
            return
        # Ages are not looked at: those of our policies are never reached.
        met = next((way for way in state["transitions"] if not way.get("conditions")), None)
        job.transition_to = met["state_name"] if met else ""

    def _act(self, name: str, job: Job, action: Json) -> None:
        kind = next(key for key in action if key not in ("retry", "timeout"))
        right = {"read_only": "settings", "read_write": "settings", "force_merge": "forcemerge"}.get(kind, kind)
        if right not in self.rights:
            job.tries += 1
            job.failure = f"no permissions for [{right}]"
            if job.tries > action.get("retry", {}).get("count", 3):
                job.is_enabled = False
            return
        job.failure, job.tries = "", 0
        index = self.indices[name]
        steps = {"force_merge": 3, "snapshot": 2}.get(kind, 1)
        if kind in ("read_only", "force_merge"):
            index.settings["index.blocks.write"] = "true"
        if kind == "read_write":
            index.settings["index.blocks.write"] = "false"
        job.step += 1
        if job.step < steps:
            return
        if kind == "force_merge":
            index.segments = index.shards * action["force_merge"]["max_num_segments"]
        if kind == "snapshot":
            self.snapshots.append((action["snapshot"]["repository"], name))
        if kind == "delete":
            del self.indices[name]
            del self.jobs[name]
            return
        job.action, job.step = job.action + 1, 0
