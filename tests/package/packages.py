"""The words by which cargo packs the command, the simulator, and everything of ours that they need. Reads cargo's metadata."""

import json
import sys

metadata = json.load(sys.stdin)
ours = {package["name"]: package for package in metadata["packages"]}
found, left = set(), ["kms-watch", "kms-local"]
while left:
    name = left.pop()
    if name not in found:
        found.add(name)
        left += [it["name"] for it in ours[name]["dependencies"] if it.get("path") and it["name"] in ours]
for name in sorted(found):
    package = ours[name]
    for member in ("description", "license"):
        assert package[member], f"{name} has no {member}"
    for dependency in package["dependencies"]:
        if dependency.get("path") and dependency["kind"] != "dev":
            assert dependency["req"] != "*", f"{name} wants any version of {dependency['name']}"
print(" ".join(f"--package {name}" for name in sorted(found)))
