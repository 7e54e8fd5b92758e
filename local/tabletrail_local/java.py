"""Finds a Java that this OpenSearch runs on: JAVA_HOME first, then PATH, then where installers usually put it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tabletrail_local.errors import JavaNotFoundError
from tabletrail_local.opensearch_parts import HIGHEST_JAVA, LOWEST_JAVA
from tabletrail_local.service_user import blocking_directory

_USUAL_PLACES = (
    "/usr/lib/jvm/*/bin/java",
    "/usr/java/*/bin/java",
    "/opt/java/*/bin/java",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home/bin/java",
    "/opt/homebrew/opt/openjdk@*/bin/java",
    "~/.sdkman/candidates/java/*/bin/java",
    "~/.jdks/*/bin/java",
)
_ANSWER_TIMEOUT = 120  # seconds for `java -version`, which a busy machine may take long to answer


def find_java() -> Path:
    """The first usable java executable; JavaNotFoundError lists every one looked at and why it was not taken."""
    rejected: list[str] = []
    if not os.environ.get("JAVA_HOME"):
        rejected.append("JAVA_HOME: not set")
    seen: set[Path] = set()
    for candidate in _candidates():
        executable = candidate.resolve()
        if executable in seen:
            continue
        seen.add(executable)
        reason = _why_unusable(executable)
        if reason is None:
            return executable
        rejected.append(f"{candidate}: {reason}")
    raise JavaNotFoundError(rejected, LOWEST_JAVA, HIGHEST_JAVA)


def java_version(executable: Path) -> int | None:
    """The feature version, such as 17; None when the program does not answer like a Java."""
    answer = _ask(executable, "-version")
    match = re.search(r'version "(?:1\.)?(\d+)', answer)
    return int(match.group(1)) if match else None


def _candidates() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if on_path := shutil.which("java"):
        yield Path(on_path)
    for pattern in _USUAL_PLACES:
        expanded = Path(pattern).expanduser()
        yield from sorted(Path(expanded.anchor).glob(str(expanded.relative_to(expanded.anchor))))


def _why_unusable(executable: Path) -> str | None:
    if not executable.is_file():
        return "does not exist"
    version = java_version(executable)
    if version is None:
        return "does not answer `java -version`"
    if not LOWEST_JAVA <= version <= HIGHEST_JAVA:
        return f"is Java {version}"
    if blocking := blocking_directory(executable):
        return f"OpenSearch's user may not pass through {blocking}"
    # Trimmed runtimes without locale data start, and then fail on the first index: analyzers ask for Thai.
    if "jdk.localedata" not in _ask(executable, "--list-modules"):
        return f"is Java {version} without the module jdk.localedata"
    return None


def _ask(executable: Path, question: str) -> str:
    command = [str(executable), question]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_ANSWER_TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout + answer.stderr
