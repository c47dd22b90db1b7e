// Reads alerts with the generated types, and tells kinds apart by `kind`.
import { readFileSync } from "node:fs";
import type { KeyDeletionScheduledAlert, KMSWatchAlert } from "./alert.js";

// The fallback of kinds to come has any word as its kind, so that a guard says which type it is.
function isScheduled(alert: KMSWatchAlert): alert is KeyDeletionScheduledAlert {
  return alert.kind === "KeyDeletionScheduled";
}

function waitingPeriod(alert: KMSWatchAlert): number | null {
  return isScheduled(alert) ? alert.details.pendingWindowDays : null;
}

const alerts = JSON.parse(readFileSync(process.argv[2]!, "utf8")) as KMSWatchAlert[];
const scheduled = alerts.filter(isScheduled);
if (scheduled.length === 0 || !scheduled.some((alert) => waitingPeriod(alert) === 14)) {
  throw new Error("no deletion with a waiting period of 14 days");
}
// @ts-expect-error the type of the details is that of the kind
const wrong: string | undefined = scheduled[0]?.details.waitsForReplicas;
console.log(`TypeScript: ${alerts.length} alerts, ${scheduled.length} of them scheduled deletions`);
