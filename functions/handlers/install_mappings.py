"""InstallMappings: the custom resource that prepares OpenSearch at each deployment.

Properties: WriterRoles, IndexOwnerRoles, ReaderRoles (ARNs of IAM roles); Restore, in a call by hand, names what is to
be the release's again although a person changed it; any other whose change makes it run again.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tabletrail.aws import custom_resource
from tabletrail.aws.clients import new_session
from tabletrail.aws.clock import SystemClock
from tabletrail.aws.install_wiring import servers_of, wishes_of
from tabletrail.aws.opensearch_connect import secret_reader
from tabletrail.install import Bundle, install
from tabletrail.settings import Settings

MAPPINGS = Path(__file__).parents[1] / "mappings"
ANSWER_SECONDS = 25
"""Kept back: for the last step's requests (10 s each) and the answer."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    def work(request: custom_resource.Request) -> str:
        settings, clock = Settings.from_environment(os.environ), SystemClock()
        servers = servers_of(settings, secret_reader(new_session()))
        seconds = context.get_remaining_time_in_millis() / 1000 - ANSWER_SECONDS
        wishes = wishes_of(settings, request, int(clock.now()))
        return install(servers, Bundle.load(MAPPINGS), wishes, clock, seconds).sentence()

    return custom_resource.handle(event, work)
