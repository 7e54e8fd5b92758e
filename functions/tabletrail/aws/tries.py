"""Tries a call again after throttling and passing trouble, with full jitter, and keeps count of what may have happened.

The SDK's own retries hide whether an earlier try reached the service. A compare-and-swap must know: after a lost reply
its condition fails because of its own success. So the clients given to these calls do not retry (see `clients`).

Called by the adapters of DynamoDB and of its streams.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from tabletrail.aws.troubles import VENDOR_ERRORS, Trouble, code_of, refusal, trouble_of
from tabletrail.deadline import Deadline
from tabletrail.errors import ThrottledError, TransientError
from tabletrail.ports import Clock

Reply = TypeVar("Reply")


@dataclass(frozen=True, slots=True)
class Tries:
    """At most `most` tries, none begun later than `seconds` after the first.

    With the clients' time-outs (1 s to connect, 3 s to read) the last try ends within 10 s: what a function keeps back
    for the commit in flight. Pauses are uniform in 0..min(cap, first * 2^n), by the service's own advice.
    """

    clock: Clock
    most: int = 6
    seconds: float = 6.0
    first: float = 0.05
    cap: float = 1.0
    jitter: Callable[[], float] = random.random

    def by(self, deadline: Deadline) -> Tries:
        """Of which none but the first is begun after `deadline` either."""
        return replace(self, seconds=min(self.seconds, deadline.left()))

    def run(self, what: str, call: Callable[[], Reply], lost: type[TransientError] = TransientError) -> Reply:
        """The call's reply. `lost` is raised if it may have had an effect; ThrottledError or TransientError if not.

        RefusedError if another try cannot mend it; its `may_have_happened` tells of the tries before.
        """
        may_have_happened = False
        until = self.clock.monotonic() + self.seconds
        for number in range(self.most):
            try:
                return call()
            except (*VENDOR_ERRORS, TransientError) as error:
                trouble, code, cause = trouble_of(error), code_of(error), error
            if trouble is Trouble.REFUSED:
                raise refusal(what, cause, may_have_happened) from cause
            may_have_happened = may_have_happened or trouble is Trouble.UNKNOWN
            pause = self.jitter() * min(self.cap, self.first * 2**number)
            if number + 1 == self.most or self.clock.monotonic() + pause >= until:
                break
            self.clock.sleep(pause)
        if may_have_happened:
            raise lost(f"{what}: no answer in {number + 1} tries, last {code}") from cause
        kind = ThrottledError if trouble is Trouble.THROTTLED else TransientError
        raise kind(f"{what}: had no effect in {number + 1} tries, last {code}") from cause
