"""The key of the tokens that stand for sensitive values: one secret of Secrets Manager.

Rules
- Read once in a process, and only where a policy declares anything sensitive.
- Never written or rotated from here: with another key the same value would have another token.

Called by the use cases through `TokenKey`; wired by the handlers and the command line.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tabletrail.aws.clients import control_client
from tabletrail.aws.troubles import RefusedError, translated
from tabletrail.errors import RulesError

LEAST_BYTES = 32
"""As many as the digest behind a token has: fewer could be guessed sooner than a token itself."""


def token_key_reader(session: Any, secret: str) -> Callable[[], bytes]:
    """`secret` is a name or an ARN. The reader: RulesError says what to do, TransientError."""

    def read() -> bytes:
        if not secret:
            raise RulesError("values are declared sensitive, but no secret holds the key of their tokens: deploy again")
        try:
            with translated("GetSecretValue"):
                reply = control_client(session, "secretsmanager").get_secret_value(SecretId=secret)
        except RefusedError as error:
            raise RulesError(
                f"the key of the tokens cannot be read ({error.code}): does the secret {secret} exist, and may you "
                "read it (secretsmanager:GetSecretValue)?"
            ) from None
        key: bytes = reply["SecretString"].encode() if "SecretString" in reply else reply["SecretBinary"]
        if len(key) < LEAST_BYTES:
            raise RulesError(f"the secret {secret} is too short for a key: it needs {LEAST_BYTES} bytes or more")
        return key

    return read
