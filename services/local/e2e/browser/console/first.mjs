// Prints how long the console's first picture takes: from asking for the page until its first figures and its first chart stand, in a browser that has
// nothing of it yet. CONSOLE is the console's address, RUNS how often (7).

import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const executablePath = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => path && existsSync(path));
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });

/** Notes when each part of the page was there first. Watching costs the page less than asking it again and again. */
function watch() {
  const parts = { figures: () => document.querySelector(".kpi-value"), chart: () => document.querySelector(".canvas[data-drawn='true']"), whole: () => document.querySelector(".kpi-value") && !document.querySelector("[aria-busy='true'], .skeleton, .canvas[data-drawn='false']") };
  window.at = {};
  new MutationObserver(() => {
    for (const [name, there] of Object.entries(parts)) {
      if (!(name in window.at) && there()) {
        requestAnimationFrame(() => (window.at[name] ??= Math.round(performance.now()))); // it is painted now
      }
    }
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-drawn", "aria-busy"] });
}

/** The milliseconds, by the page's own clock, until its first figures, its first chart and all of it stood. */
async function load(number) {
  const context = await browser.newContext({ viewport: { width: 1360, height: 900 } });
  const page = await context.newPage();
  await page.addInitScript(watch);
  // Each run asks for other days, so that no answer is one that was kept.
  const day = (back) => new Date(Date.now() - (back + number) * 86_400_000).toISOString().slice(0, 10);
  await page.goto(`${process.env.CONSOLE}/overview?account=${process.env.ACCOUNT ?? "demo-us"}&from=${day(29)}&to=${day(2)}`, { waitUntil: "commit" });
  await page.waitForFunction(() => window.at.whole, undefined, { timeout: 120_000, polling: 1000 });
  const { figures, chart, whole } = await page.evaluate(() => window.at);
  await context.close();
  return [figures, chart, whole];
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
