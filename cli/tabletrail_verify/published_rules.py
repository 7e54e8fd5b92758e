"""The policies that entries name, read from the bucket and held against their names.

Rules
- A version is the SHA-256 of its text: what does not give it is another policy, and what it hid cannot be known.
- Each is read once. Only what it declares sensitive is looked at.

Called by `log_walk`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from botocore.exceptions import ClientError

from tabletrail_verify.findings import Finding
from tabletrail_verify.places import Pattern, Step, glob

NONE = "none"
"""The version of an entry that no policy had a part in."""
LARGEST = 4 << 20
_HEX = re.compile(r"[0-9a-f]{64}")
_GONE = ("NoSuchKey", "404", "NoSuchVersion")


@dataclass(frozen=True, slots=True)
class Declared:
    """What one policy hides: (tables, paths). Of a policy that cannot be read, nothing is known."""

    pairs: tuple[tuple[tuple[re.Pattern[str], ...], tuple[Pattern, ...]], ...] = ()

    def of(self, table: str) -> list[Pattern]:
        found = [path for tables, paths in self.pairs if any(one.fullmatch(table) for one in tables) for path in paths]
        return [*found, Pattern("_audit.for")] if found else []


def hides(patterns: Sequence[Pattern], steps: Sequence[Step]) -> bool:
    return any(pattern.covers(steps) for pattern in patterns)


@dataclass(slots=True)
class PublishedRules:
    """`find` takes what is wrong with a policy, once each."""

    client: Any
    bucket: str
    find: Callable[[Finding], None]
    _known: dict[str, Declared] = field(default_factory=dict)
    _tables: dict[tuple[Any, Any], list[Pattern]] = field(default_factory=dict)

    def hidden(self, version: Any, table: Any) -> list[Pattern]:
        """The paths that these rules declare for this table."""
        key = str(version), str(table)
        found = self._tables.get(key)
        if found is None:
            found = self._tables[key] = self.declared(version).of(str(table))
        return found

    def declared(self, version: Any) -> Declared:
        """Empty, and a finding, where the version is not to be had."""
        name = str(version)
        if name not in self._known:
            self._known[name] = Declared() if name == NONE else self._read(name)
        return self._known[name]

    def _read(self, version: str) -> Declared:
        key = f"rules/v1/{version}.json"
        if not _HEX.fullmatch(version):
            self.find(Finding("rules-missing", "entries name rules that no version is called by"))
            return Declared()
        try:
            text = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read(LARGEST)
        except ClientError as error:
            if str(error.response.get("Error", {}).get("Code", "")) not in _GONE:
                raise
            self.find(Finding("rules-missing", f"entries name {key}, which is not there"))
            return Declared()
        if sha256(text).hexdigest() != version:
            self.find(Finding("rules-altered", f"{key} has another SHA-256 than its name"))
            return Declared()
        return declared_by(json.loads(text))


def declared_by(policy: Any) -> Declared:
    """From a policy's JSON."""
    pairs = []
    for one in policy.get("sensitive", ()):
        tables = tuple(glob(text) for text in _texts(one["table"]))
        pairs.append((tables, tuple(Pattern(text) for text in _texts(one["path"]))))
    return Declared(tuple(pairs))


def _texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
