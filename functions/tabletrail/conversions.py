"""How the records of each stream become entries: under the policy that the stream's row names.

    rules/v1/<version>.json    the policies that were published, in the log's bucket, written once

Rules
- A version is the SHA-256 of the policy's text. What does not give it is not taken, whoever wrote it.
- No record is ever converted without its policy: what cannot be loaded is an error, and the record waits in its stream.
- A policy that declares values sensitive needs the key of their tokens; no other asks for it.
- Each is loaded once in a warm process. A failure is not remembered: the next run tries again.

Called by `tabletrail.parts` (capture), `tabletrail.rules_change` and `tabletrail.publishing`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol

from tabletrail.core.checkpoint import NO_RULES
from tabletrail.core.entry import Conversion
from tabletrail.core.policy import NO_POLICY, Policy, compile_policy
from tabletrail.core.tokens import Tokens
from tabletrail.errors import PolicyError, RulesError

KEPT = 8
"""Policies in memory: a change has two in use, a few streams that wait for their move may name older ones."""


class RulesStore(Protocol):
    """Published policies by version. Durable on return, may be repeated. TransientError."""

    def put(self, version: str, text: bytes) -> None:
        """Writes once; what lies there stays."""

    def get(self, version: str) -> bytes:
        """What lies there, unchecked. RulesError if nothing does."""


TokenKey = Callable[[], bytes]
"""Reads the key of all tokens. RulesError if it cannot be had, TransientError."""


def load_policy(rules: RulesStore, version: str) -> Policy:
    """RulesError if it is not there, is another one, or is one that this release does not understand."""
    if version == NO_RULES:
        return NO_POLICY
    text = rules.get(version)
    if sha256(text).hexdigest() != version:
        raise RulesError(f"what lies under the rules' version {version} is another text: restore its first version")
    try:
        return compile_policy(json.loads(text))
    except (ValueError, PolicyError):
        raise RulesError(f"this release does not understand the rules {version}: deploy the newer release") from None


@dataclass(slots=True)
class Conversions:
    """By version, loaded when first asked for. Not for several threads."""

    rules: RulesStore
    token_key: TokenKey
    index_period: str
    actor_attribute: str
    _loaded: dict[str, Conversion] = field(default_factory=dict)
    _tokens: Tokens | None = None

    def of(self, version: str) -> Conversion:
        """RulesError, TransientError: then nothing may be converted that is under this version."""
        if version not in self._loaded:
            policy = load_policy(self.rules, version)
            tokens = self._made_tokens() if policy.is_sensitive_anywhere else None
            made = Conversion(self.index_period, self.actor_attribute, policy, tokens)
            if len(self._loaded) >= KEPT:
                del self._loaded[next(iter(self._loaded))]
            self._loaded[version] = made
        return self._loaded[version]

    def _made_tokens(self) -> Tokens:
        if self._tokens is None:
            self._tokens = Tokens(self.token_key())
        return self._tokens
