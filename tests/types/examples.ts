// The TypeScript function of docs/hub/examples/consumers, with a webhook on loopback.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { handler, question } from "./ask_owner.js";
import type { KMSWatchAlert } from "./alert.js";

const alerts = JSON.parse(readFileSync(process.argv[2]!, "utf8")) as KMSWatchAlert[];
const got: string[] = [];
let status = 200;
const server = createServer((request, response) => {
  let body = "";
  request.on("data", (part) => (body += part));
  request.on("end", () => {
    got.push((JSON.parse(body) as { text: string }).text);
    response.writeHead(status).end();
  });
});

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

server.listen(0, "127.0.0.1", async () => {
  process.env["WEBHOOK_URL"] = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  try {
    const scheduled = alerts.filter((alert) => alert.kind === "KeyDeletionScheduled");
    for (const alert of alerts) await handler({ detail: alert });
    check(got.length === scheduled.length && got.length > 0, `${got.length} questions about ${scheduled.length} deletions`);
    check(got.every((text) => text.includes("Is the deletion planned?")), got.join("\n"));
    check(got.some((text) => /If not: aws kms cancel-key-deletion /.test(text)), "no question has the command");
    const hostile = { ...scheduled[0]!, title: "<!channel> <https://evil.example|click> *now*" } as KMSWatchAlert;
    check(!/[<>|*]/.test(question(hostile)!.split("\n")[0]!), question(hostile)!);
    status = 500;
    const failed = await handler({ detail: scheduled[0]! }).then(
      () => false,
      () => true,
    );
    check(failed, "a webhook that fails loses the question");
    console.log(`TypeScript example: ${scheduled.length} questions`);
  } finally {
    server.close();
  }
});
