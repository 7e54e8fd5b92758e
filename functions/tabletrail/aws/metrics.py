"""`Metrics` as CloudWatch's embedded metric format: one JSON line on standard output.

Rules
- No dimensions: each distinct set of them is a metric that is paid for by itself. Figures per table are in `status`.
- Never fails a run: what cannot be written is not worth a lost minute.

Called by the use cases through the port; wired by the handlers.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from typing import TextIO

from tabletrail.ports import Clock

NAMESPACE = "Tabletrail"
_METRICS_A_LINE = 100
_UNITS = {"Seconds": "Seconds", "Bytes": "Bytes", "Milliseconds": "Milliseconds"}
"""By the end of a metric's name; all others are counts."""


class EmfMetrics:
    def __init__(self, clock: Clock, out: TextIO | None = None) -> None:
        self._clock = clock
        self._out = out

    def emit(self, values: Mapping[str, float]) -> None:
        finite = {name: value for name, value in values.items() if math.isfinite(value)}
        names = list(finite)
        for start in range(0, len(names), _METRICS_A_LINE):
            self._write({name: finite[name] for name in names[start : start + _METRICS_A_LINE]})

    def _write(self, values: Mapping[str, float]) -> None:
        metrics = [{"Name": name, "Unit": _unit(name)} for name in values]
        directive = {"Namespace": NAMESPACE, "Dimensions": [[]], "Metrics": metrics}
        described = {"Timestamp": int(self._clock.now() * 1000), "CloudWatchMetrics": [directive]}
        line = json.dumps({"_aws": described, **values})
        out = self._out or sys.stdout
        try:
            out.write(line + "\n")
            out.flush()
        except (OSError, ValueError):  # a closed stream is a ValueError
            return


def _unit(name: str) -> str:
    return next((unit for end, unit in _UNITS.items() if name.endswith(end)), "Count")
