"""Puts AttributeChanges together: what the other functions have, and the trail's bucket.

A module of its own, so that the other functions do not load what only this one needs.

Called by the handler `attribute_changes`.
"""

from __future__ import annotations

from functools import cached_property

from tabletrail.attribute import CHANGES, AttributeChanges
from tabletrail.aws.log_listing import BucketListing
from tabletrail.aws.metrics import EmfMetrics
from tabletrail.aws.recovered_rows import TableRecoveredRows
from tabletrail.aws.trail import BucketTrail, TrailPlace
from tabletrail.aws.wiring import Wiring
from tabletrail.errors import SettingsError
from tabletrail.logged_changes import ChangeReader


class AttributionWiring(Wiring):
    @cached_property
    def metrics(self) -> EmfMetrics:
        return EmfMetrics(self.clock)

    @cached_property
    def trail(self) -> BucketTrail:
        settings = self.settings
        accounts = tuple(one.strip() for one in settings.trail_accounts.split(",") if one.strip())
        if not settings.trail_bucket or not accounts:
            raise SettingsError("TABLETRAIL_TRAIL_BUCKET and TABLETRAIL_TRAIL_ACCOUNTS must say whose events lie where")
        region = str(self.session.region_name)
        place = TrailPlace(settings.trail_bucket, settings.trail_prefix, settings.trail_organization, accounts, region)
        return BucketTrail(self._s3, place)

    def attribution(self) -> AttributeChanges:
        """For one call of AttributeChanges."""
        listing = BucketListing(self._s3, self.settings.segments_bucket)
        rows = TableRecoveredRows(self._dynamodb, self._names, self._tries)
        return AttributeChanges(
            self.checkpoints,
            self._coverage(""),  # the use case names the run
            ChangeReader(listing, rows, self.store, CHANGES),
            self.trail,
            self.conversions,
            self._stamping(),
            self.leases,
            self.notes,
            self.settings,
        )
