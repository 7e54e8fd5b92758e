"""Every error that tabletrail raises, with the words that tell what to do.

Rules
- One root, `TabletrailError`. An adapter lets out only errors of this file: no vendor's exception crosses a port.
- Control flow of the protocol uses the types here, never messages and never a vendor's class names.
- A message never holds item data: it may end up in a log.
"""

from __future__ import annotations

from collections.abc import Iterable


class TabletrailError(Exception):
    """The root. `str(error)` is a sentence for a person, and says what to do where something can be done."""


class SettingsError(TabletrailError):
    """A setting is missing or out of its bounds; the message names it and its legal values."""


class TransientError(TabletrailError):
    """The call failed as the next try may mend (time-out, 5xx, connection). Nothing is known of its effect."""


class ThrottledError(TransientError):
    """The service asked for less. The call had no effect; wait before the next."""


class IteratorExpiredError(TabletrailError):
    """A shard iterator is older than 15 minutes. Get a new one at the last sequence number."""


class TrimmedError(TabletrailError):
    """The position asked for lies before the stream's 24 hours: records between it and the horizon are gone."""


class ShardGoneError(TabletrailError):
    """The stream no longer knows this shard, or the stream itself is gone."""


class ObjectExistsError(TabletrailError):
    """A segment's key is taken. What lies there is not ours to adopt: stage under a new attempt."""


class ObjectMissingError(TabletrailError):
    """No object lies at a committed segment's key and version: the log is damaged. Restore that version."""


class CommitUnknownError(TransientError):
    """The transaction's reply was lost. Read the segment's row consistently: it is there or it is not."""


class LeaseHeldError(TabletrailError):
    """Another run holds the lease and has not let it expire."""


class RestoredError(TabletrailError):
    """A table of checkpoints was restored or made anew: nothing is captured before `tabletrail recover`."""


class EntryError(TabletrailError):
    """A record cannot be converted. It becomes an `unreadable` entry that carries it whole."""


class SegmentError(TabletrailError):
    """A segment's bytes do not follow the format. The message names the line."""


class InstallError(TabletrailError):
    """Mappings, roles or templates could not be put into OpenSearch; the message says which and why."""


class DowngradeError(InstallError):
    """The cluster holds a newer template than this release brings. Deploy the newer release."""


class OutboxError(TabletrailError):
    """The outbox is not there or may not be read. Deploy it (OutboxTableName), or take `outbox` out of the rules."""


class RulesError(TabletrailError):
    """Published rules cannot be had as they were published. Deploy again; what waits for them stays in its stream."""


class TrailError(TabletrailError):
    """CloudTrail's files cannot be had as things are; the message says what to do. Changes wait for their callers."""


class PolicyError(TabletrailError):
    """Rules or sensitive declarations are not as they must be. `problems` has each: (JSON pointer, what is wrong)."""

    def __init__(self, problems: Iterable[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{where or '/'} {reason}" for where, reason in self.problems))


class ReindexError(TabletrailError):
    """An index cannot be rebuilt as things are; the message says why. The index in use was not touched."""


class ClosingError(TabletrailError):
    """A period's index cannot be closed, opened or given to ISM as things are; the message says what to do."""


class QueryError(TabletrailError):
    """A search asked for something that cannot be; the message shows the legal form."""
