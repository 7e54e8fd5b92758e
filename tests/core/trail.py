"""CloudTrail records as the guides show them, for the tests of the core.

The forms are those of "Understanding DynamoDB log file entries" (Amazon DynamoDB Developer Guide) and "CloudTrail
userIdentity element" (AWS CloudTrail User Guide); names and numbers are made up.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from tabletrail.core.cloudtrail import Call, LogFile, Scope, read_log

ACCOUNT, OTHER_ACCOUNT, REGION = "123456789012", "210987654321", "eu-central-1"
SCOPE = Scope(ACCOUNT, REGION, frozenset({"orders", "stock"}))
NOON = int(datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp())


def table_arn(name: str, account: str = ACCOUNT, region: str = REGION) -> str:
    return f"arn:aws:dynamodb:{region}:{account}:table/{name}"


def user(name: str, account: str = ACCOUNT) -> dict[str, Any]:
    return {
        "type": "IAMUser",
        "principalId": f"AIDA{name.upper()}EXAMPLE",
        "arn": f"arn:aws:iam::{account}:user/{name}",
        "accountId": account,
        "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
        "userName": name,
    }


def role(name: str, session: str, path: str = "", account: str = ACCOUNT) -> dict[str, Any]:
    return {
        "type": "AssumedRole",
        "principalId": f"AROAIDPPEZS35WEXAMPLE:{session}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session}",
        "accountId": account,
        "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": "AROAIDPPEZS35WEXAMPLE",
                "arn": f"arn:aws:iam::{account}:role/{path}{name}",
                "accountId": account,
                "userName": name,
            },
            "attributes": {"creationDate": "2026-11-24T11:58:00Z", "mfaAuthenticated": "false"},
        },
    }


def stamp(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def event(name: str, parameters: Any, **more: Any) -> dict[str, Any]:
    """A data event of DynamoDB. `more` replaces fields; None takes one away."""
    whole = {
        "eventVersion": "1.11",
        "userIdentity": user("alice"),
        "eventTime": stamp(NOON),
        "eventSource": "dynamodb.amazonaws.com",
        "eventName": name,
        "awsRegion": REGION,
        "sourceIPAddress": "192.0.2.10",
        "userAgent": "aws-cli/2.31.0 md/awscrt#0.27.6 exec-env/CloudShell",
        "requestParameters": parameters,
        "responseElements": None,
        "requestID": "4KBNVRGD25RG1KEO9UT4V3FQDJVV4KQNSO5AEMVJF66Q9ASUAAJG",
        "eventID": "a954451c-c2fc-4561-8aea-7a30ba1fdf52",
        "readOnly": False,
        "resources": [{"accountId": ACCOUNT, "type": "AWS::DynamoDB::Table", "ARN": table_arn("orders")}],
        "eventType": "AwsApiCall",
        "apiVersion": "2012-08-10",
        "managementEvent": False,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Data",
        "tlsDetails": {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256"},
    }
    return {key: value for key, value in (whole | more).items() if value is not None or key not in more}


def put(key: dict[str, Any], table: str = "orders", **more: Any) -> dict[str, Any]:
    return event("PutItem", {"tableName": table, "key": key, "item": [*key, "status"]}, **more)


def update(key: dict[str, Any], table: str = "orders", **more: Any) -> dict[str, Any]:
    names = {"#s": "status"}
    parameters = {"tableName": table, "key": key, "updateExpression": "SET #s = :s", "expressionAttributeNames": names}
    return event("UpdateItem", parameters, **more)


def delete(key: dict[str, Any], table: str = "orders", **more: Any) -> dict[str, Any]:
    return event("DeleteItem", {"tableName": table, "key": key}, **more)


def log(*records: Any) -> bytes:
    return json.dumps({"Records": list(records)}).encode()


def read(*records: Any) -> LogFile:
    return read_log(log(*records), SCOPE)


def call(record: dict[str, Any]) -> Call:
    """The one call of a record that must be one."""
    [found] = read(record).calls
    return found
