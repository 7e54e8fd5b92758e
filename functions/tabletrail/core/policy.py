"""The policy: which changes are sensitive, which values, and how writers say who they are. It is judged at conversion,
from one entry alone.

Rules
- A bad policy is refused whole, with every problem and its place; nothing of it is ever half in force.
- The same policy, record and table give the same verdict: no clock, no machine's settings, no order of arrival.
- Rules see values whole and all leaves that changed, listed in the entry or not. Where the record has no image to
  compare with, nothing is known of values: rules that speak of them do not fit, and the entry says
  `tabletrail.incomplete`.

Called by the conversion, the installer (checks it) and the command line (tries it).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from tabletrail.core.attribution_policy import (
    LISTS,
    NO_ATTRIBUTION,
    SECTION,
    Attribution,
    attribution_of,
    compile_section,
    is_outbox,
    section_of,
    section_problems,
)
from tabletrail.core.canonical import canonical
from tabletrail.core.conditions import listed
from tabletrail.core.diff import Image, Watched, compared, diff
from tabletrail.core.globs import any_glob
from tabletrail.core.places import Atlas, Pattern, Place, steps_of
from tabletrail.core.rule_form import Problem, form_problems, pointer
from tabletrail.core.rules import Rule, compile_rule, path_problems, rule_problems
from tabletrail.errors import PolicyError

SCHEMA = 1
NONE = "none"
"""The version of no policy."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules that fit say together: names and tags sorted, each once; 0 for no severity."""

    names: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    severity: int = 0


NO_VERDICT = Verdict()


@dataclass(frozen=True, slots=True)
class Facts:
    """What is judged. Images are None where the record has none; `actor` is as `actor_of_change` gives it, uncut and in
    the clear; `seconds` is the record's time."""

    table: str
    action: str
    old: Image | None
    new: Image | None
    actor: Mapping[str, str]
    seconds: int


class TablePolicy:
    """What a policy says of one table. `root` is where a walk over its items begins; `hides` is true if anything of
    it is declared sensitive."""

    __slots__ = ("_of_entries", "attribution", "hides", "root")

    def __init__(
        self,
        rules: Iterable[Rule],
        sensitive: Iterable[Pattern[Rule]],
        attribution: Attribution = NO_ATTRIBUTION,
    ) -> None:
        rules, sensitive = list(rules), list(sensitive)
        self.attribution = attribution
        self.hides = bool(sensitive)
        self._of_entries = tuple(rule for rule in rules if not rule.is_of_values)
        patterns = [Pattern(path, rule) for rule in rules if rule.is_of_values for path in rule.paths or ((),)]
        self.root: Place[Rule] = Atlas([*patterns, *sensitive]).root

    def verdict(self, action: str, actor: Mapping[str, str], seconds: int, watched: Iterable[Watched]) -> Verdict:
        """`watched` are the changed leaves that lie where a rule looks, as `diff` found them."""
        fitting = [rule for rule in self._of_entries if rule.fits_entry(action, actor, seconds)]
        judged: set[Rule] = set()
        for rules, before, after in watched:
            for rule in rules:
                if rule not in judged and rule.fits_leaf(before, after):
                    judged.add(rule)
                    if rule.fits_entry(action, actor, seconds):
                        fitting.append(rule)
        if not fitting:
            return NO_VERDICT
        return Verdict(
            tuple(sorted(rule.name for rule in fitting)),
            tuple(sorted({tag for rule in fitting for tag in rule.tags})),
            max(rule.severity for rule in fitting),
        )


BINDING = "_audit.for"
"""Where a mark says to which item it is bound."""
OF_ROWS = ("item", "key", "actor", "service", "request_id", "reason", "context")
"""What a row of the outbox says of another table's item and its writer. `item` is such a binding too."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A compiled policy. `version` is the hash of its source, or "none"."""

    version: str
    rules: tuple[Rule, ...] = ()
    sensitive: tuple[tuple[tuple[str, ...], tuple[Pattern[Rule], ...]], ...] = ()
    """(table globs, patterns) of each declaration."""
    attributions: tuple[tuple[tuple[str, ...], Attribution], ...] = ()
    """(table globs, what is said of these tables) in the order in which they count."""
    _tables: dict[str, TablePolicy] = field(default_factory=dict, compare=False, repr=False)

    @property
    def is_sensitive_anywhere(self) -> bool:
        """True if some value of some table may have to be hidden: then there must be a key for tokens."""
        return bool(self.sensitive)

    @property
    def asks_the_outbox(self) -> bool:
        """True if some table's writers are said to use it."""
        return any(said.outbox for _, said in self.attributions)

    def of(self, table: str) -> TablePolicy:
        """What it says of this table; made once."""
        found = self._tables.get(table)
        if found is None:
            rules = [rule for rule in self.rules if any_glob(rule.tables)(table)]
            hidden = [one for globs, patterns in self.sensitive if any_glob(globs)(table) for one in patterns]
            if hidden:
                # A mark's binding is a hash without a key: with it anybody could try values of the key attributes.
                hidden.append(Pattern(steps_of(BINDING), hides=True))
            if self.sensitive and is_outbox(table):
                # Writers copy keys and names there from tables in which they may be hidden.
                hidden += [Pattern(steps_of(path), hides=True) for path in OF_ROWS]
            found = self._tables[table] = TablePolicy(rules, hidden, attribution_of(self.attributions, table))
        return found

    def judge(self, facts: Facts) -> Verdict:
        """The verdict that the conversion reaches. EntryError if a value that differs is no typed JSON."""
        table = self.of(facts.table)
        images = compared(facts.action, facts.old, facts.new)
        watched = diff(*images, table.root, _hidden).watched if images else ()
        return table.verdict(facts.action, facts.actor, facts.seconds, watched)


NO_POLICY = Policy(NONE)


def merged(files: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """The policy's source that these files, (name, content), make together, in the order of their names.

    PolicyError where a file is no object of lists; its `where` is the file's name and the pointer in it. All else is
    checked by `compile_policy`.
    """
    source: dict[str, Any] = {"schema": SCHEMA, "rules": [], "sensitive": []}
    problems: list[Problem] = []
    for name, content in sorted(files, key=lambda one: one[0]):
        if not isinstance(content, Mapping):
            problems.append((name, "must be an object in braces"))
            continue
        for key, value in content.items():
            if key == SECTION:
                problems += _add_section(source, value, pointer(name, key))
            elif key in ("rules", "sensitive") and isinstance(value, list):
                source[key] += value
            elif key in source:
                if key != "schema" or value != SCHEMA:
                    wanted = "1" if key == "schema" else "a list in brackets"
                    problems.append((pointer(name, key), f"must be {wanted}"))
            else:
                known = "schema, rules, sensitive, attribution"
                problems.append((pointer(name, key), f"is not known here; known are {known}"))
    if problems:
        raise PolicyError(problems)
    return source


def _add_section(source: dict[str, Any], section: Any, where: str) -> Iterator[Problem]:
    """Adds a file's `attribution` to the source, where it comes to be with the first list that is not empty."""
    if not isinstance(section, Mapping):
        yield where, "must be an object in braces"
        return
    if not section:
        yield where, f"needs at least one of {', '.join(LISTS)}"
    for name, value in section.items():
        if name not in LISTS:
            yield pointer(where, name), f"is not known here; known are {', '.join(LISTS)}"
        elif not isinstance(value, list):
            yield pointer(where, name), "must be a list in brackets"
        elif value:
            source.setdefault(SECTION, {}).setdefault(name, []).extend(value)


def version_of(source: Mapping[str, Any]) -> str:
    """The hash that names a policy: of its source as canonical JSON, with `schema`, `rules` and `sensitive`, and with
    `attribution` where that says anything."""
    whole = {"schema": SCHEMA, "rules": source.get("rules", []), "sensitive": source.get("sensitive", [])}
    section = section_of(source)
    whole |= {SECTION: section} if section else {}
    return sha256(canonical(whole)).hexdigest()


def compile_policy(source: Mapping[str, Any]) -> Policy:
    """The policy of a source. PolicyError tells every problem, each with its JSON pointer."""
    problems = list(problems_of(source))
    if problems:
        raise PolicyError(problems)
    return Policy(
        version_of(source),
        tuple(compile_rule(rule) for rule in source.get("rules", ())),
        tuple(_declaration(one) for one in source.get("sensitive", ())),
        compile_section(section_of(source)),
    )


def problems_of(source: Any) -> Iterator[Problem]:
    """All that keeps a policy, or one of its files, from being compiled: (JSON pointer, reason)."""
    wrong_form = list(form_problems(source))
    yield from wrong_form
    if not isinstance(source, Mapping):
        return
    yield from _text_problems(source, "")
    names: set[str] = set()
    for number, rule in _well_formed(source, "rules", wrong_form):
        where = pointer("/rules", number)
        if rule["name"] in names:
            yield pointer(where, "name"), f"another rule is called {rule['name']}"
        names.add(rule["name"])
        yield from rule_problems(rule, where)
    for number, one in _well_formed(source, "sensitive", wrong_form):
        yield from path_problems(one["path"], pointer(pointer("/sensitive", number), "path"))
    section = source.get(SECTION)
    if isinstance(section, Mapping):
        found = {name: list(_well_formed(section, name, wrong_form, f"/{SECTION}")) for name in LISTS}
        yield from section_problems(found, f"/{SECTION}")


def _well_formed(
    source: Mapping[str, Any], key: str, problems: list[Problem], inside: str = ""
) -> Iterator[tuple[int, Any]]:
    """The elements of a list whose form is right, each with its number. `inside` is the pointer of `source`."""
    found = source.get(key, [])
    for number, one in enumerate(found if isinstance(found, list) else []):
        where = pointer(pointer(inside, key), number)
        if not any(place == where or place.startswith(where + "/") for place, _ in problems):
            yield number, one


def _text_problems(value: Any, where: str) -> Iterator[Problem]:
    """What canonical JSON, of which the version is the hash, cannot hold."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _text_problems(inner, pointer(where, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _text_problems(inner, pointer(where, number))
    elif isinstance(value, float):
        yield where, "is a number with a point: write it in quotes, so that it stays exact"
    elif isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            yield where, "holds half of a surrogate pair"


def _declaration(one: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[Pattern[Rule], ...]]:
    hides_names = one.get("names", False)
    steps = [steps_of(path) for path in listed(one["path"])]
    return tuple(listed(one["table"])), tuple(Pattern(path, hides=True, hides_names=hides_names) for path in steps)


def _hidden(_kind: str, _text: str) -> str:
    """For a walk whose texts nobody sees."""
    return ""
