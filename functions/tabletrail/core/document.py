"""What all kinds of entries share: where they come from, their fixed fields, and how their bytes are sealed.

Rules
- A document is RFC 8785 canonical JSON, before and after each splice, so that any program can take it apart and check.
- `event.hash` covers the document without `log` and without itself.
- `log` says where the document lies in a segment. It is known last, so it is spliced in.
- Splices look for a key with its quotes and its colon. Inside a string every quote has a backslash before it, so only
  real keys are found; flat maps, whose keys are attribute names, hold only strings and lie before `item`.

Called by the makers of entries and by `segment`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from json.encoder import encode_basestring  # the C function where there is one
from typing import Any

from tabletrail.core.canonical import canonical, canonical_unchecked
from tabletrail.core.diff import Hide, hide_nothing
from tabletrail.core.periods import index_of
from tabletrail.core.policy import NO_POLICY, Policy
from tabletrail.core.rules import SEVERITIES
from tabletrail.core.tokens import Tokens

SCHEMA = 1
SEQUENCE_DIGITS = 40
"""DynamoDB's longest sequence number."""

SEVERITY_NONE = 0
SEVERITY_LOW = SEVERITIES["low"]
SEVERITY_MEDIUM = SEVERITIES["medium"]
SEVERITY_HIGH = SEVERITIES["high"]
SEVERITY_CRITICAL = SEVERITIES["critical"]

_EVENT = b'"event":{'
_EVENT_ID = b'"id":"'
_MESSAGE = b',"message":"'


@dataclass(frozen=True, slots=True)
class Source:
    """Where records come from: one shard of one table's stream.

    `service` is empty if the table has no such tag. `partition_key` names the attribute whose value begins `item.id`;
    if it is empty, the order of the names decides, for a record does not tell which key attribute is which.
    `ttl_attribute` names the one by which TTL removes the table's items, as far as that is known.
    """

    stream_arn: str
    shard_id: str
    table_name: str
    table_arn: str
    table_id: str
    account: str
    region: str
    service: str = ""
    partition_key: str = ""
    ttl_attribute: str = ""


@dataclass(frozen=True, slots=True)
class Conversion:
    """What decides an entry's content besides the record. `index_period`: day, week or month.

    ValueError if the policy has sensitive paths and there are no tokens: no entry is made in the clear by mistake.
    """

    index_period: str
    actor_attribute: str
    policy: Policy = NO_POLICY
    tokens: Tokens | None = None

    def __post_init__(self) -> None:
        if self.policy.is_sensitive_anywhere and self.tokens is None:
            raise ValueError("the policy has sensitive paths, and there is no key to make tokens with")

    @property
    def rules_version(self) -> str:
        """Names the policy in each entry."""
        return self.policy.version

    @property
    def hide(self) -> Hide:
        """What stands for a sensitive value."""
        return self.tokens or hide_nothing


@dataclass(slots=True)
class Entry:
    """One entry, ready to be put into a segment.

    `document` is canonical, with `event.hash`, without `log`. `images` is the JSON object for the segment's line.
    `sequence_no` is None where the entry is of no record, or of one without a usable number.
    """

    id: str
    kind: str
    index: str
    sequence_no: str | None
    document: bytes
    images: bytes
    severity: int
    """`event.severity` of the document, so that nobody has to parse it: it decides whether an alert is due."""


@lru_cache(maxsize=2048)
def moment_of(seconds: int, period: str) -> tuple[str, str]:
    """(RFC 3339 text, index name). Records of one second come in crowds."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), index_of(seconds, period)


@lru_cache(maxsize=512)
def fixed_fields(source: Source) -> dict[str, Any]:
    """The part that is the same for all entries of a shard. Shared: never change it, copy it."""
    fields: dict[str, Any] = {
        "cloud": {"account": {"id": source.account}, "region": source.region},
        "table": {"arn": source.table_arn, "id": source.table_id, "name": source.table_name},
    }
    if source.service:
        fields["service"] = {"name": source.service}
    return fields


def seal(document: dict[str, Any]) -> bytes:
    """Canonical bytes with `event.hash`. The makers of entries promise: no floats, no huge integers, no `log`."""
    return with_hash(canonical_unchecked(document))


def with_hash(data: bytes) -> bytes:
    """Splices `event.hash` into canonical bytes that have none."""
    # `event` is a map, and the flat maps before it hold only strings: the first match is the key itself. In it come
    # action, category, dataset, then hash, then id.
    at = data.index(_EVENT_ID, data.index(_EVENT))
    return b'%b"hash":"%b",%b' % (data[:at], sha256(data).hexdigest().encode(), data[at:])


def with_log(data: bytes, index: str, segment_id: str, line: int) -> bytes:
    """Splices `log` into canonical bytes that have none: `index` is the index's name, `line` the physical line."""
    # The flat maps may have a key `message`, but all lie before the entry's own: the last match is it.
    at = data.rindex(_MESSAGE)
    log = f',"log":{{"index":{quote(index)},"line":{line},"segment":{quote(segment_id)}}}'
    return data[:at] + log.encode() + data[at:]


def hash_of_document(document: dict[str, Any]) -> str:
    """`event.hash` as it must be, recomputed from a parsed document, with or without `log` and the hash itself."""
    bare = {name: value for name, value in document.items() if name != "log"}
    bare["event"] = {name: value for name, value in document["event"].items() if name != "hash"}
    return sha256(canonical(bare)).hexdigest()


def quote(text: str) -> str:
    """A JSON string."""
    quoted: str = encode_basestring(text)
    return quoted


def sequence_key(sequence_no: str) -> str:
    """40 digits: sorts as text as the number does."""
    return sequence_no.zfill(SEQUENCE_DIGITS)
