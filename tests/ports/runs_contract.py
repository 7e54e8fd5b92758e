"""What every `Leases` and `RunNotes` promise, the table and the fakes alike.

Classes of tests take these as parents and give `leases` and `notes`.
"""

from __future__ import annotations

from tabletrail.ports import Leases, RunNotes

NOW = 1_800_000_000
FACTS = {"count": 10**37, "name": "x", "empty": "", "on": True, "list": ["a", 1, False, []], "map": {"of": {}}}


class LeasesContract:
    def test_one_owner_holds_a_lease_until_its_end(self, leases: Leases) -> None:
        assert leases.acquire("run", "me", 60, NOW)
        assert not leases.acquire("run", "you", 60, NOW + 60)
        assert leases.acquire("run", "you", 60, NOW + 61)
        assert not leases.acquire("run", "me", 60, NOW + 62)

    def test_an_owner_may_take_its_own_lease_again_and_so_prolong_it(self, leases: Leases) -> None:
        assert leases.acquire("run", "me", 60, NOW)
        assert leases.acquire("run", "me", 60, NOW + 30)
        assert not leases.acquire("run", "you", 60, NOW + 90)

    def test_leases_have_names(self, leases: Leases) -> None:
        assert leases.acquire("run", "me", 60, NOW)
        assert leases.acquire("backlog", "you", 60, NOW)

    def test_only_the_owner_frees_a_lease(self, leases: Leases) -> None:
        leases.release("run", "me")
        assert leases.acquire("run", "me", 60, NOW)
        leases.release("run", "you")
        assert not leases.acquire("run", "you", 60, NOW)
        leases.release("run", "me")
        assert leases.acquire("run", "you", 60, NOW)


class RunNotesContract:
    def test_a_note_comes_back_as_it_was_written(self, notes: RunNotes) -> None:
        assert notes.read("last") == {}
        notes.write("last", FACTS)
        assert notes.read("last") == FACTS

    def test_a_note_is_replaced_whole(self, notes: RunNotes) -> None:
        notes.write("last", FACTS)
        notes.write("last", {"other": 1})
        assert notes.read("last") == {"other": 1}
        assert notes.read("else") == {}
