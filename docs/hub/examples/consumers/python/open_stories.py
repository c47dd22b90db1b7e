"""Keeps a table of the stories of all accounts: an item for each `dedupKey`, open or closed, by the latest alert about it.

EventBridge can deliver an event twice, and an earlier event after a later one: the condition of the write makes both harmless.
"""

import os
from datetime import timedelta
from functools import cache
from typing import Any, Protocol

from alert import Alert, KmsWatchAlert

MEMBERS = {"dedupKey", "status", "kind", "severity", "title", "account", "region", "undoUntil"}
KEPT_AFTER_THE_END = timedelta(days=30)


class Table(Protocol):
    """What this function uses of a DynamoDB table."""

    def put_item(self, **request: Any) -> Any: ...


@cache
def table() -> Any:
    import boto3  # Lambda brings it.

    return boto3.resource("dynamodb").Table(os.environ["TABLE"])


def item(alert: Alert) -> dict[str, Any] | None:
    """The story as this alert leaves it; None for an alert that neither opens nor closes one."""
    if alert.status == "EVENT":
        return None
    story: dict[str, Any] = alert.model_dump(mode="json", include=MEMBERS)
    story["at"] = alert.occurredAt.isoformat()
    story["keyArn"] = alert.key.arn if alert.key else None
    story["owner"] = alert.key.owner if alert.key else None
    if alert.status == "CLOSED":
        story["expiresAt"] = int((alert.occurredAt + KEPT_AFTER_THE_END).timestamp())
    return story


def keep(alert: Alert, stories: Table) -> None:
    story = item(alert)
    if story is None:
        return
    try:
        stories.put_item(
            Item=story,
            ConditionExpression="attribute_not_exists(dedupKey) OR #at <= :at",
            ExpressionAttributeNames={"#at": "at"},
            ExpressionAttributeValues={":at": story["at"]},
        )
    except Exception as error:
        # A later alert about the story is there already.
        if getattr(error, "response", {}).get("Error", {}).get("Code") != "ConditionalCheckFailedException":
            raise


def handler(event: dict[str, Any], _context: Any) -> None:
    """An event of the bus; `detail` is the alert. An exception has Lambda try again, and then keep the event in the queue Failed."""
    keep(KmsWatchAlert.model_validate(event["detail"]).root, table())
