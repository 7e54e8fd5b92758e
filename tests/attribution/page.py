"""The table of docs/attribution.md: how many changes of the story are answered, by way, and how many wrongly.

    python -m tests.attribution.page            writes it into the page
    python -m tests.attribution.page --check    tells whether it is there

The story is told in memory from the committed seed, so its figures are the same on every machine.
"""

# ruff: noqa: T201 -- a command's output

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tests.attribution.answers import Answer, Tally, totals
from tests.attribution.odd_acts import HARD
from tests.attribution.stage_memory import BEGIN as BEGUN_AT
from tests.attribution.telling import Telling

PAGE = Path(__file__).parents[2] / "docs" / "attribution.md"
BEGIN, END = "<!-- story: made by `python -m tests.attribution.page` -->", "<!-- /story -->"
SEED = 20
WAYS = {
    "mark": "a mark",
    "mark and row": "a mark and a row of the outbox",
    "marked delete": "a delete in two steps",
    "marked delete and row": "a delete in two steps, with a row",
    "plain delete and row": "a plain delete with a row",
    "attribute alone": "`updatedBy`, or the table's own attribute, alone",
    "nothing": "nothing, or forgotten; PartiQL",
    "plain delete": "a plain delete",
    "removed by TTL": "removed by TTL",
    "saved back": "an old copy saved back",
    "copied": "copied from another item or table",
    "restored": "restored from an older export",
    "imported": "imported, with another system's marks",
    "replayed": "another's request sent again",
    "forged": "a forged mark",
    "impersonated": "a sound mark in another's name",
}
"""In the order of the table, by the story's labels."""
SHARES = ("certain", "likely", "possible", "nobody")
HEAD = ("by way", "changes", *SHARES, "wrong", "CloudTrail: likely", *SHARES[2:], "wrong")


def told() -> tuple[Telling, Tally]:
    telling = Telling(SEED)
    return telling, telling.run()


def section(telling: Telling, tally: Tally) -> str:
    """What stands between the markers."""
    counts = totals(tally.answers)
    by_label = tally.by_label()
    lines = [
        _line(HEAD),
        f"|---|{'--:|' * (len(HEAD) - 1)}",
        *(_row(text, by_label[label]) for label, text in WAYS.items() if label in by_label),
        _row("**all**", tally.answers),
    ]
    return "\n".join(["", *_summary(telling, tally, counts), "", *lines, ""])


def _summary(telling: Telling, tally: Tally, counts: Counter[str]) -> list[str]:
    hard = sum(telling.story.counts.get(name, 0) for name in (*HARD, "between two steps"))
    wrong, likely = tally.wrong("likely"), tally.count("likely")
    lacking = sum(one.seen == "possible" and not one.is_seen_right for one in tally.answers)
    false = sum(one.is_contradicted and not one.is_wrong for one in tally.answers)
    ledger, hours = telling.story.ledger, (telling.story.stage.now() - BEGUN_AT) / 3600
    return [
        f"Seed {SEED}: {counts['changes']:,} changes of {len(ledger.by_item):,} items in six tables within {hours:.1f}"
        f" hours. {hard} hard cases are planted, which a mark alone does not tell, and {ledger.trail.lost_calls} calls"
        " are lost from the trail.",
        "",
        f"- `certain`: {counts['certain']:,} names, {len(tally.wrong('certain'))} wrong.",
        f"- `likely`: {likely:,} names, {len(wrong)} wrong ({_percent(len(wrong), likely)} %); of these CloudTrail"
        f" contradicts {sum(one.is_contradicted for one in wrong)}. Right names that it contradicts: {false}.",
        f"- `possible`: {counts['possible']:,} names or lists of candidates, {counts['wrong possible']} wrong: copies"
        " that carry `updatedBy` along.",
        f"- CloudTrail: {counts['seen likely']:,} principals `likely`, {counts['seen wrong']} wrong. Of"
        f" {counts['seen possible']:,} lists of candidates {lacking} lack the one who did it, whose call was lost.",
    ]


def _row(text: str, answers: list[Answer]) -> str:
    counts = totals(answers)
    wrong = counts["wrong"] + counts["wrong possible"]
    share = [_share(counts[name], len(answers)) for name in SHARES]
    seen = [_share(counts[f"seen {name}"], len(answers)) for name in SHARES[1:]]
    return _line([text, f"{len(answers):,}", *share, str(wrong), *seen, str(counts["seen wrong"])])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _share(number: int, of: int) -> str:
    return f"{_percent(number, of)} %" if number else ""


def _percent(number: int, of: int) -> str:
    share = 100 * number / max(of, 1)
    return f"{share:.1f}" if share < 10 or 99 < share < 100 else f"{share:.0f}"


def spliced(page: str, content: str) -> str:
    """ValueError if the page has no place for it."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"docs/attribution.md has no {BEGIN} with {END} behind it")
    return f"{before}{BEGIN}\n{content}\n{END}{after}"


def main(arguments: list[str]) -> int:
    page = PAGE.read_text("utf-8")
    new = spliced(page, section(*told()))
    if "--check" in arguments:
        print("as it must be" if new == page else "the page is another: run `python -m tests.attribution.page`")
        return int(new != page)
    PAGE.write_text(new, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
