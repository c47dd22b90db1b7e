"""Reads alerts with the generated types, and tells kinds apart by their type."""

import json
import sys
from typing import Any

from alert import Alert, KeyDeletionScheduledAlert, KmsWatchAlert, OtherAlert


def read(raw: Any) -> Alert:
    return KmsWatchAlert.model_validate(raw).root


def waiting_period(alert: Alert) -> int | None:
    # The type checker knows the details of this kind.
    if isinstance(alert, KeyDeletionScheduledAlert):
        return alert.details.pendingWindowDays
    return None


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        alerts: list[dict[str, Any]] = json.load(file)
    kinds = set()
    for raw in alerts:
        alert = read(raw)
        assert type(alert).__name__ == f"{raw['kind']}Alert", (type(alert), raw["kind"])
        kinds.add(type(alert))
        if raw["kind"] == "KeyDeletionScheduled":
            assert waiting_period(alert) == raw["details"]["pendingWindowDays"]
    unknown = read({**alerts[0], "kind": "KindToCome", "details": {"new": 1}})
    assert type(unknown) is OtherAlert, type(unknown)
    print(f"Python: {len(alerts)} alerts of {len(kinds)} types")


main()
