"""Do the outbox and the claims in memory keep the promises of their ports?"""

from __future__ import annotations

import pytest

from tests.fakes.outbox import FakeClaims, FakeOutbox
from tests.ports.outbox_contract import ClaimsContract, OutboxContract, Put


class TestFakeOutbox(OutboxContract):
    @pytest.fixture
    def outbox(self) -> FakeOutbox:
        return FakeOutbox()

    @pytest.fixture
    def put(self, outbox: FakeOutbox) -> Put:
        return outbox.put


class TestFakeClaims(ClaimsContract):
    @pytest.fixture
    def claims(self) -> FakeClaims:
        return FakeClaims()
