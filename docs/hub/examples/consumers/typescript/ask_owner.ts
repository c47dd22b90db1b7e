// Asks the owner of a key about its scheduled deletion, in a channel behind a webhook that takes {"text": …}.
import type { KeyDeletionScheduledAlert, KMSWatchAlert } from "./alert.js";

// Kinds to come have any word as their kind, so that a guard says which type an alert is.
function isScheduled(alert: KMSWatchAlert): alert is KeyDeletionScheduledAlert {
  return alert.kind === "KeyDeletionScheduled";
}

// Titles and names are text of others: a chat must not read a link, a mention or a format in them.
function plain(text: string): string {
  return text.replace(/[<>&@*_~`|[\]()]/g, " ").slice(0, 200);
}

export function question(alert: KMSWatchAlert): string | null {
  if (!isScheduled(alert)) return null;
  const { pendingWindowDays } = alert.details;
  const wait = pendingWindowDays === null ? "" : `, waiting period ${pendingWindowDays} days`;
  const until = alert.undoUntil === null ? "" : ` It can be cancelled until ${alert.undoUntil}.`;
  const undo = alert.nextSteps.find((step) => step.type === "UNDO")?.command;
  return [
    `${plain(alert.title)}${wait}.${until}`,
    `${plain(alert.key?.owner ?? "Nobody")} owns the key ${alert.key?.arn ?? ""}. Is the deletion planned?`,
    ...(undo ? [`If not: ${undo}`] : []),
  ].join("\n");
}

export async function handler(event: { detail: KMSWatchAlert }): Promise<void> {
  const text = question(event.detail);
  if (text === null) return;
  const answer = await fetch(process.env["WEBHOOK_URL"]!, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ text }),
    signal: AbortSignal.timeout(5_000),
  });
  // Lambda tries again, and then keeps the event in the queue Failed.
  if (!answer.ok) throw new Error(`the webhook answered ${answer.status}`);
}
