"""Judges findings by the schema of OCSF and by the model of Security Hub, and tries whether the judges see faults at all."""

import copy
import json
import sys
from pathlib import Path

import botocore.session
import jsonschema
from botocore.validate import ParamValidator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

VERSION = "1.5.0"
PROFILES = ["cloud", "datetime"]

schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=VERSION)).get_class_schema("detection_finding", profiles=PROFILES)
detection_finding = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
imports = botocore.session.get_session().get_service_model("securityhub").operation_model("BatchImportFindings").input_shape
# Security Hub API Reference: the model has no lengths.
LONGEST = {"Id": 512, "GeneratorId": 512, "Title": 256, "Description": 1024, "ProductArn": 2048, "SourceUrl": 2048}


def of_ocsf(finding):
    """What is wrong with a Detection Finding: by the schema, and what the schema cannot know."""
    wrong = [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in detection_finding.iter_errors(finding)]
    if finding.get("type_uid") != finding.get("class_uid", 0) * 100 + finding.get("activity_id", 0):
        wrong.append("type_uid is not of class and activity")
    metadata = finding.get("metadata", {})
    if metadata.get("version") != VERSION or metadata.get("profiles") != PROFILES:
        wrong.append("another version or other profiles")
    if "_dt" in str(finding) and finding.get("time_dt", "")[-1:] != "Z":
        wrong.append("time_dt is no time of UTC")
    return wrong


def of_asff(finding):
    """What is wrong with a finding for Security Hub: by the model, and by lengths."""
    report = ParamValidator().validate({"Findings": [finding]}, imports)
    wrong = [report.generate_report()] if report.has_errors() else []
    wrong += [f"{name} is too long" for name, most in LONGEST.items() if len(finding.get(name, "")) > most]
    fields = finding.get("ProductFields", {})
    if len(fields) > 50 or any(len(name) > 128 or not 1 <= len(value) <= 2048 for name, value in fields.items()):
        wrong.append("ProductFields")
    recommendation = finding.get("Remediation", {}).get("Recommendation", {}).get("Text", "")
    if len(recommendation) > 512 or len(json.dumps(finding)) > 240 * 1024:
        wrong.append("too long")
    if not finding.get("FindingProviderFields", {}).get("Severity", {}).get("Label"):
        wrong.append("no severity")
    return wrong


def changed(finding, path, value):
    """A copy with another value in one place."""
    copied = copy.deepcopy(finding)
    *way, last = path.split("/")
    place = copied
    for step in way:
        place = place[int(step)] if step.isdigit() else place.setdefault(step, {})
    last = int(last) if last.isdigit() else last
    if value is None:
        place.pop(last)
    else:
        place[last] = value
    return copied


BROKEN_OCSF = [
    ("finding_info/uid", None), ("finding_info/nonsense", 1), ("severity_id", "High"), ("type_uid", 200499), ("time", "now"),
    ("metadata/product", {"version": "1"}), ("resources/0", {}), ("metadata/profiles", []), ("metadata/version", "1.4.0"),
    ("observables/0/type_id", 1_000), ("src_endpoint", {"ip": "1"}), ("time_dt", "yesterday"),
]
BROKEN_ASFF = [
    ("Id", None), ("Title", "x" * 257), ("Resources", None), ("FindingProviderFields/Severity/Label", None), ("Nonsense", "x"),
    ("ProductFields/x", ""), ("UpdatedAt", 1), ("Resources/0/Details/AwsKmsKey/KeyRotationStatus", "yes"),
]


def main(out):
    lines = [json.loads(line) for line in (out / "findings.jsonl").read_text(encoding="utf-8").splitlines()]
    asff, ocsf = ([line[name] for line in lines] for name in ("asff", "ocsf"))
    of_inventory = json.loads((out / "inventory.asff").read_text(encoding="utf-8"))
    more = [json.loads(line) for line in (out / "inventory.ocsf").read_text(encoding="utf-8").splitlines()]
    if len(lines) < 100 or len(of_inventory) < 5 or len(of_inventory) != len(more):
        sys.exit(f"{len(lines)} alerts, {len(of_inventory)} and {len(more)} findings of the inventory")
    wrong = []
    for judge, all_of_them in ((of_asff, asff + of_inventory), (of_ocsf, ocsf + more)):
        for finding in all_of_them:
            wrong += [f"{finding.get('Id') or finding['metadata']['uid']}: {what}" for what in judge(finding)]
    key = next(it for it in asff if it["Resources"][0]["Type"] == "AwsKmsKey")
    seen = next(it for it in ocsf if it["observables"])
    wrong += [f"not seen: {path} {value}" for path, value in BROKEN_ASFF if not of_asff(changed(key, path, value))]
    wrong += [f"not seen: {path} {value}" for path, value in BROKEN_OCSF if not of_ocsf(changed(seen, path, value))]
    if wrong:
        sys.exit("\n".join(wrong[:40]))
    print(f"{len(asff) + len(of_inventory)} findings in ASFF, as many in OCSF, {len(BROKEN_ASFF) + len(BROKEN_OCSF)} faults seen")


main(Path(sys.argv[1]))
