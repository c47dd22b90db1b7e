"""ministack on loopback, with its gaps closed as far as KMS Watch leans on what AWS does there.

It prints nothing, answers on /_ministack/ready when it is ready, and ends with its functions when standard input does: not
longer than the test that started it lives, however that one ends. Besides AWS's API it has what only AWS itself does:

* POST /_aws/event     an event as EventBridge gets it from a service of AWS; answers with the rules that matched
* POST /_aws/schedule  {"Name", "Time"}: EventBridge Scheduler's clock reaches a schedule
* GET  /_aws/seen      the invocations that ended, what was lost, and how many invocations are still under way

Every gap below is one of ministack 1.5.33, and says what AWS does.
"""

import base64
import contextvars
import json
import os
import signal
import sys
import threading
import time

import cbor2
import ministack.app as gateway
from ministack.core import iam_actions
from ministack.core import iam_evaluator as iam
from ministack.core.responses import get_account_id, new_uuid, set_request_account_id, set_request_region
from ministack.core.responses import error_response_json, json_response
from ministack.services import cloudwatch, firehose, kms, lambda_svc, scheduler, sns, sqs
from ministack.services import eventbridge as eb
from ministack.services.cloudformation import provisioners

ACCOUNT, REGION = os.environ["MINISTACK_ACCOUNT_ID"], os.environ["MINISTACK_REGION"]
# An organisation, and the account of it that has the hub. ministack takes each account for an organisation of its own.
ORGANIZATION, HUB = "o-kmswatch01", "999988887777"
iam._principal_org_id = lambda account: ORGANIZATION if account in (ACCOUNT, HUB) else None
# AWS: Lambda tries again after one minute, and after two.
RETRY_SECONDS = 0.2

lock = threading.Lock()
seen = {"invocations": [], "lost": [], "busy": 0}


# --- Who may do what: ministack asks a role only where the role itself calls ------------------------------------------------


def role_may(role, action, resource):
    """Whether a role of the account is allowed an action that a service takes in its name."""
    name, account = role.rsplit("/", 1)[-1], get_account_id()
    context = iam.EvalContext(role, "AssumedRole", account, action, resource, REGION, secure_transport=True)
    return iam.evaluate(context, iam._gather_role_policies(name, account)).decision == "Allow"


def policy_lets(document, service, action, resource, source):
    """Whether a resource's policy lets a service of AWS act, over TLS, for `source`."""
    account = get_account_id()
    about = {"aws:sourcearn": source, "aws:sourceaccount": account, "aws:sourceowner": account}
    context = iam.EvalContext("*", "Service", "", action, resource, REGION, secure_transport=True, service_context=about)
    return iam.evaluate_resource_policy(document, context, service=service).decision == "Allow"


def may_reach(target, service, source):
    """None where a service may deliver to a target, otherwise why not. An empty policy is none."""
    kind = target.split(":")[2]
    if kind == "sqs":
        queue = sqs._queue_by_arn(target)
        allowed = queue and policy_lets(queue["attributes"].get("Policy"), service, "sqs:SendMessage", target, source)
    elif kind == "sns":
        topic = sns._topic_by_arn_any_scope(target)
        allowed = topic and policy_lets(topic["attributes"].get("Policy"), service, "sns:Publish", target, source)
        # The AWS managed key admits no service. A customer's key would have to, in its policy.
        key = topic and topic["attributes"].get("KmsMasterKeyId")
        if key:
            policy = None if key.endswith("alias/aws/sns") else iam._resource_policy("kms", key)
            uses = [policy and policy_lets(policy[0], service, a, key, source) for a in ("kms:Decrypt", "kms:GenerateDataKey")]
            allowed = allowed and all(uses)
    elif kind == "lambda":
        function, _, _ = lambda_svc._get_func_record_for_ref(target)
        allowed = function and policy_lets(function["policy"], service, "lambda:InvokeFunction", target, source)
    else:
        return None  # not asked here
    return None if allowed else "NO_PERMISSIONS"


action_of, resource_of = iam_actions.extract_iam_action, iam_actions.extract_resource_arn
context_of = iam_actions.request_tag_context


def is_cbor(service, path):
    """Whether a call comes in the protocol in which the SDK talks to CloudWatch."""
    return service == "monitoring" and "/operation/" in path


# Reads of Lambda that ministack takes for others.
READS = {"concurrency": "GetFunctionConcurrency", "event-invoke-config": "GetFunctionEventInvokeConfig"}


def action(service, method, path, headers, body, query):
    """AWS: every call needs permission, under its own name. ministack lets those in CBOR through."""
    last = path.rstrip("/").rsplit("/", 1)[-1]
    if is_cbor(service, path):
        return "cloudwatch:" + last
    if service == "lambda" and method == "GET" and last in READS:
        return "lambda:" + READS[last]
    return action_of(service, method, path, headers, body, query)


def resource(service, method, path, *more):
    """The same. Those that the functions make know no resource."""
    return "*" if is_cbor(service, path) else resource_of(service, method, path, *more)


def context(service, name, body, query):
    """AWS: the condition `cloudwatch:namespace`. ministack does not know it."""
    more = {"cloudwatch:namespace": cbor2.loads(body)["Namespace"]} if name == "cloudwatch:PutMetricData" else {}
    return context_of(service, name, body, query) | more


iam_actions.extract_iam_action, iam_actions.extract_resource_arn = action, resource
iam_actions.request_tag_context = context


# --- SNS --------------------------------------------------------------------------------------------------------------------

asked = contextvars.ContextVar("asked", default={})
policy_allows = iam.resource_policy_allows
subscribe = sns._subscribe


def subscribe_as_asked(params):
    """AWS: conditions on `sns:Protocol` and `sns:Endpoint`. ministack has no such keys."""
    value = lambda name: (params.get(name) or [""])[0] if isinstance(params.get(name), list) else params.get(name, "")
    asked.set({"sns:protocol": value("Protocol"), "sns:endpoint": value("Endpoint")})
    return subscribe(params)


def policy_allows_as_asked(policy, context, same_account):
    """The same for whatever asks the policy."""
    context.service_context.update(asked.get())
    return policy_allows(policy, context, same_account)


topic_handlers = provisioners._RESOURCE_HANDLERS["AWS::SNS::Topic"]
create_topic = topic_handlers["create"]


def create_topic_with_key(logical_id, properties, stack_name):
    """AWS: a topic's key. ministack drops it."""
    made = create_topic(logical_id, properties, stack_name)
    if properties.get("KmsMasterKeyId"):
        sns._topics[made[0]]["attributes"]["KmsMasterKeyId"] = properties["KmsMasterKeyId"]
    return made


def update_topic_with_key(physical_id, before, after, *more, **named):
    """The same in an update."""
    updated = update_topic(physical_id, before, after, *more, **named)
    attributes = sns._topics[updated[0] if isinstance(updated, tuple) else physical_id]["attributes"]
    attributes.pop("KmsMasterKeyId", None)
    if after.get("KmsMasterKeyId"):
        attributes["KmsMasterKeyId"] = after["KmsMasterKeyId"]
    return updated


update_topic = topic_handlers["update"]
topic_handlers |= {"create": create_topic_with_key, "update": update_topic_with_key}
sns._subscribe, iam.resource_policy_allows = subscribe_as_asked, policy_allows_as_asked


# --- EventBridge ------------------------------------------------------------------------------------------------------------

BOTH_KINDS = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"


def dispatch(event, view=None):
    """AWS: both enabled states match, and records of read-only calls in one of them only. ministack knows one state."""
    view = view or eb._pattern_event_view(event)
    detail = view.event_with_detail().get("detail")
    is_read = isinstance(detail, dict) and detail.get("readOnly") is True
    matched = []
    for key, rule in list(eb._rules.items()):
        if rule.get("EventBusName", "default") != event.get("EventBusName", "default") or not rule.get("EventPattern"):
            continue
        if rule.get("State") != BOTH_KINDS and (rule.get("State") != "ENABLED" or is_read):
            continue
        if eb._matches_pattern_view(rule["EventPattern"], view, f"rule {key}"):
            matched.append(rule["Name"])
            for target in list(eb._targets.get(key, [])):
                eb._invoke_target(target, event, rule, view)
    return matched


eb._dispatch_event = dispatch
invoke_target = eb._invoke_target


# What a rule does in the name of its target's role, by the target's service.
IN_ITS_ROLE = {"events": "events:InvokeApiDestination", "states": "states:StartExecution", "firehose": "firehose:PutRecord"}


def invoke_target_if_allowed(target, event, rule, view=None):
    """AWS: without permission nothing is delivered, and the event goes to the target's dead-letter queue, if that lets the
    rule in; if not, it is lost. ministack asks no policy of a target, and has no such queues, asks no role, and does not know Firehose as a target."""
    view = view or eb._pattern_event_view(event)
    action = IN_ITS_ROLE.get(target["Arn"].split(":")[2])
    if action is None:
        why = may_reach(target["Arn"], "events.amazonaws.com", rule["Arn"])
    else:
        why = None if role_may(target.get("RoleArn", ""), action, target["Arn"]) else "NO_PERMISSIONS"
    if why is None and action == "firehose:PutRecord":
        record = base64.b64encode(json.dumps(view.event_with_detail()).encode()).decode()
        firehose._put_record({"DeliveryStreamName": target["Arn"].rsplit("/", 1)[-1], "Record": {"Data": record}})
        return
    if why is None:
        invoke_target(target, event, rule, view)
        return
    queue = target.get("DeadLetterConfig", {}).get("Arn")
    about = {"RULE_ARN": rule["Arn"], "TARGET_ARN": target["Arn"], "ERROR_CODE": why, "ERROR_MESSAGE": why}
    keep(queue, json.dumps(view.event_with_detail()), about, "events.amazonaws.com", rule["Arn"])


eb._invoke_target = invoke_target_if_allowed


put_events = eb._put_events


def put_events_elsewhere(data, allow_aws_source=False):
    """AWS: an entry may name a bus of another account, if that bus's policy lets the caller in. ministack refuses all."""
    elsewhere = [e for e in data["Entries"] if e.get("EventBusName", "").startswith("arn:") and
                 e["EventBusName"].split(":")[4] != get_account_id()]
    if not elsewhere:
        return put_events(data, allow_aws_source)
    assert len(data["Entries"]) == 1, "one at a time"
    entry, caller = elsewhere[0], get_account_id()
    account, bus = entry["EventBusName"].split(":")[4], entry["EventBusName"].rsplit("/", 1)[-1]
    about = {"events:source": entry["Source"], "events:detail-type": entry["DetailType"]}
    context = iam.EvalContext(iam.caller_arn(), "AssumedRole", caller, "events:PutEvents", entry["EventBusName"], REGION,
                              secure_transport=True, service_context=about)
    set_request_account_id(account)
    try:
        policy = eb._event_bus_policies.get(bus)
        if bus not in eb._event_buses or iam.evaluate_resource_policy(policy, context).decision != "Allow":
            return error_response_json("AccessDeniedException", f"not authorized to put events on {entry['EventBusName']}", 400)
        names = {name: entry.get(name) for name in ("Source", "DetailType", "Detail")}
        event = names | {"EventId": new_uuid(), "EventBusName": bus, "Time": int(time.time()), "Account": caller,
                         "Region": REGION, "Resources": entry.get("Resources") or []}
        dispatch(event)
        eb._archive_event(event)
        return json_response({"FailedEntryCount": 0, "Entries": [{"EventId": event["EventId"]}]})
    finally:
        set_request_account_id(caller)


eb._put_events = put_events_elsewhere


def keep(queue, body, attributes, service, source):
    """Puts into a dead-letter queue what could not be delivered."""
    if not queue or may_reach(queue, service, source) is not None:
        with lock:
            seen["lost"].append({"queue": queue, "source": source, "body": body})
        return
    eb._dispatch_to_sqs(eb.parse_arn(queue), body)
    message = sqs._queue_by_arn(queue)["messages"][-1]
    message["message_attributes"] = {n: {"StringValue": v, "DataType": "String"} for n, v in attributes.items()}


def deliver_to_function(arn, payload):
    """AWS: EventBridge invokes asynchronously, so Lambda tries three times and then keeps the event. ministack's EventBridge
    invokes once, whatever becomes of it."""
    function, config, _ = lambda_svc._get_func_record_for_ref(arn)
    invoke_asynchronously(lambda_svc._execution_record_for_config(function, config), json.loads(payload))


eb._dispatch_to_lambda = deliver_to_function


# --- Lambda -----------------------------------------------------------------------------------------------------------------


delivery = threading.local()


def invoke_asynchronously(function, event):
    """AWS: what failed is sent to its destination in the name of the function's role, and all attempts have one request id.
    ministack asks no role, gives each attempt its own id, and its pauses are longer. Counts what is under way, so that a test
    knows when all is done."""
    settings = function.get("event_invoke_config") or (function.get("event_invoke_configs") or {}).get("$LATEST") or {}
    tries = 1 + (2 if settings.get("MaximumRetryAttempts") is None else int(settings["MaximumRetryAttempts"]))
    destination = settings.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    config = function["config"]

    def run():
        set_request_account_id(ACCOUNT)
        set_request_region(REGION)
        delivery.request_id = new_uuid()
        try:
            for attempt in range(tries):
                time.sleep(RETRY_SECONDS * attempt)
                result = lambda_svc._execute_function(function, event)
                if not result.get("error"):
                    return
            if destination and role_may(config["Role"], "sqs:SendMessage", destination):
                lambda_svc._route_async_failure(destination, config["FunctionName"], event, result)
            else:
                with lock:
                    seen["lost"].append({"queue": destination, "source": config["FunctionName"], "body": json.dumps(event)})
        finally:
            with lock:
                seen["busy"] -= 1

    with lock:
        seen["busy"] += 1
    threading.Thread(target=run, daemon=True).start()


lambda_svc.invoke_async_with_retry = invoke_asynchronously
execute = lambda_svc._execute_function_dispatch


def execute_and_note(function, config, event, request_id, started):
    """What each invocation came to. AWS tells it to nobody where EventBridge invokes."""
    result = execute(function, config, event, getattr(delivery, "request_id", request_id), started)
    entry = {"function": config["FunctionName"], "event": event, "error": bool(result.get("error")), "result": result.get("body")}
    with lock:
        seen["invocations"].append({**entry, "log": result.get("log", "")})
    return result


lambda_svc._execute_function_dispatch = execute_and_note


# --- KMS --------------------------------------------------------------------------------------------------------------------

TRACKED_SINCE = 1_775_001_600  # 2026-04-01


def reads(action, data):
    """AWS: three reads that ministack does not know. It has no key stores, rotates nothing, and counts no uses."""
    if action == "DescribeCustomKeyStores":
        return json_response({"CustomKeyStores": [], "Truncated": False})
    name = data["KeyId"].rsplit("/", 1)[-1]
    key = next((key for key in kms._keys.values() if key["KeyId"] == name), None)
    if key is None:
        return error_response_json("NotFoundException", f"Key '{data['KeyId']}' does not exist", 400)
    if action == "ListKeyRotations":
        return json_response({"Rotations": [], "Truncated": False})
    made = {"KeyCreationDate": key["CreationDate"], "TrackingStartDate": TRACKED_SINCE}
    return json_response({"KeyId": key["Arn"], "KeyLastUsage": {}, **made})


kms_request = kms.handle_request


async def kms_with_more_reads(method, path, headers, body, query):
    """KMS, and what ministack leaves out of it."""
    action = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
    if action in ("DescribeCustomKeyStores", "GetKeyLastUsage", "ListKeyRotations"):
        return reads(action, json.loads(body or b"{}"))
    return await kms_request(method, path, headers, body, query)


kms.handle_request = kms_with_more_reads


# --- CloudWatch -------------------------------------------------------------------------------------------------------------

alarm_record = provisioners._cw_metric_alarm_record


def alarm_without_metrics(name, properties):
    """AWS: alarms on metric math, Metrics Insights and anomaly bands. ministack refuses them; here nothing evaluates alarms, so
    they are kept as plain ones."""
    if "Metrics" in properties:
        properties = {k: v for k, v in properties.items() if k not in ("Metrics", "ThresholdMetricId")}
        properties = {"Threshold": 0, **properties, "Namespace": "kept", "MetricName": name[-40:]}
        properties["ComparisonOperator"] = properties["ComparisonOperator"].replace("GreaterThanUpper", "GreaterThan")
    return alarm_record(name, properties)


provisioners._cw_metric_alarm_record = alarm_without_metrics
alarm_actions = cloudwatch._dispatch_alarm_actions


def alarm_actions_if_allowed(alarm, old, new, reason):
    """AWS: CloudWatch publishes only where the topic's policy, and its key's, let it. ministack asks neither."""
    arn = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{alarm['AlarmName']}"
    actions = [a for a in alarm.get("AlarmActions") or [] if may_reach(a, "cloudwatch.amazonaws.com", arn) is None]
    alarm_actions({**alarm, "AlarmActions": actions}, old, new, reason)


cloudwatch._dispatch_alarm_actions = alarm_actions_if_allowed


# --- CloudFormation ---------------------------------------------------------------------------------------------------------


def by_api(create, name_of, arn_kind=None):
    """AWS: these types are made by CloudFormation. ministack has them behind its API only, so they are made by it."""

    def made(logical_id, properties, stack_name):
        name = properties.get("Name") or properties.get("ArchiveName") or f"{stack_name}-{logical_id}"
        status, _, body = create(properties | {name_of: name})
        assert status == 200, body
        arn = json.loads(body).get(f"{arn_kind}Arn") if arn_kind else None
        return name, {"Arn": arn} if arn else {}

    return {"create": made, "delete": lambda *_: None}


def permit(properties):
    """A statement of a bus's policy."""
    policy = eb._event_bus_policies.setdefault(properties["EventBusName"], {"Version": "2012-10-17", "Statement": []})
    policy["Statement"].append(properties["Statement"] | {"Sid": properties["StatementId"]})
    return 200, {}, "{}"


def archive(properties):
    """An archive, whose pattern the API wants as text."""
    pattern = json.dumps(properties["EventPattern"])
    return eb._create_archive(properties | {"EventSourceArn": properties["SourceArn"], "EventPattern": pattern})


provisioners._RESOURCE_HANDLERS |= {
    "AWS::Events::Archive": by_api(archive, "ArchiveName"),
    "AWS::Events::ApiDestination": by_api(lambda p: eb._create_api_destination(p), "Name", "ApiDestination"),
    "AWS::Events::Connection": by_api(lambda p: eb._create_connection(p), "Name", "Connection"),
    "AWS::Events::EventBusPolicy": by_api(permit, "PolicyName"),
}


# --- EventBridge Scheduler --------------------------------------------------------------------------------------------------


def reach(name, at):
    """AWS: Scheduler puts the scheduled time in, and invokes in the name of the schedule's role. ministack leaves the
    placeholder, asks no role, and waits for the clock."""
    set_request_account_id(ACCOUNT)
    set_request_region(REGION)
    schedule = next(s for s in scheduler._schedules.values() if s["Name"] == name)
    target = schedule["Target"]
    payload = target["Input"].replace("<aws.scheduler.scheduled-time>", at)
    if role_may(target["RoleArn"], "lambda:InvokeFunction", target["Arn"]):
        deliver_to_function(target["Arn"], payload)
        return
    queue = target.get("DeadLetterConfig", {}).get("Arn")
    if queue and role_may(target["RoleArn"], "sqs:SendMessage", queue):
        eb._dispatch_to_sqs(eb.parse_arn(queue), payload)
        attributes = {"TARGET_ARN": target["Arn"], "SCHEDULED_TIME": at}
        message = sqs._queue_by_arn(queue)["messages"][-1]
        message["message_attributes"] = {n: {"StringValue": v, "DataType": "String"} for n, v in attributes.items()}
    else:
        with lock:
            seen["lost"].append({"queue": queue, "source": name, "body": payload})


# Nothing happens by the clock: a test says when.
scheduler._tick_schedules = lambda: None
eb._tick_scheduled_rules = lambda: None


# --- What only AWS itself does ----------------------------------------------------------------------------------------------


def play(path, body):
    """Answers the paths of this file."""
    if path == "/_aws/seen":
        with lock:
            return json.dumps(seen)
    asked = json.loads(body)
    set_request_account_id(ACCOUNT)
    set_request_region(REGION)
    if path == "/_aws/schedule":
        reach(asked["Name"], asked["Time"])
        return "null"
    event = {"EventId": new_uuid(), "EventBusName": "default", "_ExtraEnvelope": {}}
    names = {"source": "Source", "detail-type": "DetailType", "account": "Account", "region": "Region", "time": "Time",
             "resources": "Resources", "replay-name": "ReplayName"}
    event |= {names[k]: v for k, v in asked.items() if k in names}
    event["Detail"] = json.dumps(asked["detail"])
    return json.dumps(dispatch(event))


api = gateway.app


async def app(scope, receive, send):
    """ministack, and the paths of this file."""
    if scope["type"] != "http" or not scope["path"].startswith("/_aws/"):
        await api(scope, receive, send)
        return
    body = b""
    while (message := await receive()).get("more_body") or message.get("body"):
        body += message["body"]
        if not message.get("more_body"):
            break
    status = 200
    try:
        answer = play(scope["path"], body)
    except Exception as error:  # the test wants to read it
        status, answer = 500, json.dumps(repr(error))
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": answer.encode()})


gateway.app = app
# One port, which the test chose. ministack would take 443 as well.
gateway._port_is_bindable = lambda *_: False


def end_with_standard_input():
    """Ends this process and the functions, which are in its group."""
    sys.stdin.buffer.read()
    os.killpg(os.getpgid(0), signal.SIGKILL)


threading.Thread(target=end_with_standard_input, daemon=True).start()
gateway.main()
