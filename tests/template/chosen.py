"""chosen.py TRANSLATED: the template with all that its parameters can choose, and no conditions, on standard output.

For the look at every Region: with the conditions it takes minutes, because each of their combinations is looked at in each Region.
"""

import json
import sys

NOTHING = {"Ref": "AWS::NoValue"}


def chosen(node):
    """Without `Fn::If`: the first of its two values that is one."""
    if isinstance(node, list):
        return [chosen(value) for value in node]
    if not isinstance(node, dict):
        return node
    if set(node) == {"Fn::If"}:
        _, first, second = node["Fn::If"]
        return chosen(second if first == NOTHING else first)
    return {name: chosen(value) for name, value in node.items()}


with open(sys.argv[1], encoding="utf-8") as file:
    template = json.load(file)
del template["Conditions"]
for section in ("Resources", "Outputs"):
    entries = template[section].items()
    template[section] = {name: chosen({k: v for k, v in entry.items() if k != "Condition"}) for name, entry in entries}
json.dump(template, sys.stdout, indent=2)
