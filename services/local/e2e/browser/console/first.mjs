// Prints how long the console's first picture takes: from asking for the page until its first figures and its first chart stand, in a browser that has
// nothing of it yet. CONSOLE is the console's address, RUNS how often (7).

import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const executablePath = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => path && existsSync(path));
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });

/** The milliseconds after which each of some selectors was there, by the page's own clock. */
async function load(number) {
  const context = await browser.newContext({ viewport: { width: 1360, height: 900 } });
  const page = await context.newPage();
  // Each run asks for other days, so that no answer is one that was kept.
  const day = (back) => new Date(Date.now() - (back + number) * 86_400_000).toISOString().slice(0, 10);
  await page.goto(`${process.env.CONSOLE}/overview?account=${process.env.ACCOUNT ?? "demo-us"}&from=${day(29)}&to=${day(2)}`, { waitUntil: "commit" });
  const since = async (selector) => (await page.locator(selector).first().waitFor({ timeout: 120_000 }), page.evaluate(() => Math.round(performance.now())));
  const figures = await since(".kpi-value");
  const picture = await since(".canvas[data-drawn='true']");
  await page.waitForFunction(() => !document.querySelector("[aria-busy='true'], .skeleton, .canvas[data-drawn='false']"), undefined, { timeout: 120_000 });
  const whole = await page.evaluate(() => Math.round(performance.now()));
  await context.close();
  return [figures, picture, whole];
}

const runs = [];
for (let i = 0; i < Number(process.env.RUNS ?? 7); i++) {
  runs.push(await load(i));
}
await browser.close();
["first figures", "first chart", "whole page"].forEach((name, i) => {
  const all = runs.map((run) => run[i]).sort((a, b) => a - b);
  console.log(`${name}: median ${all[all.length >> 1]} ms, ${all[0]} to ${all.at(-1)}`);
});
