"""The Python function of docs/hub/examples/consumers, with a table that does what its condition says."""

import json
import sys
from typing import Any

import open_stories
from alert import KmsWatchAlert


class Refused(Exception):
    response = {"Error": {"Code": "ConditionalCheckFailedException"}}


class Stories:
    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}

    def put_item(self, **request: Any) -> None:
        story = request["Item"]
        before = self.items.get(story["dedupKey"])
        assert request["ConditionExpression"] == "attribute_not_exists(dedupKey) OR #at <= :at"
        if before and before["at"] > story["at"]:
            raise Refused
        self.items[story["dedupKey"]] = story


def kept(alerts: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    stories = Stories()
    for alert in alerts:
        open_stories.keep(KmsWatchAlert.model_validate(alert).root, stories)
    return stories.items


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        alerts: list[dict[str, Any]] = json.load(file)
    assert {a["dedupKey"] for a in alerts if a["status"] != "EVENT"} == set(kept(alerts)), "a story is missing"
    opens = next(a for a in alerts if a["kind"] == "KeyDeletionScheduled" and a["key"])
    closes = opens | {"kind": "KeyDeletionCancelled", "status": "CLOSED", "occurredAt": "2999-01-01T00:00:00Z", "details": {}}
    key = opens["dedupKey"]
    for order in ([opens, closes], [closes, opens], [opens, closes, opens, closes]):
        story = kept(order)[key]
        assert (story["status"], story["expiresAt"]) == ("CLOSED", 32474736000), story
    # It is scheduled again: open, and nothing deletes the item.
    again = kept([closes, opens | {"occurredAt": "2999-01-02T00:00:00Z"}])[key]
    assert again["status"] == "OPEN" and "expiresAt" not in again and again["keyArn"] == opens["key"]["arn"], again

    class Down:
        def put_item(self, **_: Any) -> None:
            raise OSError("no route")

    try:
        open_stories.keep(KmsWatchAlert.model_validate(opens).root, Down())
    except OSError:
        print(f"Python example: {len(kept(alerts))} stories")
    else:
        raise AssertionError("a failed write is lost")


main()
