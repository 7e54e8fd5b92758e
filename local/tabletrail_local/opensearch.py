"""The OpenSearch server of the stack: started, found running, ended. Its data stay from one start to the next."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tabletrail_local import processes
from tabletrail_local.certificates import ensure_certificates
from tabletrail_local.console import say, step
from tabletrail_local.environments import for_java
from tabletrail_local.java import find_java
from tabletrail_local.opensearch_api import SecurityApi
from tabletrail_local.opensearch_home import ensure_home
from tabletrail_local.opensearch_parts import VERSION
from tabletrail_local.opensearch_settings import ServerPlaces, write_settings
from tabletrail_local.paths import StackPaths, download_cache
from tabletrail_local.ports import LOOPBACK, ChosenPort, choose_port
from tabletrail_local.private_files import read_json
from tabletrail_local.service_user import claim_directory, opensearch_directory, service_uid

NAME = "OpenSearch"
HEAP_VARIABLE = "TABLETRAIL_OPENSEARCH_HEAP"
_HEAP = "512m"

# From the distribution's jvm.options, less what only large servers need.
_JVM_OPTIONS = (
    "-XX:+UseG1GC",
    "-Djava.security.manager=allow",  # Java 18 and later refuse the security manager without it
    "-Djna.nosys=true",
    "-Dfile.encoding=UTF-8",
    "-Djava.awt.headless=true",
    "-Dio.netty.noUnsafe=true",
    "-Dio.netty.noKeySetOptimization=true",
    "-Dio.netty.recycler.maxCapacityPerThread=0",
    "-Dio.netty.allocator.numDirectArenas=0",
    "-Dlog4j.shutdownHookEnabled=false",
    "-Dlog4j2.disable.jmx=true",
    "-Dlog4j2.formatMsgNoLookups=true",
    "-Dopensearch.distribution.type=tar",
    "-Dopensearch.bundled_jdk=false",
)


@dataclass(frozen=True)
class OpenSearchServer:
    paths: StackPaths

    @property
    def pid_file(self) -> Path:
        return self.paths.pid_file("opensearch")

    @property
    def url(self) -> str:
        return f"https://{LOOPBACK}:{read_json(self.paths.state).get('opensearch', 0)}"

    @property
    def running_pid(self) -> int | None:
        return processes.running_pid(self.pid_file)

    def security_api(self) -> SecurityApi:
        certificates = self.paths.certificates
        pair = (str(certificates / "admin.pem"), str(certificates / "admin-key.pem"))
        return SecurityApi(self.url, self.paths.ca, client_certificate=pair)

    def is_ready(self) -> bool:
        api = self.security_api()
        return api.is_ready() and api.has_security()

    def ensure_running(self) -> bool:
        """Returns when the server answers. False when it already ran."""
        if self.running_pid is not None and self.is_ready():
            return False
        # One that runs and does not answer is stuck, or its `up` was interrupted: begin again.
        self.stop()
        java = find_java()
        places = ServerPlaces(opensearch_directory(self.paths))
        claim_directory(places.root)
        ensure_home(places.home, download_cache())
        ensure_certificates(self.paths.certificates)
        ports = choose_port(self.paths, "opensearch"), choose_port(self.paths, "opensearch_transport")
        _tell_of_moved_port(ports[0])
        write_settings(places, self.paths.certificates, ports[0].number, ports[1].number)
        with step(f"starting OpenSearch {VERSION} on port {ports[0].number}"):
            launch = self._launch(java, places)
            process = processes.start(launch, self.pid_file)
            processes.wait_until(self.is_ready, process, NAME, launch.log, places.logs / "opensearch.log")
        return True

    def stop(self) -> bool:
        return processes.stop(self.pid_file, NAME)

    def remove(self) -> None:
        """Removes what may lie outside the stack's directory."""
        shutil.rmtree(opensearch_directory(self.paths), ignore_errors=True)

    def _launch(self, java: Path, places: ServerPlaces) -> processes.Launch:
        heap = os.environ.get(HEAP_VARIABLE) or _HEAP
        command = [
            str(java),
            f"-Xms{heap}",
            f"-Xmx{heap}",
            *_JVM_OPTIONS,
            f"-Djava.io.tmpdir={places.scratch}",
            f"-Djna.tmpdir={places.scratch}",
            f"-Dopensearch.path.home={places.home}",
            f"-Dopensearch.path.conf={places.config}",
            "-cp",
            f"{places.home}/lib/*",
            "org.opensearch.bootstrap.OpenSearch",
        ]
        log = self.paths.logs / "opensearch-output.log"
        return processes.Launch(command, for_java(), places.root, log, service_uid())


def _tell_of_moved_port(port: ChosenPort) -> None:
    if port.instead_of is not None:
        say(
            f"port {port.instead_of} is in use by another process: OpenSearch takes {port.number} instead. "
            "Run `tabletrail local deploy` to tell the deployed functions."
        )
