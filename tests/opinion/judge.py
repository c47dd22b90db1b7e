"""What others say of key policies.

Reads one JSON object a line ({"policy", "account", "trusted", "organizations", "actions"}), answers one a line:

* "public": policyuniverse, whether a policy is open to the internet.
* "foreign": Cloud Custodian, whether a statement lets in an account that is not allowed.
* "allowed": moto, which of the actions everybody may call, where every statement is for everybody and has no condition
  (of principals and conditions it knows no more); null for other policies.
"""

import json
import logging
import sys

from c7n.filters.iamaccess import PolicyChecker
from moto.iam.access_control import IAMPolicy, PermissionResult
from policyuniverse.policy import Policy

logging.disable(logging.CRITICAL)
KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def attempt(judge):
    """The verdict, or the name of what it fails with."""
    try:
        return judge()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is their answer
        return type(error).__name__


def for_everybody(statement):
    everybody = statement.get("Principal") in ("*", {"AWS": "*"})
    return everybody and "Condition" not in statement


def allowed(policy, actions):
    if not all(for_everybody(statement) for statement in policy["Statement"]):
        return None
    judge = IAMPolicy(json.dumps(policy))
    permitted = PermissionResult.PERMITTED
    return [action for action in actions if judge.is_action_permitted(action, KEY) == permitted]


for line in sys.stdin:
    question = json.loads(line)
    policy = question["policy"]
    accounts = [question["account"], *question["trusted"]]
    checker = PolicyChecker({"allowed_accounts": set(accounts), "allowed_orgid": set(question["organizations"])})
    answer = {
        "public": attempt(lambda: Policy(policy).is_internet_accessible()),
        "foreign": attempt(lambda: bool(checker.check(policy))),
        "allowed": attempt(lambda: allowed(policy, question["actions"])),
    }
    print(json.dumps(answer), flush=True)
