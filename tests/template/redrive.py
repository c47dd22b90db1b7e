"""docs/redrive on an AWS CLI that only this test knows: it must delete what was handled, and nothing else."""

import json
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]

# As little of the AWS CLI as docs/redrive needs; its state is a file beside it.
FAKE = """#!{python}
import json, sys
from pathlib import Path

arguments = sys.argv[1:]
path = Path(__file__).parent / "state"
state = json.loads(path.read_text())
option = lambda name: arguments[arguments.index(name) + 1]
match arguments[:2]:
    case ["cloudformation", "describe-stacks"]:
        assert option("--stack-name") == "kms-watch"
        outputs = dict(state["outputs"], AlertTopicArn="arn")
        outputs = [{{"OutputKey": k, "OutputValue": v}} for k, v in outputs.items()]
        stack = "arn:aws:cloudformation:us-east-1:111122223333:stack/kms-watch/8f0e"
        print(json.dumps({{"Stacks": [{{"StackId": stack, "Outputs": outputs}}]}}))
    case ["cloudformation", "list-stack-resources"]:
        parts = [
            ("AWS::Lambda::Function", "watch"),
            ("AWS::Lambda::Function", "gone"),
            ("AWS::SNS::Topic", "arn:aws:sns:us-east-1:111122223333:health"),
            ("AWS::DynamoDB::Table", "ledger"),
        ]
        parts = [{{"ResourceType": kind, "PhysicalResourceId": name}} for kind, name in parts]
        print(json.dumps({{"StackResourceSummaries": parts}}))
    case ["sqs", "receive-message"]:
        visible = [m for m in state["queues"][option("--queue-url")] if m["ReceiptHandle"] not in state["hidden"]]
        if visible:
            state["hidden"].append(visible[0]["ReceiptHandle"])
            print(json.dumps({{"Messages": visible[:1]}}))
    case ["sqs", "delete-message"]:
        queue = state["queues"][option("--queue-url")]
        queue[:] = [m for m in queue if m["ReceiptHandle"] != option("--receipt-handle")]
    case ["lambda", "invoke"]:
        payload = Path(option("--payload").removeprefix("fileb://")).read_text()
        state["sent"].append([option("--function-name"), payload])
        if option("--function-name") == "gone":
            path.write_text(json.dumps(state))
            sys.exit("ResourceNotFoundException")
        outcome = next(a for a in arguments if a.endswith("/outcome"))
        Path(outcome).write_text("{{}}")
        failed = {{"FunctionError": "Unhandled"}} if "poison" in payload else {{}}
        print(json.dumps({{"StatusCode": 200, **failed}}))
    case ["sns", "publish"]:
        message = Path(option("--message").removeprefix("file://")).read_text()
        state["sent"].append([option("--topic-arn"), message])
        print(json.dumps({{"MessageId": "m"}}))
    case other:
        sys.exit(f"unexpected: {{other}}")
path.write_text(json.dumps(state))
"""

FUNCTION = "arn:aws:lambda:us-east-1:111122223333:function:watch"
GONE = "arn:aws:lambda:us-east-1:111122223333:function:gone"
# By its name: the message may say who, and the stack says what that is.
NAME = "watch"
TOPIC = "arn:aws:sns:us-east-1:111122223333:health"


def undelivered(handle, target, event):
    """As EventBridge leaves an event."""
    attributes = {"TARGET_ARN": {"StringValue": target, "DataType": "String"}}
    return {"ReceiptHandle": handle, "Body": json.dumps(event), "MessageAttributes": attributes}


def unstarted(handle, at):
    """As EventBridge Scheduler leaves a sweep that it could not start."""
    message = undelivered(handle, FUNCTION, {"sweep": "full", "at": "<aws.scheduler.scheduled-time>"})
    message["MessageAttributes"]["SCHEDULED_TIME"] = {"StringValue": at, "DataType": "String"}
    return message


def failed(handle, event):
    """As Lambda leaves an event."""
    record = {"version": "1.0", "requestContext": {"functionArn": f"{FUNCTION}:$LATEST"}, "requestPayload": event}
    return {"ReceiptHandle": handle, "Body": json.dumps(record)}


def run(queues):
    """What docs/redrive leaves of the queues, sends, and returns."""
    with tempfile.TemporaryDirectory() as folder:
        fake = Path(folder, "aws")
        fake.write_text(FAKE.format(python=sys.executable), encoding="utf-8")
        fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
        outputs = {"UndeliveredEventsUrl": "undelivered", "FailedInvocationsUrl": "failed"}
        state = {"outputs": outputs, "queues": queues, "hidden": [], "sent": []}
        Path(folder, "state").write_text(json.dumps(state), encoding="utf-8")
        environment = dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}")
        result = subprocess.run(
            [sys.executable, ROOT / "docs/redrive", "kms-watch"],
            env=environment, capture_output=True, text=True, timeout=60, check=False,
        )
        state = json.loads(Path(folder, "state").read_text(encoding="utf-8"))
    left = {name: [message["ReceiptHandle"] for message in queue] for name, queue in state["queues"].items()}
    return left, state["sent"], result


hostile = {"text": "it's \"quoted\"\n$(echo) ü"}
left, sent, result = run({
    "undelivered": [
        undelivered("to a function", FUNCTION, hostile),
        undelivered("to a function that is gone", GONE, {}),
        undelivered("to the health topic", TOPIC, {}),
        {"ReceiptHandle": "from somebody else", "Body": "hello"},
    ],
    "failed": [failed("poison", "poison"), failed("well now", hostile)],
})
assert left == {"undelivered": ["to a function that is gone", "from somebody else"], "failed": ["poison"]}, left
assert [target for target, _ in sent] == [NAME, "gone", TOPIC, NAME, NAME], sent
assert json.loads(sent[0][1]) == hostile and json.loads(sent[4][1])["requestPayload"] == hostile, sent
assert result.returncode == 1 and result.stdout == "3 handled, 3 failed again and kept\n", result

left, sent, result = run({"undelivered": [unstarted("a sweep", "2026-11-20T03:23:00Z")], "failed": []})
assert left == {"undelivered": [], "failed": []}, left
assert sent == [[NAME, '{"sweep": "full", "at": "2026-11-20T03:23:00Z"}']], sent

left, sent, result = run({"undelivered": [], "failed": []})
assert result.returncode == 0 and result.stdout == "0 handled, 0 failed again and kept\n", result
# Whoever may write to a queue may write any target.
OTHERS = [
    FUNCTION.replace("111122223333", "444455556666"),
    FUNCTION.replace("us-east-1", "eu-west-1"),
    FUNCTION.replace(":watch", ":payments"),
    FUNCTION.replace(":watch", ":ledger"),
    "watch",
    "payments",
    "https://attacker.example/function:watch",
    TOPIC + "-2",
    TOPIC.replace("111122223333", "444455556666"),
    TOPIC.replace(":health", ":ledger"),
    "arn:aws:sns:us-east-1:111122223333:watch",
    "",
    "--function-name",
]
queue = [undelivered(f"{number}", target, {}) for number, target in enumerate(OTHERS)]
forged = {"requestContext": {"functionArn": ["arn"]}, "requestPayload": {}}
queue.append({"ReceiptHandle": "forged", "Body": json.dumps(forged)})
left, sent, result = run({"undelivered": [], "failed": list(queue)})
assert left["failed"] == [message["ReceiptHandle"] for message in queue] and sent == [], (left, sent)
assert result.returncode == 1, result

print("docs/redrive keeps what fails again, and what was never going to this stack")
