"""What others need to know of the stack: addresses, users, and how to speak to its AWS and to no other."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tabletrail_local.environments import without_aws
from tabletrail_local.errors import NotUpError
from tabletrail_local.paths import StackPaths, stack_paths
from tabletrail_local.private_files import read_json, write_private_json

ADMIN_ROLE, WRITER_ROLE, INDEX_OWNER_ROLE, READER_ROLE = "admin", "writer", "index-owner", "reader"


@dataclass(frozen=True)
class Login:
    user: str
    password: str


@dataclass(frozen=True)
class StackInfo:
    """`logins` is keyed by the four roles above; `ca_file` is None when the system's own roots vouch for OpenSearch."""

    directory: str
    opensearch_url: str
    ca_file: str | None
    logins: dict[str, Login]
    aws_endpoint: str
    region: str
    account_id: str
    access_key: str
    secret_key: str
    aws_config_file: str
    aws_credentials_file: str
    streams_endpoint: str | None = None
    """The laboratory's, in a stack that has one; else streams are read where all else is."""

    def login(self, role: str) -> Login:
        return self.logins[role]

    @cached_property
    def ca_pem(self) -> str:
        """The certificate that OpenSearch clients must trust; empty when they need none of ours."""
        return Path(self.ca_file).read_text() if self.ca_file else ""

    def aws_environment(self) -> dict[str, str]:
        """A child's environment in which every AWS SDK and tool finds the local AWS and cannot find any other."""
        return {
            **without_aws(),
            **({"AWS_ENDPOINT_URL_DYNAMODB_STREAMS": self.streams_endpoint} if self.streams_endpoint else {}),
            "AWS_CONFIG_FILE": self.aws_config_file,
            "AWS_SHARED_CREDENTIALS_FILE": self.aws_credentials_file,
            "AWS_ENDPOINT_URL": self.aws_endpoint,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def session(self) -> Any:
        """A boto3 session whose clients go to the local AWS whatever the caller's environment says."""
        from tabletrail_local.local_session import LocalSession

        return LocalSession(self)


def load(paths: StackPaths | None = None) -> StackInfo:
    """The stack that `up` described last; NotUpError when there is none. It may have been taken down since."""
    paths = paths or stack_paths()
    content = read_json(paths.stack)
    try:
        logins = {role: Login(**login) for role, login in content.pop("logins").items()}
        return StackInfo(logins=logins, **content)
    except (KeyError, TypeError, AttributeError) as error:
        raise NotUpError(paths.root) from error


def save(info: StackInfo, paths: StackPaths) -> None:
    write_private_json(paths.stack, json.loads(json.dumps(asdict(info))))
