"""A second OpenSearch, without the security plugin: plain HTTP, no users, no roles. As somebody may run one at home."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import urllib3

from tabletrail_local import processes
from tabletrail_local.certificates import ensure_certificates
from tabletrail_local.java import find_java
from tabletrail_local.opensearch import OpenSearchServer
from tabletrail_local.opensearch_home import ensure_home
from tabletrail_local.opensearch_settings import ServerPlaces, write_settings
from tabletrail_local.paths import StackPaths, download_cache
from tabletrail_local.ports import LOOPBACK, choose_port
from tabletrail_local.service_user import claim_directory, opensearch_directory


@contextmanager
def plain_opensearch(directory: Path) -> Iterator[str]:
    """Its address, while it runs."""
    paths = StackPaths(directory)
    server = OpenSearchServer(paths)
    places = ServerPlaces(opensearch_directory(paths))
    claim_directory(places.root)
    ensure_home(places.home, download_cache())
    ensure_certificates(paths.certificates)
    port, transport = (choose_port(paths, name).number for name in ("opensearch", "opensearch_transport"))
    write_settings(places, paths.certificates, port, transport)
    shutil.rmtree(places.home / "plugins" / "opensearch-security")
    settings = places.config / "opensearch.yml"
    lines = [line for line in settings.read_text().splitlines() if not line.startswith("plugins.security")]
    settings.write_text("\n".join(lines) + "\n")
    url = f"http://{LOOPBACK}:{port}"
    try:
        process = processes.start(server._launch(find_java(), places), server.pid_file)
        logs = (paths.logs / "opensearch-output.log", places.logs / "opensearch.log")
        processes.wait_until(lambda: _answers(url), process, "OpenSearch without security", *logs)
        yield url
    finally:
        # It takes a minute to end well, for data that are thrown away.
        processes.stop(server.pid_file, "OpenSearch without security", limit=1)
        server.remove()


def _answers(url: str) -> bool:
    try:
        return urllib3.request("GET", f"{url}/_cluster/health", retries=False, timeout=5).status == 200
    except urllib3.exceptions.HTTPError:
        return False
