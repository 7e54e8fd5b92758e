"""Publishing of rules, put together from its adapters.

Called by handlers/install_mappings.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tabletrail.aws.clients import dynamodb_client, s3_client
from tabletrail.aws.clock import SystemClock
from tabletrail.aws.rules_store import BucketRules
from tabletrail.aws.runs import TableRunNotes
from tabletrail.aws.token_key import token_key_reader
from tabletrail.aws.tries import Tries
from tabletrail.errors import InstallError
from tabletrail.policy_files import CheckedFiles
from tabletrail.publishing import packaged, publish
from tabletrail.settings import Settings


def checked_rules(mappings: Path, settings: Settings, session: Any) -> CheckedFiles:
    """The rules of the release; there is an outbox, and the key of the tokens can be read, where they need it.
    InstallError, RulesError.

    Without the key no record under such rules could be converted, and without the outbox they would promise names that
    nobody reads: it is found out before any stream is under them.
    """
    rules = packaged(mappings)
    if rules.policy is not None and rules.policy.asks_the_outbox and not settings.outbox_table:
        raise InstallError(
            "the rules say of a table that its writers use the outbox, and this stack has none: deploy with "
            "OutboxTableName=tabletrail_outbox, or take `outbox` out of the rules"
        )
    if rules.policy is not None and rules.policy.is_sensitive_anywhere:
        token_key_reader(session, settings.token_key_secret)()
    return rules


def publish_rules(rules: CheckedFiles, settings: Settings, session: Any) -> str:
    """A sentence on what was done. InstallError, TransientError, RefusedError."""
    clock = SystemClock()
    store = BucketRules(s3_client(session), settings.segments_bucket)
    notes = TableRunNotes(dynamodb_client(session), settings.runs_table, Tries(clock))
    return publish(rules, store, notes, clock)
