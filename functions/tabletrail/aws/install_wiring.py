"""The servers of an installation, and what its deployment decides, from the environment and the request.

Rules
- What a deployment decides stands in the environment as well as in the request, so that a call by hand, without
  properties, does the same. Only ARNs of roles come with the request alone: without it no mapping is changed.

Called by handlers/install_mappings.py.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from opensearchpy import OpenSearch

from tabletrail.aws.custom_resource import Request
from tabletrail.aws.dashboards import DashboardsServer
from tabletrail.aws.opensearch import OpenSearchKeeper
from tabletrail.aws.opensearch_cluster import OpenSearchCluster
from tabletrail.aws.opensearch_connect import SecretReader, connect
from tabletrail.aws.opensearch_plugins import OpenSearchPlugins
from tabletrail.core.periods import indices_ahead
from tabletrail.install import Channel, Servers, Wishes, grants_of
from tabletrail.install.bundle import names_in
from tabletrail.settings import Settings

READ_SECONDS = 10


def servers_of(settings: Settings, read_secret: SecretReader) -> Servers:
    """All as one user or role: the administrator."""
    client = connect(settings, read_secret, read_seconds=READ_SECONDS)
    plugins = OpenSearchPlugins(client)
    dashboards = _dashboards(settings, read_secret, client)
    return Servers(OpenSearchCluster(client), OpenSearchKeeper(client), plugins, plugins, dashboards)


def wishes_of(settings: Settings, request: Request, now: int) -> Wishes:
    """`now` in seconds since the epoch."""
    channel = Channel(settings.monitor_topic, settings.monitor_role) if settings.monitor_topic else None
    return Wishes(
        grants=grants_of(request.properties, request.old, with_users=settings.opensearch_auth == "basic"),
        indices=indices_ahead(now, settings.index_period),
        channel=channel,
        repository=settings.snapshot_repository,
        restore=frozenset(names_in(request.properties.get("Restore"))),
    )


def _dashboards(settings: Settings, read_secret: SecretReader, client: OpenSearch) -> DashboardsServer | None:
    parts: Any = urlsplit(settings.dashboards_url)
    # Over plain HTTP nobody's password is sent: then somebody imports the file by hand.
    if parts.scheme != "https":
        return None
    if parts.netloc != urlsplit(settings.opensearch_endpoint).netloc:
        there = replace(settings, opensearch_endpoint=f"https://{parts.netloc}")
        client = connect(there, read_secret, read_seconds=READ_SECONDS)
    return DashboardsServer(client, parts.path)
