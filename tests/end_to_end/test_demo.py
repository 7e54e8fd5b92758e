"""Does the demo, and with it the deployed product, leave one entry for each change, with its images, and no more?"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tabletrail.core.segment import Line, read
from tabletrail_cli.entry_text import at
from tabletrail_local.alert_queue import AlertQueue, Message
from tabletrail_local.demo import Demo, Outcome, forget_aws_settings
from tabletrail_local.demo_alerts import Told
from tabletrail_local.demo_log import DemoLog
from tabletrail_local.demo_picture import drawing, screen
from tabletrail_local.demo_tables import DemoTables
from tabletrail_local.errors import ForeignAccountError
from tabletrail_local.info import StackInfo
from tabletrail_local.paths import stack_paths
from tabletrail_local.workload import Pace
from tabletrail_local.workload_staff import SENSITIVE_CHANGES
from tests.end_to_end.load_truth import normal

TEN_SECONDS = Pace(10, 15, seed=5)
NOWHERE = "http://127.0.0.1:9"
"""The port to which nobody listens: whatever follows the caller's settings fails."""


@pytest.fixture(scope="module")
def demo(deployed: StackInfo, mailbox: AlertQueue) -> Demo:
    return Demo(deployed, stack_paths(), DemoTables(f"demo-{uuid.uuid4().hex[:8]}-"), mailbox)


@pytest.fixture(scope="module")
def outcome(demo: Demo) -> Iterator[Outcome]:
    with pytest.MonkeyPatch.context() as patch:
        use_an_account_of_the_caller(patch)
        yield demo.work(TEN_SECONDS)


def use_an_account_of_the_caller(patch: pytest.MonkeyPatch) -> None:
    patch.setenv("AWS_PROFILE", "production")
    patch.setenv("AWS_ACCESS_KEY_ID", "AKIAPRODUCTION")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    for name in ("", "_DYNAMODB", "_DYNAMODB_STREAMS", "_STS", "_S3", "_CLOUDFORMATION"):
        patch.setenv(f"AWS_ENDPOINT_URL{name}", NOWHERE)


@pytest.mark.stack
def test_is_each_change_one_entry(outcome: Outcome) -> None:
    assert outcome.comparison.differing == []
    assert outcome.comparison.is_equal
    assert outcome.comparison.made == len(outcome.truth.changes) == len(outcome.entries) > 80
    assert len({at(entry, "event.id") for entry in outcome.entries}) == len(outcome.entries)


@pytest.mark.stack
def test_does_the_log_hold_the_images_that_were_written(outcome: Outcome) -> None:
    lines = lines_of(outcome.entries)
    found: dict[tuple[str, str], list[tuple[str | None, str | None]]] = {}
    for entry in outcome.entries:
        line = lines[at(entry, "log.segment"), int(at(entry, "log.line"))]
        assert line.id == at(entry, "event.id")
        images = normal(line.images["old"]), normal(line.images["new"])
        found.setdefault((at(entry, "table.name"), at(entry, "item.id")), []).append(images)
    written = {
        place: [(normal(change.old), normal(change.new)) for change in changes]
        for place, changes in outcome.truth.by_item().items()
    }
    assert found == written


@pytest.mark.stack
def test_is_each_sensitive_change_told_once(demo: Demo, outcome: Outcome) -> None:
    told = outcome.told
    assert told.is_complete
    assert len(told.due) == SENSITIVE_CHANGES
    assert sorted(rule for message in told.messages for rule in json.loads(message.attributes["rules"])) == [
        "audit-attribute-removed",
        "payment-details-changed",
        "role-changed",
        "role-changed",
        "sensitive-change-by-unknown",
    ]


def test_an_alert_that_is_missing_or_there_twice_is_no_success() -> None:
    def message(*ids: str, count: int = 1) -> Message:
        return Message("", "\n".join(ids), {"count": str(count)})

    assert Told(["a", "b"], [message("a"), message("b")]).is_complete
    assert Told(["a", "b", "c"], [message("a"), message(count=2)]).is_complete, "many are counted"
    assert not Told(["a", "b"], [message("a")]).is_complete
    assert not Told(["a", "b"], [message("a"), message("a")]).is_complete
    assert not Told(["a", "b"], [message("a"), message("b"), message("b")]).is_complete


def lines_of(entries: list[dict[str, Any]]) -> dict[tuple[str, int], Line]:
    log = DemoLog.of_this_stack().log
    lines = {}
    for segment in {at(entry, "log.segment") for entry in entries}:
        row = log.segments.get(segment)
        assert row is not None
        body = log.store.get(row.key, row.version_id)
        lines.update({(segment, line.number): line for line in read(body) if isinstance(line, Line)})
    return lines


@pytest.mark.stack
def test_are_counts_right_on_a_stack_that_has_seen_a_demo(demo: Demo, outcome: Outcome) -> None:
    again = demo.work(Pace(2, 15, seed=5))
    assert again.comparison.is_equal
    assert again.comparison.made == len(again.entries) < outcome.comparison.made


@pytest.mark.stack
def test_are_all_questions_answered(
    demo: Demo, outcome: Outcome, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_an_account_of_the_caller(monkeypatch)
    assert demo.tell(outcome)
    out, err = capfd.readouterr()
    commands = [line for line in out.splitlines() if line.startswith("$ ")]
    assert [command.split()[2] for command in commands] == [
        *["search", "search", "search", "history", "who", "history"],
        "verify",
    ]
    assert all(command.endswith(" --local") for command in commands)
    assert "could not answer" not in out
    assert "nothing found" not in err
    assert "status of " in out
    assert "\n  who       " in out
    assert "\n  sure      " in out
    assert ": existed, as written at" in out
    assert "That is what was written then." in out
    assert "Nothing is wrong." in out
    assert "mallory changed role from viewer to admin" in out
    assert "look at   https://search.example/_dashboards/app/discover#/doc/tabletrail/" in out


@pytest.mark.stack
def test_does_the_demo_say_no_when_an_entry_is_missing(
    demo: Demo, outcome: Outcome, capfd: pytest.CaptureFixture[str]
) -> None:
    from tabletrail_local.demo_compare import compare

    lost = outcome.entries[:3] + outcome.entries[4:]
    assert not demo.tell(replace(outcome, comparison=compare(outcome.truth, lost), entries=lost))
    assert "The log is not what was done." in capfd.readouterr().out


@pytest.mark.stack
@pytest.mark.parametrize(
    "strange", [{"account_id": "123456789012"}, {"aws_endpoint": "https://dynamodb.us-east-1.amazonaws.com"}]
)
def test_is_no_table_made_in_an_account_that_is_not_the_local_one(demo: Demo, strange: dict[str, str]) -> None:
    with pytest.raises(ForeignAccountError):
        replace(demo, info=replace(demo.info, **strange)).work(TEN_SECONDS)  # type: ignore[arg-type]


def test_are_the_settings_of_the_callers_account_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    use_an_account_of_the_caller(monkeypatch)
    monkeypatch.setenv("HOME", "/home/somebody")
    with monkeypatch.context() as patch:
        # What the patch sets anew here, it restores; the demo's own process ends instead.
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.setenv(name, os.environ[name])
        forget_aws_settings()
        assert not [name for name in os.environ if name.startswith("AWS_")]
        assert os.environ["HOME"] == "/home/somebody"


def test_is_the_picture_what_stands_on_the_terminal_at_the_end() -> None:
    spinner = "\r\x1b[2K\x1b[32m⠋\x1b[0m working"
    output = f"first\r\n{spinner}{spinner}\r\x1b[2Kworking: 1 s\r\ntwo\r\nthree\x1b[1A\x1b[2K\r\nfour\r\n"
    assert screen(output)[:2] == ["first", "working: 1 s"]
    assert "⠋" not in drawing(output)
    assert "url(" not in drawing(output).replace("url(#", "")
