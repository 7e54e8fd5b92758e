"""One segment's object against its row, and its lines against the format.

Rules
- What can still be read of a damaged object is read, so that the altered entry is named and not only its segment.
- The links are recomputed from the lines: nothing that the header claims is taken for true.

Called by `log_walk`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise
from typing import Any

from tabletrail_verify import canonical_form as form
from tabletrail_verify.canonical_form import FormError
from tabletrail_verify.entry_rules import NUMBERED, SchemaCheck, problems_of, sequence_of
from tabletrail_verify.findings import Finding
from tabletrail_verify.rows import Link, SegmentRow
from tabletrail_verify.segment_object import lines_of
from tabletrail_verify.shown_values import ShownValues

FORMAT = 1
Shard = tuple[str, str]
"""(stream ARN, shard id)"""


@dataclass(frozen=True, slots=True)
class Noted:
    """One entry as the other checks need it. `size` is of its JSON, bytes."""

    id: str
    hash: str
    line: int
    index: str
    table: str
    size: int


@dataclass(slots=True)
class SegmentReport:
    """`is_whole`: each of its entries is noted, whatever else is wrong."""

    findings: list[Finding] = field(default_factory=list)
    entries: list[Noted] = field(default_factory=list)
    records: dict[Shard, int] = field(default_factory=lambda: defaultdict(int))
    """Entries that stand for a record, by shard."""
    coverage: list[tuple[str, int]] = field(default_factory=list)
    """(stream ARN, number) of the entries about coverage."""
    abouts: list[tuple[int, str]] = field(default_factory=list)
    """(line, id of the entry that it is about) of the entries of kind attribution."""
    is_whole: bool = False


@dataclass(slots=True)
class SegmentCheck:
    """Checks one object. `schema` is asked for the first entry of each kind, or for `all_schemas`."""

    row: SegmentRow
    schema: SchemaCheck
    values: ShownValues
    all_schemas: bool = False
    report: SegmentReport = field(default_factory=SegmentReport)
    _numbers: dict[Shard, list[str]] = field(default_factory=lambda: defaultdict(list))
    _kinds: set[str] = field(default_factory=set)

    def run(self, body: bytes) -> SegmentReport:
        row = self.row
        if len(body) != row.size or sha256(body).hexdigest() != row.sha256:
            self._find("object-altered", f"the object {row.key}, version {row.version_id}, has another size or SHA-256")
        try:
            lines = lines_of(body)
            header = next(lines, None)
            if header is None:
                raise FormError("the segment is empty")
            count = self._lines(lines)
            self._header(header, count)
            self.report.is_whole = True
            self._links()
        except FormError as error:
            self._find("object-unreadable", str(error))
        return self.report

    def _lines(self, lines: Iterator[bytes]) -> int:
        number = 0
        for number, data in enumerate(lines, 1):
            self._line(number, data)
        return number

    def _line(self, number: int, data: bytes) -> None:
        try:
            value = form.parse(data)
            is_canonical = form.canonical(value) == data
        except FormError as error:
            raise FormError(f"line {number}: {error}") from None
        entry, images = form.field(value, "entry"), form.field(value, "images")
        if not is_canonical or not isinstance(images, dict) or set(value) != {"entry", "images"}:
            self._find("line-form", "it is not the canonical JSON of an entry and its images", number, entry)
        for code, detail in problems_of(entry, images, self.row.segment_id, number):
            self._find(code, detail, number, entry)
        for code, detail in self.values.problems(entry, images):
            self._find(code, detail, number, entry)
        self._note(number, entry, data)
        self._fits(number, entry)

    def _note(self, number: int, entry: Any, data: bytes) -> None:
        id_, hash_, index = (form.field(entry, name) for name in ("event.id", "event.hash", "log.index"))
        if not (_is_hash(id_) and _is_hash(hash_)):
            raise FormError(f"line {number}: the entry has no id and hash")
        size = len(data)  # of the whole line: enough for what is done with it
        self.report.entries.append(Noted(id_, hash_, number, str(index), str(form.field(entry, "table.name")), size))
        kind = form.field(entry, "tabletrail.kind")
        shard = str(form.field(entry, "stream.arn")), str(form.field(entry, "stream.shard"))
        if kind in NUMBERED:
            self.report.records[shard] += 1
        if kind == "coverage":
            self.report.coverage.append((shard[0], _int(form.field(entry, "tabletrail.coverage.number"))))
        about = form.field(entry, "tabletrail.about")
        if kind == "attribution" and _is_hash(about):
            self.report.abouts.append((number, about))
        sequence = sequence_of(entry)
        if sequence is not None:
            self._numbers[shard].append(sequence)

    def _fits(self, number: int, entry: Any) -> None:
        kind = str(form.field(entry, "tabletrail.kind"))
        if kind in self._kinds and not self.all_schemas:
            return
        self._kinds.add(kind)
        misfit = self.schema(entry)
        if misfit:
            self._find("entry-schema", f"its field {misfit} does not fit", number, entry)

    def _header(self, data: bytes, count: int) -> None:
        row = self.row
        expected = {
            "entries": count,
            "format": FORMAT,
            "group": row.group_id,
            "links": [link.facts() for link in row.links],
            "run": row.run_id,
            "segment": row.segment_id,
            "tabletrail": "segment",
        }
        # Canonical JSON has one form only, so the bytes themselves can be compared.
        if data != form.canonical(expected) or count != row.entries:
            told = _parsed(data)
            names = [name for name, value in expected.items() if form.field(told, name) != value]
            names += ["entries"] if count != row.entries and "entries" not in names else []
            self._find("header-differs", f"header, row and lines differ in {', '.join(names) or 'form'}")
        found = tuple(sorted({entry.index for entry in self.report.entries}))
        if found != row.indices:
            self._find("indices-differ", f"its lines name {', '.join(found)}, its row {', '.join(row.indices)}")

    def _links(self) -> None:
        told = {(link.stream_arn, link.shard_id): link for link in self.row.links}
        for stream, shard in self._numbers.keys() - told.keys():
            self._find_link("the row has no link for records of this shard", stream, shard)
        for (stream, shard), link in told.items():
            numbers = self._numbers.get((stream, shard), [])
            detail = link_problem(link, numbers)
            if detail:
                self._find_link(detail, stream, shard)

    def _find_link(self, detail: str, stream: str, shard: str) -> None:
        finding = Finding("link-differs", detail, self.row.segment_id, stream=stream, shard=shard)
        self.report.findings.append(finding)

    def _find(self, code: str, detail: str, line: int = 0, entry: Any = None) -> None:
        id_ = form.field(entry, "event.id")
        named = id_ if isinstance(id_, str) else ""
        self.report.findings.append(Finding(code, detail, self.row.segment_id, line, named[:64]))


def link_problem(link: Link, numbers: list[str]) -> str:
    """What differs between a link and the numbers that it should cover; empty if nothing does."""
    if not numbers:
        return "the link is of records that the segment does not have"
    if any(_value(later) <= _value(earlier) for earlier, later in pairwise(numbers)):
        return "the sequence numbers do not rise within the segment"
    if (link.first, link.last, link.count) != (numbers[0], numbers[-1], len(numbers)):
        return "first, last or count are not those of the lines"
    if link.sequences_sha256 != form.hash_of(numbers):
        return "sequences_sha256 is not that of the lines"
    return ""


def _parsed(header: bytes) -> Any:
    try:
        return form.parse(header)
    except FormError as error:
        raise FormError(f"line 0: {error}") from None


def _value(number: str) -> int:
    return int(number) if number.isascii() and number.isdigit() else -1


def _is_hash(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 64 and not value.strip("0123456789abcdef")


def _int(value: Any) -> int:
    return value if isinstance(value, int) else 0
