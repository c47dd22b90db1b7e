"""Reads the commands of all alerts in a folder of snapshots with the AWS CLI's own code, in one process.

A command is right if the CLI gets as far as sending a request. There it is stopped. Its `--query` is run on an answer as AWS
gives it (`answers.json`), and has to find something in it.
"""

import contextlib
import io
import json
import os
import re
import shlex
import sys
import tempfile
from pathlib import Path

import jmespath

# No credentials, no settings, no metadata of an instance: nothing of whoever runs this.
for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]
os.environ.update(
    AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE",
    AWS_SECRET_ACCESS_KEY="none",
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    AWS_EC2_METADATA_DISABLED="true",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_PAGER="",
)

from awscli.clidriver import create_clidriver  # noqa: E402

# Nobody listens there, should anything be sent all the same.
DEAD = ["--endpoint-url", "http://127.0.0.1:9"]
# Files that commands name, with something in them that the models take.
FILES = {
    "key-policy.json": b"{}",
    "EncryptedKeyMaterial.bin": b"\1",
    "ImportToken.bin": b"\1",
    "credential.json": b'{"AccessKeyId":"AKIAIOSFODNN7EXAMPLEX","RawSecretAccessKey":"' + b"s" * 43 + b'"}',
}


class Sent(Exception):
    """The request is complete."""


def commands(folder):
    """Each command with a snapshot that has it."""
    found = {}
    for path in sorted(Path(folder).glob("*.snap")):
        text = path.read_text(encoding="utf-8")
        for feed in re.findall(r"^=== feed ===\n(.*?)^=== ", text, re.S | re.M):
            for step in json.loads(feed)["nextSteps"]:
                if step["command"]:
                    found.setdefault(step["command"], path.name)
    return found


def is_plain(command):
    """A shell takes nothing of it for its own: in double quotes it would `$`, "`", and a `!` before a word."""
    quoted = r'"(?:[^"$`!\\]|!(?=[ =]))*"'
    return not re.search(r"[|&;<>$`!\"\\*?(){}\[\]#~]", re.sub(quoted, "", command))


DRIVER = create_clidriver()
sent = []


def stop(model, **_):
    """Comes between the complete request and its sending."""
    sent.append(model.name)
    raise Sent


DRIVER.session.register("before-call", stop)


def is_sent(words):
    """What the CLI says against the command, or None if it would send it."""
    sent.clear()
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        try:
            DRIVER.main(words[1:] + DEAD)
        except SystemExit:
            pass
    return None if len(sent) == 1 else said.getvalue().strip() or "sends nothing"


def finds(words, answers):
    """What is wrong with the command's query, or None."""
    if "--query" not in words:
        return None
    query = words[words.index("--query") + 1]
    operation = " ".join(words[1:3])
    answer = answers.get(operation)
    if answer is None:
        return f"no answer of {operation} to run the query on"
    # What the query looks for by name is in the answer.
    names = re.findall(r"contains\(CloudTrailEvent,'([^']*)'\)", query)
    text = json.dumps(answer).replace("NAME", names[0] if names else "NAME")
    result = jmespath.search(query, json.loads(text))
    if not result:
        return f"the query finds nothing: {query}"
    if "EventName" in query and "ReadOnly" in query:
        shown = {row[1] for row in result}
        reads = shown & {"DescribeKey", "ListResourceTags", "GetKeyPolicy"}
        if reads:
            return f"the query shows what merely looks: {sorted(reads)}"
        if "DisableKey" not in shown:
            return "the query hides a change"
    return None


def main():
    here = Path(__file__).resolve().parent
    answers = json.loads((here / "answers.json").read_text(encoding="utf-8"))
    found = commands(sys.argv[1])
    if len(found) < 100:
        sys.exit(f"only {len(found)} commands: the snapshots are not read")
    # What has to be refused is refused, or this checks nothing.
    for wrong in (
        "aws kms cancel-key-deletions --key-id x",
        "aws kms cancel-key-deletion --key-idx x --region us-east-1",
        "aws kms disable-key --region us-east-1",
        "aws kms put-key-policy --key-id x --policy-name default --policy file://missing.json",
    ):
        if is_sent(shlex.split(wrong)) is None:
            sys.exit(f"the CLI takes {wrong}")
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name, content in FILES.items():
            Path(name).write_bytes(content)
        for command, snapshot in found.items():
            words = shlex.split(command)
            if words[0] != "aws" or not is_plain(command):
                problems.append((snapshot, command, "is no command of the AWS CLI alone"))
                continue
            for problem in (is_sent(words), finds(words, answers)):
                if problem:
                    problems.append((snapshot, command, problem))
    for problem in problems:
        print("\n  ".join(problem))
    print(f"{len(found)} commands, {len(problems)} problems")
    sys.exit(bool(problems))


main()
