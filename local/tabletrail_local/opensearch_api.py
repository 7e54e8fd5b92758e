"""The few requests that the stack itself makes to OpenSearch: is it there, and do our users exist.

`SecurityApi` speaks as an administrator: with the administrator's certificate to the server that we started, with a
name and password to one that was named on the command line.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from tabletrail_local.errors import OpenSearchApiError
from tabletrail_local.guard import is_loopback

_TIMEOUTS = (10.0, 120.0)  # seconds to connect, and to wait for an answer of a busy server
_USERS_PATH = "/_plugins/_security/api/internalusers"


@dataclass(frozen=True)
class SecurityApi:
    url: str
    ca_file: Path | None
    client_certificate: tuple[str, str] | None = None
    user: tuple[str, str] | None = None

    def is_ready(self) -> bool:
        """Whether the server answers and its indexes are available."""
        try:
            answer = self._request("GET", "/_cluster/health")
            return answer.status_code == HTTPStatus.OK and answer.json().get("status") in ("yellow", "green")
        except requests.RequestException:
            return False

    def has_security(self) -> bool:
        """Whether the server has read its users and roles. Our certificate is let in before that, nobody else is."""
        try:
            return self._request("GET", "/_plugins/_security/health").status_code == HTTPStatus.OK
        except requests.RequestException:
            return False

    def require_answer(self) -> None:
        """Raises unless the server answers this administrator."""
        try:
            answer = self._request("GET", "/_plugins/_security/authinfo")
        except requests.exceptions.SSLError as error:
            raise OpenSearchApiError(
                f"{self.url}: {error}. Name the certificate that signed the server's with --opensearch-ca FILE."
            ) from error
        except requests.RequestException as error:
            raise OpenSearchApiError(f"{self.url} does not answer: {error}. Check --opensearch.") from error
        if answer.status_code != HTTPStatus.OK:
            raise OpenSearchApiError(
                f"{self.url} answers {_brief(answer)}. It must run opensearch-security, and --opensearch-user and "
                "--opensearch-password-file must name an administrator."
            )

    def accepts(self, name: str, password: str) -> bool:
        api = SecurityApi(self.url, self.ca_file, user=(name, password))
        answer = api._request("GET", "/_plugins/_security/authinfo")
        return answer.status_code == HTTPStatus.OK

    def has_user(self, name: str) -> bool:
        answer = self._request("GET", f"{_USERS_PATH}/{name}")
        if answer.status_code not in (HTTPStatus.OK, HTTPStatus.NOT_FOUND):
            raise OpenSearchApiError(f"{self.url} answers {_brief(answer)} to a question about user {name}.")
        return answer.status_code == HTTPStatus.OK

    def put_users(self, passwords: dict[str, str]) -> None:
        """Creates these users or sets their passwords, all or none. They have no roles."""
        changes = [{"op": "add", "path": f"/{name}", "value": {"password": word}} for name, word in passwords.items()]
        answer = self._request("PATCH", _USERS_PATH, changes)
        if answer.status_code != HTTPStatus.OK:
            raise OpenSearchApiError(
                f"{self.url} refused to create the users {', '.join(passwords)}: {_brief(answer)}. "
                "The administrator must be allowed to use the security REST API."
            )

    def _request(self, method: str, path: str, body: Any = None) -> requests.Response:
        with requests.Session() as session:
            if is_loopback(self.url):
                session.trust_env = False  # no proxy stands between us and our own machine
            return session.request(
                method,
                self.url.rstrip("/") + path,
                json=body,
                auth=self.user,
                cert=self.client_certificate,
                verify=str(self.ca_file) if self.ca_file else True,
                timeout=_TIMEOUTS,
                allow_redirects=False,
            )


def require_https(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise OpenSearchApiError(f"--opensearch {url}: give an https:// address, since passwords travel.")
    return url.rstrip("/")


def _brief(answer: requests.Response) -> str:
    return f"HTTP {answer.status_code} {answer.text[:300].strip()}"
