"""Does the stack find a Java that works, and say clearly when there is none?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tabletrail_local import java
from tabletrail_local.errors import JavaNotFoundError


def fake_java(home: Path, version: str, modules: str = "java.base jdk.localedata") -> Path:
    executable = home / "bin" / "java"
    executable.parent.mkdir(parents=True)
    answer = f'[ "$1" = --list-modules ] && echo "{modules}" || echo \'openjdk version "{version}" 2020\' >&2'
    executable.write_text(f"#!/bin/sh\n{answer}\n")
    executable.chmod(0o755)
    return executable


@pytest.fixture
def reachable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory without any Java elsewhere. pytest's own is closed to others, and tests may run as root."""
    monkeypatch.setattr(java, "_USUAL_PLACES", ())
    monkeypatch.setattr(java, "blocking_directory", lambda path: None)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return tmp_path


@pytest.mark.parametrize("version", ["17", "17.0.15", "18", "21.0.1"])
def test_is_a_fitting_java_taken(reachable: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    executable = fake_java(reachable / "home", version)
    monkeypatch.setenv("JAVA_HOME", str(reachable / "home"))
    assert java.find_java() == executable


@pytest.mark.parametrize(
    ("version", "named"), [("11.0.2", "Java 11"), ("1.8.0_401", "Java 8"), ("16", "Java 16"), ("25", "Java 25")]
)
def test_is_another_java_named_with_what_works(
    reachable: Path, monkeypatch: pytest.MonkeyPatch, version: str, named: str
) -> None:
    fake_java(reachable / "home", version)
    monkeypatch.setenv("JAVA_HOME", str(reachable / "home"))
    with pytest.raises(JavaNotFoundError, match=f"needs Java 17 to 21(.|\n)*is {named}\n"):
        java.find_java()


def test_is_a_java_without_locale_data_refused(reachable: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_java(reachable / "home", "17", modules="java.base")
    monkeypatch.setenv("JAVA_HOME", str(reachable / "home"))
    with pytest.raises(JavaNotFoundError, match=r"jdk\.localedata"):
        java.find_java()


def test_does_a_wrong_java_home_not_hide_a_right_java_on_the_path(
    reachable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_java(reachable / "old", "11")
    right = fake_java(reachable / "new", "21")
    monkeypatch.setenv("JAVA_HOME", str(reachable / "old"))
    monkeypatch.setenv("PATH", str(right.parent))
    assert java.find_java() == right


def test_does_a_missing_java_say_what_to_install(reachable: Path) -> None:
    with pytest.raises(JavaNotFoundError, match=r"JAVA_HOME: not set(.|\n)*apt-get install"):
        java.find_java()
