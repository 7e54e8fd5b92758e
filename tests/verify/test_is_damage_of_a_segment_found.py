"""Is each kind of damage to a segment's object found, under its code, and is the damaged entry, segment or shard named?

Each test makes one damage in a log by the real writing path; the same log without it is clean
(`test_is_a_whole_log_found_whole`).
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tabletrail.core.checkpoint import SegmentRow
from tabletrail_verify.findings import KINDS, Finding
from tests.verify.checked_world import Checked, in_turn, sealed

Lines = list[dict[str, Any]]


def entry_of(checked: Checked, row: SegmentRow, line: int) -> str:
    return str(
        next(e for e in checked.world.lines() if e["log"] == {**e["log"], "segment": row.segment_id, "line": line})[
            "event"
        ]["id"]
    )


def only(findings: list[Finding], code: str) -> Finding:
    (found,) = [finding for finding in findings if finding.code == code]
    assert found.facts()["advice"] == KINDS[code][1]
    return found


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("NoSuchKey", "object-missing"),
        ("NoSuchVersion", "version-missing"),
        ("InvalidArgument", "version-missing"),
        ("MethodNotAllowed", "version-missing"),
    ],
)
def test_an_object_that_is_gone(checked: Checked, victim: SegmentRow, answer: str, code: str) -> None:
    checked.objects.gone[victim.key] = answer
    assert only(checked.findings(), code).segment == victim.segment_id


def test_an_archived_object_is_said_not_to_be_read(checked: Checked, victim: SegmentRow) -> None:
    checked.objects.gone[victim.key] = "InvalidObjectState"
    result, findings = checked.run()
    assert findings == []
    assert "archived" in result.notes[0]


def test_an_object_that_may_not_be_read_ends_it(checked: Checked, victim: SegmentRow) -> None:
    """Nothing can be said then; it would be wrong to call it damage."""
    checked.objects.gone[victim.key] = "AccessDenied"
    with pytest.raises(ClientError):
        checked.run()


def test_an_altered_entry(checked: Checked, victim: SegmentRow) -> None:
    checked.rewrite(victim, lambda lines: lines[2]["entry"]["after"].update(note="never paid"))
    findings = checked.findings()
    assert only(findings, "object-altered").segment == victim.segment_id
    found = only(findings, "entry-hash")
    assert (found.entry, found.line) == (entry_of(checked, victim, 2), 2)
    assert only(findings, "value-differs").line == 2
    assert len(findings) == 3


def test_an_altered_entry_whose_row_agrees(checked: Checked, victim: SegmentRow) -> None:
    checked.rewrite(victim, lambda lines: lines[2]["entry"].update(message="nothing"), row_too=True)
    assert [finding.code for finding in checked.findings()] == ["entry-hash"]


def test_an_altered_image(checked: Checked, victim: SegmentRow) -> None:
    checked.rewrite(victim, lambda lines: lines[1]["images"]["new"].update(note={"S": "other"}))
    found = [(one.code, one.segment) for one in checked.findings()]
    assert found == [("object-altered", victim.segment_id), ("value-differs", victim.segment_id)]


def test_an_altered_image_whose_row_agrees(checked: Checked, victim: SegmentRow) -> None:
    checked.rewrite(victim, lambda lines: lines[1]["images"]["new"].update(note={"S": "other"}), row_too=True)
    assert only(checked.findings(), "value-differs").line == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda body: body[:-9], "end is missing"),
        (lambda body: body + b"more", "something follows"),
        (lambda body: body + gzip.compress(b"{}\n"), "something follows"),
        (lambda body: b"no gzip at all", "damaged"),
        (lambda body: body[:60] + bytes([body[60] ^ 255]) + body[61:], ""),
        (lambda body: gzip.compress(gzip.decompress(body)[:-1]), "ends within line"),
        (
            lambda body: gzip.compress(gzip.decompress(body).replace(b'{"entry"', b"{entry", 1)),
            "line 1: it is not JSON",
        ),
        (lambda body: gzip.compress(gzip.decompress(body).replace(b"Z", b"\xff", 1)), "line 1: it is not UTF-8"),
        (lambda body: gzip.compress(b""), "the segment is empty"),
    ],
)
def test_a_segment_that_cannot_be_read(
    checked: Checked, victim: SegmentRow, change: Callable[[bytes], bytes], words: str
) -> None:
    _, body = checked.world.store.objects[victim.key]
    checked.replace_bytes(victim, change(body), row_too=True)
    found = only(checked.findings(), "object-unreadable")
    assert found.segment == victim.segment_id
    assert words in found.detail


def remove(lines: Lines) -> None:
    del lines[1]


def double(lines: Lines) -> None:
    lines.insert(2, lines[1])


def swap(lines: Lines) -> None:
    lines[1], lines[2] = lines[2], lines[1]


def renumber(lines: Lines) -> None:
    for number, line in enumerate(lines[1:], 1):
        line["entry"]["log"]["line"] = number


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        (remove, {"header-differs", "entry-place", "link-differs", "checkpoint-records"}),
        (double, {"header-differs", "entry-place", "link-differs", "entry-doubled"}),
        (swap, {"entry-place", "link-differs"}),
        (in_turn(swap, renumber), {"link-differs"}),
        (in_turn(remove, renumber), {"header-differs", "link-differs", "checkpoint-records"}),
        (lambda lines: lines[0].update(run="another"), {"header-differs"}),
        (lambda lines: lines[0].update(segment="another"), {"header-differs"}),
        (lambda lines: lines[0]["links"][0].update(last="999"), {"header-differs"}),
        (lambda lines: lines[1]["entry"]["log"].update(segment="another"), {"entry-place"}),
        (
            lambda lines: lines[1]["entry"]["log"].update(index="tabletrail-v1-2027.02"),
            {"entry-index", "indices-differ"},
        ),
        (
            lambda lines: lines[1]["entry"]["log"].update(index="elsewhere"),
            {"entry-index", "indices-differ", "entry-schema"},
        ),
        (lambda lines: lines[1].update(more=1), {"line-form"}),
        (lambda lines: lines[1]["images"].update(more=2**60), {"object-unreadable"}),
        (lambda lines: lines[1]["images"].update(more=1.5), {"object-unreadable"}),
    ],
)
def test_lines_that_are_not_the_committed_ones(
    checked: Checked, victim: SegmentRow, change: Callable[[Lines], Any], codes: set[str]
) -> None:
    checked.rewrite(victim, change, row_too=True)
    findings = checked.findings()
    assert {finding.code for finding in findings} == codes
    assert {finding.segment for finding in findings if finding.code != "checkpoint-records"} == {victim.segment_id}


def test_another_form_of_the_same_json(checked: Checked, victim: SegmentRow) -> None:
    _, body = checked.world.store.objects[victim.key]
    lines = gzip.decompress(body).splitlines(keepends=True)
    lines[3] = lines[3].replace(b'{"entry":', b'{ "entry":', 1)
    checked.replace_bytes(victim, gzip.compress(b"".join(lines)), row_too=True)
    found = only(checked.findings(), "line-form")
    assert (found.entry, found.line) == (entry_of(checked, victim, 3), 3)


def resealed(change: Callable[[dict[str, Any]], Any]) -> Callable[[Lines], None]:
    """A change of the first entry after which its hash is right again."""

    def both(lines: Lines) -> None:
        change(lines[1]["entry"])
        sealed(lines[1]["entry"])

    return both


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda entry: entry["event"].update(id="no hash"), "object-unreadable"),
        (lambda entry: entry["event"].update(sequence_key="0" * 40), "entry-id"),
        (lambda entry: entry["tabletrail"].update(kind="parked"), "entry-kind"),
        (lambda entry: entry.update(invented=True), "entry-schema"),
        (lambda entry: entry.update({"@timestamp": "2027-03-01T00:00:00Z"}), "entry-index"),
    ],
)
def test_a_forged_entry_with_the_right_hash(
    checked: Checked, victim: SegmentRow, change: Callable[[dict[str, Any]], Any], code: str
) -> None:
    checked.rewrite(victim, resealed(change), row_too=True)
    assert only(checked.findings(), code).segment == victim.segment_id


@pytest.mark.parametrize("kind", ["unreadable", "gap", "coverage"])
def test_an_id_that_does_not_follow_from_the_position(checked: Checked, kind: str) -> None:
    entry = next(one for one in checked.world.lines() if one["tabletrail"]["kind"] == kind)
    row = checked.world.rows.segments[entry["log"]["segment"]]
    line = entry["log"]["line"]

    def forge(lines: Lines) -> None:
        lines[line]["entry"]["event"]["id"] = "ab" * 32
        sealed(lines[line]["entry"])

    checked.rewrite(row, forge, row_too=True)
    found = only(checked.findings(), "entry-id")
    assert (found.entry, found.segment, found.line) == ("ab" * 32, row.segment_id, line)
