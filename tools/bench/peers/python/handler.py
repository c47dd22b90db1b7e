"""What key-deletion does for a ScheduleKeyDeletion call, as one would write it in Python.

Two entry points: `serial` makes one call after the other, `threads` makes those at once that do not need each other, with
a pool that lives as long as the process. Fewer calls than the Rust function makes: no counter of bursts, no history, no
profile of the key.
"""

import hashlib
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

PEOPLE = os.environ["ALERT_TOPIC_ARN"]
CHAT = os.environ["CHAT_TOPIC_ARN"]
FEED = os.environ["FEED_TOPIC_ARN"]
TABLE = os.environ["LEDGER_TABLE"]

DAY = 86_400
WORKERS = 8

config = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "max_attempts": 3},
    max_pool_connections=WORKERS,
    tcp_keepalive=True,
    # The calls are well-formed: they are tested.
    parameter_validation=False,
)
session = boto3.session.Session()
dynamodb = session.client("dynamodb", config=config)
kms = session.client("kms", config=config)
sns = session.client("sns", config=config)


def serial(event, context):
    return handle(event, lambda calls: [call() for call in calls])


pool = ThreadPoolExecutor(max_workers=WORKERS)


def threads(event, context):
    return handle(event, lambda calls: list(pool.map(lambda call: call(), calls)))


def handle(event, make):
    """`make` makes calls, and returns their answers."""
    detail = event["detail"]
    if detail["eventName"] != "ScheduleKeyDeletion" or detail.get("errorCode"):
        return {"outcome": "ignored"}
    key = detail["responseElements"]["keyId"]
    identity = hashlib.sha256(f"{key} {detail['requestID']}".encode()).hexdigest()
    claim = {"pk": {"S": key}, "sk": {"S": f"claim#{identity}"}}
    is_ours, metadata, aliases, tags, rotation, rotations, usage = make(
        [
            lambda: acquire(claim),
            lambda: ask(kms.describe_key, "KeyMetadata", KeyId=key),
            lambda: ask(kms.list_aliases, "Aliases", KeyId=key),
            lambda: ask(kms.list_resource_tags, "Tags", KeyId=key),
            lambda: ask(kms.get_key_rotation_status, None, KeyId=key),
            lambda: ask(kms.list_key_rotations, "Rotations", KeyId=key),
            lambda: ask(kms.get_key_last_usage, "KeyLastUsage", KeyId=key),
        ]
    )
    if not is_ours:
        return {"outcome": "duplicate"}
    alert = {
        "id": identity[:24],
        "kind": "KeyDeletionScheduled",
        "severity": "CRITICAL" if usage else "HIGH",
        "occurredAt": detail["eventTime"],
        "account": event["account"],
        "region": event["region"],
        "actor": detail["userIdentity"].get("arn"),
        "deletionDate": detail["responseElements"]["deletionDate"],
        "key": {
            "arn": key,
            "aliases": [alias["AliasName"] for alias in aliases or []],
            "tags": {tag["TagKey"]: tag["TagValue"] for tag in tags or []},
            "description": (metadata or {}).get("Description"),
            "state": (metadata or {}).get("KeyState"),
            "origin": (metadata or {}).get("Origin"),
            "rotation": (rotation or {}).get("KeyRotationEnabled"),
            "rotations": len(rotations or []),
            "lastUse": (usage or {}).get("Operation"),
        },
    }
    name = next(iter(alert["key"]["aliases"]), key)
    subject = f"{alert['severity']}: {name} is scheduled for deletion"[:100]
    attributes = {
        member: {"DataType": "String", "StringValue": alert[member]}
        for member in ("kind", "severity", "account", "region")
    }
    make(
        [
            lambda: publish(PEOPLE, people(alert, name), attributes, Subject=subject),
            lambda: publish(CHAT, chat(alert, name), attributes),
            lambda: publish(FEED, json.dumps(alert), attributes),
        ]
    )
    mark(claim)
    return {"outcome": "delivered", "alert": alert}


def acquire(claim):
    now = int(time.time())
    item = {
        **claim,
        "state": {"S": "CLAIMED"},
        "ttl": {"N": str(now + 400 * DAY)},
        "lease": {"N": str(now + 60)},
    }
    try:
        dynamodb.put_item(TableName=TABLE, Item=item, ConditionExpression="attribute_not_exists(pk)")
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return False
    return True


def mark(claim):
    dynamodb.update_item(
        TableName=TABLE,
        Key=claim,
        UpdateExpression="SET #state = :delivered",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":delivered": {"S": "DELIVERED"}},
    )


def ask(call, member, **parameters):
    """An alert can do without a fact."""
    try:
        answer = call(**parameters)
    except (BotoCoreError, ClientError) as error:
        print(json.dumps({"level": "WARN", "message": str(error)}))
        return None
    return answer.get(member) if member else answer


def publish(topic, message, attributes, **more):
    sns.publish(TopicArn=topic, Message=message, MessageAttributes=attributes, **more)


def people(alert, name):
    key = alert["key"]
    lines = [
        f"{name} will be deleted on {alert['deletionDate']}.",
        f"Who: {alert['actor']}",
        f"Key: {key['arn']}",
        f"Description: {key['description']}",
        f"State: {key['state']}",
        f"Last use: {key['lastUse']}",
        "",
        "Everything encrypted under it will be lost. To keep it:",
        f"  aws kms cancel-key-deletion --key-id {key['arn']} --region {alert['region']}",
    ]
    return "\n".join(lines)


def chat(alert, name):
    return json.dumps(
        {
            "version": "1.0",
            "source": "custom",
            "content": {
                "textType": "client-markdown",
                "title": f"{alert['severity']}: {name} is scheduled for deletion",
                "description": people(alert, name),
            },
        }
    )
