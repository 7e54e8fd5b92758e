"""What can be wrong with saved objects and with the queries in them.

Called by the modules of this package; a command shows the text to its user.
"""

from __future__ import annotations

from tabletrail.errors import TabletrailError


class SavedObjectError(TabletrailError):
    """A saved object is not of a form that this package knows. The message names the object and the place."""


class DqlError(TabletrailError):
    """A text is not Dashboards Query Language, or a part of it that is not translated here. The message shows where."""
