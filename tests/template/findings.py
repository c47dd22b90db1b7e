"""checkov on the translated template, against accepted.yaml: nothing else is found, and nothing less."""

import json
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import yaml

accepted = yaml.safe_load((Path(__file__).parent / "accepted.yaml").read_text(encoding="utf-8"))
run = subprocess.run(
    [
        Path(sys.executable).parent / "checkov",
        # Without it, checkov asks its makers' service for more about its checks.
        "--skip-download",
        "--framework=cloudformation",
        f"--file={sys.argv[1]}",
        "--output=json",
        "--quiet",
        "--soft-fail",
    ],
    stdout=subprocess.PIPE,
    text=True,
    check=True,
)
report = json.loads(run.stdout)
if report["summary"]["parsing_errors"] or not report["summary"]["passed"]:
    sys.exit(f"checkov could not read it: {report['summary']}")
found = {(check["check_id"], check["resource"]): check["check_name"] for check in report["results"]["failed_checks"]}

wrong = []
used = set()
for (check, resource), name in found.items():
    globs = accepted.get(check, {}).get("resources", [])
    matching = [glob for glob in globs if fnmatchcase(resource, glob)]
    used.update((check, glob) for glob in matching)
    if not matching:
        wrong.append(f"{check} on {resource}: {name}")
for check, row in accepted.items():
    for glob in row["resources"]:
        if (check, glob) not in used:
            wrong.append(f"{check} on {glob} is accepted, but not found any more")
print(f"{report['summary']['passed']} checks passed, {len(found)} findings, {len(accepted)} accepted with a reason")
sys.exit("\n".join(wrong) or 0)
