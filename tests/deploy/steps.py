"""What a deployed stack is held to. Each step takes a stack, raises AssertionError where it is not as it should be, and leaves
it usable for the next. mutants.py shows that each can fail."""

import contextlib
import json
import re
import uuid

import yaml

from cloud import ACCOUNT, REGION, ROOT, until

ROUTES = yaml.safe_load((ROOT / "tests/template/routes.yaml").read_text(encoding="utf-8"))
# What exists only where a parameter asks for it is not deployed (tests/tests/rescue.rs has it on the simulator).
ROUTES["matched"] = {path: [rule for rule in rules if not rule.startswith("KeyRescue")]
                     for path, rules in ROUTES["matched"].items() if not path.startswith("events/key-rescue/")}
TRAIL = "AWS API Call via CloudTrail"


# --- Samples ----------------------------------------------------------------------------------------------------------------


def shown(path):
    """What tests/tests/events.rs shows that a function makes of a sample event: the outcome, kinds and severities of
    alerts, and how many messages go to each audience."""
    name = path.removeprefix("events/").replace("/", "__")
    snapshot = ROOT / f"tests/tests/snapshots/events__every_event_becomes_what_its_snapshot_shows@{name}.snap"
    text = snapshot.read_text(encoding="utf-8").split("---\n", 2)[2]
    outcome, kinds = text.split("\n")[0].split(":")[0].lower(), sorted(set(re.findall(r'^  "kind": "(\w+)"', text, re.M)))
    if kinds == ["AlarmRecovered"]:
        # The sample says that an alarm is over; here nobody was told that it went off.
        outcome, kinds, text = "ignored", [], ""
    severities = sorted(set(re.findall(r'^  "severity": "(\w+)"', text, re.M)))
    return outcome, kinds, severities, [len(re.findall(rf"^=== {who} ===$", text, re.M)) for who in ("people", "chat", "feed")]


def told(invocation):
    """The outcome of an invocation, and the kinds of its alerts."""
    return invocation["result"].get("outcome"), sorted({alert["kind"] for alert in invocation["result"].get("alerts", [])})


def unhindered(invocations):
    """No call of a function was denied, and none of them failed."""
    for one in invocations:
        assert not one["error"], (one["function"], one["result"], one["log"])
        alerts = one["result"].get("alerts", [])
        if any((alert["partition"], alert["account"]) != ("aws", ACCOUNT) for alert in alerts):
            continue  # a sample from elsewhere, whose keys are not this account's
        for alert in alerts:
            # A loaded machine is slower than the functions' time limits.
            missing = [m for m in alert["enrichment"]["missing"] if not m["reason"].startswith("Timeout")]
            denied = [m for m in missing if "AccessDenied" in m["reason"] or m["fact"] == "ledger"]
            assert not denied, (one["function"], alert["kind"], denied)
        assert not re.search(r"AccessDenied|not authorized", one["log"]), (one["function"], one["log"])


def samples(stack, only=""):
    """Every sample event goes where routes.yaml says, and becomes there what its snapshot shows, for every audience."""
    rows = [(path, rules) for path, rules in ROUTES["matched"].items()] + [(path, []) for path in ROUTES["unmatched"]]
    seen = 0
    for path, wanted in rows:
        event = json.loads((ROOT / path).read_text(encoding="utf-8"))
        # Orders of a schedule and records that are handed over by hand come over no rule.
        if only not in path or "detail-type" not in event:
            continue
        seen += 1
        forget(stack)
        matched, invocations = stack.happen(event)
        assert matched == sorted(wanted), f"{path} is matched by {matched}, not by {wanted}"
        unhindered(invocations)
        got = {topic: [message["Message"] for message in messages] for topic, messages in stack.mail().items()}
        for one in invocations:
            # An attempt is a sample of what its own function ignores, and goes to key-misuse or watch-guard.
            if path.startswith("events/") and one["function"] == stack.ids.get(function_of(path)):
                outcome, kinds, severities, messages = shown(path)
                assert told(one) == (outcome, kinds), (path, told(one), one["result"].get("reason"))
                here = sorted({alert["severity"] for alert in one["result"].get("alerts", [])})
                if here != severities:
                    # The sample's key is not here: what makes it worse, such as its policy, cannot be read.
                    messages = [0, 0, 1] if here == ["INFO"] else [1, 1, 1]
                assert [len(got[topic]) for topic in ("Alert", "Chat", "Feed")] == messages, (path, here, severities)
        alerts = [alert["kind"] for one in invocations for alert in one["result"].get("alerts", [])]
        assert [json.loads(message)["kind"] for message in got["Feed"]] == alerts, path
        # Rules without a function tell the health topic.
        direct = [rule for rule in wanted if "Function" not in rule]
        assert len(got["Health"]) == len(direct), (path, got["Health"])
        if direct:
            assert event["detail"]["eventName"] in got["Health"][0], got["Health"]
    assert seen, f"no sample of {only}"
    assert not stack.lost, stack.lost


def function_of(path):
    """The logical id of the function whose folder a sample is in."""
    return "".join(part.capitalize() for part in path.split("/")[1].split("-")) + "Function"


def forget(stack):
    """Empties the ledger, so that no sample is a repetition of another."""
    table = stack.cloud.client("dynamodb")
    name = stack.outputs["LedgerTable"]
    for item in table.scan(TableName=name, ProjectionExpression="pk, sk")["Items"]:
        table.delete_item(TableName=name, Key=item)


# --- One key, as all functions see it ---------------------------------------------------------------------------------------


def call(name, arn, **more):
    """CloudTrail's record of a call, as EventBridge gets it."""
    role = {"type": "Role", "arn": f"arn:aws:iam::{ACCOUNT}:role/Admin", "userName": "Admin", "accountId": ACCOUNT}
    who = {"type": "AssumedRole", "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/Admin/maria", "accountId": ACCOUNT}
    detail = {
        "eventVersion": "1.11", "eventTime": "2026-11-20T10:00:00Z", "eventSource": "kms.amazonaws.com", "eventName": name,
        "awsRegion": REGION, "sourceIPAddress": "192.0.2.1", "userIdentity": who | {"sessionContext": {"sessionIssuer": role}},
        "requestParameters": {"keyId": arn}, "responseElements": None, "eventID": str(uuid.uuid4()), "readOnly": False,
        "eventType": "AwsApiCall", "managementEvent": True, "recipientAccountId": ACCOUNT, "eventCategory": "Management",
        "resources": [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": arn}],
    }
    return event(TRAIL, detail | more)


def event(kind, detail, *resources, source="aws.kms"):
    """An event of a service."""
    return {"version": "0", "source": source, "account": ACCOUNT, "region": REGION, "time": "2026-11-20T10:00:01Z",
            "resources": list(resources), "detail-type": kind, "detail": detail}


def new_key(stack):
    """The id and ARN of a key with an alias and an owner."""
    kms = stack.cloud.client("kms")
    key = kms.create_key(Description="Card data")["KeyMetadata"]
    kms.create_alias(AliasName=f"alias/{key['KeyId']}", TargetKeyId=key["KeyId"])
    kms.tag_resource(KeyId=key["KeyId"], Tags=[{"TagKey": "Owner", "TagValue": "team-pay"}])
    return key["KeyId"], key["Arn"]


def happenings(key_id, arn):
    """For each function that reads events, something that it tells of a key that lives."""
    invalid = f"{arn} is pending deletion."
    return {
        "key-deletion": call("ScheduleKeyDeletion", arn, requestParameters={"keyId": key_id, "pendingWindowInDays": 7}),
        "key-misuse": call("Decrypt", arn, readOnly=True, errorCode="KMSInvalidStateException", errorMessage=invalid),
        "key-rotation": call("DisableKeyRotation", arn),
        "material-expiration": call("DeleteImportedKeyMaterial", arn),
        "key-activity": call("PutKeyPolicy", arn, requestParameters={"keyId": arn, "policyName": "default"}),
        "alarm-relay": json.loads((ROOT / "events/alarm-relay/alarm-usage-anomaly.json").read_text(encoding="utf-8")),
    }


def alerts(stack):
    """Each function may read all that it wants of a key, tells each audience once, and remembers it."""
    key_id, arn = new_key(stack)
    for folder, happening in happenings(key_id, arn).items():
        _, first = stack.happen(happening)
        unhindered(first)
        assert [one["function"] for one in first] == [stack.function(folder)], (folder, first)
        assert told(first[0])[0] == "delivered", (folder, first[0])
        mail = stack.mail()
        assert {t: len(m) for t, m in mail.items()} == {"Alert": 1, "Chat": 1, "Feed": 1, "Health": 0}, (folder, mail)
        alert = json.loads(mail["Feed"][0]["Message"])
        assert mail["Alert"][0]["Subject"].startswith(alert["severity"]), mail["Alert"]
        assert json.loads(mail["Chat"][0]["Message"])["source"] == "custom", mail["Chat"]
        attributes = {name: value["Value"] for name, value in mail["Alert"][0]["MessageAttributes"].items()}
        assert attributes["kind"] == alert["kind"] and attributes["severity"] == alert["severity"], attributes
        if alert["key"]:
            assert alert["enrichment"]["status"] == "COMPLETE", (folder, alert["enrichment"])
            assert (alert["key"]["owner"], attributes["owner"]) == ("team-pay", "team-pay"), (folder, alert["key"])
        _, again = stack.happen(happening)
        assert told(again[0])[0] == "duplicate" and not any(stack.mail().values()), (folder, again)
    table = stack.cloud.client("dynamodb")
    profile = table.get_item(TableName=stack.outputs["LedgerTable"], Key={"pk": {"S": arn}, "sk": {"S": "profile"}})
    assert "team-pay" in json.dumps(profile.get("Item")), profile


def subscribers(stack):
    """The account of the parameter may subscribe queues to the feed, and nothing else; others nothing."""
    queue = f"arn:aws:sqs:{REGION}:444455556666:hub"
    for account, protocol, endpoint, allowed in [
        ("444455556666", "sqs", queue, True),
        ("444455556666", "https", "https://example.com/alerts", False),
        ("444455556666", "sqs", queue.replace("444455556666", "777788889999"), False),
        ("777788889999", "sqs", queue.replace("444455556666", "777788889999"), False),
    ]:
        sns = stack.cloud.client("sns", account)
        try:
            sns.subscribe(TopicArn=stack.outputs["FeedTopicArn"], Protocol=protocol, Endpoint=endpoint)
            done = True
        except sns.exceptions.ClientError as error:
            assert "Authorization" in str(error), error
            done = False
        assert done == allowed, (account, protocol, endpoint)


# --- The watch over the watch -----------------------------------------------------------------------------------------------


def alarms(stack):
    """Every alarm tells somebody: the health topic, or a function by a rule, and never both. Those on each function and each
    queue that keeps what was lost are among the first."""
    cloudwatch = stack.cloud.client("cloudwatch")
    watched = set()
    for logical, kind in stack.kinds.items():
        if kind != "AWS::CloudWatch::Alarm":
            continue
        alarm = cloudwatch.describe_alarms(AlarmNames=[stack.ids[logical]])["MetricAlarms"][0]
        cloudwatch.set_alarm_state(AlarmName=alarm["AlarmName"], StateValue="ALARM", StateReason="a test")
        direct = stack.mail()["Health"]
        state = {"value": "ALARM", "reason": "a test", "timestamp": "2026-11-20T10:00:00.000+0000"}
        happened = event("CloudWatch Alarm State Change", {"alarmName": alarm["AlarmName"], "state": state,
                         "previousState": state | {"value": "OK"}}, alarm["AlarmArn"], source="aws.cloudwatch")
        rules, invocations = stack.happen(happened)
        stack.mail()
        assert len(direct) + len(rules) == 1, (logical, direct, rules)
        assert len(invocations) == len(rules), (logical, rules)
        if direct:
            watched.update((alarm.get("MetricName"), d["Value"]) for d in alarm["Dimensions"])
    for function in stack.functions():
        assert {("Errors", function), ("Throttles", function)} <= watched, function
    for queue in ("UndeliveredEvents", "FailedInvocations"):
        name = stack.ids[queue].rsplit("/", 1)[-1]
        assert ("ApproximateNumberOfMessagesVisible", name) in watched, queue


@contextlib.contextmanager
def role_without(stack, role, *actions):
    """A role of the stack that may not do some actions, for as long as it lasts."""
    iam = stack.cloud.client("iam")
    name = stack.ids[role]
    # The block's own policy: what the ledger takes stands in others.
    [policy_name] = {"watch", "sweep"} & set(iam.list_role_policies(RoleName=name)["PolicyNames"])
    whole = iam.get_role_policy(RoleName=name, PolicyName=policy_name)["PolicyDocument"]
    listed = lambda statement: [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
    left = [s for s in whole["Statement"] if not set(listed(s)) & set(actions)]
    assert len(left) < len(whole["Statement"]), f"{role} may not {actions} anyway"
    put = lambda statements: iam.put_role_policy(
        RoleName=name, PolicyName=policy_name, PolicyDocument=json.dumps(whole | {"Statement": statements}))
    put(left)
    try:
        yield
    finally:
        put(whole["Statement"])


def hand_over_again(stack, count):
    """kms-watch redrive, as in docs/deploy.md."""
    command = stack.cloud.binaries / "kms-watch"
    code, out, err = stack.cloud.cli(command, "redrive")
    assert (code, out.splitlines()[-1:]) == (1, [f"{count} would be sent, 0 would be kept; --yes sends"]), (code, out, err)
    code, out, err = stack.cloud.cli(command, "redrive", "--yes")
    assert (code, out.splitlines()[-1:]) == (0, [f"{count} handled, 0 kept"]), (code, out, err)
    return stack.invocations()


def failures(stack, only=""):
    """What a function fails on three times is kept, and comes out whole when it is handed over again."""
    key_id, arn = new_key(stack)
    forget(stack)
    kept = 0
    for folder, happening in happenings(key_id, arn).items():
        if only not in folder:
            continue
        role = stack.function(folder) and "".join(part.capitalize() for part in folder.split("-")) + "Role"
        with role_without(stack, role, "sns:Publish"):
            _, tries = stack.happen(happening)
            assert [one["error"] for one in tries] == [True] * 3, (folder, tries)
        assert stack.depth("FailedInvocationsUrl") == kept + 1, (folder, stack.lost)
        if kept < 2:
            kept += 1
        else:
            # Two show what handing over does; each costs seconds.
            last = max(stack.peek("FailedInvocationsUrl"), key=lambda m: int(m["Attributes"]["SentTimestamp"]))
            assert stack.function(folder) in last["Body"], last
            stack.sqs.delete_message(QueueUrl=stack.local(stack.outputs["FailedInvocationsUrl"]), ReceiptHandle=last["ReceiptHandle"])
    assert kept and not any(stack.mail().values())
    invocations = hand_over_again(stack, kept)
    assert sorted(told(one)[0] for one in invocations) == ["delivered"] * kept, invocations
    mail = stack.mail()
    assert len(mail["Alert"]) == len(mail["Feed"]) == kept, mail
    assert stack.depth("FailedInvocationsUrl") == 0


def undelivered(stack):
    """What a rule or a schedule cannot hand over is kept, whichever it is, and can be handed over again."""
    functions, topic = stack.cloud.client("lambda"), stack.outputs["HealthTopicArn"]
    sns = stack.cloud.client("sns")
    taken = []
    for function in stack.functions():
        try:
            policy = json.loads(functions.get_policy(FunctionName=function)["Policy"])
        except functions.exceptions.ResourceNotFoundException:
            continue
        for statement in policy["Statement"]:
            functions.remove_permission(FunctionName=function, StatementId=statement["Sid"])
            taken.append((function, statement))
    document = sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"]
    nobody = {"Effect": "Deny", "Principal": "*", "Action": "sns:Publish", "Resource": topic}
    shut = json.dumps({"Version": "2012-10-17", "Statement": [nobody]})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=shut)
    # The fewer rules match a sample, the surer it shows what becomes of one of them.
    rows = sorted(ROUTES["matched"].items(), key=lambda row: -len(row[1]))
    sample = {rule: path for path, rules in rows for rule in rules}
    rules = sorted(name for name, kind in stack.kinds.items() if kind == "AWS::Events::Rule")
    assert rules == sorted(sample), "a sample for each rule"
    queue = stack.local(stack.outputs["UndeliveredEventsUrl"])
    for rule in rules:
        lost = len(stack.lost)
        _, invocations = stack.happen(json.loads((ROOT / sample[rule]).read_text(encoding="utf-8")))
        assert not invocations, (rule, "without permission")
        matching = len(ROUTES["matched"][sample[rule]])
        assert len(stack.lost) == lost and len(stack.take(queue)) == matching, f"what {rule} cannot hand over is lost"
    with role_without(stack, "KeyInventoryScheduleRole", "lambda:InvokeFunction"):
        for schedule in ("KeyInventoryFunctionFull", "KeyInventoryFunctionLight"):
            assert not stack.reach(schedule, "2026-11-20T03:23:00Z")
    _, none = stack.happen(json.loads((ROOT / sample["KeyDeletionFunctionCloudTrail"]).read_text(encoding="utf-8")))
    # To the health topic, and to watch-guard.
    stack.happen(json.loads((ROOT / sample["TrailChanged"]).read_text(encoding="utf-8")))
    assert stack.depth("UndeliveredEventsUrl") == 5 and not none, stack.lost
    for function, statement in taken:
        source = statement["Condition"]["ArnLike"]["AWS:SourceArn"] if "Condition" in statement else None
        functions.add_permission(FunctionName=function, StatementId=statement["Sid"], Action=statement["Action"],
                                 Principal=statement["Principal"]["Service"], **({"SourceArn": source} if source else {}))
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=document)
    forget(stack)
    invocations = hand_over_again(stack, 5)
    assert len(invocations) == 4, invocations
    assert [one["event"]["at"] for one in invocations if "sweep" in one["event"]] == ["2026-11-20T03:23:00Z"] * 2, invocations
    assert len(stack.mail()["Health"]) == 1
    assert stack.depth("UndeliveredEventsUrl") == 0


def sweep(stack):
    """A schedule starts a sweep for its own time, which may do all that it wants, and measures what the alarm asks for."""
    _, arn = new_key(stack)
    for schedule, depth in (("KeyInventoryFunctionFull", "full"), ("KeyInventoryFunctionLight", "light")):
        invocations = stack.reach(schedule, "2026-11-20T03:23:00Z")
        assert [one["function"] for one in invocations] == [stack.function("key-inventory")], (invocations, stack.peek("UndeliveredEventsUrl"))
        unhindered(invocations)
        swept = invocations[0]["result"]["sweep"]
        assert swept, invocations[0]["result"]
        assert (swept["depth"], swept["at"], swept["finished"]) == (depth, "2026-11-20T03:23:00Z", True), swept
        assert invocations[0]["result"].get("reason") in (None, "there is nothing to tell"), invocations[0]["result"]["reason"]
    alarm = stack.cloud.client("cloudwatch").describe_alarms(AlarmNames=[stack.ids["SweepMissed"]])["MetricAlarms"][0]
    metrics = stack.cloud.client("cloudwatch").list_metrics(Namespace=alarm["Namespace"])["Metrics"]
    dimensions = lambda metric: sorted((d["Name"], d["Value"]) for d in metric.get("Dimensions", []))
    sent = [(metric["MetricName"], dimensions(metric)) for metric in metrics]
    assert (alarm["MetricName"], dimensions(alarm)) in sent, (alarm, sent)
    stack.mail()


def sweep_is_checked(stack):
    """A schedule has watch-guard look at the sweep, which may do that, finds all as it was deployed, and says so in its log."""
    for _ in range(2):
        invocations = stack.reach("WatchGuardFunctionCheck", "2026-11-20T03:38:00Z")
        assert [one["function"] for one in invocations] == [stack.function("watch-guard")], (invocations, stack.peek("UndeliveredEventsUrl"))
        unhindered(invocations)
        assert told(invocations[0]) == ("ignored", []), invocations[0]["result"]
        assert "the sweep was checked" in invocations[0]["log"], invocations[0]["log"]
    order = invocations[0]["event"]
    swept = [stack.ids[f"KeyInventoryFunction{depth}"].rsplit("/", 1)[-1] for depth in ("Full", "Light")]
    assert (order["check"], order["schedules"]) == (stack.function("key-inventory"), swept), order


# --- Parameters -------------------------------------------------------------------------------------------------------------


def refusals(stack):
    """CloudFormation refuses what makes no sense, before anything changes."""
    for bad in [
        {"NotificationEmail": "", "FeedTopic": "false", "ChatTopic": "false", "FeedSubscriberAccount": ""},
        {"FeedTopic": "false"},
        {"NotificationEmail": "somebody"},
        {"SeverityOverrides": "KeyRotated=LOUD"},
        {"ExpiryWarningDays": "999"},
        {"DeletionWarningDays": "31"},
        {"SweepHoldMinutes": "1441"},
        {"TrustedAccounts": "42"},
        {"HealthTopicKeyArn": "alias/health"},
    ]:
        try:
            _, made = stack.change_set("UPDATE", stack.PARAMETERS | bad)
        except stack.cloudformation.exceptions.ClientError as error:
            assert "Validation" in str(error), (bad, error)
        else:
            assert made["Status"] == "FAILED", bad


def ignored_settings(stack):
    """A function whose variable somebody spoilt goes on without it, and the health topic's alarm hears of it."""
    functions, logs = stack.cloud.client("lambda"), stack.cloud.client("logs")
    alarm = stack.cloud.client("cloudwatch").describe_alarms(AlarmNames=[stack.ids["SettingIgnored"]])["MetricAlarms"][0]
    function = stack.function("key-rotation")
    good = functions.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
    spoil = lambda **more: functions.update_function_configuration(FunctionName=function, Environment={"Variables": good | more})
    spoil(MINIMUM_SEVERITY="URGENT", TRUSTED_ACCOUNTS="42", CHAT_TOPIC_ARN="chat")
    _, arn = new_key(stack)
    _, invocations = stack.happen(call("DisableKeyRotation", arn))
    unhindered(invocations)
    mail = stack.mail()
    assert (len(mail["Alert"]), len(mail["Chat"]), len(mail["Feed"])) == (1, 0, 1), mail
    group = stack.ids["KeyRotationLogs"]
    [searched] = logs.describe_metric_filters(logGroupName=group)["metricFilters"]
    lines = [one["message"] for one in logs.filter_log_events(logGroupName=group, filterPattern=searched["filterPattern"])["events"]]
    assert len(lines) == 3, f"setting ignored: {lines}"
    sent = searched["metricTransformations"][0]
    assert (sent["metricNamespace"], sent["metricName"]) == (alarm["Namespace"], alarm["MetricName"]), sent
    spoil()


def health_key(stack):
    """The health topic works under a key whose policy lets both services in."""
    everything = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}
    services = {"Effect": "Allow", "Principal": {"Service": ["cloudwatch.amazonaws.com", "events.amazonaws.com"]},
                "Action": ["kms:Decrypt", "kms:GenerateDataKey*"], "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everything, services]})
    key = stack.cloud.client("kms").create_key(Policy=policy)["KeyMetadata"]["Arn"]
    stack.deploy("UPDATE", **(stack.PARAMETERS | {"HealthTopicKeyArn": key}))
    topic = stack.cloud.client("sns").get_topic_attributes(TopicArn=stack.outputs["HealthTopicArn"])["Attributes"]
    assert topic["KmsMasterKeyId"] == key, topic
    name = stack.ids["SweepMissed"]
    for state in ("OK", "ALARM"):
        stack.cloud.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue=state, StateReason="a test")
    stack.happen(json.loads((ROOT / "tests/template/events/trail-stopped.json").read_text(encoding="utf-8")))
    told = [message["Message"] for message in stack.mail()["Health"]]
    assert any("SweepMissed" in message for message in told), "an alarm"
    assert any("StopLogging" in message for message in told), "a rule"


# --- The stack's life -------------------------------------------------------------------------------------------------------


def update(stack):
    """Parameters reach the functions, and what they take away is gone."""
    before = stack.ids
    changed = {"ChatTopic": "false", "MinimumSeverity": "HIGH", "UsageAnomalies": "true", "HealthEmail": "ops@example.com"}
    stack.deploy("UPDATE", **(stack.PARAMETERS | changed))
    assert "ChatTopicArn" not in stack.outputs and "UsageUnusual" in stack.ids and "UsageUnusual" not in before
    assert stack.ids["Ledger"] == before["Ledger"]
    stack.inboxes.pop("Chat")
    _, arn = new_key(stack)
    # LOW, then HIGH.
    for happening, people in ((call("EnableKeyRotation", arn), 0), (call("DeleteImportedKeyMaterial", arn), 1)):
        _, invocations = stack.happen(happening)
        unhindered(invocations)
        mail = stack.mail()
        assert (len(mail["Alert"]), len(mail["Feed"])) == (people, 1), mail


def delete(stack):
    """The ledger outlives the stack; nothing else does."""
    ledger = stack.ids["Ledger"]
    stack.delete()
    client = stack.cloud.client
    left = client("dynamodb").list_tables()["TableNames"]
    assert ledger in left, left
    lists = {
        "functions": [f["FunctionName"] for f in client("lambda").list_functions()["Functions"]],
        "rules": [r["Name"] for r in client("events").list_rules()["Rules"]],
        "roles": [r["RoleName"] for r in client("iam").list_roles()["Roles"] if not r["Path"].startswith("/aws-")],
        "topics": [t["TopicArn"] for t in client("sns").list_topics()["Topics"]],
        "alarms": [a["AlarmName"] for a in client("cloudwatch").describe_alarms()["MetricAlarms"]],
        "schedules": [s["Name"] for s in client("scheduler").list_schedules()["Schedules"]],
    }
    assert not any(lists.values()), lists
    # What docs/deploy.md says to do with it.
    table = client("dynamodb")
    table.update_table(TableName=ledger, DeletionProtectionEnabled=False)
    table.delete_table(TableName=ledger)
    until("the ledger is gone", lambda: ledger not in table.list_tables()["TableNames"])
