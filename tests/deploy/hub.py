"""The hub of docs/hub and its examples, in another account of the organisation, and a stack that sends to it."""

import contextlib
import gzip
import http.server
import itertools
import json
import re
import ssl
import threading

import steps
from cloud import ACCOUNT, ROOT, until

# As in serve.py.
ORGANIZATION, HUB = "o-kmswatch01", "999988887777"
FOLDER = ROOT / "docs/hub"


def alert(event):
    """What the feed has of a sample event."""
    [snapshot] = (ROOT / "tests/tests/snapshots").glob(f"*@{event}.json.snap")
    return json.loads(re.search(r"^=== feed ===\n(.*?)^=== ", snapshot.read_text(encoding="utf-8"), re.S | re.M)[1])


class Plain:
    """A template without a transform, deployed in the hub's account. A step that is tried again deploys its own anew."""

    tries = itertools.count(1)

    def __init__(self, cloud, name, text, **parameters):
        client, name = cloud.client("cloudformation", HUB), f"{name}-{next(self.tries)}"
        given = [{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()]
        client.create_stack(StackName=name, TemplateBody=text, Parameters=given, Capabilities=["CAPABILITY_IAM"])
        look = lambda: client.describe_stacks(StackName=name)["Stacks"][0]
        stack = until(f"the stack {name}", lambda: (s := look())["StackStatus"] != "CREATE_IN_PROGRESS" and s)
        events = client.describe_stack_events(StackName=name)["StackEvents"]
        failed = [f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason')}" for e in events if "FAILED" in e["ResourceStatus"]]
        assert stack["StackStatus"] == "CREATE_COMPLETE", failed
        self.outputs = {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])}
        resources = client.describe_stack_resources(StackName=name)["StackResources"]
        self.ids = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources}


@contextlib.contextmanager
def receiver(cloud):
    """Somebody else's service, over TLS: its address, and the requests that it got."""
    got = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.path, dict(self.headers), json.loads(body)))
            self.send_response(202)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cloud.cert, cloud.cert.replace("cert.pem", "key.pem"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}", got
    finally:
        server.shutdown()
        server.server_close()


def queue_of(cloud, url, account=HUB):
    """All messages of a queue of the hub's account, which loses them."""
    sqs, url, taken = cloud.client("sqs", account), url.replace("localhost", "127.0.0.1"), []
    while got := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in got:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        taken += [json.loads(message["Body"]) for message in got]
    return taken


def listen(cloud, topic):
    """A queue of the hub's account that gets what a topic gets."""
    sqs = cloud.client("sqs", HUB)
    url = sqs.create_queue(QueueName=topic.rsplit(":", 1)[-1][-70:])["QueueUrl"].replace("localhost", "127.0.0.1")
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    cloud.client("sns", HUB).subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return url


def put(cloud, account, bus, detail, source="kms-watch"):
    """Puts an alert on a bus in somebody's name; what stands in the way."""
    events = cloud.client("events", account)
    key = [detail["key"]["arn"]] if detail.get("key") else []
    try:
        answer = events.put_events(Entries=[{"EventBusName": bus, "Source": source, "DetailType": detail["kind"],
                                             "Detail": json.dumps(detail), "Resources": key}])
    except events.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    return answer["Entries"][0].get("ErrorCode")


def hub(stack):
    """Alerts of an account reach the hub's queue, archive, mail and chat; a hub that is down is owed them; strangers stay out."""
    cloud = stack.cloud
    text = (FOLDER / "template.yaml").read_text(encoding="utf-8")
    central = Plain(cloud, "hub", text, OrganizationId=ORGANIZATION, HealthEmail="ops@example.com", ChatTopic="true",
                    NotificationEmail="soc@example.com")
    people, chat = listen(cloud, central.outputs["PeopleTopicArn"]), listen(cloud, central.ids["ChatAlerts"])
    bus = central.outputs["BusArn"]
    stack.deploy("UPDATE", **(stack.PARAMETERS | {"EventBusArn": bus}))
    key_id, arn = steps.new_key(stack)
    _, invocations = stack.happen(steps.happenings(key_id, arn)["key-deletion"])
    steps.unhindered(invocations)
    feed = json.loads(stack.mail()["Feed"][0]["Message"])
    [event] = queue_of(cloud, central.outputs["AlertsUrl"])
    assert (event["source"], event["detail-type"], event["account"]) == ("kms-watch", "KeyDeletionScheduled", ACCOUNT), event
    assert (event["detail"], event["resources"]) == (feed, [arn]), event
    if feed["severity"] in ("HIGH", "CRITICAL"):
        [mail], [said] = queue_of(cloud, people), queue_of(cloud, chat)
        assert arn in mail["Message"] and ACCOUNT in mail["Message"], mail
        assert json.loads(said["Message"])["metadata"]["threadId"] == arn, said
    # Of other severities people hear in the account.
    put(cloud, ACCOUNT, bus, feed | {"severity": "LOW"})
    assert not queue_of(cloud, people) and len(queue_of(cloud, central.outputs["AlertsUrl"])) == 1
    archive = cloud.client("events", HUB).describe_archive(ArchiveName=central.ids["Archive"])
    assert archive["EventCount"] == 2, archive
    # Not of the organisation; not an alert.
    assert put(cloud, "777788889999", bus, feed) == "AccessDeniedException"
    assert put(cloud, ACCOUNT, bus, feed, source="somebody") == "AccessDeniedException"
    # The hub is down: the account tells its own, keeps the event, and owes the hub the alert.
    cloud.client("events", HUB).remove_permission(EventBusName=central.ids["Bus"], StatementId="AccountsOfTheOrganisation")
    steps.forget(stack)
    happening = steps.happenings(key_id, arn)["key-activity"]
    _, tries = stack.happen(happening)
    assert [one["error"] for one in tries] == [True] * 3 and bus in tries[0]["result"]["errorMessage"], tries
    mail = stack.mail()
    assert (len(mail["Alert"]), len(mail["Feed"]), stack.depth("FailedInvocationsUrl")) == (1, 1, 1), mail
    policy = {"Effect": "Allow", "Principal": "*", "Action": "events:PutEvents", "Resource": bus}
    document = json.dumps({"Version": "2012-10-17", "Statement": [policy | {"Sid": "Again"}]})
    cloud.client("events", HUB).put_permission(EventBusName=central.ids["Bus"], Policy=document)
    steps.hand_over_again(stack, 1)
    # What another invocation is said to have served does not count: the others may get it once more (ADR 14).
    again = {topic: len(messages) for topic, messages in stack.mail().items()}
    assert max(again.values(), default=0) <= 1, again
    assert len(queue_of(cloud, central.outputs["AlertsUrl"])) == 1
    stack.deploy("UPDATE", **stack.PARAMETERS)


def examples(stack):
    """What docs/hub/examples sends where, of an alert that opens and its end."""
    cloud = stack.cloud
    read = lambda name: (FOLDER / f"examples/{name}.yaml").read_text(encoding="utf-8")
    events = cloud.client("events", HUB)
    bus = events.create_event_bus(Name="examples")["EventBusArn"]
    opened = alert("key-deletion__ct-schedule-key-deletion")
    assert (opened["kind"], opened["severity"]) == ("KeyDeletionScheduled", "CRITICAL"), opened
    with receiver(cloud) as (url, got):
        pagerduty = "0123456789abcdef0123456789abcdef"
        Plain(cloud, "pagerduty", read("pagerduty"), BusName="examples", RoutingKey=pagerduty, Endpoint=f"{url}/enqueue")
        Plain(cloud, "slack", read("slack"), BusName="examples", WebhookUrl=f"{url}/hook")
        Plain(cloud, "jira", read("jira"), BusName="examples", Site=url, Project="SEC", User="u@example.com", Token="t")
        machine = Plain(cloud, "machine", read("step-functions"), BusName="examples", WaitSeconds="1")
        kept = Plain(cloud, "kept", read("archive"), BusName="examples")
        assert put(cloud, HUB, bus, opened) is None
        until("three requests", lambda: len(got) == 3)
        sent = {path: (headers, body) for path, headers, body in got}
        incident = sent["/enqueue"][1]
        assert (incident["event_action"], incident["routing_key"]) == ("trigger", pagerduty), incident
        assert (incident["dedup_key"], incident["payload"]["severity"]) == (opened["dedupKey"], "critical"), incident
        assert incident["payload"]["summary"] == opened["title"], incident
        assert [b["text"]["type"] for b in sent["/hook"][1]["blocks"]] == ["plain_text"] * 3, sent["/hook"]
        issue = sent["/rest/api/2/issue"][1]["fields"]
        assert (issue["project"]["key"], issue["summary"]) == ("SEC", opened["title"]), issue
        assert sent["/rest/api/2/issue"][0]["Authorization"].startswith("Basic "), sent
        escalated = until("a run that ends", lambda: queue_of(cloud, machine.ids["Escalated"]))
        assert escalated[0]["id"] == opened["id"], escalated
        s3 = cloud.client("s3", HUB)
        objects = s3.list_objects_v2(Bucket=kept.ids["Bucket"])["Contents"]
        assert objects and objects[0]["Key"].startswith("alerts/"), objects
        data = s3.get_object(Bucket=kept.ids["Bucket"], Key=objects[0]["Key"])["Body"].read()
        row = json.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
        table = cloud.client("glue", HUB).get_table(DatabaseName="kms_watch", Name="alerts")["Table"]["StorageDescriptor"]
        columns = {column["Name"]: column["Type"] for column in table["Columns"]}
        named = {"detail-type" if name == "detail_type" else name for name in columns}
        assert named <= set(row), (named, row)
        members, before = columns["detail"][len("struct<") : -1], None
        while members != before:
            members, before = re.sub(r"<[^<>]*>", "", members), members
        members = {member.split(":")[0] for member in members.split(",")}
        assert len(members) > 5 and members <= set(opened), members - set(opened)
        got.clear()
        assert put(cloud, HUB, bus, opened | {"status": "CLOSED", "severity": "LOW", "kind": "KeyDeletionCancelled"}) is None
        until("its end", lambda: len(got) == 1)
        assert got[0][2] == {"event_action": "resolve", "dedup_key": opened["dedupKey"], "routing_key": pagerduty}, got
    for name in ("pagerduty", "slack", "jira", "machine", "kept"):
        cloud.client("cloudformation", HUB).delete_stack(StackName=name)
