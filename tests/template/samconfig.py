"""samconfig.py FILE TRANSLATED: what `kms-watch plan --samconfig` wrote, as SAM CLI's own reader has it, against the template."""

import json
import sys
from pathlib import Path

from samcli.cli.types import CfnParameterOverridesType
from samcli.lib.config.samconfig import SamConfig

FILE = Path(sys.argv[1]).resolve()
TRANSLATED = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
# Without these, `sam deploy` asks, or CloudFormation refuses.
WANTED = {"stack_name": "kms-watch", "resolve_s3": True, "capabilities": "CAPABILITY_IAM", "confirm_changeset": True}

config = SamConfig(str(FILE.parent), FILE.name)
if not config.exists():
    sys.exit(f"SAM CLI finds no {FILE}")
environments = [name for name in config.document if name != "version"]
if "default" not in environments:
    sys.exit(f"no default among {environments}")
regions = set()
for environment in environments:
    deploy = config.get_all(["deploy"], "parameters", env=environment)
    wrong = {name: deploy.get(name) for name, value in WANTED.items() if deploy.get(name) != value}
    if wrong:
        sys.exit(f"{environment}: {wrong}")
    regions.add(deploy["region"])
    overrides = CfnParameterOverridesType().convert(deploy["parameter_overrides"], None, None)
    unknown = set(overrides) - set(TRANSLATED["Parameters"])
    if unknown or overrides.get("NotificationEmail") != "you@example.com":
        sys.exit(f"{environment}: {overrides}")
if len(regions) != len(environments):
    sys.exit(f"{len(environments)} environments for {sorted(regions)}")
print(f"SAM CLI reads {len(environments)} environments of {FILE.name}")
