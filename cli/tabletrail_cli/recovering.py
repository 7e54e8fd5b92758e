"""The use cases of `recover`, and of `status` in what concerns it, put together for one place.

Called by `recover` and `standing`.
"""

from __future__ import annotations

from typing import Any

from tabletrail.aws.clients import dynamodb_client, s3_client, streams_client
from tabletrail.aws.clock import SystemClock
from tabletrail.aws.commit import TableNames
from tabletrail.aws.log_listing import BucketListing
from tabletrail.aws.recovered_rows import TableRecoveredRows
from tabletrail.aws.runs import TableLeases
from tabletrail.aws.stamps import TableStamps
from tabletrail.aws.streams import SignedStreamReader
from tabletrail.aws.tries import Tries
from tabletrail.core.entry import Conversion
from tabletrail.ports import Clock, Progress
from tabletrail.recovery import Recovery
from tabletrail.stamping import Stamping
from tabletrail_cli.log import Log


def stamping_of(log: Log) -> Stamping:
    """Asks nothing yet."""
    return _stamping(log, dynamodb_client(log.place.session), SystemClock())


def recovery_of(log: Log, progress: Progress) -> Recovery:
    """For one recovery. It needs the rights of an operator: see docs/access.md."""
    session, settings, clock = log.place.session, log.place.settings, SystemClock()
    client, tries = dynamodb_client(session), Tries(clock)
    stamping = _stamping(log, client, clock)
    return Recovery(
        stamping,
        stamping.listing,
        log.store,
        TableRecoveredRows(client, _names(log), tries),
        log.checkpoints,
        log.segments,
        SignedStreamReader(session, streams_client(session), clock),
        log.tables,
        TableLeases(client, settings.runs_table, tries),
        log.notes,
        clock,
        settings,
        Conversion(settings.index_period, settings.actor_attribute),
        progress,
    )


def _stamping(log: Log, client: Any, clock: Clock) -> Stamping:
    settings = log.place.settings
    stamps = TableStamps(client, _names(log), settings.runs_table, Tries(clock))
    listing = BucketListing(s3_client(log.place.session), settings.segments_bucket)
    return Stamping(stamps, listing, log.checkpoints, log.segments, clock)


def _names(log: Log) -> TableNames:
    settings = log.place.settings
    return TableNames(settings.streams_table, settings.shards_table, settings.segments_table)
