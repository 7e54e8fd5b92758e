"""`Progress` as JSON lines on standard output, which CloudWatch Logs can query by field.

No item data: callers give counts, times, names of tables and shards; this cannot check it, reviews do.

Called by the use cases through the port; wired by the handlers.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import TextIO

from tabletrail.ports import Clock


class JsonProgress:
    """`context` (a run's id, say) is in every line; a fact of the same name stands above it."""

    def __init__(self, clock: Clock, out: TextIO | None = None, **context: str | int | float) -> None:
        self._clock, self._out, self._context = clock, out, context

    def note(self, event: str, **facts: str | int | float) -> None:
        moment = datetime.fromtimestamp(self._clock.now(), UTC).isoformat(timespec="milliseconds")
        line = json.dumps({**self._context, **facts, "time": moment, "event": event})
        out = self._out or sys.stdout
        # One write a line: threads share the stream.
        out.write(line + "\n")
        out.flush()
