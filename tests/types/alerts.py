"""The alerts of a folder of snapshots, as the feed has them: a JSON array."""

import json
import re
import sys
from pathlib import Path

alerts = []
for path in sorted(Path(sys.argv[1]).glob("*.snap")):
    text = path.read_text(encoding="utf-8")
    alerts += [json.loads(feed) for feed in re.findall(r"^=== feed ===\n(.*?)^=== ", text, re.S | re.M)]
if len(alerts) < 100:
    sys.exit(f"only {len(alerts)} alerts: the snapshots are not read")
json.dump(alerts, sys.stdout)
