"""Says in each write to DynamoDB who makes it, so that the audit log need not guess.

    import boto3
    from tabletrail_client import audited, install

    table = boto3.resource("dynamodb").Table("orders")
    install(table)

    with audited(actor="alice", reason="refund"):
        table.update_item(...)

Nothing but boto3 is needed.
"""

from tabletrail_client.context import Act, audited, carried, current
from tabletrail_client.errors import AuditedError
from tabletrail_client.installation import Installation, install

__all__ = ["Act", "AuditedError", "Installation", "audited", "carried", "current", "install"]
