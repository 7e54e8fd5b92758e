"""The stack's OpenSearch users and their random passwords, made once and kept until `reset`."""

from __future__ import annotations

import secrets

from tabletrail_local.info import ADMIN_ROLE, INDEX_OWNER_ROLE, READER_ROLE, WRITER_ROLE, Login
from tabletrail_local.paths import StackPaths
from tabletrail_local.private_files import read_json, write_private_json

_USERS = {
    WRITER_ROLE: "tabletrail_writer",
    INDEX_OWNER_ROLE: "tabletrail_index_owner",
    READER_ROLE: "tabletrail_reader",
}
_ADMIN = "admin"


def ensure_logins(paths: StackPaths, admin: Login | None) -> dict[str, Login]:
    """A login for each role. `admin` is somebody else's administrator; without it we make our own, named admin."""
    known = read_json(paths.passwords)
    wanted = [*_USERS.values(), _ADMIN]
    words = {user: known.get(user) or _random_password() for user in wanted}
    if words != known:
        write_private_json(paths.passwords, words)
    logins = {role: Login(user, words[user]) for role, user in _USERS.items()}
    return {**logins, ADMIN_ROLE: admin or Login(_ADMIN, words[_ADMIN])}


def _random_password() -> str:
    # The suffix satisfies servers that demand every kind of character; the strength is in the first part.
    return secrets.token_urlsafe(24) + "aA1!"
