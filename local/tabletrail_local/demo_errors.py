"""What can go wrong with the demo. Each text says what to look at."""

from __future__ import annotations

from pathlib import Path

from tabletrail_local.errors import LocalStackError


class DemoError(LocalStackError):
    """The demo could not go on; the stack is left as it is."""


class WaitedTooLongError(DemoError):
    def __init__(self, what: str, seconds: float, last: str, logs: Path) -> None:
        super().__init__(
            f"{what}: not after {seconds:.0f} s ({last}). The stack is left running, to be looked at: "
            f"`tabletrail status --local` shows what waits and what the last run complained of; the local AWS with all "
            f"functions logs to {logs / 'aws.log'}, the deployment to {logs / 'sam.log'}, OpenSearch beside them."
        )
