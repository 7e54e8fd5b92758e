"""InstallMappings: puts into OpenSearch and Dashboards what tabletrail needs there, at each deployment.

Rules
- It reads, compares, and writes only what differs: a second installation writes nothing and says so.
- Nothing at all is written over anything of a newer release.
- What a person changed is repaired where entries depend on it (templates, roles, policies), kept where a person works
  with it (monitors, saved objects), and said in both cases.
- What a cluster does not offer is reported, never passed over.
- It deletes nothing. Every write may be repeated; a crash between two is repaired by the next deployment.

`installing` is the whole, `basics`, `lifecycle`, `watching` and `viewing` its parts, `servers` what they stand on,
`bundle` what a release brings and a deployment wants, `memory` what is remembered, `report` what is said of it.

Called by handlers/install_mappings.py and by whoever prepares a cluster of his own.
"""

from tabletrail.install.bundle import Bundle, Channel, Grant, Wishes, grants_of
from tabletrail.install.installing import Servers, install
from tabletrail.install.report import Report

__all__ = ["Bundle", "Channel", "Grant", "Report", "Servers", "Wishes", "grants_of", "install"]
