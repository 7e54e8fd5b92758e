"""InstallMappings: the custom resource that prepares OpenSearch at each deployment and publishes the release's rules.

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
from tabletrail.aws.publish_wiring import checked_rules, publish_rules
from tabletrail.install import Bundle, install
from tabletrail.settings import Settings

MAPPINGS = Path(__file__).parents[1] / "mappings"
ANSWER_SECONDS = 25
"""Kept back: for the last step's requests (10 s each) and the answer."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    def work(request: custom_resource.Request) -> str:
        settings, clock, session = Settings.from_environment(os.environ), SystemClock(), new_session()
        rules = checked_rules(MAPPINGS, settings, session)  # bad ones end it before anything is written
        servers = servers_of(settings, secret_reader(session))
        seconds = context.get_remaining_time_in_millis() / 1000 - ANSWER_SECONDS
        wishes = wishes_of(settings, request, int(clock.now()))
        done = install(servers, Bundle.load(MAPPINGS), wishes, clock, seconds).sentence()
        return f"{done}. {publish_rules(rules, settings, session)}"

    return custom_resource.handle(event, work)
