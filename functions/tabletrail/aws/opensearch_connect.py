"""The connection to OpenSearch, and one way to ask it something.

Rules
- Nothing is retried here: the protocol decides when a request may be sent again, and sending it again is safe.
- Statuses are values, not exceptions; only a missing reply is a TransientError, with what to do.
- TLS is always verified. Proxies and passwords that the environment names are never used: audit data goes to the
  endpoint of the settings or nowhere.
- opensearch-py writes whole requests into its debug log: its loggers are silenced, since those hold item data.

Called by the adapters beside it, the handlers and the command line.
"""

from __future__ import annotations

import json
import logging
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import urllib3
from opensearchpy import OpenSearch, RequestsHttpConnection
from opensearchpy.exceptions import ConnectionError as NoConnection
from opensearchpy.exceptions import ConnectionTimeout, OpenSearchException, SSLError, TransportError

from tabletrail.errors import SettingsError, TransientError
from tabletrail.settings import Settings

CONNECT_SECONDS = 2.0
READ_SECONDS = 15.0
"""A bulk of 5 MB takes under a second; what takes longer than this is trouble, and a function has 60 s."""

POOL_SIZE = 2
"""One request at a time is sent; the second connection is for a thread that prepares the next."""

SECRET_SECONDS = 300
"""How long a changed password may go unnoticed. Secrets Manager takes $0.05 for 10,000 reads."""

SECRET_RETRY_SECONDS = 60
"""How long after a secret could not be read it is tried again: each try is time of a request."""

SecretReader = Callable[[str], str]
"""From a secret's name or ARN to its text."""


@dataclass(frozen=True, slots=True)
class Reply:
    """`data` is the parsed JSON, or the text of a reply that was none, or None."""

    status: int
    data: Any

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def reason(self) -> str:
        """What the server says went wrong, cut short. Answers to administration only: never shown for documents."""
        data = self.data
        if isinstance(data, dict):
            error = data.get("error") or data.get("message") or data.get("Message") or data
            if isinstance(error, dict):
                error = ": ".join(str(error[name]) for name in ("type", "reason") if name in error) or error
            data = error
        return f"{self.status} {data}"[:600]


def connect(settings: Settings, read_secret: SecretReader, read_seconds: float = READ_SECONDS) -> OpenSearch:
    """A client for the settings' endpoint, as the user or role of the calling function.

    Bodies are not compressed: gzip costs more of a function's CPU than it saves (docs/adr/opensearch-connection.md).
    """
    silence_bodies()
    if settings.opensearch_auth == "basic":
        return _by_password(settings, read_secret, read_seconds)
    return _by_signature(settings, read_seconds)


def ask(
    client: OpenSearch,
    method: str,
    path: str,
    body: bytes | Mapping[str, Any] | None = None,
    params: Mapping[str, str] | None = None,
    seconds: float | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """One request and its reply, whatever its status. TransientError if there was no reply.

    `seconds` stands above the client's own limit, to connect and again to answer. Bytes are NDJSON unless `headers` say
    otherwise.
    """
    headers = {**({"content-type": "application/x-ndjson"} if isinstance(body, bytes) else {}), **(headers or {})}
    try:
        data = client.transport.perform_request(method, path, dict(params or {}), body, seconds, headers=headers)
    except SSLError as error:
        raise TransientError(_words_for_tls(error)) from None
    except ConnectionTimeout:
        raise TransientError(
            "OpenSearch did not answer in time: look at its CPU, its queues and its circuit breakers"
        ) from None
    except NoConnection as error:
        raise TransientError(
            f"OpenSearch cannot be reached ({type(error.info).__name__}): look whether it is running, the endpoint "
            "is right, and its network rules let the caller in"
        ) from None
    except TransportError as error:
        return Reply(int(error.status_code), error.info if error.info is not None else error.error)
    except OpenSearchException as error:
        raise TransientError(
            f"what answered at the endpoint is not OpenSearch ({type(error).__name__}): is something between?"
        ) from None
    return Reply(200, data)


def silence_bodies() -> None:
    """Keeps opensearch-py from logging requests and replies, whatever level the root logger has."""
    for name in ("opensearch", "opensearchpy.trace"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def secret_reader(session: Any, *, is_hasty: bool = False) -> SecretReader:
    """Reads AWS Secrets Manager through a boto3 session. TransientError if it cannot.

    `is_hasty` gives up within 4 s, where a request to the index waits for it.
    """

    def read(name: str) -> str:
        from botocore.exceptions import BotoCoreError, ClientError

        from tabletrail.aws.clients import control_client, hasty_secrets_client

        try:
            client = hasty_secrets_client(session) if is_hasty else control_client(session, "secretsmanager")
            return str(client.get_secret_value(SecretId=name)["SecretString"])
        except (BotoCoreError, ClientError, KeyError) as error:
            raise TransientError(
                f"the secret {name} cannot be read ({type(error).__name__}): does it exist, may this function read it?"
            ) from None

    return read


class PasswordAuth:
    """User and password from the secret, read anew every few minutes: a warm function must not outlive a rotation."""

    def __init__(self, name: str, read_secret: SecretReader, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._name, self._read, self._monotonic = name, read_secret, monotonic
        self.ca_pem = ""
        self._renew_at = 0.0
        self._renew()

    def __call__(self, *_request: Any) -> dict[str, str]:
        if self._monotonic() >= self._renew_at:
            # While the secret cannot be read, the old password is as good as it was.
            self._renew_at = self._monotonic() + SECRET_RETRY_SECONDS
            with suppress(TransientError):
                self._renew()
        return self._header

    def _renew(self) -> None:
        user, password, self.ca_pem = _parts(self._name, self._read(self._name))
        self._header = urllib3.make_headers(basic_auth=f"{user}:{password}")
        self._renew_at = self._monotonic() + SECRET_SECONDS


def _by_password(settings: Settings, read_secret: SecretReader, read_seconds: float) -> OpenSearch:
    auth = PasswordAuth(settings.opensearch_secret, read_secret)
    try:
        context = ssl.create_default_context(cadata=auth.ca_pem or None)
    except ssl.SSLError:
        raise SettingsError(f"ca_pem in the secret {settings.opensearch_secret} is not a PEM certificate") from None
    return OpenSearch(
        hosts=[_host(settings.opensearch_endpoint)],
        http_auth=auth,
        ssl_context=context,
        timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=read_seconds),
        max_retries=0,
        pool_maxsize=POOL_SIZE,
    )


def _by_signature(settings: Settings, read_seconds: float) -> OpenSearch:
    from requests_aws4auth import AWS4Auth

    from tabletrail.aws.clients import new_session

    session = new_session()
    credentials, region = session.get_credentials(), session.region_name
    if credentials is None or not region:
        raise SettingsError("signing requests to OpenSearch needs AWS credentials and a region (AWS_REGION)")
    return OpenSearch(
        hosts=[_host(settings.opensearch_endpoint)],
        http_auth=AWS4Auth(refreshable_credentials=credentials, region=region, service="es"),
        connection_class=SigningConnection,
        timeout=(CONNECT_SECONDS, read_seconds),
        max_retries=0,
        pool_maxsize=POOL_SIZE,
    )


class SigningConnection(RequestsHttpConnection):
    """requests-aws4auth signs `requests` sessions only; this one takes nothing from the environment."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # Otherwise a proxy of the environment wins over the session's own, and ~/.netrc over nothing.
        self.session.trust_env = False


def _parts(name: str, text: str) -> tuple[str, str, str]:
    try:
        secret = json.loads(text)
        return str(secret["username"]), str(secret["password"]), str(secret.get("ca_pem", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SettingsError(f'the secret {name} must be JSON: {{"username", "password", "ca_pem"}}') from None


def _host(endpoint: str) -> dict[str, Any]:
    parts = urlsplit(endpoint)
    return {"host": parts.hostname, "port": parts.port or 443, "use_ssl": True}


def _words_for_tls(error: SSLError) -> str:
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" not in text and "certificate" not in text:
        return "the TLS connection to OpenSearch failed: is the endpoint an https one?"
    if "mismatch" in text or "doesn't match" in text:
        return "OpenSearch's certificate is made out to another name than the endpoint's: correct the endpoint"
    return "OpenSearch's certificate is not trusted: ca_pem in the secret must be of the authority that signed it"
