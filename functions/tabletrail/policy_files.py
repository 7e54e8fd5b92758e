"""Rules as people write them, in files: what they make together, or what is wrong, with file, line and rule.

Pure. Rules
- All problems that can be found are told at once. A file that is no JSON hides only its own.
- The same code checks at a desk and at the deployment, so both say the same.

Called by `tabletrail.publishing` and the command line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tabletrail.core.canonical import canonical
from tabletrail.core.located_json import Located, LocatedJsonError, read
from tabletrail.core.policy import Policy, compile_policy, merged
from tabletrail.errors import PolicyError

LISTS = {
    "rules": "/rules",
    "sensitive": "/sensitive",
    "attribution": "/attribution/tables",
    "claims": "/attribution/claims",
}
"""What files hold lists of, and the pointer of each."""
_CALLED = {
    "rules": "rule number",
    "sensitive": "sensitive declaration number",
    "attribution": "attribution of tables number",
    "claims": "claim number",
}


@dataclass(frozen=True, slots=True)
class FileProblem:
    """`rule` names the rule, or says which declaration it is, `part` what of it (`when.path`); both are empty where it
    is about the file. `column` is 0 where it is about a part as a whole."""

    file: str
    line: int
    column: int
    rule: str
    part: str
    reason: str

    def sentence(self) -> str:
        """`10-payments.json, line 12, rule iban-changed, when.path: ...`"""
        column = f"column {self.column}" if self.column else ""
        place = [self.file, f"line {self.line}", column, self.rule, self.part]
        return f"{', '.join(filter(None, place))}: {self.reason}"


@dataclass(frozen=True, slots=True)
class CheckedFiles:
    """`policy` and its canonical `text` are there if nothing is wrong."""

    policy: Policy | None
    text: bytes
    problems: tuple[FileProblem, ...]
    counts: Mapping[str, int] = field(default_factory=dict)
    """How many there are of each of `LISTS`."""

    @property
    def version(self) -> str:
        """Of what is right."""
        assert self.policy is not None, "what is wrong has no version"
        return self.policy.version


def check(files: Iterable[tuple[str, str]]) -> CheckedFiles:
    """`files` are names and texts. No files are an empty policy: nothing is sensitive."""
    located: dict[str, Located] = {}
    problems: list[FileProblem] = []
    for name, text in sorted(files):
        try:
            located[name] = read(text)
        except LocatedJsonError as error:
            problems.append(FileProblem(name, error.line, error.column, "", "", f"this is not JSON: {error}"))
    try:
        source = merged([(name, one.value) for name, one in located.items()])
        policy = compile_policy(source)
    except PolicyError as error:
        problems += [_placed(where, reason, located) for where, reason in error.problems]
        return CheckedFiles(None, b"", tuple(sorted(problems, key=lambda one: (one.file, one.line))))
    if problems:
        return CheckedFiles(None, b"", tuple(problems))
    return CheckedFiles(
        policy, canonical(source), (), {name: len(_list(source, place)) for name, place in LISTS.items()}
    )


def _placed(where: str, reason: str, located: Mapping[str, Located]) -> FileProblem:
    """`where` is a file's name and a pointer in it, or a pointer into what all files make together."""
    file, inside = _split(where, located)
    line = located[file].line_of(inside)
    kind, number, part = _element(inside)
    if not kind:
        return FileProblem(file, line, 0, "", inside.strip("/").replace("/", "."), reason)
    return FileProblem(file, line, 0, _named(located[file].value, kind, number), part.replace("/", "."), reason)


def _element(inside: str) -> tuple[str, int, str]:
    """(which of `LISTS`, number of the element, pointer in it); empty, 0 and empty outside of all."""
    for kind, place in LISTS.items():
        if inside.startswith(place + "/"):
            digits, _, part = inside.removeprefix(place + "/").partition("/")
            if digits.isdigit():
                return kind, int(digits), part
    return "", 0, ""


def _split(where: str, located: Mapping[str, Located]) -> tuple[str, str]:
    for name in located:
        if where == name or where.startswith(name + "/"):
            return name, where.removeprefix(name)
    kind, number, part = _element(where)
    for name, one in located.items() if kind else ():
        length = len(_list(one.value, LISTS[kind]))
        if number < length:
            return name, f"{LISTS[kind]}/{number}" + (f"/{part}" if part else "")
        number -= length
    return next(iter(located)), ""


def _list(content: Any, place: str) -> Sequence[Any]:
    """The list at a pointer; an empty one where there is none."""
    for name in place.strip("/").split("/"):
        content = content.get(name) if isinstance(content, dict) else None
    return content if isinstance(content, list) else ()


def _named(content: Any, kind: str, number: int) -> str:
    one = _list(content, LISTS[kind])[number]
    name = one.get("name") if isinstance(one, dict) else None
    if kind == "rules" and isinstance(name, str):
        return f"rule {name}"
    return f"{_CALLED[kind]} {number + 1}"
