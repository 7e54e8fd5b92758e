"""What a writer can do wrong. Errors of DynamoDB come through as they are."""

from __future__ import annotations


class AuditedError(Exception):
    """A write was not sent, because it could not be marked as asked for. The message says what to do."""
