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

LISTS = ("rules", "sensitive")


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
    """How many rules and how many declarations there are."""

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
    return CheckedFiles(policy, canonical(source), (), {name: len(source[name]) for name in LISTS})


def _placed(where: str, reason: str, located: Mapping[str, Located]) -> FileProblem:
    """`where` is a file's name and a pointer in it, or a pointer into what all files make together."""
    file, inside = _split(where, located)
    _, kind, number, *parts = [*inside.split("/"), "", ""]
    line = located[file].line_of(inside)
    if kind not in LISTS or not number.isdigit():
        return FileProblem(file, line, 0, "", inside.strip("/").replace("/", "."), reason)
    return FileProblem(file, line, 0, _named(located[file].value, kind, number), ".".join(filter(None, parts)), reason)


def _split(where: str, located: Mapping[str, Located]) -> tuple[str, str]:
    for name in located:
        if where == name or where.startswith(name + "/"):
            return name, where.removeprefix(name)
    kind, _, rest = where.removeprefix("/").partition("/")
    digits, _, inside = rest.partition("/")
    number = int(digits) if digits.isdigit() else 0
    for name, one in located.items():
        length = len(_list(one.value, kind))
        if number < length:
            return name, f"/{kind}/{number}" + (f"/{inside}" if inside else "")
        number -= length
    return next(iter(located)), ""


def _list(content: Any, kind: str) -> Sequence[Any]:
    found = content.get(kind, ()) if isinstance(content, dict) else ()
    return found if isinstance(found, list) else ()


def _named(content: Any, kind: str, number: str) -> str:
    one = _list(content, kind)[int(number)] if int(number) < len(_list(content, kind)) else None
    name = one.get("name") if isinstance(one, dict) else None
    if kind == "rules":
        return f"rule {name}" if isinstance(name, str) else f"rule number {int(number) + 1}"
    return f"sensitive declaration number {int(number) + 1}"
