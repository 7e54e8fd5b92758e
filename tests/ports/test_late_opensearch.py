"""Is trouble with the connection to OpenSearch met inside the use case, and is it tried again?"""

from __future__ import annotations

import pytest

from tabletrail.aws.opensearch_late import LateOpenSearch
from tabletrail.errors import TransientError


def test_does_making_it_connect_nothing_and_does_each_use_try_again() -> None:
    tries: list[str] = []

    def connect() -> object:
        tries.append("connect")
        raise TransientError("the secret cannot be read")

    late = LateOpenSearch(connect, dict)
    assert tries == []
    with pytest.raises(TransientError):
        late.existing()
    with pytest.raises(TransientError):
        late.create(b"")
    with pytest.raises(TransientError):
        late.departure("tabletrail-v1-2026.11")
    assert len(tries) == 3
