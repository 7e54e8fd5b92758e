"""InstallMappings: the custom resource that prepares OpenSearch at each deployment.

Properties: WriterRoles, IndexOwnerRoles, ReaderRoles (ARNs of IAM roles); any other whose change makes it run again.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tabletrail.aws import custom_resource
from tabletrail.aws.clients import new_session
from tabletrail.aws.clock import SystemClock
from tabletrail.aws.opensearch import OpenSearchKeeper
from tabletrail.aws.opensearch_cluster import OpenSearchCluster
from tabletrail.aws.opensearch_connect import connect, secret_reader
from tabletrail.core.periods import indices_ahead
from tabletrail.install import Bundle, grants_of, install
from tabletrail.settings import Settings

MAPPINGS = Path(__file__).parents[1] / "mappings"
ANSWER_SECONDS = 25
"""Kept back: for the last step's requests (10 s each) and the answer."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    def work(request: custom_resource.Request) -> str:
        settings, clock = Settings.from_environment(os.environ), SystemClock()
        client = connect(settings, secret_reader(new_session()), read_seconds=10)
        seconds = context.get_remaining_time_in_millis() / 1000 - ANSWER_SECONDS
        indices = indices_ahead(int(clock.now()), settings.index_period)
        grants = grants_of(request.properties, request.old, with_users=settings.opensearch_auth == "basic")
        cluster, keeper = OpenSearchCluster(client), OpenSearchKeeper(client)
        return install(cluster, keeper, Bundle.load(MAPPINGS), grants, indices, clock, seconds).sentence()

    return custom_resource.handle(event, work)
