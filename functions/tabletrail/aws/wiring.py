"""Puts the use cases together from their adapters, once for each warm function.

Rules
- Everything that is costly to make (sessions, clients, the OpenSearch connection, the breaker) is made once and kept;
  what holds the state of one call is made for each call.
- What one function alone works with is imported where it is made: the others do not wait for it when they are cold. Its
  own handler imports it at once.
- OpenSearch is imported and connected only when something is to be indexed (`opensearch_late`), the outbox imported
  where there is one.

Called by the handlers.
"""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tabletrail.aside import InThread
from tabletrail.aws.checkpoints import TableCheckpoints
from tabletrail.aws.clients import alert_client, control_client, dynamodb_client, new_session, s3_client, streams_client
from tabletrail.aws.clock import SystemClock
from tabletrail.aws.commit import TableNames
from tabletrail.aws.holds import TableHolds
from tabletrail.aws.log_listing import BucketListing
from tabletrail.aws.opensearch_late import LateOpenSearch
from tabletrail.aws.rules_store import BucketRules
from tabletrail.aws.runs import TableLeases, TableRunNotes
from tabletrail.aws.segment_store import BucketSegmentStore
from tabletrail.aws.segments import TableSegments
from tabletrail.aws.stamps import TableStamps
from tabletrail.aws.streams import SignedStreamReader
from tabletrail.aws.tables import AccountTables
from tabletrail.aws.token_key import token_key_reader
from tabletrail.aws.tries import Tries
from tabletrail.conversions import Conversions
from tabletrail.core.entry import Conversion
from tabletrail.index import Breaker, Indexer
from tabletrail.settings import Settings
from tabletrail.staging import Stager
from tabletrail.stamping import Stamping

if TYPE_CHECKING:
    from tabletrail.alert import Ways
    from tabletrail.backlog import Backlog
    from tabletrail.capture import Capture
    from tabletrail.coverage import Coverage
    from tabletrail.outbox import EvidenceFinder
    from tabletrail.plan import Plan
    from tabletrail.report import Report

MAPPINGS = Path(__file__).parents[2] / "mappings"
"""Where the package of ReportRun has them; the other packages that begin here do not need them."""


class Wiring:
    """The adapters of one process, each made when it is first asked for."""

    def __init__(self, settings: Settings | None = None, session: Any = None) -> None:
        """SettingsError, at once, if the environment is not as it must be."""
        self.settings = settings or Settings.from_environment(os.environ)
        self.session = session or new_session()
        self.clock = SystemClock()
        self.breaker = Breaker(self.clock)
        self._tries = Tries(self.clock)

    @cached_property
    def _dynamodb(self) -> Any:
        return dynamodb_client(self.session)

    @cached_property
    def _names(self) -> TableNames:
        return TableNames(self.settings.streams_table, self.settings.shards_table, self.settings.segments_table)

    @cached_property
    def checkpoints(self) -> TableCheckpoints:
        return TableCheckpoints(self._dynamodb, self._names, self._tries)

    @cached_property
    def segments(self) -> TableSegments:
        return TableSegments(self._dynamodb, self.settings.segments_table, self._tries)

    @cached_property
    def store(self) -> BucketSegmentStore:
        return BucketSegmentStore(self._s3, self.settings.segments_bucket)

    @cached_property
    def _s3(self) -> Any:
        return s3_client(self.session)

    @cached_property
    def leases(self) -> TableLeases:
        return TableLeases(self._dynamodb, self.settings.runs_table, self._tries)

    @cached_property
    def notes(self) -> TableRunNotes:
        return TableRunNotes(self._dynamodb, self.settings.runs_table, self._tries)

    @cached_property
    def holds(self) -> TableHolds:
        return TableHolds(self._dynamodb, self.settings.runs_table, self.settings.segments_table, self._tries)

    @cached_property
    def stream(self) -> SignedStreamReader:
        return SignedStreamReader(self.session, streams_client(self.session), self.clock)

    @cached_property
    def tables(self) -> AccountTables:
        tag = (self.settings.tag_key, self.settings.tag_value)
        return AccountTables(
            control_client(self.session, "dynamodb"),
            control_client(self.session, "resourcegroupstaggingapi"),
            self.clock,
            tag=tag,
            service_tag=self.settings.service_tag,
        )

    @cached_property
    def opensearch(self) -> LateOpenSearch:
        return LateOpenSearch(self._connect, MAPPINGS)

    def _connect(self) -> Any:
        from tabletrail.aws.opensearch_connect import connect, secret_reader

        return connect(self.settings, secret_reader(self.session, is_hasty=True))

    @cached_property
    def conversions(self) -> Conversions:
        key = token_key_reader(self.session, self.settings.token_key_secret)
        return Conversions(self.rules, key, self.settings.index_period, self.settings.actor_attribute)

    @cached_property
    def rules(self) -> BucketRules:
        return BucketRules(self._s3, self.settings.segments_bucket)

    @cached_property
    def evidence(self) -> EvidenceFinder | None:
        """What the outbox tells, where there is one. It is asked for tables whose rules say so, and for no other."""
        settings = self.settings
        if not settings.outbox_table:
            return None
        from tabletrail.aws.claims import TableClaims
        from tabletrail.aws.direct_calls import DirectCalls
        from tabletrail.aws.outbox import TableOutbox
        from tabletrail.outbox import EvidenceFinder

        client = DirectCalls(self.session, self._dynamodb)
        return EvidenceFinder(
            TableOutbox(client, settings.outbox_table, self._tries, self.clock),
            TableClaims(client, settings.claims_table, self._tries, self.clock),
            self.clock,
            self.conversions,
        )

    def _stager(self) -> Stager:
        return Stager(self.store, self.clock)

    def _indexer(self, breaker: Breaker | None = None) -> Indexer:
        return Indexer(self.opensearch, breaker or self.breaker, self.settings.bulk_bytes)

    def capture(self) -> Capture:
        """For one call of CaptureShards."""
        from tabletrail.capture import Capture
        from tabletrail.parts import PartMaker

        parts = PartMaker(self.stream, self.clock, self.settings, self.conversions, self.evidence)
        return Capture(
            self.checkpoints,
            self.segments,
            self.stream,
            self._stager(),
            self._indexer(),
            parts,
            self.clock,
            self.settings,
            InThread(),
        )

    def plan(self, run_id: str) -> Plan:
        """For one call of PlanRun."""
        from tabletrail.hold_entries import HoldEntries
        from tabletrail.membership import Membership
        from tabletrail.plan import Plan
        from tabletrail.rules_change import RulesChange
        from tabletrail.walking import Walker

        coverage = self._coverage(run_id)
        membership = Membership(self.tables, self.checkpoints, coverage, self.notes, self.clock, self.settings)
        walker = Walker(self.stream, self.checkpoints, coverage, self.clock, self.settings, {})
        return Plan(
            self.checkpoints,
            membership,
            walker,
            self.leases,
            self.notes,
            self.clock,
            self.settings,
            self._stamping(),
            RulesChange(self.rules, self.notes),
            holds=HoldEntries(self.holds),
        )

    def _coverage(self, run_id: str) -> Coverage:
        from tabletrail.coverage import Coverage

        conversion = Conversion(self.settings.index_period, self.settings.actor_attribute)
        indexer, stager = self._indexer(), self._stager()
        return Coverage(self.checkpoints, self.segments, stager, indexer, self.clock, conversion, run_id)

    def _stamping(self) -> Stamping:
        stamps = TableStamps(self._dynamodb, self._names, self.settings.runs_table, self._tries)
        listing = BucketListing(self._s3, self.settings.segments_bucket)
        return Stamping(stamps, listing, self.checkpoints, self.segments, self.clock)

    def backlog(self) -> Backlog:
        """For one call of IndexSegments."""
        from tabletrail.alert import Alerter
        from tabletrail.backlog import Backlog
        from tabletrail.core.alert import AlertForm

        indexer = self._indexer(Breaker(self.clock))  # one that remembers a minute would look every other minute only
        backlog = Backlog(self.segments, self.store, indexer, self.leases, self.notes, self.clock, self.settings)
        form = AlertForm(self.settings.alert_values == "true", self.settings.dashboards_url)
        backlog.alerter = Alerter(self.segments, self.store, self._ways, self.clock, form)
        return backlog

    @cached_property
    def _ways(self) -> Ways:
        """The ways on which alerts leave. Their clients are made when something is due."""
        from tabletrail.alert import Ways
        from tabletrail.aws.alerts import BusAlerts, TopicAlerts

        bus, topic = self.settings.alert_bus, self.settings.alert_topic
        tries = Tries(self.clock, most=4, seconds=3.0)
        events = BusAlerts(lambda: alert_client(self.session, "events"), bus, tries, self.clock)
        words = TopicAlerts(lambda: alert_client(self.session, "sns"), topic, tries)
        return Ways({"EventBridge": events} if bus else {}, {"SNS": words} if topic else {})

    def report(self) -> Report:
        """For one call of ReportRun."""
        from tabletrail.aws.metrics import EmfMetrics
        from tabletrail.aws.progress import JsonProgress
        from tabletrail.closing import Closing
        from tabletrail.health import Health
        from tabletrail.report import Report

        metrics, settings = EmfMetrics(self.clock), self.settings
        health = Health(self.opensearch, self.segments, JsonProgress(self.clock))
        closing = Closing(self.opensearch, self.holds, self.segments, self.leases, self.notes, self.clock, settings)
        return Report(
            self.segments,
            self.opensearch,
            self.leases,
            self.notes,
            metrics,
            self.clock,
            settings,
            health,
            closing,
        )
