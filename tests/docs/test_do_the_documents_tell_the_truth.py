"""Paths, links and names in the documents exist; files and functions keep their ceilings."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRACKED = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
    cwd=ROOT,
    capture_output=True,
    text=True,
    check=True,
).stdout.splitlines()
DOCUMENTS = [name for name in TRACKED if name.endswith(".md") and (ROOT / name).exists()]
SOURCES = [name for name in TRACKED if name.endswith(".py") and (ROOT / name).exists()]
PATH = re.compile(r"`((?:functions|statemachines|mappings|cli|local|tests|docs|benchmarks)/[\w./-]+|template\.yaml)`")
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_does_each_path_in_a_document_exist(name: str) -> None:
    text = (ROOT / name).read_text()
    missing = [path for path in PATH.findall(text) if not (ROOT / path).exists()]
    assert not missing


@pytest.mark.parametrize("name", DOCUMENTS)
def test_does_each_link_in_a_document_lead_somewhere(name: str) -> None:
    folder = (ROOT / name).parent
    missing = [link for link in LINK.findall((ROOT / name).read_text()) if not (folder / link).exists()]
    assert not missing


def test_does_the_life_of_a_record_name_its_code() -> None:
    text = (ROOT / "docs/life-of-a-record.md").read_text()
    assert len(set(PATH.findall(text))) > 20


@pytest.mark.parametrize("name", SOURCES)
def test_are_files_and_functions_short_and_named(name: str) -> None:
    path = ROOT / name
    text = path.read_text()
    assert text.count("\n") <= 300, "a file has at most 300 lines"
    assert path.stem not in VAGUE, "a name that says nothing"
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1}"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= 40
    ]
    assert not long, "a function has at most 40 lines"


def test_does_every_module_of_the_product_say_its_role() -> None:
    silent = [
        name
        for name in SOURCES
        if name.startswith(("functions/", "cli/", "local/"))
        and not name.endswith("__init__.py")
        and not ast.get_docstring(ast.parse((ROOT / name).read_text()))
    ]
    assert not silent


@pytest.mark.parametrize("name", [name for name in TRACKED if re.search(r"requirements.*\.txt$|\.lock$", name)])
def test_does_no_pinned_list_name_a_host(name: str) -> None:
    assert not re.search(r"https?://", (ROOT / name).read_text())
