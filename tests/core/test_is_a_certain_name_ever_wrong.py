"""In any story of items, marks, rows, copies, forgeries and deletes, is whoever is named for certain the one who wrote?

Copies come back at any time, at once too: what a mark alone cannot tell, the claim on its row does. The log is read in
pages of any size, by runs of which some die after their claims, and the entries are the same.
"""

from __future__ import annotations

from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from tabletrail.core.evidence import Reading
from tests.core.outbox_story import KEYS, PEOPLE, STEPS, Step, Story
from tests.core.outboxed import Item, Teller, document
from tests.core.strategies import SOURCE

ORDERS = Reading(SOURCE.stream_arn, "orders", 0)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    story = Story()
    for _ in range(draw(st.integers(1, 30))):
        copy = draw(st.sampled_from(story.copies)) if story.copies else {}
        step: Step = draw(st.sampled_from(STEPS))
        step(story, draw(st.sampled_from(KEYS)), draw(st.sampled_from(PEOPLE)), copy)
    return story


def by_pages(story: Story, ends: list[int]) -> list[Item]:
    """The entries of runs that read up to `ends`; each goes on where the last one committed."""
    teller = Teller(story.rows)
    documents: list[Item] = []
    for end in [*ends, len(story.made)]:
        page = [one.record for one in story.made[len(documents) : max(end, len(documents))]]
        documents += [document(one, told) for one, told in zip(page, teller.page(page, ORDERS), strict=True)]
    return documents


@settings(max_examples=300)
@given(stories())
def test_no_certain_name_is_wrong_and_each_write_with_its_row_has_one(story: Story) -> None:
    for made, entry in zip(story.made, by_pages(story, []), strict=True):
        actor: dict[str, Any] = entry.get("actor", {})
        if actor.get("confidence") == "certain":
            assert actor["id"] == made.who, entry["message"]
            assert entry["reason"] == f"{made.who} at work"
            event("certain")
        if made.is_outboxed:
            assert actor.get("confidence") == "certain", entry["message"]
        if actor.get("candidates"):
            event("candidates")


@settings(max_examples=300)
@given(stories(), st.data())
def test_entries_are_the_same_whatever_is_read_at_once_and_whoever_died(story: Story, data: st.DataObject) -> None:
    most = len(story.made)
    wanted = by_pages(story, list(range(1, most)))
    teller, done = Teller(story.rows), 0
    while done < most:
        end = data.draw(st.integers(done + 1, most))
        for died_at in data.draw(st.lists(st.integers(done + 1, most), max_size=2)):
            teller.page([one.record for one in story.made[done:died_at]], ORDERS)
        zombie = data.draw(st.integers(0, done))
        records = [one.record for one in story.made[done:end]]
        told = teller.page(records, ORDERS)
        teller.page([one.record for one in story.made[zombie:end]], ORDERS)
        found = [document(one, evidence) for one, evidence in zip(records, told, strict=True)]
        assert found == wanted[done:end]
        done = end
