"""Thousands of changes by 20 people and 3 services: is whoever the log names the one who made the change?

Writers use each way, none, or forget; two services race on the same items; copies, restores, imports, replays and
forgeries come in between. The writers' package makes the marks and rows, over tables in memory; entries are made as
CaptureShards makes them; CloudTrail's files are written from the very calls. The same story runs over a real stream in
`test_is_the_story_true_on_a_real_stream`.
"""

from __future__ import annotations

import pytest

from tests.attribution.answers import Tally
from tests.attribution.telling import Telling

SEEDS = range(1, 7)
MOST_WRONG = 0.01


@pytest.fixture(scope="module", params=SEEDS)
def told(request: pytest.FixtureRequest) -> tuple[Telling, Tally]:
    telling = Telling(request.param)
    return telling, telling.run()


def test_no_name_is_wrong_where_the_log_is_certain(told: tuple[Telling, Tally]) -> None:
    assert told[1].wrong("certain") == []


def test_less_than_one_likely_name_in_a_hundred_is_wrong(told: tuple[Telling, Tally]) -> None:
    _, tally = told
    assert len(tally.wrong("likely")) < MOST_WRONG * tally.count("likely")
    assert tally.seen("likely", wrong=True) < MOST_WRONG * tally.seen("likely")


def test_a_right_name_is_never_contradicted(told: tuple[Telling, Tally]) -> None:
    """And of the wrong ones some are: those of whom CloudTrail is sure, by people who may be themselves alone."""
    answers = told[1].answers
    assert [one for one in answers if one.is_contradicted and not one.is_wrong] == []
    assert any(one.is_contradicted for one in answers)
