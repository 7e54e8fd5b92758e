"""What an AWS error means for the next step: wait, try again, or give up; and whether the call may have had an effect.

Rules
- An error that is not known to be harmless counts as "it may have happened".
- A reply's message is quoted only for codes whose messages name resources, never items: it may end up in a log.

Called by the adapters of this package.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from enum import Enum
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    ProxyConnectionError,
    SSLError,
)

from tabletrail.errors import TabletrailError, ThrottledError, TransientError

VENDOR_ERRORS = (BotoCoreError, ClientError)

THROTTLES = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "Throttling",
        "ThrottledException",
        "RequestThrottledException",
        "RequestThrottled",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "LimitExceededException",
        "BandwidthLimitExceeded",
        "SlowDown",
        "TransactionConflictException",
    }
)
_BUSY_REASONS = frozenset({"None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
_QUOTABLE = frozenset({"AccessDenied", "AccessDeniedException", "ResourceNotFoundException", "NoSuchBucket"})
_UNSENT = (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError)
_CUT_SHORT = (HTTPClientError, IncompleteReadError, FlexibleChecksumError, SSLError)


class Trouble(Enum):
    """THROTTLED and UNSENT: no effect. UNKNOWN: perhaps. REFUSED: no effect, and the next try will not mend it."""

    THROTTLED = "throttled"
    UNSENT = "unsent"
    UNKNOWN = "unknown"
    REFUSED = "refused"


class RefusedError(TabletrailError):
    """The service refused the call. `may_have_happened`: an earlier try of the same call may have had its effect."""

    def __init__(self, text: str, code: str, response: Mapping[str, Any], may_have_happened: bool = False) -> None:
        super().__init__(text)
        self.code = code
        self.response = response
        self.may_have_happened = may_have_happened


def trouble_of(error: Exception) -> Trouble:
    """Which trouble one failed try means."""
    if isinstance(error, ThrottledError):
        return Trouble.THROTTLED
    if isinstance(error, TransientError):
        return Trouble.UNKNOWN
    if isinstance(error, ClientError):
        return _trouble_of_reply(error)
    if isinstance(error, _UNSENT):
        return Trouble.UNSENT
    return Trouble.UNKNOWN if isinstance(error, _CUT_SHORT) else Trouble.REFUSED


def code_of(error: Exception) -> str:
    """The service's error code, or the class of an error that came from no reply."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "Unknown"))
    return type(error).__name__


def refusal(what: str, error: Exception, may_have_happened: bool = False) -> RefusedError:
    """The error for a call `what` that the service refused."""
    code = code_of(error)
    response: Mapping[str, Any] = error.response if isinstance(error, ClientError) else {}
    text = f"{what} was refused: {code}"
    if code in _QUOTABLE:
        text = f"{text}: {response.get('Error', {}).get('Message', '')}"
    return RefusedError(text, code, response, may_have_happened)


@contextmanager
def translated(what: str) -> Generator[None]:
    """For calls that the SDK itself retries: lets out ThrottledError, TransientError or RefusedError only."""
    try:
        yield
    except VENDOR_ERRORS as error:
        trouble = trouble_of(error)
        if trouble is Trouble.REFUSED:
            raise refusal(what, error) from error
        kind = ThrottledError if trouble is Trouble.THROTTLED else TransientError
        raise kind(f"{what} failed after retries: {code_of(error)}") from error


def _trouble_of_reply(error: ClientError) -> Trouble:
    code = code_of(error)
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code == "TransactionCanceledException":
        reasons = {reason.get("Code", "None") for reason in error.response.get("CancellationReasons", [])}
        # Anything beside contention decides the matter; an empty list says nothing, so it cannot be waited out.
        return Trouble.THROTTLED if reasons and reasons <= _BUSY_REASONS else Trouble.REFUSED
    if code == "TransactionInProgressException":
        return Trouble.UNKNOWN  # an earlier try with this token is still at work
    if code in THROTTLES or status == 429:
        return Trouble.THROTTLED
    if status >= 500 or code in ("InternalServerError", "InternalFailure", "ServiceUnavailable", "RequestTimeout"):
        return Trouble.UNKNOWN
    return Trouble.REFUSED
