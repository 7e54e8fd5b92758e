"""The settings of the local OpenSearch: server, logging, security. Everything is written anew at each start.

Deliberately absent: `action.auto_create_index` and every role. They belong to what `tabletrail` installs, here as
on a domain of Amazon OpenSearch Service.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from tabletrail_local.certificates import ADMIN_DN, NODE_DN
from tabletrail_local.ports import LOOPBACK
from tabletrail_local.service_user import give_to_service

_LOGGING = """\
status = error
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = ${sys:opensearch.logs.base_path}/opensearch.log
appender.file.filePattern = ${sys:opensearch.logs.base_path}/opensearch-%i.log
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] %marker%m%n
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 20MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 2
rootLogger.level = info
rootLogger.appenderRef.file.ref = file
"""

# No user comes with the server: the demo users of the plugin have well-known passwords. Ours are made over its API.
_USERS = '_meta:\n  type: "internalusers"\n  config_version: 2\n'
_ROLE_MAPPING = '_meta:\n  type: "rolesmapping"\n  config_version: 2\nall_access:\n  users: ["admin"]\n'


@dataclass(frozen=True)
class ServerPlaces:
    """The server's own directories. `home` is read-only to it; the others belong to the user it runs as."""

    root: Path

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def config(self) -> Path:
        return self.root / "config"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def scratch(self) -> Path:
        return self.root / "tmp"


def write_settings(places: ServerPlaces, certificates: Path, port: int, transport_port: int) -> None:
    shutil.copytree(
        places.home / "plugins" / "opensearch-security" / "config",
        places.config / "opensearch-security",
        dirs_exist_ok=True,
    )
    (places.config / "opensearch-security" / "internal_users.yml").write_text(_USERS)
    (places.config / "opensearch-security" / "roles_mapping.yml").write_text(_ROLE_MAPPING)
    (places.config / "log4j2.properties").write_text(_LOGGING)
    (places.config / "opensearch.yml").write_text(_as_yaml(_server_settings(places, port, transport_port)))
    (places.config / "certs").mkdir(exist_ok=True)
    # Not the administrator's key: the server has no use for it.
    for name in ("root-ca.pem", "node.pem", "node-key.pem"):
        shutil.copyfile(certificates / name, places.config / "certs" / name)
    for directory in (places.config, places.data, places.logs, places.scratch):
        directory.mkdir(exist_ok=True)
        give_to_service(directory)


def _server_settings(places: ServerPlaces, port: int, transport_port: int) -> dict[str, object]:
    return {
        "cluster.name": "tabletrail-local",
        "node.name": "local",
        "discovery.type": "single-node",
        "network.host": LOOPBACK,
        "http.port": port,
        "transport.port": transport_port,
        "path.data": str(places.data),
        "path.logs": str(places.logs),
        # A laptop's disk is often nearly full; the server would turn every index read-only.
        "cluster.routing.allocation.disk.threshold_enabled": False,
        **_tls("transport"),
        "plugins.security.ssl.transport.enforce_hostname_verification": False,
        "plugins.security.ssl.http.enabled": True,
        **_tls("http"),
        "plugins.security.nodes_dn": [NODE_DN],
        "plugins.security.authcz.admin_dn": [ADMIN_DN],
        "plugins.security.allow_default_init_securityindex": True,
        "plugins.security.restapi.roles_enabled": ["all_access"],
        "plugins.security.audit.type": "noop",
    }


def _tls(layer: str) -> dict[str, object]:
    prefix = f"plugins.security.ssl.{layer}"
    return {
        f"{prefix}.pemcert_filepath": "certs/node.pem",
        f"{prefix}.pemkey_filepath": "certs/node-key.pem",
        f"{prefix}.pemtrustedcas_filepath": "certs/root-ca.pem",
    }


def _as_yaml(settings: dict[str, object]) -> str:
    # A JSON value is a YAML value, and JSON's quoting is right for any path.
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in settings.items())
