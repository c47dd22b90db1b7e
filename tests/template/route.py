"""Every event of routes.yaml, through the patterns of the translated template, by the matcher of moto."""

import json
import sys
from pathlib import Path

import yaml
from moto.events.models import EventPattern

ROOT = Path(__file__).parents[2]
RESOURCES = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["Resources"]
ROUTES = yaml.safe_load((ROOT / "tests/template/routes.yaml").read_text(encoding="utf-8"))


STACK = {
    "AWS::AccountId": "111122223333",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackName": "kms-watch",
    "AWS::StackId": "arn:aws:cloudformation:us-east-1:111122223333:stack/kms-watch/8f0ec3a0-6d1b-11f0-9a57-0a1b2c3d4e5f",
}


def substitute(text, variables):
    """What `Fn::Sub` makes of a text."""
    for name, value in (STACK | variables).items():
        text = text.replace(f"${{{name}}}", value)
    if "${" in text:
        raise NotImplementedError(text)
    return text


def resolve(node):
    """What the sample events call the resources of this stack."""
    match node:
        case {"Ref": name}:
            return STACK.get(name, f"kms-watch-{name}")
        case {"Fn::GetAtt": [name, "Arn"]} if RESOURCES[name]["Type"] == "AWS::CloudWatch::Alarm":
            return f"arn:aws:cloudwatch:us-east-1:111122223333:alarm:kms-watch-{name}"
        case {"Fn::GetAtt": [name, "Arn"]} if RESOURCES[name]["Type"] == "AWS::IAM::Role":
            return f"arn:aws:iam::111122223333:role/kms-watch-{name}"
        case {"Fn::Sub": str(text)}:
            return substitute(text, {})
        case {"Fn::Sub": [text, variables]}:
            return substitute(text, resolve(variables))
        case {"Fn::Select": [index, {"Fn::Split": [delimiter, text]}]}:
            return resolve(text).split(delimiter)[int(index)]
        case {"Fn::GetAtt": _} | {"Fn::If": _}:
            raise NotImplementedError(node)
        case dict():
            return {key: resolve(value) for key, value in node.items()}
        case list():
            return [resolve(value) for value in node]
    return node


patterns = {
    name: EventPattern.load(json.dumps(resolve(resource["Properties"]["EventPattern"])))
    for name, resource in RESOURCES.items()
    if resource["Type"] == "AWS::Events::Rule"
}
wanted = {path: sorted(rules) for path, rules in ROUTES["matched"].items()}
wanted |= dict.fromkeys(ROUTES["unmatched"], [])

wrong = 0
for path, rules in wanted.items():
    event = json.loads((ROOT / path).read_text(encoding="utf-8"))
    matching = sorted(name for name, pattern in patterns.items() if pattern.matches_event(event))
    if matching != rules:
        print(f"{path} is matched by {matching}, not by {rules}", file=sys.stderr)
        wrong += 1
print(f"{len(wanted)} events, {len(patterns)} rules")
sys.exit(bool(wrong))
