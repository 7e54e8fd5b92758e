"""Published policies and the key of tokens in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from tabletrail.errors import RulesError

KEY = b"a key of tokens that is no secret"


@dataclass
class FakeRules:
    """`RulesStore`. `texts` is what is durable; nothing is ever replaced."""

    texts: dict[str, bytes] = field(default_factory=dict)

    def put(self, version: str, text: bytes) -> None:
        self.texts.setdefault(version, text)

    def get(self, version: str) -> bytes:
        if version not in self.texts:
            raise RulesError(f"no rules lie at {version}")
        return self.texts[version]


@dataclass
class FakeTokenKey:
    """`TokenKey`: a secret that somebody may delete and put back."""

    key: bytes | None = KEY
    reads: int = 0

    def read(self) -> bytes:
        self.reads += 1
        if self.key is None:
            raise RulesError("the key of the tokens cannot be read")
        return self.key
