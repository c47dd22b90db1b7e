"""The plain CloudFormation that template.yaml is translated to, as JSON on standard output.

A wrong `!Ref` or `!GetAtt` in a SAM function is found in the translation only.
"""

import json
import sys

from samtranslator.translator.managed_policy_translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

with open(sys.argv[1], encoding="utf-8") as file:
    template = yaml_parse(file.read())
for resource in template["Resources"].values():
    if resource["Type"] == "AWS::Serverless::Function":
        # Where `sam package` puts the built function.
        resource["Properties"]["CodeUri"] = "s3://bucket/function.zip"
# The template uses no policy of AWS's by name: with none to load, one would fail here.
policies = ManagedPolicyLoader(None)
policies._policy_map = {}
json.dump(transform(template, {}, policies), sys.stdout, indent=2)
