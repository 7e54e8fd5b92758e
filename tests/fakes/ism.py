"""Index state management (ISM) over HTTP, and as much of OpenSearch as closing an index asks: in memory.

The plugin is in no registry, so this does what its source says (opensearch-project/index-management)

- A policy is stored once without `if_seq_no` and `if_primary_term`; after that only with those that it has: else 409.
- `add` gives an index that has no policy a copy of one, which works with the rights of whoever added it. An index that
  has one is a failure in a reply of 200; one that the caller may not manage is passed over without a word.
- `remove` takes policy and memory away; `explain` shows each index, managed or not, and none of another caller's.
- What it then does with the index: `tests.fakes.ism_jobs`.
- A server without the plugin answers 400 "no handler found", an Amazon domain 401 and "is not allowed".
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.ism_jobs import Index, Job, Jobs

Json = dict[str, Any]
POLICY_ID = "index.plugins.index_state_management.policy_id"
LEGACY_POLICY_ID = "index.opendistro.index_state_management.policy_id"


Answer = tuple[int, Any]


@dataclass
class FakeCluster(Jobs):
    """`offers`: yes, no (a server without the plugin) or domain (one of Amazon's that does not offer it).

    `unmanageable` are indices that the caller may not manage.
    """

    policies: dict[str, tuple[Json, int]] = field(default_factory=dict)
    """By id: the policy and its sequence number."""
    offers: str = "yes"
    unmanageable: set[str] = field(default_factory=set)
    merges_slowly: bool = False
    """A merge that was begun is not done until the test sets `segments`."""
    heard: list[str] = field(default_factory=list)
    before_answer: Callable[[str], None] = lambda _: None
    """Called with "METHOD /path" when the effect is there: a ConnectionError loses the reply."""
    url: str = ""
    ca_pem: str = ""
    _next_seq_no: int = 0

    def writes(self) -> list[str]:
        return [one for one in self.heard if not one.startswith("GET")]

    def answer(self, method: str, target: str, body: Json) -> Answer:
        parts = urlsplit(target)
        params = dict(parse_qsl(parts.query))
        path = parts.path
        if path.startswith("/_plugins/_ism/") and self.offers != "yes":
            if self.offers == "domain":
                return 401, {"Message": f"Your request: '{path}' is not allowed."}
            return 400, {"error": f"no handler found for uri [{path}] and method [{method}]"}
        for pattern, handle in _ROUTES:
            if match := re.fullmatch(pattern, f"{method} {path}"):
                return handle(self, match, body, params)
        return 400, {"error": f"no handler found for uri [{path}] and method [{method}]"}

    def _matching(self, text: str) -> list[str]:
        found: list[str] = []
        for part in text.split(","):
            found += [
                name
                for name, index in sorted(self.indices.items())
                if fnmatch.fnmatchcase(name, part) or part in index.aliases
            ]
        return found

    def _list(self, match: re.Match[str], _body: Json, _params: Json) -> Answer:
        return 200, {name: self._shown(self.indices[name]) for name in self._matching(match[1])}

    def _shown(self, index: Index) -> Json:
        fixed = {"index.creation_date": str(index.made_at * 1000), "index.number_of_shards": str(index.shards)}
        return {"aliases": {name: {} for name in index.aliases}, "settings": {**fixed, **index.settings}}

    def _stats(self, match: re.Match[str], _body: Json, _params: Json) -> Answer:
        indices = {
            name: {"primaries": {"segments": {"count": self.indices[name].segments}}}
            for name in self._matching(match[1])
        }
        return 200, {"_shards": {"failed": 0}, "indices": indices}

    def _block(self, match: re.Match[str], _body: Json, _params: Json) -> Answer:
        if match[1] not in self.indices:
            return 404, {"error": {"type": "index_not_found_exception", "reason": "no such index"}}
        self.indices[match[1]].settings["index.blocks.write"] = "true"
        return 200, {"acknowledged": True, "shards_acknowledged": True}

    def _set(self, match: re.Match[str], body: Json, _params: Json) -> Answer:
        for name, value in body.items():
            if value is None:
                self.indices[match[1]].settings.pop(name, None)
            else:
                self.indices[match[1]].settings[name] = str(value)
        return 200, {"acknowledged": True}

    def _merge(self, match: re.Match[str], _body: Json, params: Json) -> Answer:
        assert params == {"max_num_segments": "1", "wait_for_completion": "false"}
        index = self.indices[match[1]]
        if not self.merges_slowly:
            index.segments = index.shards
        return 200, {"task": "node:1"}

    def _get_policy(self, match: re.Match[str], _body: Json, _params: Json) -> Answer:
        if match[1] not in self.policies:
            return 404, _error("status_exception", "Policy not found")
        policy, seq_no = self.policies[match[1]]
        added = {"policy_id": match[1], "last_updated_time": 1, "schema_version": 21, "error_notification": None}
        return 200, {"_id": match[1], "_version": 1, "_seq_no": seq_no, "_primary_term": 1, "policy": policy | added}

    def _put_policy(self, match: re.Match[str], body: Json, params: Json) -> Answer:
        known = self.policies.get(match[1])
        given = (params.get("if_seq_no"), params.get("if_primary_term"))
        if (known is None and given != (None, None)) or (known and given != (str(known[1]), "1")):
            return 409, _error("version_conflict_engine_exception", f"[{match[1]}]: version conflict")
        policy = body.get("policy")
        if not isinstance(policy, dict) or "description" not in policy or not policy.get("states"):
            return 400, _error("illegal_argument_exception", "description is null")
        seq_no, self._next_seq_no = self._next_seq_no, self._next_seq_no + 1
        self.policies[match[1]] = (policy, seq_no)
        status = 201 if known is None else 200
        return status, {"_id": match[1], "_version": 1, "_seq_no": seq_no, "_primary_term": 1, "policy": body}

    def _add(self, match: re.Match[str], body: Json, _params: Json) -> Answer:
        if "policy_id" not in body:
            return 400, _error("illegal_argument_exception", "Missing policy_id")
        names = [name for name in self._matching(match[1]) if name not in self.unmanageable]
        if not names:
            return 200, _status(0, [])
        if body["policy_id"] not in self.policies:
            return 404, _error("status_exception", f"Could not find policy={body['policy_id']}")
        failed = [name for name in names if name in self.jobs]
        for name in set(names) - set(failed):
            self.jobs[name] = Job(body["policy_id"], json.loads(json.dumps(self.policies[body["policy_id"]][0])))
        why = "This index already has a policy, use the update policy API to update index policies"
        return 200, _status(len(names) - len(failed), [(name, why) for name in failed])

    def _remove(self, match: re.Match[str], _body: Json, _params: Json) -> Answer:
        names = self._matching(match[1])
        if any(name in self.unmanageable for name in names):
            return 403, _error("status_exception", "User doesn't have required index permissions on one or more")
        failed = [name for name in names if name not in self.jobs]
        for name in set(names) - set(failed):
            del self.jobs[name]
            self.indices[name].settings["index.plugins.index_state_management.auto_manage"] = "false"
        why = "This index does not have a policy to remove"
        return 200, _status(len(names) - len(failed), [(name, why) for name in failed])

    def _explain(self, match: re.Match[str], _body: Json, _params: Json) -> Answer:
        names = [name for name in self._matching(match[1]) if name not in self.unmanageable]
        managed = {name: self._explained(name) for name in names}
        return 200, {**managed, "total_managed_indices": sum(name in self.jobs for name in names)}

    def _explained(self, name: str) -> Json:
        job = self.jobs.get(name)
        policy_id = job.policy_id if job else None
        shown: Json = {POLICY_ID: policy_id, LEGACY_POLICY_ID: policy_id, "enabled": job.is_enabled if job else None}
        if job is None or not job.state:
            return shown
        shown |= {"index": name, "policy_id": policy_id, "policy_seq_no": 1, "policy_primary_term": 1}
        if job.has_ended:
            return shown | {"policy_completed": True}
        if job.transition_to:
            return shown | {"transition_to": job.transition_to, "retry_info": {"failed": False, "consumed_retries": 0}}
        shown["state"] = {"name": job.state, "start_time": 1}
        has_failed = bool(job.failure) and not job.is_enabled
        shown["action"] = {"name": "x", "start_time": 1, "index": job.action, "failed": has_failed}
        shown["step"] = {"name": "x", "start_time": 1, "step_status": "failed" if job.failure else "completed"}
        shown["retry_info"] = {"failed": False, "consumed_retries": job.tries}
        message = f"Failed to do it [index={name}]" if job.failure else "Evaluating transition conditions"
        return shown | {"info": {"message": message, **({"cause": job.failure} if job.failure else {})}}


_ROUTES: tuple[tuple[str, Callable[[FakeCluster, re.Match[str], Json, Json], Answer]], ...] = (
    (r"GET /_plugins/_ism/policies/([^/]+)", FakeCluster._get_policy),
    (r"PUT /_plugins/_ism/policies/([^/]+)", FakeCluster._put_policy),
    (r"POST /_plugins/_ism/add/([^/]+)", FakeCluster._add),
    (r"POST /_plugins/_ism/remove/([^/]+)", FakeCluster._remove),
    (r"GET /_plugins/_ism/explain/([^/]+)", FakeCluster._explain),
    (r"GET /([^/_][^/]*)/_stats/segments", FakeCluster._stats),
    (r"PUT /([^/_][^/]*)/_block/write", FakeCluster._block),
    (r"PUT /([^/_][^/]*)/_settings", FakeCluster._set),
    (r"POST /([^/_][^/]*)/_forcemerge", FakeCluster._merge),
    (r"GET /([^/_][^/]*)", FakeCluster._list),
)


def _error(kind: str, reason: str) -> Json:
    return {"error": {"type": kind, "reason": reason}}


def _status(updated: int, failed: list[tuple[str, str]]) -> Json:
    failures = [{"index_name": name, "index_uuid": f"uuid-{name}", "reason": why} for name, why in failed]
    return {"updated_indices": updated, "failures": bool(failed), "failed_indices": failures}
