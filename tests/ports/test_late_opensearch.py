"""Is trouble with the connection to OpenSearch met inside the use case, and is it tried again?"""

from __future__ import annotations

from pathlib import Path

import pytest
from boto3.session import Session

from tabletrail.aws.clients import hasty_secrets_client
from tabletrail.aws.opensearch_late import LateOpenSearch
from tabletrail.aws.wiring import Wiring
from tabletrail.errors import TransientError
from tabletrail.settings import Settings


def test_does_making_it_connect_nothing_and_does_each_use_try_again() -> None:
    tries: list[str] = []

    def connect() -> object:
        tries.append("connect")
        raise TransientError("the secret cannot be read")

    late = LateOpenSearch(connect, Path("mappings"))
    assert tries == []
    with pytest.raises(TransientError):
        late.existing()
    with pytest.raises(TransientError):
        late.create(b"")
    with pytest.raises(TransientError):
        late.departure("tabletrail-v1-2026.11")
    assert len(tries) == 3


def test_does_capture_remember_trouble_from_call_to_call_and_the_backlog_look_anew() -> None:
    """The backlog's calls are a minute apart: one that remembered a minute would look every other minute only."""
    settings = Settings("s", "h", "g", "r", "b", "https://localhost:9200")
    session = Session("AKIDEXAMPLE", "secret", region_name="eu-west-1")
    wiring = Wiring(settings, session)
    assert wiring.capture().indexer.breaker is wiring.capture().indexer.breaker
    assert wiring.backlog().indexer.breaker is not wiring.backlog().indexer.breaker


def test_a_secret_store_that_hangs_takes_four_seconds_of_a_request_at_most() -> None:
    """What a call keeps back for its last request counts on it (`index.INDEX_RESERVE_SECONDS`)."""
    config = hasty_secrets_client(Session("AKIDEXAMPLE", "secret", region_name="eu-west-1")).meta.config
    assert config.connect_timeout + config.read_timeout <= 4
    assert config.retries["total_max_attempts"] == 1
