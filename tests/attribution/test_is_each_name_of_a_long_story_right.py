"""Thousands of changes by 20 people and 3 services: is whoever the log names the one who made the change?

Writers use each way, none, or forget; two services race on the same items; copies, restores, imports, replays and
forgeries come in between. The writers' package makes the marks and rows, over tables in memory; entries are made as
CaptureShards makes them; CloudTrail's files are written from the very calls. The same story runs over a real stream in
`test_is_the_story_true_on_a_real_stream`, and the page's table is made of it.
"""

from __future__ import annotations

from functools import cache

import pytest

from tests.attribution.__main__ import MOST_WRONG
from tests.attribution.answers import Tally
from tests.attribution.page import PAGE, SEED, section, spliced
from tests.attribution.telling import Telling

SEEDS = (SEED, 1, 2)
"""`python -m tests.attribution` tries more."""


@cache
def story_of(seed: int) -> tuple[Telling, Tally]:
    telling = Telling(seed)
    return telling, telling.run()


@pytest.fixture(params=SEEDS)
def told(request: pytest.FixtureRequest) -> tuple[Telling, Tally]:
    return story_of(request.param)


def test_no_name_is_wrong_where_the_log_is_certain(told: tuple[Telling, Tally]) -> None:
    assert told[1].wrong("certain") == []


def test_less_than_one_likely_name_in_a_hundred_is_wrong(told: tuple[Telling, Tally]) -> None:
    _, tally = told
    assert len(tally.wrong("likely")) < MOST_WRONG * tally.count("likely")
    assert tally.seen("likely", wrong=True) < MOST_WRONG * tally.seen("likely")
    assert tally.seen("likely", wrong=True) <= 1, "though calls are lost: where one is missing, nobody is likely"


def test_who_is_not_named_is_not_named_as_the_last_known_one_either(told: tuple[Telling, Tally]) -> None:
    """`last_known` is no answer; several candidates are none either, and each of them could have been it."""
    for document in told[0].documents:
        actor = document.get("actor", {})
        assert ("confidence" in actor) == ("id" in actor or "candidates" in actor)
        assert not {"id", "candidates"} <= actor.keys()


def test_a_right_name_is_hardly_ever_contradicted(told: tuple[Telling, Tally]) -> None:
    """Only where a call is lost and another's took its place; and of the wrong ones CloudTrail finds some."""
    answers = told[1].answers
    false = [one for one in answers if one.is_contradicted and not one.is_wrong]
    assert len(false) <= tally_of_lost(told[0])
    assert any(one.is_contradicted for one in answers if one.is_wrong)


def tally_of_lost(telling: Telling) -> int:
    return telling.story.ledger.trail.lost_calls // 10


def test_the_page_shows_what_the_story_tells() -> None:
    page = PAGE.read_text("utf-8")
    assert spliced(page, section(*story_of(SEED))) == page, "run `python -m tests.attribution.page`"
