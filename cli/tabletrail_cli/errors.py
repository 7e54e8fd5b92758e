"""What can go wrong for an operator, and the exit code each one has. The text says what to do.

    0  found, or done
    1  nothing found
    2  asked for something that cannot be (QueryError, SettingsError, argparse's own)
    3  a service cannot be reached, or does not let the caller in
    4  the log is damaged: what a segment's row promises is not what lies in S3

Called by the commands; `main` turns errors into lines and codes.
"""

from __future__ import annotations

from tabletrail.errors import ObjectMissingError, QueryError, SegmentError, SettingsError, TabletrailError

FOUND, NOTHING_FOUND, USAGE, NO_ACCESS, DAMAGED = 0, 1, 2, 3, 4

EXIT_CODES = (
    (FOUND, "found, or done"),
    (NOTHING_FOUND, "nothing found"),
    (USAGE, "a usage error: the message shows the legal form"),
    (NO_ACCESS, "OpenSearch or AWS cannot be reached, or does not let you in"),
    (DAMAGED, "damage found: the log in S3 is not what its table says"),
)


class AccessError(TabletrailError):
    """A service did not answer, or not to this caller."""


class DamageError(TabletrailError):
    """An object of the log is not the one that was committed."""


def exit_code(error: TabletrailError) -> int:
    """Transient and access errors alike are 3: the caller can only try again or get access."""
    if isinstance(error, (QueryError, SettingsError)):
        return USAGE
    if isinstance(error, (DamageError, ObjectMissingError, SegmentError)):
        return DAMAGED
    return NO_ACCESS
