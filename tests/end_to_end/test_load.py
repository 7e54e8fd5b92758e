"""Is every change one entry, once, when OpenSearch dies in the middle?

The same run as `python -m tests.end_to_end.load`, with fewer changes: real writers, the deployed functions, their own
schedule, and a server that is killed while the log is written.
"""

from __future__ import annotations

import pytest

from tabletrail_local.info import StackInfo
from tests.end_to_end.load import Load, State
from tests.end_to_end.load_truth import Image, Truth, normal

CHANGES = 3_000


@pytest.mark.stack
def test_every_change_is_one_entry_though_opensearch_is_killed(deployed: StackInfo) -> None:
    load = Load(deployed, CHANGES, seed=11, writers=4, say=_silent)
    findings, truth = load.run()
    assert truth.count == CHANGES
    assert findings.differences == []
    assert findings.entries == CHANGES
    assert findings.kinds["change"] == CHANGES
    assert findings.indexed == sum(findings.kinds.values())
    assert load.state.times["committed_without_index"] <= load.state.times["started_again"]


def test_the_truth_notices_a_digit_and_not_a_way_of_writing() -> None:
    """Without this a comparison that calls everything equal would pass above."""
    written: Image = {"n": {"N": "1.10"}, "s": {"NS": ["2", "1.0"]}, "m": {"M": {"b": {"B": b"\x00"}}}}
    read_back: Image = {"s": {"NS": ["1", "2"]}, "m": {"M": {"b": {"B": "AA=="}}}, "n": {"N": "1.1"}}
    assert normal(written) == normal(read_back)
    assert normal(written) != normal({**read_back, "n": {"N": "1.1000000000000000000000000000000000001"}})
    assert normal(None) is None
    truth = Truth()
    truth.add(("orders", "1"), written, read_back)
    assert truth.count == 0, "a write that changes nothing makes no record"


def _silent(_state: State) -> None:
    return
