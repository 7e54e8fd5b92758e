"""Fills one function's package for `sam build`: our code and the pinned dependencies, the same bytes each time.

Rules
- Pure Python only: a package built on any machine runs on arm64. A compiled file stops the build.
- Exactly requirements/runtime.txt, by hash, less what `UNUSED` names and why.
- The same inputs give the same files, so that a deploy without changes uploads nothing: no bytecode, fixed times.
- The dependencies are installed once per set of inputs, under build/packages; then each function is a copy.
- Nothing but the standard library and pip, on Python 3.11 or newer.

Called by the Makefile beside it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FUNCTIONS = Path(__file__).resolve().parent
PROJECT = FUNCTIONS.parent
REQUIREMENTS = PROJECT / "requirements" / "runtime.txt"

SERVICES = ("dynamodb", "dynamodbstreams", "events", "resourcegroupstaggingapi", "s3", "secretsmanager", "sns", "sts")
"""botocore describes all of AWS, 90 % of its size. Kept are the services that our code makes clients of."""

UNUSED = ("grpcio", "opensearch-protobufs", "protobuf", "typing-extensions")
"""Only opensearch-py's optional gRPC transport imports them; grpcio exists in compiled form alone."""

NEEDS_MAPPINGS = ("InstallMappingsFunction", "ReportRunFunction")
"""One installs them, the other compares an index that refuses documents with them."""

COMPILED = (".so", ".pyd", ".dylib")
NOT_SHIPPED = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
FILE_TIME = 1_577_836_800  # 2020-01-01: any time after 1980, where zip archives begin, in every time zone


def build(logical_id: str, target: Path) -> None:
    """Fills `target`, an empty or missing directory, with the package of the function `logical_id`."""
    shutil.copytree(dependencies(), target, dirs_exist_ok=True)
    for package in ("handlers", "tabletrail"):
        shutil.copytree(FUNCTIONS / package, target / package, ignore=NOT_SHIPPED)
    if logical_id in NEEDS_MAPPINGS:
        shutil.copytree(PROJECT / "mappings", target / "mappings", ignore=NOT_SHIPPED)
    level(target)


def dependencies() -> Path:
    """The directory of the installed dependencies, made if these inputs were not installed before."""
    inputs = hashlib.sha256(REQUIREMENTS.read_bytes() + Path(__file__).read_bytes()).hexdigest()
    ready = PROJECT / "build" / "packages" / inputs[:16]
    ready.parent.mkdir(parents=True, exist_ok=True)
    with only_one(ready.with_suffix(".lock")):
        if not ready.exists():
            making = ready.with_suffix(".making")
            shutil.rmtree(making, ignore_errors=True)
            install(making)
            prune(making)
            refuse_compiled(making)
            making.rename(ready)
    return ready


def install(target: Path) -> None:
    """Lets pip put the wanted requirements into `target`, as wheels for any platform only."""
    target.mkdir()
    wanted = target.with_suffix(".txt")
    wanted.write_text(wanted_requirements(REQUIREMENTS.read_text()))
    options = ["--no-deps", "--require-hashes", "--no-compile", "--quiet", "--disable-pip-version-check"]
    for_lambda = ["--only-binary", ":all:", "--platform", "any", "--implementation", "py", "--abi", "none"]
    for_lambda += ["--python-version", "3.13", "--target", str(target), "--requirement", str(wanted)]
    try:
        subprocess.run([sys.executable, "-m", "pip", "install", *options, *for_lambda], check=True)  # noqa: S603
    except subprocess.CalledProcessError as error:
        sys.exit(f"the functions' dependencies could not be installed (pip ended with {error.returncode}, see above)")
    finally:
        wanted.unlink()


def wanted_requirements(text: str) -> str:
    """The pinned requirements without those that `UNUSED` names."""
    blocks = re.split(r"\n(?=\S)", text)
    return "\n".join(block for block in blocks if re.split(r"[=\s]", block)[0] not in UNUSED) + "\n"


def prune(root: Path) -> None:
    """Takes away what no function reads: other services' descriptions, scripts, installers' notes."""
    for entry in (root / "botocore" / "data").iterdir():
        if entry.is_dir() and entry.name not in SERVICES:
            shutil.rmtree(entry)
    for folder in ("bin", "boto3/examples"):
        shutil.rmtree(root / folder, ignore_errors=True)
    for info in root.glob("*.dist-info"):
        for note in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json"):
            (info / note).unlink(missing_ok=True)


def refuse_compiled(root: Path) -> None:
    """Ends the build if a compiled file is there: it would fail on Lambda only, and only when imported."""
    compiled = [str(path.relative_to(root)) for path in sorted(root.rglob("*")) if path.suffix in COMPILED]
    if compiled:
        sys.exit(f"packages must be pure Python, but there is {', '.join(compiled)}: name its project in UNUSED")


def level(root: Path) -> None:
    """Gives all files the same time and rights, whatever this machine's clock and umask are."""
    for path in [*root.rglob("*"), root]:
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (FILE_TIME, FILE_TIME))


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Holds `lock` against the other builds that `sam build --parallel` runs."""
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    build(sys.argv[1], Path(sys.argv[2]))
