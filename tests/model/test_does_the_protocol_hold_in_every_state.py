"""Every state of the model that small sizes can reach, and bugs seeded into it that must be found.

The counts are exact, so that a change of the model, or of the rule for lineage that it asks the product for, is seen:
look at what changed, then write down the new ones.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.model.bugs import ALONE_HARMLESS, SEEDED, Seeded
from tests.model.configurations import CI
from tests.model.explorer import Result, explore
from tests.model.invariants import INVARIANTS
from tests.model.sizes import Sizes

STATES = {
    "roll, two runs and a walk": 26_270,
    "three generations, two runs and a walk": 35_347,
    "one shard, three runs": 69_279,
    "two runs under a lease": 21_982,
    "roll, one run, a stream that forgets": 153_066,
    "two runs, orphans, index and backlog": 217_849,
    "poison, a run and two backlogs": 9_975,
    "forgetting and indexing": 104_072,
}
OF_BUGS_ONLY = {
    "a run adopts an object",
    "a run overwrites an object",
    "a run moves checkpoints alone",
    "a run moves checkpoints later",
    "a run writes the row alone",
    "a run writes the row later",
}


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    return {sizes.name: explore(sizes) for sizes in CI}


def test_are_more_than_100_000_states_explored() -> None:
    assert sum(STATES.values()) > 600_000
    assert max(STATES.values()) > 200_000


@pytest.mark.parametrize("name", STATES)
def test_does_every_invariant_hold_in_every_state(results: dict[str, Result], name: str) -> None:
    result = results[name]
    assert result.violation is None, result.violation
    assert result.states == STATES[name]
    assert {result.checked[invariant] for invariant in (*INVARIANTS, "live")} == {result.states}
    assert result.checked["monotone"] == result.transitions
    assert result.complete > 0


def test_is_every_step_of_the_model_taken(results: dict[str, Result]) -> None:
    sources = [path.read_text() for path in Path(__file__).parent.glob("*ing.py")]
    written = {label for source in sources for label in re.findall(r'yield f?"([a-z][^"]+)"', source)}
    written = {label for label in written if "{" not in label}
    taken = {step for result in results.values() for step in result.steps}
    offered = {label for label in written if not label.startswith(("a ", "the "))}
    assert len(written) > 30
    missing = {label for label in written - offered if label not in taken}
    missing |= {label for label in offered for who in ("a run", "a backlog") if f"{who} {label}" not in taken}
    assert missing == OF_BUGS_ONLY


@pytest.mark.parametrize("seeded", SEEDED, ids=lambda seeded: f"{' and '.join(seeded.bugs)}: {seeded.invariant}")
def test_is_a_seeded_bug_found(seeded: Seeded) -> None:
    result = explore(seeded.sizes.with_bugs(*seeded.bugs), limit=300_000, only=seeded.invariant)
    assert result.violation is not None
    assert result.violation.invariant == seeded.invariant


def test_is_every_invariant_broken_by_some_bug() -> None:
    assert {seeded.invariant for seeded in SEEDED} == {*INVARIANTS, "monotone", "live"}


@pytest.mark.parametrize("sizes", tuple(dict.fromkeys(seeded.sizes for seeded in SEEDED)))
def test_is_nothing_found_without_the_bug(sizes: Sizes) -> None:
    assert explore(sizes, limit=30_000).violation is None


@pytest.mark.parametrize(("bug", "sizes"), ALONE_HARMLESS)
def test_does_a_second_guard_hold_where_the_first_fails(bug: str, sizes: Sizes) -> None:
    assert explore(sizes.with_bugs(bug)).violation is None
