"""What end-to-end tests share: the product, deployed to the test stack, with its scheduler at work."""

from __future__ import annotations

import pytest

from tabletrail_local.alert_queue import AlertQueue, ensure_alert_queue
from tabletrail_local.deploy import deploy
from tabletrail_local.info import StackInfo
from tabletrail_local.paths import stack_paths
from tests.end_to_end.deployed_trail import WitnessedTable

DASHBOARDS = "https://search.example/_dashboards"


@pytest.fixture(scope="session")
def mailbox(stack: StackInfo) -> AlertQueue:
    """Where what is deployed tells alerts in words, for whoever takes them first."""
    return ensure_alert_queue(stack.session())


@pytest.fixture(scope="session")
def witnessed(stack: StackInfo) -> WitnessedTable:
    """A table that was written to before the stack is there: its changes are old enough when they are asked for."""
    table = WitnessedTable(stack)
    table.make()
    return table


@pytest.fixture(scope="session")
def deployed(stack: StackInfo, mailbox: AlertQueue, witnessed: WitnessedTable) -> StackInfo:
    parameters = {
        "ScheduleState": "ENABLED",
        "DashboardsUrl": DASHBOARDS,
        **mailbox.parameters,
        **witnessed.parameters,
    }
    deploy(stack, stack_paths(), parameters)
    return stack
