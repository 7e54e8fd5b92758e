"""Does `sam build` make packages that run on Lambda, are small and come out the same each time?"""

from __future__ import annotations

import ast
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import build_package
from tests.deploy.template_document import ROOT, resources, sam_environment

FUNCTIONS = resources("AWS::Serverless::Function")
UNZIPPED_LIMIT = 16_000_000
"""A package was 10 MB when this was written; one unneeded service of botocore, or one compiled library, shows."""

IMPORT_ALL = """
import importlib, pkgutil, sys
sys.path[:0] = [sys.argv[1]]
import tabletrail, handlers
for package in (tabletrail, handlers):
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        module = importlib.import_module(found.name)
        assert module.__file__.startswith(sys.argv[1]), module.__file__
from botocore.session import get_session
for service in sys.argv[2:]:
    get_session().create_client(service, region_name="eu-west-1")
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the packages, built from a copy of the project so that two builds never meet."""
    project = tmp_path_factory.mktemp("project")
    copy_project(project)
    done = subprocess.run(
        [str(ROOT / ".venv-sam" / "bin" / "sam"), "build"],
        cwd=project,
        env={**sam_environment(), "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return project / ".aws-sam" / "build"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_package_holds_its_handler_and_no_compiled_code(built: Path, name: str) -> None:
    handler = FUNCTIONS[name]["Handler"].removesuffix(".handler").replace(".", "/") + ".py"
    assert (built / name / handler).is_file()
    suffixes = {path.suffix for path in (built / name).rglob("*")}
    assert not suffixes & {".so", ".pyd", ".dylib", ".pyc"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_package_is_small(built: Path, name: str) -> None:
    size = sum(path.stat().st_size for path in (built / name).rglob("*") if path.is_file())
    assert size < UNZIPPED_LIMIT


def test_only_who_installs_or_compares_the_mappings_carries_them(built: Path) -> None:
    carriers = {name for name in FUNCTIONS if (built / name / "mappings").is_dir()}
    assert carriers == {"InstallMappingsFunction", "ReportRunFunction"}
    wanted = {path.relative_to(ROOT / "mappings") for path in (ROOT / "mappings").rglob("*.json")}
    for carrier in carriers:
        mappings = built / carrier / "mappings"
        assert wanted == {path.relative_to(mappings) for path in mappings.rglob("*.json")}


def test_a_package_needs_nothing_from_outside(built: Path) -> None:
    settings = {"streams_table": "s", "shards_table": "t", "segments_table": "u", "runs_table": "v"}
    settings |= {"segments_bucket": "w", "opensearch_endpoint": "https://example.org"}
    environment = {"TABLETRAIL_" + name.upper(): value for name, value in settings.items()}
    environment |= {"AWS_DEFAULT_REGION": "eu-west-1", "PATH": os.environ["PATH"]}
    package = str(built / "InstallMappingsFunction")
    command = [sys.executable, "-I", "-S", "-B", "-c", IMPORT_ALL, package, *build_package.SERVICES]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_same_inputs_give_the_same_package(tmp_path: Path) -> None:
    """GIVEN two checkouts, of other times and under other umasks."""
    packages = []
    for name, mode, time in (("first", 0o600, 1_700_000_000), ("second", 0o644, 1_750_000_000)):
        project = tmp_path / name
        copy_project(project)
        for path in (project / "functions").rglob("*.py"):
            path.chmod(mode)
            os.utime(path, (time, time))
        command = [sys.executable, str(project / "functions" / "build_package.py"), "IndexSegmentsFunction"]
        packages.append(project / "package")
        subprocess.run([*command, str(packages[-1])], check=True)
    assert fingerprint(packages[0]) == fingerprint(packages[1])


def copy_project(project: Path) -> None:
    """What a build reads, and the real directory of installed dependencies."""
    for name in ("functions", "mappings", "requirements", "statemachines"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("template.yaml", "samconfig.toml"):
        shutil.copy(ROOT / name, project)
    (ROOT / "build").mkdir(exist_ok=True)
    (project / "build").symlink_to(ROOT / "build")


def fingerprint(root: Path) -> list[tuple[str, str, int, float]]:
    return [
        (
            str(path.relative_to(root)),
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
            path.stat().st_mode,
            path.stat().st_mtime,
        )
        for path in sorted(root.rglob("*"))
    ]


def test_botocore_keeps_the_services_that_our_code_speaks_to() -> None:
    from botocore.session import get_session

    known = set(get_session().get_available_services())
    spoken_to = set()
    for source in (ROOT / "functions").rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Call) and "client" in ast.unparse(node.func):
                spoken_to |= {arg.value for arg in node.args if isinstance(arg, ast.Constant) and arg.value in known}
    assert {"dynamodb", "s3"} <= spoken_to
    assert spoken_to <= set(build_package.SERVICES)


def test_a_compiled_file_stops_the_build(tmp_path: Path) -> None:
    (tmp_path / "fast").mkdir()
    (tmp_path / "fast" / "speedups.cpython-313-x86_64-linux-gnu.so").touch()
    with pytest.raises(SystemExit, match="speedups"):
        build_package.refuse_compiled(tmp_path)


def test_a_requirement_that_is_left_out_is_left_out_with_its_hashes() -> None:
    pinned = {"boto3==1": "ab", "grpcio==2": "c", "six==3": "d"}
    text = "\n".join(
        " \\\n".join([name, *(f"    --hash=sha256:{x}" for x in hashes)]) for name, hashes in pinned.items()
    )
    wanted = build_package.wanted_requirements(text)
    assert "sha256:c" not in wanted
    assert wanted.count("--hash") == 3
    assert {"boto3", "six"} == {line.split("==")[0] for line in wanted.splitlines() if "==" in line}
