"""What tests in every directory may ask for. Tests that need the running stack are marked `stack`."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

from tabletrail_local import info
from tabletrail_local.info import StackInfo
from tabletrail_local.paths import DIRECTORY_VARIABLE, TEST_STACKS_VARIABLE

if (worker := os.environ.get("PYTEST_XDIST_WORKER", "")) and TEST_STACKS_VARIABLE in os.environ:
    # `make test` runs several processes at once: each has a stack of its own.
    os.environ[DIRECTORY_VARIABLE] = os.environ[TEST_STACKS_VARIABLE].split(os.pathsep)[int(worker.removeprefix("gw"))]

# Time is measured by benchmarks. On a busy machine a slow example is no finding.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def stack() -> StackInfo:
    """The local stack that `make test` started, never one that somebody works with: tests change what they like."""
    if DIRECTORY_VARIABLE not in os.environ:
        pytest.fail(
            "this test needs a local stack: run `make test`, or start one with "
            f"`{DIRECTORY_VARIABLE}=DIRECTORY tabletrail local up` and run pytest with the same {DIRECTORY_VARIABLE}"
        )
    return info.load()
