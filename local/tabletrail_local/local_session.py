"""A boto3 session that is bound to one StackInfo. Kept apart from `info`, because boto3 takes long to import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.config import Config

if TYPE_CHECKING:
    from tabletrail_local.info import StackInfo


class LocalSession(boto3.Session):  # type: ignore[misc]
    """Clients and resources get the endpoint as an argument: AWS_ENDPOINT_URL_* of the caller would win otherwise."""

    def __init__(self, info: StackInfo) -> None:
        core = botocore.session.Session()
        core.set_config_variable("config_file", info.aws_config_file)
        core.set_config_variable("credentials_file", info.aws_credentials_file)
        core.set_config_variable("profile", "default")
        # An empty mapping, unlike none at all, keeps botocore from looking for proxies in the environment.
        core.set_default_client_config(Config(proxies={}))
        super().__init__(
            aws_access_key_id=info.access_key,
            aws_secret_access_key=info.secret_key,
            region_name=info.region,
            botocore_session=core,
        )
        self._endpoint = info.aws_endpoint
        self._streams_endpoint = info.streams_endpoint or info.aws_endpoint

    def client(self, service_name: str, *args: Any, **options: Any) -> Any:
        endpoint = self._streams_endpoint if service_name == "dynamodbstreams" else self._endpoint
        return super().client(service_name, *args, **{"endpoint_url": endpoint, **options})

    def resource(self, service_name: str, *args: Any, **options: Any) -> Any:
        return super().resource(service_name, *args, **{"endpoint_url": self._endpoint, **options})
