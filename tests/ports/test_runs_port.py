"""Do the table of runs and the fakes keep the same promises?"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tabletrail.aws.clients import dynamodb_client
from tabletrail.aws.clock import SystemClock
from tabletrail.aws.runs import TableLeases, TableRunNotes
from tabletrail.aws.tries import Tries
from tabletrail.errors import TabletrailError
from tabletrail_local.info import StackInfo
from tests.fakes.runs import FakeLeases, FakeRunNotes
from tests.ports.local_tables import drop_tables, make_table, unique
from tests.ports.runs_contract import NOW, LeasesContract, RunNotesContract


class TestFakes(LeasesContract, RunNotesContract):
    @pytest.fixture
    def leases(self) -> FakeLeases:
        return FakeLeases()

    @pytest.fixture
    def notes(self) -> FakeRunNotes:
        return FakeRunNotes()


@pytest.fixture(scope="module")
def client(stack: StackInfo) -> Any:
    return dynamodb_client(stack.session())


@pytest.mark.stack
class TestTable(LeasesContract, RunNotesContract):
    @pytest.fixture
    def table(self, client: Any) -> Iterator[str]:
        name = unique("runs")
        make_table(client, name, "name")
        yield name
        drop_tables(client, name)

    @pytest.fixture
    def leases(self, client: Any, table: str) -> TableLeases:
        return TableLeases(client, table, Tries(SystemClock()))

    @pytest.fixture
    def notes(self, client: Any, table: str) -> TableRunNotes:
        return TableRunNotes(client, table, Tries(SystemClock()))

    def test_of_many_at_once_one_gets_the_lease(self, leases: TableLeases) -> None:
        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(lambda owner: leases.acquire("run", str(owner), 60, NOW), range(16)))
        assert won.count(True) == 1

    def test_a_note_of_the_same_name_is_no_lease(self, leases: TableLeases, notes: TableRunNotes) -> None:
        notes.write("run", {"at": NOW})
        assert leases.acquire("run", "me", 60, NOW)
        assert notes.read("run") == {"at": NOW}

    def test_what_has_no_exact_form_is_refused(self, notes: TableRunNotes) -> None:
        with pytest.raises(TabletrailError, match="float"):
            notes.write("run", {"share": 0.1})
