"""The ways of alerts in memory: what arrived, call by call, and single alerts that they turn away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tabletrail.core.alert import Alert
from tabletrail.core.alert_digest import Digest
from tabletrail.errors import ThrottledError


@dataclass
class FakeEvents:
    """`calls` holds what each call took; `takes` says of an alert's id whether it is taken now.

    `most` bounds what one call takes, as the time of a call does.
    """

    calls: list[list[Alert]] = field(default_factory=list)
    takes: Callable[[str], bool] = lambda _: True
    most: int = 1_000_000

    def publish(self, alerts: Sequence[Alert]) -> frozenset[str]:
        taken = [alert for alert in alerts if self.takes(alert.id)][: self.most]
        if alerts and not taken:
            raise ThrottledError("nothing was taken")
        self.calls.append(taken)
        return frozenset(alert.id for alert in taken)

    @property
    def sent(self) -> list[str]:
        """The ids that arrived, each as often as it did, in order."""
        return [alert.id for call in self.calls for alert in call]


@dataclass
class FakeWords:
    """`digests` holds what was told: a few alerts one by one, more all or none, as `takes` says of each id."""

    digests: list[Digest] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    """The ids that were told, each as often as it was, in order."""
    takes: Callable[[str], bool] = lambda _: True

    def tell(self, digest: Digest) -> frozenset[str]:
        taken = [id_ for id_ in digest.ids if self.takes(id_)]
        if not digest.is_few and len(taken) < len(digest.ids):
            taken = []
        if not taken:
            raise ThrottledError("nothing was taken")
        self.digests.append(digest)
        self.sent += taken
        return frozenset(taken)
