"""docs/protect.scp.json by IAM's grammar, actions, resource types and condition keys, as parliament knows them."""

import json
import sys
from pathlib import Path

from parliament import analyze_policy_string

TEXT = (Path(__file__).parents[2] / "docs/protect.scp.json").read_text(encoding="utf-8")
# Newer than what parliament knows; anything else that it finds fails the run, and so does one of these that it learnt.
NEW = {"Unknown action cloudwatch:PutAlarmMuteRule"}
# AWS Organizations User Guide, quotas: without the white space, which the console takes out.
LONGEST = 5120


def findings(text):
    """What is wrong with a policy."""
    return {str(finding.detail or finding.issue) for finding in analyze_policy_string(text).findings}


found = findings(TEXT)
for wrong, fault in {
    "another action": ("events:DisableRule", "events:DisableRules"),
    "an element that is none": ('"Condition"', '"Conditions"'),
    "an effect that is none": ('"Deny"', '"Refuse"'),
}.items():
    if fault[0] not in TEXT or findings(TEXT.replace(*fault, 1)) <= NEW:
        sys.exit(f"{wrong} would not be found")
short = json.dumps(json.loads(TEXT), separators=(",", ":"))
if len(short) > LONGEST:
    sys.exit(f"{len(short)} characters are more than an SCP may have")
if found != NEW:
    sys.exit(f"docs/protect.scp.json: {sorted(found ^ NEW)}")
print(f"docs/protect.scp.json is a policy of {len(short)} characters")
