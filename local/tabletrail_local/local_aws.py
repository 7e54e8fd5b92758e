"""The local AWS of the stack: ministack, bound to loopback, with IAM enforced and its state on disk.

Durability: what DynamoDB and S3 acknowledged is kept, even after a kill (see `ministack_server`). Everything else, as
functions and schedules, is written down when the process is asked to end and at the end of each deployment.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import requests

from tabletrail_local import processes
from tabletrail_local.console import say, step
from tabletrail_local.environments import without_aws
from tabletrail_local.errors import LocalStackError, MissingEnvironmentError
from tabletrail_local.guard import LOCAL_ACCOUNT
from tabletrail_local.laboratory import LocalLab
from tabletrail_local.paths import StackPaths, repository_root
from tabletrail_local.ports import LOOPBACK, ChosenPort, choose_port
from tabletrail_local.private_files import read_json, remember, write_private

NAME = "the local AWS"
REGION = "us-east-1"
# ministack takes this name for the account's root user and checks no secret of it; AWS knows no such key.
ACCESS_KEY = SECRET_KEY = "test"  # noqa: S105
_CONCURRENCY = 8  # Lambda executions at once; more only queue for the CPUs of a laptop
_TIMEOUTS = (5.0, 30.0)  # seconds to connect, and to wait for an answer
_STREAMS = "aws_streams"  # in the stack's state: whose streams the functions of the process that runs now read
STREAMS_VARIABLE = "AWS_ENDPOINT_URL_DYNAMODB_STREAMS"


@dataclass(frozen=True)
class LocalAws:
    paths: StackPaths

    @property
    def pid_file(self) -> Path:
        return self.paths.pid_file("aws")

    @property
    def endpoint(self) -> str:
        return f"http://{LOOPBACK}:{read_json(self.paths.state).get('aws', 0)}"

    @property
    def config_file(self) -> Path:
        return self.paths.aws / "config"

    @property
    def credentials_file(self) -> Path:
        return self.paths.aws / "credentials"

    @property
    def credentials(self) -> dict[str, str]:
        """The variables by which an SDK in a process beside it is let in."""
        return {
            "AWS_CONFIG_FILE": str(self.config_file),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.credentials_file),
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    @property
    def running_pid(self) -> int | None:
        return processes.running_pid(self.pid_file)

    def is_ready(self) -> bool:
        try:
            with requests.Session() as session:
                session.trust_env = False  # no proxy stands between us and our own machine
                answer = session.get(f"{self.endpoint}/_ministack/ready", timeout=_TIMEOUTS)
        except requests.RequestException:
            return False
        return answer.status_code == HTTPStatus.OK

    def ensure_running(self) -> bool:
        """Returns when it answers. False when it already ran."""
        streams = LocalLab(self.paths).url
        if self.running_pid is not None and self.is_ready():
            if read_json(self.paths.state).get(_STREAMS) == streams:
                return False
            say(f"the local AWS starts again: its functions read {streams or 'its own streams'} from now on")
        if processes.was_left_running(self.pid_file):
            say(
                "the local AWS was ended without `tabletrail local down`: tables, streams and objects are kept, other "
                "services go on as at the last deployment; run `tabletrail local deploy` if something is missing"
            )
        self.stop()
        python = self.require_environment()
        port = choose_port(self.paths, "aws")
        _tell_of_moved_port(port)
        self._prepare_files(streams)
        remember(self.paths.state, **{_STREAMS: streams})
        with step(f"starting the local AWS on port {port.number}"):
            launch = self._launch(python, port.number, streams)
            process = processes.start(launch, self.pid_file)
            processes.wait_until(self.is_ready, process, NAME, launch.log)
        return True

    def require_environment(self) -> Path:
        """The Python that ministack is installed in."""
        python = repository_root() / ".venv-ministack" / "bin" / "python"
        if not python.exists():
            raise MissingEnvironmentError(python)
        return python

    def stop(self) -> bool:
        return processes.stop(self.pid_file, NAME)

    def save(self) -> None:
        """All services' state is on disk when this returns. LocalStackError if it does not answer so."""
        headers = {"X-Amz-Target": "DynamoDB_20120810.SaveState", "Content-Type": "application/x-amz-json-1.0"}
        scope = f"{ACCESS_KEY}/20260101/{REGION}/dynamodb/aws4_request"
        headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(self.endpoint, data=b"{}", headers=headers, timeout=(5.0, 300.0))
        if answer.status_code != HTTPStatus.OK:
            raise LocalStackError(f"the local AWS did not save its state: {answer.status_code} {answer.text[:200]}")

    def _prepare_files(self, streams: str | None) -> None:
        # Unpacked function code from the last run; ministack makes it anew from its state.
        shutil.rmtree(self.paths.aws / "tmp", ignore_errors=True)
        for name in ("tmp", "state", "s3"):
            (self.paths.aws / name).mkdir(parents=True, exist_ok=True)
        config = f"[default]\nregion = {REGION}\nendpoint_url = {self.endpoint}\n"
        if streams:
            config += f"services = laboratory\n[services laboratory]\ndynamodb_streams =\n  endpoint_url = {streams}\n"
        write_private(self.config_file, config.encode())
        credentials = f"[default]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n"
        write_private(self.credentials_file, credentials.encode())

    def _launch(self, python: Path, port: int, streams: str | None) -> processes.Launch:
        aws = self.paths.aws
        environment = {
            **without_aws(),
            **({STREAMS_VARIABLE: streams} if streams else {}),  # the functions inherit it
            "BIND_HOST": LOOPBACK,
            "GATEWAY_PORT": str(port),
            "IOT_MTLS_ENABLED": "0",  # it would listen on every interface
            "AUTH": "true",
            "MINISTACK_ACCOUNT_ID": LOCAL_ACCOUNT,
            "MINISTACK_REGION": REGION,
            "LAMBDA_ACCOUNT_CONCURRENCY": str(_CONCURRENCY),
            "PERSIST_STATE": "1",
            "STATE_DIR": str(aws / "state"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(aws / "s3"),
            "TMPDIR": str(aws / "tmp"),
        }
        script = Path(__file__).with_name("ministack_server.py")
        return processes.Launch([str(python), str(script)], environment, aws, self.paths.logs / "aws.log")


def _tell_of_moved_port(port: ChosenPort) -> None:
    if port.instead_of is not None:
        say(
            f"port {port.instead_of} is in use by another process: the local AWS takes {port.number} instead. "
            "Queue addresses that were stored with the old port no longer work; `tabletrail local deploy` renews them."
        )
