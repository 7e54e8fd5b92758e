"""What each visualization must show of the planted story, counted from the story's deeds and runs.

Rows are (keys from the outside in, values in the order of the metrics). Rules
- One function for each visualization: what has none makes the test fail, and what has no object any more does too.
- Bars of time are days, in the zone of the reader.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from tests.dashboards.planted_health import HealthRun, health_runs
from tests.dashboards.planted_story import Deed
from tests.dashboards.planted_truth import is_change, is_finding, is_sensitive

Key = str | datetime
Value = float | int | str | datetime | None
Rows = list[tuple[tuple[Key, ...], tuple[Value, ...]]]


def day_of(moment: datetime, zone: str) -> datetime:
    """The beginning of the reader's day, in UTC."""
    local = moment.astimezone(ZoneInfo(zone))
    return datetime.combine(local.date(), time(0), ZoneInfo(zone)).astimezone(UTC)


def changes(deeds: Iterable[Deed]) -> list[Deed]:
    return [deed for deed in deeds if is_change(deed)]


def sensitive(deeds: Iterable[Deed]) -> list[Deed]:
    return [deed for deed in deeds if is_sensitive(deed)]


def top(values: Iterable[str], size: int, missing: str = "") -> Rows:
    """The most frequent, those of equal frequency by name. `missing` is shown for none, which sorts as __missing__."""
    found = Counter(value or "__missing__" for value in values if value or missing)
    ranked = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:size]
    return [((missing if name == "__missing__" else name,), (count,)) for name, count in ranked]


def per_day(deeds: Iterable[Deed], word: Callable[[Deed], str], zone: str) -> Rows:
    found = Counter((day_of(deed.at, zone), word(deed)) for deed in deeds)
    return [(key, (count,)) for key, count in found.items()]


def word_of_severity(deed: Deed) -> str:
    words = {99: "critical", 73: "high", 47: "medium"}
    return words.get(deed.severity, "below medium")


def index_actor(deed: Deed) -> str:
    return deed.actor if is_change(deed) else ""


def activity_totals(deeds: Sequence[Deed], _: str) -> Rows:
    told = changes(deeds)
    actors = {deed.actor for deed in told} - {""}
    return [((), (len(told), len({deed.item for deed in told}), len({deed.table for deed in told}), len(actors)))]


def activity_tables(deeds: Sequence[Deed], _: str) -> Rows:
    by_table = defaultdict(list)
    for deed in changes(deeds):
        by_table[deed.table].append(deed)
    return [
        ((table,), (len(all_of), len({deed.item for deed in all_of}), max(deed.at for deed in all_of)))
        for table, all_of in by_table.items()
    ]


def sensitive_rules(deeds: Sequence[Deed], _: str) -> Rows:
    rules = [rule for deed in sensitive(deeds) for rule in ((deed.rules or ("",)) if is_change(deed) else ("",))]
    return top(rules, 20, "no rule")


def sensitive_actors(deeds: Sequence[Deed], _: str) -> Rows:
    by_actor = defaultdict(list)
    for deed in sensitive(deeds):
        by_actor[index_actor(deed) or "not known"].append(deed.severity)
    return [((actor,), (len(all_of), max(all_of))) for actor, all_of in by_actor.items()]


def sensitive_totals(deeds: Sequence[Deed], _: str) -> Rows:
    return counted(sensitive(deeds), lambda deed: [word_of_severity(deed)])


def notices(deeds: Sequence[Deed], zone: str) -> Rows:
    said = ("gap", "coverage", "parked", "unreadable")
    return per_day([deed for deed in deeds if deed.kind in said], lambda deed: deed.kind, zone)


def words_of_confidence(deed: Deed) -> list[str]:
    if deed.actor:
        return [deed.confidence]
    return ["several possible"] if deed.candidates else ["nobody known"]


def words_of_findings(deed: Deed) -> list[str]:
    if deed.about is None:
        return ["write without an entry"]
    claims = ["claim against IAM"] if deed.contradiction else []
    return [deed.confidence or "no call fits", *claims]


def counted(deeds: Iterable[Deed], words: Callable[[Deed], Sequence[str]]) -> Rows:
    found = Counter(word for deed in deeds for word in words(deed))
    return [((word,), (count,)) for word, count in found.items()]


def findings(deeds: Iterable[Deed]) -> list[Deed]:
    return [deed for deed in deeds if is_finding(deed)]


def who_sources(deeds: Sequence[Deed], _: str) -> Rows:
    found = Counter((deed.source or "not known", deed.confidence or "not known") for deed in changes(deeds))
    return [(key, (count,)) for key, count in found.items()]


def who_principals(deeds: Sequence[Deed], _: str) -> Rows:
    return top((deed.principal for deed in findings(deeds) if deed.about and deed.confidence == "likely"), 20)


def health_now(*_: object) -> Rows:
    last = max(health_runs(), key=lambda run: run.seconds).figures
    names = ("lag_seconds", "waiting_segments", "alerts_waiting_segments", "failures", "tables")
    return [((), tuple(last[name] for name in names))]


def health_totals(*_: object) -> Rows:
    sums = tuple(sum(run.figures[name] for run in health_runs()) for name in ("entries", "gaps", "parked", "failures"))
    return [((), (len(health_runs()), *sums))]


def runs_per_day(
    runs: Iterable[HealthRun], names: Sequence[str], fold: Callable[[list[int]], int]
) -> Callable[[Sequence[Deed], str], Rows]:
    def rows(_: Sequence[Deed], zone: str) -> Rows:
        by_day = defaultdict(list)
        for run in runs:
            by_day[day_of(run.at, zone)].append(run.figures)
        return [
            ((day,), tuple(fold([figures[name] for figures in all_of]) for name in names))
            for day, all_of in by_day.items()
        ]

    return rows


TROUBLES = ("gaps", "parked", "failures")

PICTURES: dict[str, Callable[[Sequence[Deed], str], Rows]] = {
    "activity-totals": activity_totals,
    "activity-timeline": lambda deeds, zone: per_day(changes(deeds), lambda deed: deed.action, zone),
    "activity-tables": activity_tables,
    "activity-services": lambda deeds, _: top((deed.service for deed in changes(deeds)), 10, "no service"),
    "activity-actors": lambda deeds, _: top((deed.actor for deed in changes(deeds)), 20, "not known"),
    "activity-changed-attributes": lambda deeds, _: top(
        (path for deed in changes(deeds) for path in sorted(deed.paths)), 30
    ),
    "sensitive-totals": sensitive_totals,
    "sensitive-timeline": lambda deeds, zone: per_day(sensitive(deeds), word_of_severity, zone),
    "sensitive-rules": sensitive_rules,
    "sensitive-actors": sensitive_actors,
    "sensitive-tables": lambda deeds, _: top((deed.table for deed in sensitive(deeds)), 20),
    "who-totals": lambda deeds, _: counted(changes(deeds), words_of_confidence),
    "who-findings": lambda deeds, _: counted(findings(deeds), words_of_findings),
    "who-timeline": lambda deeds, zone: per_day(changes(deeds), lambda deed: deed.confidence or "not known", zone),
    "who-sources": who_sources,
    "who-principals": who_principals,
    "who-unknown-tables": lambda deeds, _: top((deed.table for deed in changes(deeds) if not deed.source), 20),
    "health-now": health_now,
    "health-totals": health_totals,
    "health-lag": runs_per_day(health_runs(), ("lag_seconds", "waiting_seconds"), max),
    "health-waiting": runs_per_day(health_runs(), ("waiting_segments", "alerts_waiting_segments"), max),
    "health-throughput": runs_per_day(health_runs(), ("entries",), sum),
    "health-troubles": runs_per_day(
        [run for run in health_runs() if any(run.figures[name] for name in TROUBLES)], TROUBLES, sum
    ),
    "health-notices": notices,
}

RANKED = {
    slug
    for slug in PICTURES
    if slug.rpartition("-")[2] in ("tables", "services", "actors", "attributes", "rules", "principals")
}
"""Those that show the largest first."""


def ranked(rows: Rows) -> Rows:
    return sorted(rows, key=lambda row: row[1][0], reverse=True)  # type: ignore[arg-type,return-value]
