"""Sends AWS JSON requests that we sign ourselves, and hands back the reply's bytes unparsed.

Why: botocore's parser takes seven to ten times as long for a page of stream records as `json.loads` does, and the page
is the work. Everything else is botocore's own: credentials that refresh, SigV4, and the SDK client's HTTP session, so
that its pool, time-outs, proxies, TLS settings and AWS_CA_BUNDLE hold here too.

Rules
- The CRC-32 that DynamoDB sends is of the body as sent; it is checked, so that a broken page is never converted.
- No compression, as in the SDK: nobody documents that streams would compress a page, in a region bandwidth costs
  nothing, and inflating would cost a fifth of the parsing.
- No retries here: `streams` counts them.

Called by `streams`.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import NoCredentialsError

from tabletrail.errors import TransientError


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes


class SignedRequests:
    """The endpoint of one SDK client; safe to be used by as many threads at once as the client's pool holds."""

    def __init__(self, session: Any, client: Any, signing_name: str) -> None:
        """`client` is the SDK's for the service: its endpoint and region are used, as the environment set them.

        Its HTTP session has no public name. botocore is pinned, and the tests of `streams` notice if it moves.
        """
        self._credentials = session.get_credentials()
        self._endpoint: str = client.meta.endpoint_url
        self._region: str = client.meta.region_name
        self._signing_name = signing_name
        self._http = client._endpoint.http_session

    def post(self, target: str, body: bytes) -> Reply:
        """The reply, whatever its status. Raises botocore's errors of connection; TransientError for a broken body."""
        if self._credentials is None:
            raise NoCredentialsError
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": target,
            "Accept-Encoding": "identity",
        }
        request = AWSRequest(method="POST", url=self._endpoint + "/", data=body, headers=headers)
        SigV4Auth(self._credentials.get_frozen_credentials(), self._signing_name, self._region).add_auth(request)
        response = self._http.send(request.prepare())
        content: bytes = response.content
        _check_crc(content, response.headers.get("x-amz-crc32"))
        return Reply(response.status_code, content)


def _check_crc(body: bytes, expected: str | None) -> None:
    if expected is not None and expected.isdecimal() and zlib.crc32(body) != int(expected):
        raise TransientError("a reply did not arrive as it was sent")
