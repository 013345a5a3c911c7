import assert from "node:assert/strict";
import { claim, edge, sql, story, until } from "./harness.mjs";

claim("the shop at /: a visit becomes rows, which stand beside it", async ({ page }) => {
  await page.goto(edge + "/");
  const visitor = await page.evaluate(() => new Promise((resolve) => window.waymark.push((recorder) => resolve(recorder.visitor()))));
  await page.click("#help");
  for (let step = 0; step < 4; step++) {
    await page.click(".tour [data-do=next]");
  }
  await page.click(".scores label:nth-child(10)");
  await page.fill(".survey textarea", "More pink");
  await page.click(".survey [type=submit]");
  await page.click(".goods li:nth-child(2) button");
  await page.fill("[name=query]", "fax");
  await page.press("[name=query]", "Enter");
  await page.click("#account");
  await page.click(".login button");
  await page.waitForFunction(() => location.hash === "#/");

  const told = [
    "shoutout show", "walkthru play", "walkthru step", "walkthru goal", "walkthru complete", "survey show", "survey submit", "task complete", "custom track", "search search", "page view", "session start",
  ];
  const rows = await until("the visit's rows", async () => {
    const found = await sql(`SELECT * FROM events WHERE account_id = 'demo-us' AND visitor_id = '${visitor}' ORDER BY client_time`);
    return told.every((one) => story(found).includes(one)) && found.some((row) => row.user_id === "jane@shop.example") && found;
  });
  assert.equal(rows.filter((row) => row.event === "step").length, 4, "each step once");
  const search = rows.find((row) => row.item_type === "search");
  assert.equal(search.detail_text, '{"query":"fax","result":null}');
  // What the page shows is what the table has.
  await until("every row beside the shop", async () => (await page.$$("#rows li")).length === (await sql(`SELECT 1 FROM events WHERE visitor_id = '${visitor}'`)).length);
  await page.click("#rows li:last-child summary");
  const shown = await page.textContent("#rows li:last-child table");
  assert.ok(shown.includes("demo-us") && shown.includes(visitor), shown);
});

claim("the shop's rows are one visitor's, and asked for by a GUID", async () => {
  for (const visitor of ["", "x' OR 1 --", "00000000-0000-4000-8000-000000000000 "]) {
    assert.equal((await fetch(`${edge}/shop/rows?visitor=${encodeURIComponent(visitor)}`)).status, 400, visitor);
  }
  const answer = await fetch(`${edge}/shop/rows?visitor=00000000-0000-4000-8000-000000000000`);
  assert.deepEqual(await answer.json(), { columns: [], rows: [] });
});
