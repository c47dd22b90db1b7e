"""An AWS of one's own on loopback, over TLS and with permissions enforced, and a stack on it."""

import io
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
import zipfile
from pathlib import Path

import boto3
from botocore.config import Config

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ACCOUNT, REGION, STACK = "111122223333", "us-east-1", "kms-watch"
# Longest wait for anything. Generous: a loaded machine is slow, and no test measures time.
PATIENCE = 60


def until(what, good, patience=PATIENCE):
    """The first true answer of `good`, asked again and again for as long as patience lasts."""
    end = time.monotonic() + patience
    while True:
        answer = good()
        if answer:
            return answer
        assert time.monotonic() < end, f"{what}: not within {patience} s"
        time.sleep(0.05)


class Cloud:
    """ministack, for as long as a `with` lasts."""

    def __enter__(self):
        self.work = Path(tempfile.mkdtemp(prefix="kms-watch-deploy-"))
        cert, key = self.work / "cert.pem", self.work / "key.pem"
        subprocess.run(
            [*"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost".split(), "-keyout", key, "-out", cert,
             "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
            check=True, capture_output=True,
        )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        self.url = f"https://127.0.0.1:{port}"
        self.cert = str(cert)
        # Nothing else of this machine's: no proxy, no credentials, no settings of somebody's AWS.
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.work), "TMPDIR": str(self.work), "SSL_CERT_FILE": self.cert,
            "AWS_ENDPOINT_URL": self.url, "AWS_CA_BUNDLE": self.cert, "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION,
        }
        settings = {
            "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": port, "AUTH": "true", "USE_SSL": "1", "MINISTACK_SSL_CERT": self.cert,
            "MINISTACK_SSL_KEY": str(key), "MINISTACK_ACCOUNT_ID": ACCOUNT, "MINISTACK_REGION": REGION,
            "IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0", "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.log = self.work / "log"
        with self.log.open("wb") as log:
            self.server = subprocess.Popen(
                [sys.executable, HERE / "serve.py"], env=self.environment | settings, cwd=self.work,
                stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )
        self.tls = ssl.create_default_context(cafile=self.cert)
        try:
            until("ministack is ready", self.is_ready)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        # The functions are in its group.
        try:
            os.killpg(self.server.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.server.wait()
        shutil.rmtree(self.work, ignore_errors=True)

    def is_ready(self):
        """Whether it answers. It fails if it never will."""
        assert self.server.poll() is None, self.log.read_text(errors="replace")[-2000:]
        try:
            return self.ask("/_ministack/ready")
        except (OSError, urllib.error.URLError):
            return None

    def ask(self, path, body=None):
        """What one of serve.py's own paths answers."""
        request = urllib.request.Request(self.url + path, None if body is None else json.dumps(body).encode())
        with urllib.request.urlopen(request, context=self.tls, timeout=PATIENCE) as answer:
            return json.loads(answer.read() or b"null")

    def client(self, service, account="test"):
        """A client of the account's root, or of another account's."""
        config = Config(connect_timeout=5, read_timeout=PATIENCE, retries={"max_attempts": 0})
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, aws_access_key_id=account,
                            aws_secret_access_key="test", verify=self.cert, config=config)

    def cli(self, *command, **more):
        """Runs a command that calls the AWS CLI, as somebody who deploys does: its exit code, and what it wrote."""
        # The CLI of version 1, which PyPI has, asks for queues at an address of its own unless told on the command line.
        aws = self.work / "bin" / "aws"
        if not aws.exists():
            aws.parent.mkdir()
            aws.write_text(f'#!/bin/sh\nexec "{Path(sys.executable).parent}/aws" --endpoint-url {self.url} "$@"\n')
            aws.chmod(0o755)
        environment = self.environment | {"PATH": f"{aws.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}"}
        run = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False, **more)
        return run.returncode, run.stdout, run.stderr

    def package(self, binaries):
        """Puts the built functions where a packaged template finds them; as `sam package`, but from another folder."""
        self.binaries = Path(binaries).absolute()
        s3 = self.client("s3")
        s3.create_bucket(Bucket="code")
        self.functions = sorted(path.name for path in (ROOT / "functions").iterdir())
        for name in self.functions:
            stripped = self.work / name
            # Without the names for a debugger they are a fifth as large.
            subprocess.run(["strip", "-o", stripped, binaries / name], check=True)
            stripped.chmod(0o755)
            body = io.BytesIO()
            with zipfile.ZipFile(body, "w", zipfile.ZIP_STORED) as archive:
                archive.write(stripped, "bootstrap")
            s3.put_object(Bucket="code", Key=name, Body=body.getvalue())
            stripped.unlink()

    def packaged(self, text):
        """The template with its code in the bucket."""
        text = re.sub(r"CodeUri: functions/(\S+)", r"CodeUri: s3://code/\1", text)
        self.client("s3").put_object(Bucket="code", Key="template.yaml", Body=text.encode())
        return "https://s3.amazonaws.com/code/template.yaml"


def logical(folder):
    """What the template calls the function of a folder."""
    return "".join(part.capitalize() for part in folder.split("-")) + "Function"


class Stack:
    """The template, deployed by CloudFormation. Its topics are read by queues of the test's own."""

    # The processor is that of the built binaries.
    PARAMETERS = {"NotificationEmail": "oncall@example.com", "FeedTopic": "true", "ChatTopic": "true",
                  "FeedSubscriberAccount": "444455556666", "Architecture": "x86_64",
                  # What a sample gives is looked for at once.
                  "LowDigest": "OFF"}
    TOPICS = ("Alert", "Chat", "Feed", "Health")

    def __init__(self, cloud, text, **parameters):
        self.cloud = cloud
        self.text = text
        self.cloudformation = cloud.client("cloudformation")
        self.sqs = cloud.client("sqs")
        seen = cloud.ask("/_aws/seen")
        # Whether a function met a time limit of its own: the machine is too loaded for what a step says.
        self.was_slow = False
        self.read_so_far, self.lost_before, self.lost = len(seen["invocations"]), len(seen["lost"]), []
        self.deploy("CREATE", **(self.PARAMETERS | parameters))
        self.inboxes = {topic: self.listen(topic) for topic in self.TOPICS if f"{topic}TopicArn" in self.outputs}

    def deploy(self, kind, **parameters):
        """Creates or updates the stack. Nothing of it may fail."""
        name, made = self.change_set(kind, parameters)
        assert made["Status"] == "CREATE_COMPLETE", made.get("StatusReason")
        self.cloudformation.execute_change_set(StackName=STACK, ChangeSetName=name)
        stack = until(f"{kind} of the stack", self.settled)
        events = self.cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
        failed = [f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason')}" for e in events if "FAILED" in e["ResourceStatus"]]
        assert stack["StackStatus"] == f"{kind}_COMPLETE" and not failed, (stack["StackStatus"], failed)
        self.stack_id = stack["StackId"]
        self.outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
        resources = self.cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
        self.ids = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources}
        self.kinds = {r["LogicalResourceId"]: r["ResourceType"] for r in resources}

    def change_set(self, kind, parameters):
        """The name of a change set, and what CloudFormation makes of it."""
        name = f"c{uuid.uuid4().hex}"
        self.cloudformation.create_change_set(
            StackName=STACK, ChangeSetName=name, ChangeSetType=kind, TemplateURL=self.cloud.packaged(self.text),
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
        )
        look = lambda: self.cloudformation.describe_change_set(StackName=STACK, ChangeSetName=name)
        done = lambda: (made := look())["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS") and made
        return name, until("a change set", done)

    def settled(self):
        """The stack, when nothing happens to it any more."""
        stack = self.cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
        return None if stack["StackStatus"].endswith("_IN_PROGRESS") else stack

    def delete(self):
        """Deletes the stack, if it is there, and waits until it is gone."""
        self.cloudformation.delete_stack(StackName=STACK)
        until("the stack is gone", self.is_gone)

    def is_gone(self):
        """Whether there is no such stack any more."""
        try:
            return self.settled()["StackStatus"] == "DELETE_COMPLETE"
        except TypeError:
            return False
        except self.cloudformation.exceptions.ClientError as error:
            return "does not exist" in str(error)

    # --- What goes in ---

    def here(self, value):
        """A sample event as it is in this stack: with the names that CloudFormation made up, which samples cannot know."""
        text = json.dumps(value)
        for logical, physical in self.ids.items():
            text = re.sub(rf'(?<=[":/]){STACK}-{logical}"', f'{physical}"', text)
        text = re.sub(rf"arn:aws:cloudformation:[\w-]+:\d+:stack/{STACK}/[\w-]+", self.stack_id, text)
        return json.loads(text)

    def happen(self, event):
        """An event comes from a service of AWS. Waits for all that it leads to, and returns the names of the rules that it
        matched and the invocations of functions."""
        rules = self.cloud.ask("/_aws/event", self.here(event))
        logical = {physical: name for name, physical in self.ids.items()}
        return sorted(logical[rule] for rule in rules), self.invocations()

    def reach(self, schedule, at):
        """The clock reaches one of the stack's schedules."""
        self.cloud.ask("/_aws/schedule", {"Name": self.ids[schedule].rsplit("/", 1)[-1], "Time": at})
        return self.invocations()

    def invocations(self):
        """What was invoked since the last time, when all of it is done."""
        seen = until("the functions are done", lambda: (s := self.cloud.ask("/_aws/seen"))["busy"] == 0 and s)
        self.lost = seen["lost"][self.lost_before :]
        new = seen["invocations"][self.read_so_far :]
        self.was_slow |= any("no answer within" in json.dumps(one) for one in new)
        self.read_so_far = len(seen["invocations"])
        return new

    def function(self, folder):
        """The name of a function, by its folder."""
        return self.ids[logical(folder)]

    def functions(self):
        """The names of all that are deployed: some are there only where a parameter asks for them."""
        return [self.function(folder) for folder in self.cloud.functions if logical(folder) in self.ids]

    # --- What comes out ---

    def listen(self, topic):
        """A queue of the test's own that gets what a topic gets."""
        url = self.local(self.sqs.create_queue(QueueName=f"{topic}-{uuid.uuid4().hex[:8]}")["QueueUrl"])
        arn = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        statement = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        self.cloud.client("sns").subscribe(TopicArn=self.outputs[f"{topic}TopicArn"], Protocol="sqs", Endpoint=arn)
        return url

    def local(self, url):
        """A queue's URL on the address that the certificate and the Rust SDK know."""
        return url.replace("localhost", "127.0.0.1")

    def mail(self):
        """What came on each topic since the last time: messages as SNS wraps them."""
        return {topic: [json.loads(m["Body"]) for m in self.take(url)] for topic, url in self.inboxes.items()}

    def take(self, url):
        """All messages of a queue, which loses them."""
        taken = []
        while got := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]).get("Messages"):
            for message in got:
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            taken += got
        return taken

    def peek(self, queue):
        """Up to ten messages of one of the stack's queues, which keeps them."""
        url = self.local(self.outputs[queue])
        asked = {"MaxNumberOfMessages": 10, "VisibilityTimeout": 0, "AttributeNames": ["All"], "MessageAttributeNames": ["All"]}
        return self.sqs.receive_message(QueueUrl=url, **asked).get("Messages", [])

    def depth(self, queue):
        """How many messages wait in one of the stack's queues."""
        url = self.local(self.outputs[queue])
        name = "ApproximateNumberOfMessages"
        return int(self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])
