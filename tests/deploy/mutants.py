"""Templates with one fault each, and the step that must find it: a check that cannot fail is none.

Each is deployed like the template itself, and held to that step alone, which must fail with these words: not by accident.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import steps

class Mutant(NamedTuple):
    """One fault: in a block of template.yaml `new` stands where `old` should. `check` finds it, and says `words`."""

    what: str
    check: Callable
    words: str
    block: str
    old: str
    new: str


def only(check, words):
    """A step, of which this part is enough."""
    return partial(check, only=words)


MUTANTS = [
    # Permissions.
    Mutant("a function may not describe keys", steps.alerts, "'metadata'",
           "KeyDeletionRole", "- kms:DescribeKey\n", "- kms:GetPublicKey\n"),
    Mutant("a function may not read policies", steps.alerts, "'policy'",
           "KeyActivityRole", "- kms:GetKeyPolicy\n", "- kms:GetPublicKey\n"),
    Mutant("a function may not publish to the feed", steps.alerts, "PublishFailed",
           "KeyMisuseRole", "!Ref FeedAlertTopic", "!Ref HealthTopic"),
    Mutant("a function may not write the ledger", steps.alerts, "'ledger'",
           "LedgerOfKeys", "dynamodb:PutItem", "dynamodb:GetItem"),
    Mutant("a function may not keep what it fails on", only(steps.failures, "alarm-relay"), "AlarmRelayFunction",
           "AlarmRelayRole", "!GetAtt FailedInvocations.Arn", "!GetAtt UndeliveredEvents.Arn"),
    Mutant("a sweep may not measure", steps.sweep, "no metrics",
           "KeyInventoryRole", '"cloudwatch:namespace": KMSWatch', '"cloudwatch:namespace": AWS/KMS'),
    Mutant("a schedule may not start its function", steps.sweep, "SCHEDULED_TIME",
           "KeyInventoryScheduleRole", "!GetAtt KeyInventoryFunction.Arn", "!GetAtt KeyDeletionFunction.Arn"),
    Mutant("the sweep's schedules may not be looked at", steps.sweep_is_checked, "WatchChanged",
           "SeeTheSweep", "scheduler:GetSchedule", "scheduler:ListSchedules"),
    # What functions are given.
    Mutant("functions keep failures elsewhere", only(steps.failures, "key-deletion"), "UndeliveredEvents",
           "Globals", "Destination: !GetAtt FailedInvocations.Arn", "Destination: !GetAtt UndeliveredEvents.Arn"),
    Mutant("a variable is missing", steps.alerts, "'delivered'",
           "Globals", "LEDGER_TABLE: !Ref Ledger\n", "LEDGER: !Ref Ledger\n"),
    Mutant("a variable holds the ARN of another topic", steps.alerts, "'Chat': []",
           "Globals", "!Ref ChatAlertTopic", "!Ref AlertTopic"),
    Mutant("a parameter does not reach the functions", steps.update, "KeyRotationEnabled",
           "Globals", "MINIMUM_SEVERITY: !Ref MinimumSeverity", "MINIMUM_SEVERITY: LOW"),
    # Rules and schedules.
    Mutant("a pattern lacks an event", only(steps.samples, "cancel-key-deletion"), "matched by []",
           "KeyDeletionFunction", ", CancelKeyDeletion, ", ", "),
    Mutant("a pattern takes attempts for changes", only(steps.samples, "schedule-key-deletion-access"), "KeyDeletionFunction",
           "KeyDeletionFunction", "[{ exists: false }]", "[{ exists: false }, AccessDenied]"),
    Mutant("a pattern asks for another type", only(steps.samples, "kms-rotation-old"), "matched by []",
           "KeyRotationFunction", "[KMS CMK Rotation]", "[KMS Key Rotation]"),
    Mutant("the direct way does not know a call", only(steps.samples, "ct-purge-queue"), "['WatchGuardFunctionWaysOut']",
           "WayOutChanged", "- PurgeQueue\n", "- ReceiveMessage\n"),
    Mutant("a rule gets no reads", only(steps.samples, "ct-decrypt-pending-deletion"), "matched by []",
           "KeyMisuseFunction", "State: ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS", "State: ENABLED"),
    Mutant("a rule is off", only(steps.samples, "ct-disable-key"), "matched by []",
           "KeyActivityFunction", "State: ENABLED", "State: DISABLED"),
    Mutant("a rule keeps nothing", steps.undelivered, "what TrailChanged cannot",
           "TrailChanged", "DeadLetterConfig: { Arn: !GetAtt UndeliveredEvents.Arn }\n", "RoleArn: !Ref AWS::NoValue\n"),
    Mutant("a schedule's time is not filled in", steps.sweep, "'sweep': None",
           "KeyInventoryFunction", "<aws.scheduler.scheduled-time>", "<aws.scheduler.time>"),
    # Policies.
    Mutant("a queue does not let a rule in", steps.undelivered, "what KeyMisuseFunctionDenied cannot",
           "UndeliveredEventsPolicy", "- !GetAtt KeyMisuseFunctionDenied.Arn", "- !GetAtt KeyMisuseFunctionUnusable.Arn"),
    Mutant("the health topic does not let CloudWatch in", steps.alarms, "[], []",
           "HealthTopicPolicy", "cloudwatch.amazonaws.com", "monitoring.amazonaws.com"),
    Mutant("the health topic is under a key that no service may use", steps.alarms, "[], []",
           "HealthTopic", "!If [HasHealthTopicKey, !Ref HealthTopicKeyArn, !Ref AWS::NoValue]", "alias/aws/sns"),
    Mutant("the other account may send the feed to a third", steps.subscribers, "777788889999",
           "FeedAlertTopicPolicy", "sqs:*:${FeedSubscriberAccount}:*", "sqs:*:*:*"),
    Mutant("the health topic does not let a rule in", only(steps.samples, "ct-stop-logging"), "ct-stop-logging",
           "HealthTopicPolicy", "- !GetAtt TrailChanged.Arn", "- !GetAtt PartChanged.Arn"),
    # Parameters.
    Mutant("nobody need be told", steps.refusals, "NotificationEmail",
           "SomebodyIsTold", '!Equals [!Ref FeedTopic, "true"]', '!Equals [!Ref FeedTopic, "false"]'),
    Mutant("a pattern takes what no function reads", steps.refusals, "999",
           "ExpiryWarningDays", "    AllowedPattern: ^", "    AllowedPattern: ^999$|^"),
    # Alarms.
    Mutant("an alarm tells nobody", steps.alarms, "KeyRotationErrors",
           "KeyRotationErrors", "AlarmActions: [!Ref HealthTopic]\n", "OKActions: [!Ref HealthTopic]\n"),
    Mutant("an alarm watches another function", steps.alarms, "AlarmRelayFunction",
           "AlarmRelayThrottles", "!Ref AlarmRelayFunction", "!Ref KeyMisuseFunction"),
    Mutant("a log is not searched for ignored settings", steps.ignored_settings, "setting ignored",
           "KeyRotationIgnoredSettings", "setting ignored", "setting misread"),
    Mutant("an alarm looks at what no sweep sends", steps.sweep, "KMSWatcher",
           "SweepMissed", "Namespace: KMSWatch", "Namespace: KMSWatcher"),
    # The stack's life.
    Mutant("the ledger goes with the stack", steps.delete, "[]",
           "Ledger", "DeletionPolicy: Retain\n", "DeletionPolicy: Delete\n"),
]


def changed(text, block, old, new):
    """The template with one thing changed in one block, which must be there."""
    header = "\nGlobals:\n" if block == "Globals" else f"\n  {block}:\n"
    assert text.count(header) == 1, f"one block {block}"
    begin = text.index(header) + len(header)
    indent = "\n" if block == "Globals" else "\n  "
    rest = text[begin:]
    # To the next line that is indented no more than the block's name.
    end = next((i for i in range(len(rest)) if rest.startswith(indent, i) and rest[i + len(indent)] not in " \n#"), len(rest))
    assert old in rest[:end], f"{block} holds no {old!r}"
    return text[:begin] + rest[:end].replace(old, new, 1) + rest[end:]
