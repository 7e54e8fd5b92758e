"""The log's answer to each change, held against the truth.

Rules
- Each change is one answer: what its entry says, and what CloudTrail's files say of it. The two are judged apart.
- A name at `certain`, `likely` or `possible` is right if it is the one of whoever made the change. Of several
  candidates one must be his; then nobody is named, and the answer is right.
- `actor.last_known` is no name for this change.

Called by the tests and by `page`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.attribution.world import Told

Document = dict[str, Any]
SURE = ("certain", "likely", "possible", "")


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said of one change: by the entry (`actor`), and by CloudTrail (`principal`): how sure, and if right."""

    told: Told
    source: str
    confidence: str
    is_right: bool
    named: str
    seen: str
    """How sure CloudTrail is: likely, possible, or empty for nobody."""
    is_seen_right: bool
    is_contradicted: bool
    """CloudTrail names one who may not say that he is whom the entry names."""

    @property
    def is_wrong(self) -> bool:
        return bool(self.confidence) and not self.is_right


@dataclass(slots=True)
class Tally:
    """Answers by way."""

    answers: list[Answer] = field(default_factory=list)

    def add(self, told: Told, document: Document, attribution: Document | None) -> None:
        actor = document.get("actor", {})
        confidence = actor.get("confidence", "")
        attribution = attribution or {}
        seen, is_seen_right = judged_principal(told, attribution.get("principal", {}))
        self.answers.append(
            Answer(
                told,
                actor.get("source", ""),
                confidence,
                _is_right(told.who, actor),
                actor.get("id", ""),
                seen,
                is_seen_right,
                bool(attribution.get("tabletrail", {}).get("contradiction")),
            )
        )

    def wrong(self, confidence: str) -> list[Answer]:
        return [one for one in self.answers if one.confidence == confidence and one.is_wrong]

    def count(self, confidence: str) -> int:
        return sum(one.confidence == confidence for one in self.answers)

    def seen(self, confidence: str, *, wrong: bool = False) -> int:
        return sum(one.seen == confidence and not (wrong and one.is_seen_right) for one in self.answers)

    def by_label(self) -> dict[str, list[Answer]]:
        found: dict[str, list[Answer]] = {}
        for one in self.answers:
            found.setdefault(one.told.label, []).append(one)
        return found


def _is_right(who: str, actor: Document) -> bool:
    """Whether whoever made the change is the one who is named, or among the candidates where nobody is."""
    if "id" in actor:
        return bool(actor["id"] == who)
    return who in {one["id"] for one in actor.get("candidates", ())}


def judged_principal(told: Told, principal: Document) -> tuple[str, bool]:
    """(confidence or "", whether it is right) of what CloudTrail says: `principal` of the attribution."""
    confidence = str(principal.get("confidence", ""))
    if confidence != "likely" and "candidates" in principal:
        among = {one.get("arn") for one in principal["candidates"]}
        is_right = told.principal in among or "more" in principal
    else:
        is_right = principal.get("arn") == told.principal
    return confidence, is_right


def totals(answers: Iterable[Answer]) -> Counter[str]:
    """How many of each confidence, `wrong` among them, and of CloudTrail's under `seen `."""
    counts: Counter[str] = Counter()
    for one in answers:
        counts["changes"] += 1
        counts[one.confidence or "nobody"] += 1
        counts["wrong"] += one.is_wrong and one.confidence != "possible"
        counts["wrong possible"] += one.is_wrong and one.confidence == "possible"
        counts[f"seen {one.seen or 'nobody'}"] += 1
        counts["seen wrong"] += bool(one.seen == "likely" and not one.is_seen_right)
    return counts
