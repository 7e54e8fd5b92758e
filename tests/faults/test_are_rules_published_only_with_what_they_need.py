"""Do rules come into force only where what they need is there: the key of tokens, their own text, an outbox?"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from tabletrail.aws.publish_wiring import checked_rules
from tabletrail.errors import InstallError, RulesError, TransientError
from tabletrail.rules_change import RulesChange
from tests.faults.ruled import FIRST, V1, write
from tests.faults.world import SETTINGS, World


def secrets(text: str | None) -> Any:
    """A session whose one secret has this text; None: nobody may be asked."""
    session = MagicMock()
    session.client.return_value.get_secret_value.return_value = {"SecretString": text}
    if text is None:
        session.client.side_effect = AssertionError("nobody needs to be asked")
    return session


def release(folder: Path, **content: Any) -> Path:
    (folder / "rules").mkdir()
    (folder / "rules" / "own.json").write_text(json.dumps(content))
    return folder


HIDING = [{"table": "customers", "path": "email"}]


@pytest.mark.parametrize(("secret", "text", "words"), [("", "", "no secret holds"), ("key", "short", "too short")])
def test_does_a_deployment_fail_without_a_usable_key(tmp_path: Path, secret: str, text: str, words: str) -> None:
    settings = replace(SETTINGS, token_key_secret=secret)
    with pytest.raises(RulesError, match=words):
        checked_rules(release(tmp_path, sensitive=HIDING), settings, secrets(text))


def test_does_it_go_on_with_one(tmp_path: Path) -> None:
    settings = replace(SETTINGS, token_key_secret="key")
    rules = checked_rules(release(tmp_path, sensitive=HIDING), settings, secrets("k" * 32))
    assert rules.policy is not None
    assert rules.policy.is_sensitive_anywhere


def test_is_the_key_not_asked_for_where_nothing_is_hidden(tmp_path: Path) -> None:
    settings = replace(SETTINGS, token_key_secret="key")
    assert checked_rules(release(tmp_path, rules=[]), settings, secrets(None)).policy is not None


def test_are_rules_refused_that_ask_for_an_outbox_where_there_is_none(tmp_path: Path) -> None:
    asking = release(tmp_path, attribution={"tables": [{"table": "orders", "outbox": True}]})
    with pytest.raises(InstallError, match="OutboxTableName"):
        checked_rules(asking, replace(SETTINGS, outbox_table=""), secrets(None))
    made = replace(SETTINGS, outbox_table="tabletrail_outbox", claims_table="claims")
    assert checked_rules(asking, made, secrets(None)).policy is not None


def test_is_the_text_read_while_any_stream_is_still_to_be_moved() -> None:
    """Most are under it already: the last one must not come under rules that cannot be read any more."""
    world = World()
    for name in ("orders", "customers", "payments"):
        write(world, world.add_table(name), 1)
    world.publish(FIRST)
    world.run()
    rows = list(world.rows.streams.values())
    assert {row.rules_version for row in rows} == {V1}
    behind = [replace(rows[0], rules_version="none"), *rows[1:]]
    change = RulesChange(Unreadable(), world.notes)
    assert change.look(behind) == V1
    assert (change.published, len(change.problems)) == ("", 1)
    settled = RulesChange(Unreadable(), world.notes)
    assert settled.look(rows) == V1
    assert not settled.problems


class Unreadable:
    """`RulesStore` that does not answer."""

    def put(self, version: str, text: bytes) -> None:
        raise TransientError("away")

    def get(self, version: str) -> bytes:
        raise TransientError("away")
