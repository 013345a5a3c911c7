// What the tests of the console's page share: a browser whose every page is watched for what must never happen on one.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after } from "node:test";
import { chromium } from "playwright-core";

const executablePath = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => path && existsSync(path));
if (!executablePath) {
  throw new Error("no Chromium: make chromium installs it, and CHROMIUM names another");
}

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
after(() => browser.close());

/** What a browser writes of an answer that is an error: the page shows those itself. */
const expected = /^Failed to load resource: (the server responded with a status of (4|5)\d\d|net::ERR_EMPTY_RESPONSE)/;

/**
 * open shows the page of an address to somebody. When the test ends, nothing may have been written to the console, no policy broken, and no other
 * server asked. A script given runs before any of the page's own.
 */
export async function open(t, origin, path = "/", { ready = true, script, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, locale: "en-GB", timezoneId: "America/New_York", reducedMotion: "reduce", acceptDownloads: true, ...options });
  const page = await context.newPage();
  const wrong = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && !expected.test(message.text()) && wrong.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => wrong.push(error.stack));
  page.on("dialog", (dialog) => (wrong.push(`a dialog: ${dialog.message()}`), dialog.dismiss()));
  page.on("request", (request) => request.url().startsWith("blob:") || new URL(request.url()).origin === origin || wrong.push(`a request to ${request.url()}`));
  await page.addInitScript(() => document.addEventListener("securitypolicyviolation", (event) => console.error(`policy broken: ${event.violatedDirective} by ${event.blockedURI} ${event.sample}`)));
  if (script) {
    await page.addInitScript(script);
  }
  t.after(async () => {
    await context.close();
    assert.deepEqual(wrong, []);
  });
  await page.goto(origin + path);
  if (ready) {
    await settled(page);
  }
  return page;
}

/** settled waits until every figure has its answer, whatever that is, and every chart is drawn. */
export async function settled(page) {
  await page.locator("main").waitFor();
  await page.waitForFunction(() => !document.querySelector("[aria-busy='true'], .skeleton, .canvas[data-drawn='false'], .boot"), undefined, { timeout: 20_000 });
}

/** The figure under a title. */
export const figure = (page, title) => page.locator("main .card").filter({ has: page.getByRole("heading", { name: title, exact: true }) });

/** A figure's table as text, row by row; the figure is turned to it where it shows a chart. */
export async function table(within) {
  const turn = within.getByRole("button", { name: "Show as table" });
  if (await turn.count()) {
    await turn.click();
  }
  const all = within.getByRole("button", { name: /^Show all/ });
  if (await all.count()) {
    await all.click();
  }
  return within.locator("tbody tr").evaluateAll((rows) => rows.map((row) => [...row.cells].map((cell) => cell.innerText.trim().replace(/\s+/g, " "))));
}

/** What a button saves, as text. */
export async function saved(page, button) {
  const [download] = await Promise.all([page.waitForEvent("download"), button.click()]);
  const chunks = [];
  for await (const chunk of await download.createReadStream()) {
    chunks.push(chunk);
  }
  return { name: download.suggestedFilename(), text: Buffer.concat(chunks).toString("utf8") };
}
