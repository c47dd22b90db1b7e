// Looks at the dashboard's widget as CloudWatch's console shows it: a host page puts in what the function answered (`tests/tests/widget`
// writes it down), removes what the console removes, and runs `cwdb-action`. In both themes, at three widths: nothing was removed, nothing runs
// over the edge or leaves its own class, nothing that axe-core calls serious is wrong, and every button works by keyboard.
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import chromium from "@sparticuz/chromium";
import puppeteer from "puppeteer-core";

const WIDTHS = [360, 800, 1280];
const VIEWS = ["due", "keys", "key", "thread", "changes", "health"];
const [folder, file] = process.argv.slice(2);
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const answers = JSON.parse(await readFile(file, "utf8"));
const complaints = [];
let checks = 0;

function check(holds, ...words) {
  checks += 1;
  if (!holds) complaints.push(words.join(" "));
}

const canonical = (ask) => JSON.stringify(Object.entries(ask).filter(([, value]) => value !== "").sort());
const answer = (ask, theme, width) =>
  answers.find((one) => one.theme === theme && (one.width < 520) === (width < 520) && canonical(one.ask) === canonical(ask))?.html;

// What the console does, in the page.
function host(html) {
  const removed = [];
  const put = (into, markup) => {
    const content = document.createElement("template");
    content.innerHTML = markup;
    for (const element of content.content.querySelectorAll("script, iframe, use")) {
      removed.push(element.tagName);
      element.remove();
    }
    for (const element of content.content.querySelectorAll("*")) {
      for (const { name } of Array.from(element.attributes)) {
        if (name.startsWith("on")) {
          removed.push(name);
          element.removeAttribute(name);
        }
      }
    }
    for (const action of content.content.querySelectorAll("cwdb-action")) {
      const trigger = action.previousElementSibling;
      const ask = JSON.parse(action.textContent);
      const display = action.getAttribute("display") ?? "widget";
      if (!trigger || action.getAttribute("action") !== "call" || !action.getAttribute("endpoint")) {
        removed.push("an action that does nothing");
        continue;
      }
      trigger.addEventListener("click", async () => {
        const fields = new FormData(into.querySelector("form") ?? undefined);
        const next = await window.invoke({ ...ask, ...(ask.view === "keys" ? Object.fromEntries(fields) : {}) });
        put(display === "popup" ? document.getElementById("popup") : into, next);
      });
      action.hidden = true;
    }
    into.replaceChildren(content.content);
  };
  put(document.getElementById("widget"), html);
  return removed;
}

async function look(browser, view, theme, width) {
  const name = `widget-${view}-${theme}-${width}`;
  const page = await browser.newPage();
  page.on("console", (said) => check(false, name, "console:", said.text()));
  page.on("pageerror", (error) => check(false, name, "error:", error.message));
  page.on("request", (request) => check(!/^https?:/.test(request.url()), name, "asks for", request.url()));
  await page.setViewport({ width, height: 900 });
  const paper = theme === "dark" ? "#0d1117" : "#fff";
  const ink = theme === "dark" ? "#e6edf3" : "#1c2128";
  await page.setContent(
    `<!doctype html><html lang="en"><title>Dashboard</title><style>body { margin: 0; background: ${paper}; color: ${ink}; }` +
      "cwdb-action { display: none; }</style>" +
      '<main><h1 style="font-size: 1rem">Dashboard</h1><div id="widget"></div><div id="popup"></div><table><tr><td class="urgent" id="others">of others</td></tr></table></main></html>',
  );
  let asked = 0;
  await page.exposeFunction("invoke", (ask) => {
    asked += 1;
    const html = answer(ask, theme, width);
    check(html !== undefined, name, "asks for what nobody wrote down:", canonical(ask));
    return html ?? "";
  });
  const others = () =>
    page.$eval("#others", (cell) => {
      const style = getComputedStyle(cell);
      return [style.color, style.padding, style.fontWeight].join(" ");
    });
  const before = await others();
  const first = answers.find((one) => one.ask.view === view && one.ask.rows === 12 && one.theme === theme && (one.width < 520) === (width < 520));
  const removed = await page.evaluate(host, first.html);
  check(removed.length === 0, name, "the console removes", removed.join(" "));
  check((await others()) === before, name, "changes what is not its own");
  await (await page.$("#widget")).screenshot({ path: join(folder, `${name}.png`) });
  await judge(page, name, width);
  if (view === "keys") await operate(page, name, () => asked);
  if (view === "key") await follow(page, name, () => asked);
  await page.close();
}

async function judge(page, name, width) {
  const widest = await page.evaluate(() => document.scrollingElement.scrollWidth);
  check(widest <= width, name, `is ${widest} pixels wide`);
  await page.evaluate(axe);
  const { violations, passes } = await page.evaluate(() => window.axe.run());
  check(passes.length > 5, name, "was not judged by axe-core");
  for (const { impact, id, nodes } of violations) {
    check(!["serious", "critical"].includes(impact), name, `axe-core, ${impact}: ${id}:`, nodes[0].html);
  }
}

// As somebody who has no mouse.
async function press(page, name, asked, label) {
  for (let steps = 0; steps < 120; steps += 1) {
    const here = await page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? "");
    if (here.startsWith(label)) break;
    await page.keyboard.press("Tab");
  }
  const calls = asked();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => true);
  await new Promise((resolve) => setTimeout(resolve, 100));
  check(asked() === calls + 1, name, `the keyboard does not reach "${label}"`);
}

// From a key to the thread of an alert.
async function follow(page, name, asked) {
  await press(page, name, asked, "Thread of");
  const popup = await page.$eval("#popup", (popup) => popup.textContent);
  check(popup.includes("All alerts about one condition"), name, "shows no thread:", popup.slice(-200));
  const links = await page.$$eval("#popup a", (all) => all.map((one) => one.href));
  check(links.length > 2 && links.every((one) => one.startsWith("https://us-east-1.console.aws.amazon.com/")), name, links.join(" "));
}

// A key, and the next page.
async function operate(page, name, asked) {
  const column = () => page.$$eval("#widget tbody tr td:first-child", (cells) => cells.map((cell) => cell.textContent));
  const before = await column();
  check(before.length === 12, name, "shows", before.length, "keys");
  await press(page, name, asked, "Show key");
  const popup = await page.$eval("#popup", (popup) => popup.textContent);
  check(popup.includes("Key ARN") || popup.includes("The ledger knows no such key"), name, "shows no key:", popup.slice(-200));
  await press(page, name, asked, "Next page");
  const next = await column();
  check(next.length === 12 && next[0] !== before[0], name, "shows no next page");
}

await mkdir(folder, { recursive: true });
const browser = await puppeteer.launch({
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--font-render-hinting=none"],
  executablePath: await chromium.executablePath(),
  headless: "shell",
});
try {
  for (const view of VIEWS) {
    for (const theme of ["light", "dark"]) {
      for (const width of WIDTHS) await look(browser, view, theme, width);
    }
  }
} finally {
  await browser.close();
}
for (const complaint of complaints) console.error(complaint);
console.log(`${checks - complaints.length} passed, ${complaints.length} failed`);
process.exitCode = complaints.length ? 1 : 0;
