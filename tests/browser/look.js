// Looks at pages in a browser, light and dark, at three widths: nothing runs over the edge, nothing is said on the console, nothing
// that axe-core calls serious is wrong, and the tables of the report sort and filter by keyboard.
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import chromium from "@sparticuz/chromium";
import puppeteer from "puppeteer-core";

const WIDTHS = [360, 800, 1280];
const HEIGHT = 900;
const [folder, ...pages] = process.argv.slice(2);
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const complaints = [];
let checks = 0;

function check(holds, ...words) {
  checks += 1;
  if (!holds) complaints.push(words.join(" "));
}

async function look(browser, file, scheme, width) {
  const name = `${basename(file, ".html")}-${scheme}-${width}`;
  const page = await browser.newPage();
  page.on("console", (said) => check(false, name, "console:", said.text()));
  page.on("pageerror", (error) => check(false, name, "error:", error.message));
  page.on("request", (request) => check(!/^https?:/.test(request.url()), name, "asks for", request.url()));
  await page.setViewport({ width, height: HEIGHT });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.goto(pathToFileURL(file).href);
  await page.screenshot({ path: join(folder, `${name}.png`) });
  const widest = await page.evaluate(() => document.scrollingElement.scrollWidth);
  check(widest <= width, name, `is ${widest} pixels wide`);
  await page.evaluate(axe);
  const { violations, passes } = await page.evaluate(() => window.axe.run());
  check(passes.length > 5, name, "was not judged by axe-core");
  for (const { impact, id, nodes } of violations) {
    check(!["serious", "critical"].includes(impact), name, `axe-core, ${impact}: ${id}:`, nodes[0].html);
  }
  if (await page.$("#keys")) await operate(page, name);
  if (name.startsWith("plan-")) {
    const curves = await page.$$eval("svg.curve", (all) =>
      all.map((one) => one.getBoundingClientRect().width > 100 && one.querySelector("polyline, circle") !== null && one.getAttribute("aria-label") !== ""),
    );
    check(curves.length > 1 && curves.every((one) => one), name, "has curves that show nothing:", curves.join(" "));
  }
  await page.close();
}

// As somebody who has no mouse.
async function operate(page, name) {
  const column = (number) =>
    page.$$eval(`#keys tbody tr:not([hidden]) td:nth-child(${number})`, (cells) => cells.map((cell) => cell.textContent));
  const all = await column(1);
  check(all.length > 2, name, "has too few keys to sort");
  await page.focus("#filter");
  // From the filter to the table, which scrolls, and on to its first title.
  for (let steps = 0; steps < 4; steps += 1) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(() => document.activeElement.closest("th") !== null)) break;
  }
  const title = await page.evaluate(() => document.activeElement.textContent);
  check(title === "Alias", name, "the keyboard does not reach the titles, but", title);
  const ordered = (names, down) => names.every((one, at) => at === 0 || names[at - 1].localeCompare(one) * (down ? -1 : 1) <= 0);
  for (const down of [false, true]) {
    await page.keyboard.press("Enter");
    const sorted = await column(1);
    check(sorted.length === all.length && ordered(sorted, down), name, "is not sorted:", sorted.join(" "));
    const said = await page.$eval("#keys th", (head) => head.getAttribute("aria-sort"));
    check(said === (down ? "descending" : "ascending"), name, "says that it is sorted", said);
  }
  await page.focus("#filter");
  await page.keyboard.type("pendingdeletion");
  const states = await column(3);
  check(states.length > 0 && states.every((state) => state === "PendingDeletion"), name, "filters", states.join(" "));
  const count = await page.$eval("#count", (element) => element.textContent);
  check(count === `${states.length} of ${all.length} keys`, name, "counts", count);
  const region = await page.$("[data-filter]");
  if (region) {
    await region.focus();
    await page.keyboard.press("Enter");
    const wanted = await region.evaluate((button) => button.textContent);
    const regions = await column(7);
    check(regions.length > 0 && regions.every((one) => one === wanted), name, "shows", regions.join(" "), "for", wanted);
  }
}

await mkdir(folder, { recursive: true });
const browser = await puppeteer.launch({
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--font-render-hinting=none"],
  executablePath: await chromium.executablePath(),
  headless: "shell",
});
try {
  for (const page of pages) {
    for (const scheme of ["light", "dark"]) {
      for (const width of WIDTHS) await look(browser, resolve(page), scheme, width);
    }
  }
} finally {
  await browser.close();
}
for (const complaint of complaints) console.error(complaint);
console.log(`${checks - complaints.length} passed, ${complaints.length} failed`);
process.exitCode = complaints.length ? 1 : 0;
