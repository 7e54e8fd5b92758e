"""CloudFormation's custom resource: one question, one answer, put to the address that came with it.

Rules
- Every request is answered, whatever happens: CloudFormation waits an hour for an answer that does not come.
- Delete succeeds always and does nothing: entries and their indices outlive the stack, and a cluster that is gone must
  not keep the stack from going.
- The physical id never changes: another one would make CloudFormation delete the old one.
- A reason holds our own words. Of an unexpected error only its class: its text may hold anything.

Called by handlers/install_mappings.py.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import urllib3

from tabletrail.errors import TabletrailError, TransientError

PHYSICAL_ID = "tabletrail-opensearch"
KEPT = "kept: all indices with their entries, templates, roles and their mappings, policies, monitors, dashboards"
REASON_BYTES = 2_000
REPORT_BYTES = 1_200
"""The whole answer may have 4,096 bytes, and the three ids of the request come to some 400. An output of a stack, which
shows the report, is meant to be short."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """`old` are the properties of the deployment before; empty unless it is an update."""

    properties: Mapping[str, Any] = field(default_factory=dict)
    old: Mapping[str, Any] = field(default_factory=dict)


Send = Callable[[str, bytes], None]


def handle(event: Mapping[str, Any], work: Callable[[Request], str], send: Send | None = None) -> dict[str, Any]:
    """Does `work`, which returns a sentence, and answers. Without a ResponseURL (a call by hand) it only returns.

    TransientError if the answer could not be delivered: Lambda then calls again, and the work writes nothing twice.
    """
    answer = _answer(event, work)
    url = event.get("ResponseURL")
    if url:
        (send or put)(str(url), json.dumps(answer, ensure_ascii=False).encode())
    return answer


def put(url: str, body: bytes) -> None:
    """The address is signed for an empty content type. Its query is a credential: it appears in no error."""
    retries = urllib3.Retry(total=4, backoff_factor=0.5, status_forcelist=(500, 502, 503, 504), allowed_methods=None)
    pool = urllib3.PoolManager(timeout=urllib3.Timeout(connect=2.0, read=3.0), retries=retries)
    try:
        reply = pool.request("PUT", url, body=body, headers={"content-type": ""})
    except urllib3.exceptions.HTTPError as error:
        raise TransientError(f"CloudFormation could not be answered: {type(error).__name__}") from None
    if not 200 <= reply.status < 300:
        raise TransientError(f"CloudFormation did not take the answer: {reply.status}")


def _answer(event: Mapping[str, Any], work: Callable[[Request], str]) -> dict[str, Any]:
    if event.get("RequestType") == "Delete":
        status, reason = "SUCCESS", KEPT
    else:
        status, reason = _try(event, work)
    _log.info("custom resource %s: %s", status, reason)
    return {
        "Status": status,
        "Reason": _cut(reason, REASON_BYTES),
        "Data": {"Report": _cut(reason, REPORT_BYTES)},
        "PhysicalResourceId": event.get("PhysicalResourceId") or PHYSICAL_ID,
        **{name: event.get(name, "") for name in ("StackId", "RequestId", "LogicalResourceId")},
    }


def _cut(text: str, length: int) -> str:
    return text.encode()[:length].decode(errors="ignore")


def _try(event: Mapping[str, Any], work: Callable[[Request], str]) -> tuple[str, str]:
    try:
        properties, old = event.get("ResourceProperties") or {}, event.get("OldResourceProperties") or {}
        return "SUCCESS", work(Request(properties, old))
    except TabletrailError as error:
        return "FAILED", str(error)
    except Exception as error:
        _log.error(
            "installation failed: %s\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__))
        )
        return "FAILED", f"an unexpected {type(error).__name__}; its place is in this function's log. Deploy again"
