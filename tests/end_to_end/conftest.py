"""What end-to-end tests share: the product, deployed to the test stack, with its scheduler at work."""

from __future__ import annotations

import pytest

from tabletrail_local.deploy import deploy
from tabletrail_local.info import StackInfo
from tabletrail_local.paths import stack_paths


@pytest.fixture(scope="session")
def deployed(stack: StackInfo) -> StackInfo:
    deploy(stack, stack_paths(), {"ScheduleState": "ENABLED"})
    return stack
