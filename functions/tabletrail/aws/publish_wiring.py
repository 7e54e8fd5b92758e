"""Publishing of rules, put together from its adapters.

Called by handlers/install_mappings.py.
"""

from __future__ import annotations

from typing import Any

from tabletrail.aws.clients import dynamodb_client, s3_client
from tabletrail.aws.clock import SystemClock
from tabletrail.aws.rules_store import BucketRules
from tabletrail.aws.runs import TableRunNotes
from tabletrail.aws.tries import Tries
from tabletrail.policy_files import CheckedFiles
from tabletrail.publishing import publish
from tabletrail.settings import Settings


def publish_rules(rules: CheckedFiles, settings: Settings, session: Any) -> str:
    """A sentence on what was done. InstallError, TransientError, RefusedError."""
    clock = SystemClock()
    store = BucketRules(s3_client(session), settings.segments_bucket)
    notes = TableRunNotes(dynamodb_client(session), settings.runs_table, Tries(clock))
    return publish(rules, store, notes, clock)
