"""What the laboratory refuses: `ApiError` in the service's own words, `LabError` to whoever drives it.

Rules
- An `ApiError`'s code is one that the service's model names, or one that all AWS services share.
- A `LabError` says what to do instead.

Raised by the model; the HTTP front turns both into replies.
"""

from __future__ import annotations

_SERVICE = "com.amazonaws.dynamodb.v20120810#"
_PREFIXES = {
    "ValidationException": "com.amazon.coral.validate#",
    "ThrottlingException": "com.amazon.coral.availability#",
    "SerializationException": "com.amazon.coral.service#",
    "UnknownOperationException": "com.amazon.coral.service#",
    "MissingAuthenticationTokenException": "com.amazon.coral.service#",
    "IncompleteSignatureException": "com.amazon.coral.service#",
}


class LabError(Exception):
    """A command that cannot be done as it was given."""


class ApiError(Exception):
    """An error reply of the service. `code` is its short name."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, status

    @property
    def type_name(self) -> str:
        """As `__type` has it."""
        return _PREFIXES.get(self.code, _SERVICE) + self.code


def invalid(message: str) -> ApiError:
    return ApiError("ValidationException", message)


def stream_not_found(stream_arn: str) -> ApiError:
    return ApiError("ResourceNotFoundException", f"Requested resource not found: Stream: {stream_arn} not found")


def shard_not_found() -> ApiError:
    return ApiError("ResourceNotFoundException", "Requested resource not found: Shard does not exist")


def trimmed() -> ApiError:
    text = "The operation attempted to read past the oldest stream record in a shard."
    return ApiError("TrimmedDataAccessException", text)


def expired() -> ApiError:
    return ApiError("ExpiredIteratorException", "Iterator expired. The iterator was created too long ago to be used.")


def throttled() -> ApiError:
    return ApiError("ThrottlingException", "Rate exceeded")


def limit_exceeded(message: str) -> ApiError:
    return ApiError("LimitExceededException", message)


def internal() -> ApiError:
    return ApiError("InternalServerError", "The request processing has failed because of an unknown error.", 500)
