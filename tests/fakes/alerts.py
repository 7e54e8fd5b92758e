"""`Alerts` in memory: what arrived, call by call, and single alerts that it turns away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tabletrail.core.alert import Alert
from tabletrail.errors import ThrottledError


@dataclass
class FakeAlerts:
    """One way. `calls` holds what each call took; `takes` says of one alert whether it is taken now.

    `most` bounds what one call takes, as the time of a call does.
    """

    calls: list[list[Alert]] = field(default_factory=list)
    takes: Callable[[Alert], bool] = lambda _: True
    most: int = 1_000_000

    def publish(self, alerts: Sequence[Alert]) -> frozenset[str]:
        taken = [alert for alert in alerts if self.takes(alert)][: self.most]
        if alerts and not taken:
            raise ThrottledError("nothing was taken")
        self.calls.append(taken)
        return frozenset(alert.id for alert in taken)

    @property
    def sent(self) -> list[str]:
        """The ids that arrived, each as often as it did, in order."""
        return [alert.id for call in self.calls for alert in call]
