"""Is every file of the OpenSearch home the one that the lock file states, whatever the network did?"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tabletrail_local.download import cached_file, fetch_all
from tabletrail_local.errors import DownloadError, LockFileError, UntrustedDownloadError
from tabletrail_local.lockfile import LOCK_FILE, LockedArtifact, parse_lock
from tabletrail_local.maven_repositories import base_addresses
from tabletrail_local.opensearch_parts import MODULES, PLUGINS

JAR = b"what a jar holds" * 1000
ARTIFACT = LockedArtifact("org.example:thing:1.0", hashlib.sha256(JAR).hexdigest(), "lib")


class Repository:
    """A Maven repository with one artifact. `served` may be replaced; `cut` answers break off half-way."""

    def __init__(self) -> None:
        self.served = JAR
        self.cut = 0
        self.asked = 0
        repository = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                repository.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/maven"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.asked += 1
        if request.path != f"/maven/{ARTIFACT.repository_path}":
            request.send_error(404)
            return
        request.send_response(200)
        request.send_header("Content-Length", str(len(self.served)))
        request.end_headers()
        whole = self.cut == 0
        self.cut -= not whole
        request.wfile.write(self.served if whole else self.served[:5000])


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    served = Repository()
    yield served
    served.server.shutdown()
    served.server.server_close()


def fetch(cache: Path, repository: Repository, artifact: LockedArtifact = ARTIFACT) -> int:
    advanced: list[None] = []
    fetch_all([artifact, artifact], cache, lambda: advanced.append(None), [repository.address])
    return len(advanced)


def test_is_an_artifact_fetched_once_and_then_taken_from_the_cache(tmp_path: Path, repository: Repository) -> None:
    assert fetch(tmp_path, repository) == 1
    assert cached_file(tmp_path, ARTIFACT).read_bytes() == JAR
    assert fetch(tmp_path, repository) == 1
    assert repository.asked == 1


def test_may_every_user_read_a_fetched_file(tmp_path: Path, repository: Repository) -> None:
    fetch(tmp_path, repository)
    assert cached_file(tmp_path, ARTIFACT).stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("damage", [JAR[:100], b"", JAR + b"!", b"X" + JAR[1:]])
def test_is_a_damaged_file_in_the_cache_fetched_again(tmp_path: Path, repository: Repository, damage: bytes) -> None:
    fetch(tmp_path, repository)
    cached_file(tmp_path, ARTIFACT).write_bytes(damage)
    fetch(tmp_path, repository)
    assert cached_file(tmp_path, ARTIFACT).read_bytes() == JAR
    assert repository.asked == 2


def test_is_a_broken_off_download_tried_again(tmp_path: Path, repository: Repository) -> None:
    repository.cut = 2
    fetch(tmp_path, repository)
    assert cached_file(tmp_path, ARTIFACT).read_bytes() == JAR
    assert repository.asked == 3


def test_does_a_download_that_never_completes_leave_nothing(tmp_path: Path, repository: Repository) -> None:
    repository.cut = 99
    with pytest.raises(DownloadError, match=r"org\.example:thing:1\.0(.|\n)*running this again"):
        fetch(tmp_path, repository)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_is_other_content_than_locked_refused(tmp_path: Path, repository: Repository) -> None:
    repository.served = b"something else"
    with pytest.raises(UntrustedDownloadError, match="nothing of it was kept"):
        fetch(tmp_path, repository)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_does_an_unreachable_repository_say_what_to_do(tmp_path: Path, repository: Repository) -> None:
    repository.server.server_close()
    repository.server.shutdown()
    with pytest.raises(DownloadError, match="HTTPS_PROXY"):
        fetch(tmp_path, repository)


def test_is_the_mirror_of_the_maven_settings_asked(tmp_path: Path) -> None:
    settings = tmp_path / "settings.xml"
    mirror = "<mirror><mirrorOf>{}</mirrorOf><url>https://mirror.example/repo/</url></mirror>"
    template = f'<settings xmlns="http://maven.apache.org/SETTINGS/1.2.0"><mirrors>{mirror}</mirrors></settings>'
    for covers in ("*", "central", "external:*", "other, central"):
        settings.write_text(template.format(covers))
        assert base_addresses(settings) == ["https://mirror.example/repo"]
    for covers in ("other", "*,!central"):
        settings.write_text(template.format(covers))
        assert "https://mirror.example/repo" not in base_addresses(settings)


def test_does_the_lock_file_cover_every_part() -> None:
    artifacts = parse_lock(LOCK_FILE.read_text())
    by_destination = {(item.destination, item.coordinate) for item in artifacts}
    for name, module in MODULES.items():
        assert (f"modules/{name}", module.coordinate) in by_destination
    for name, coordinate in PLUGINS.items():
        assert (f"plugins/{name}", coordinate) in by_destination


def test_is_no_class_twice_on_a_module_s_class_path() -> None:
    files: dict[str, set[str]] = {}
    for artifact in parse_lock(LOCK_FILE.read_text()):
        files.setdefault(artifact.destination, set()).add(artifact.filename)
    for name, module in MODULES.items():
        above = files["lib"] | files.get(f"modules/{module.extends}", set())
        assert not files[f"modules/{name}"] & above


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("a:b:1 " + "0" * 64, "expected 3 fields"),
        ("a:b " + "0" * 64 + " lib", "no group:artifact:version"),
        ("a:../../x:1 " + "0" * 64 + " lib", "no group:artifact:version"),
        ("a:..:1 " + "0" * 64 + " lib", "no group:artifact:version"),
        ("a:b:1 " + "0" * 63 + " lib", "no SHA-256"),
        ("a:b:1 " + "0" * 64 + " ../lib", "no destination"),
        ("# nothing", "no artifacts"),
    ],
)
def test_is_a_damaged_lock_file_refused(line: str, complaint: str) -> None:
    with pytest.raises(LockFileError, match=f"line 1: .*{complaint}"):
        parse_lock(line)
