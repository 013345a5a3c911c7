// The page on the real server: what it shows is what SQL says, asked of ClickHouse without the console between.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { figure, open, saved, settled, table } from "./harness.mjs";

const { CONSOLE: origin, CLICKHOUSE: clickhouse, DATABASE: database, EDGE: edge } = process.env;
if (!origin) {
  throw new Error("CONSOLE is not set: go test starts the console");
}

const [from, to] = ["2026-03-01", "2026-03-28"];
const [before, beforeTo] = ["2026-02-01", "2026-02-28"];
const span = `account=acme&from=${from}&to=${to}`;
const view = (name, more = "", [first, last] = [from, to]) => `${name}(account = 'acme', from = '${first}', to = '${last}', audience = 'live'${more})`;

/** sql asks ClickHouse, and returns the rows. */
async function sql(query) {
  const answer = await fetch(`${clickhouse}/?database=${database}&default_format=JSONEachRow&output_format_json_quote_64bit_integers=0&output_format_json_quote_denormals=0`, { method: "POST", body: query });
  const text = await answer.text();
  if (!answer.ok) {
    throw new Error(text);
  }
  return text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
}

/** A text as SQL has it. */
const literal = (value) => `'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

// How the page writes numbers for a reader in Britain.
const n = (value) => (value === null ? "–" : value.toLocaleString("en-GB", { maximumFractionDigits: Number.isInteger(value) || Math.abs(value) >= 100 ? 0 : 2 }));
const rate = (value) => (value === null ? "–" : value > 0 && value < 0.0005 ? "<0.1%" : value.toLocaleString("en-GB", { style: "percent", maximumFractionDigits: Math.abs(value) >= 0.995 ? 0 : 1 }));
/** What an item is called: search and menu have neither a name nor an id. */
const called = (row) => (row.item_name || row.item_id || row.item_type[0].toUpperCase() + row.item_type.slice(1)).trim().replace(/\s+/g, " ");
const tile = async (page, name) => (await figure(page, name).locator(".kpi-value").innerText()).trim();

test("overview: totals, their change, the trend, the items", async (t) => {
  const page = await open(t, origin, `/overview?${span}`);
  const [active] = await sql(`SELECT argMax(mau, day) AS mau, avg(stickiness) AS stickiness FROM ${view("active_users")}`);
  const [sessions] = await sql(`SELECT sum(sessions) AS now, (SELECT sum(sessions) FROM ${view("sessions_overview", "", [before, beforeTo])}) AS then FROM ${view("sessions_overview")}`);
  const [plays] = await sql(`SELECT sum(plays) AS plays, sum(completed) / plays AS completed FROM ${view("walkthru_completion", ", item = ''")}`);
  assert.ok(active.mau > 100 && plays.plays > 100 && sessions.then > 0, "the data set has figures to compare");
  assert.equal(await tile(page, "Monthly users"), n(active.mau));
  assert.equal(await tile(page, "Stickiness"), rate(active.stickiness));
  assert.equal(await tile(page, "Sessions"), n(sessions.now));
  assert.match(await figure(page, "Sessions").locator(".change").innerText(), new RegExp(`${rate(Math.abs(sessions.now / sessions.then - 1)).replace(".", "\\.")}.* from ${n(sessions.then)}`));
  assert.equal(await tile(page, "Walk-thru plays"), n(plays.plays));
  assert.equal(await tile(page, "Completed"), rate(plays.completed));
  const days = await sql(`SELECT dau, wau, mau FROM ${view("active_users")} ORDER BY day`);
  assert.deepEqual((await table(figure(page, "Daily users"))).map((row) => row.slice(1, 4)), days.map((row) => [n(row.dau), n(row.wau), n(row.mau)]));
  const items = await sql(`SELECT item_type, item_name, item_id, interacting_users, engagement_rate FROM ${view("item_engagement")} WHERE interacting_users > 0 ORDER BY interacting_users DESC`);
  const shown = await table(figure(page, "Most used items"));
  assert.deepEqual(shown.map((row) => [row[2], row[3]].join()).sort(), items.map((row) => [n(row.interacting_users), rate(row.engagement_rate)].join()).sort());
  assert.deepEqual(shown.map((row) => row[0]).sort(), items.map(called).sort());
});

test("items: every one of them, whatever it is called", async (t) => {
  const page = await open(t, origin, `/items?${span}&compare=none`);
  const items = await sql(`SELECT * FROM ${view("item_engagement")}`);
  const ofPlays = (row, value) => (value === 0 && row.item_type !== "walkthru" && row.item_type !== "autoplay" ? "–" : n(value));
  const want = items.map((row) => [called(row), n(row.exposed_users), n(row.interacting_users), rate(row.engagement_rate), ofPlays(row, row.plays), rate(row.completion_rate), rate(row.goal_rate), ofPlays(row, row.failed)].join(" | "));
  const shown = (await table(page.locator("main"))).map((row) => row.toSpliced(1, 1).join(" | "));
  assert.deepEqual(shown.sort(), want.sort());
  const { text: file } = await saved(page, page.getByRole("button", { name: "CSV" }));
  assert.equal(file.trim().split("\r\n").length, items.length + 1);
});

test("an item: steps, days, time, failures, comparison, effect", async (t) => {
  const [{ item_id: item }] = await sql(`SELECT item_id FROM ${view("item_engagement")} WHERE item_type = 'walkthru' AND match(item_id, '[^0-9]') LIMIT 1`);
  assert.match(item, /["']/, "an id with quotes");
  const quoted = literal(item);
  const page = await open(t, origin, `/item?${span}&kind=walkthru&item=${encodeURIComponent(item)}`);
  const steps = await sql(`SELECT * FROM ${view("walkthru_funnel", `, item = ${quoted}`)} ORDER BY step_index`);
  assert.ok(steps.length > 3);
  assert.deepEqual(await page.locator(".funnel-count b").allInnerTexts(), steps.map((row) => n(row.plays)));
  const worst = Math.max(...steps.map((row) => row.drop_off_rate));
  assert.match(await page.locator(".worst").first().innerText(), new RegExp(rate(worst).replace(".", "\\.")));
  const completion = await sql(`SELECT plays, completed, completion_rate FROM ${view("walkthru_completion", `, item = ${quoted}`)} ORDER BY day`);
  assert.deepEqual((await table(figure(page, "Plays by day"))).map((row) => row.slice(1, 4)), completion.map((row) => [n(row.plays), n(row.completed), rate(row.completion_rate)]));
  const failures = await sql(`SELECT failed, users, share FROM ${view("failure_reasons", `, item = ${quoted}`)} ORDER BY failed DESC, reason`);
  assert.deepEqual((await table(figure(page, "Why plays failed"))).map((row) => row.slice(1)).filter((row) => row.length), failures.map((row) => [n(row.failed), n(row.users), rate(row.share)]));
  const [compared] = await sql(`SELECT value, other_value FROM item_compare(account = 'acme', item = ${quoted}, from = '${from}', to = '${to}', audience = 'live', other_from = '${before}', other_to = '${beforeTo}', other_audience = 'live') WHERE metric = 'plays'`);
  assert.deepEqual((await table(figure(page, "Compare"))).find((row) => row[0] === "Plays").slice(1, 3), [n(compared.value), n(compared.other_value)]);
  const goal = await figure(page, "Does it lead to the goal?").getByRole("combobox").inputValue();
  const effect = await sql(`SELECT users, reached, reach_rate FROM ${view("guide_effect", `, item = ${quoted}, goal = ${literal(goal)}`)} ORDER BY took_it DESC`);
  assert.deepEqual((await table(figure(page, "Does it lead to the goal?"))).map((row) => row.slice(1, 4)), effect.map((row) => [n(row.users), n(row.reached), rate(row.reach_rate)]));
});

test("an id that items of two kinds have: each by itself", async (t) => {
  for (const kind of ["walkthru", "survey"]) {
    const page = await open(t, origin, `/item?${span}&kind=${kind}&item=101`);
    const [item] = await sql(`SELECT exposed_users FROM ${view("item_engagement")} WHERE item_id = '101' AND item_type = '${kind}'`);
    assert.equal(await tile(page, "Exposed users"), n(item.exposed_users));
    assert.deepEqual((await table(figure(page, "Compare"))).filter((row) => row[0] === "Exposed users").map((row) => row[1]), [n(item.exposed_users)]);
  }
});

test("audience: retention, sources, and each breakdown", async (t) => {
  const page = await open(t, origin, `/audience?${span}&tab=retention`);
  const weeks = await sql(`SELECT * FROM ${view("retention")} ORDER BY cohort_week, week`);
  const shown = (await page.locator(".retention tbody tr:not(.mean)").evaluateAll((rows) => rows.map((row) => [...row.cells].slice(1).map((cell) => cell.innerText))));
  const cohorts = [...new Set(weeks.map((row) => row.cohort_week))].map((week) => weeks.filter((row) => row.cohort_week === week));
  assert.deepEqual(shown.map((row) => row.filter(Boolean)), cohorts.map((rows) => [n(rows[0].cohort_users), ...rows.map((row) => rate(row.rate))]));
  const isOpen = (row) => row.week > 0 && Date.parse(row.cohort_week) + (7 * row.week + 6) * 86_400_000 > Date.parse(to);
  assert.equal(await page.locator(".retention .open").count(), weeks.filter(isOpen).length, "weeks that are not over are marked");
  const first = weeks.filter((row) => row.week === 1 && !isOpen(row));
  assert.equal(await page.locator(".retention .mean td").nth(2).innerText(), rate(first.reduce((sum, row) => sum + row.users, 0) / first.reduce((sum, row) => sum + row.cohort_users, 0)), "and are no part of the mean");
  await page.goto(`${origin}/audience?${span}&tab=sources`);
  await settled(page);
  const sources = await sql(`SELECT sessions, users, new_users FROM ${view("traffic_sources")}`);
  assert.deepEqual((await table(figure(page, "In every detail"))).map((row) => row.slice(5).join()).sort(), sources.map((row) => [n(row.sessions), n(row.users), n(row.new_users)].join()).sort());
  for (const by of ["browser", "os", "device", "language", "city", "page", "company"]) {
    await page.goto(`${origin}/audience?${span}&tab=breakdowns&by=${by}`);
    await settled(page);
    const values = await sql(`SELECT value, users, events FROM ${view("breakdown", `, by = '${by}'`)}`);
    const rows = await table(page.locator("main .card").last());
    assert.deepEqual(rows.map((row) => row.join()).sort(), values.map((row) => [row.value || "Not known", n(row.users), n(row.events)].join()).sort(), by);
  }
  const countries = await sql(`SELECT value, users FROM ${view("breakdown", ", by = 'country'")} WHERE value != ''`);
  assert.equal(await page.locator(".land.there").count(), countries.length, "each country with users can be clicked");
  await page.locator(".land.there").first().click();
  await page.waitForURL(/audience=country%3A[A-Z]{2}/);
  await settled(page);
});

test("surveys, courses, tasks, searches, companies", async (t) => {
  const page = await open(t, origin, `/surveys?${span}`);
  const [nps] = await sql(`SELECT * FROM ${view("survey_nps", ", item = ''")} ORDER BY answers DESC, item_id, question LIMIT 1`);
  assert.equal((await page.locator(".nps-score").first().innerText()).replace("+", ""), String(Math.round(nps.nps) || 0));
  const answers = await sql(`SELECT answers, users, share FROM ${view("survey_results", ", item = ''")}`);
  assert.deepEqual((await table(figure(page, "Answers"))).map((row) => row.slice(-3).join()).sort(), answers.map((row) => [n(row.answers), n(row.users), rate(row.share)].join()).sort());

  for (const [path, title, query, first] of [
    ["courses", "Courses", `SELECT opened_users, started_users, completed_users FROM ${view("course_progress")}`, 1],
    ["courses", "Lessons", `SELECT started_users, completed_users FROM ${view("course_lessons", ", item = ''")}`, 2],
    ["tasks", "Tasks", `SELECT completed_users, clicked_users, completed_without_click_users FROM ${view("task_progress")}`, 1],
    ["tasks", "Tasks done by a user", `SELECT tasks_done, users FROM ${view("tasks_done")}`, 0],
    ["searches", "Searches without a result", `SELECT searches, users FROM ${view("search_without_result")}`, 1],
    ["companies", "Companies", `SELECT users, active_days, sessions, events, plays, completed FROM ${view("company_engagement")}`, 1],
  ]) {
    await page.goto(`${origin}/${path}?${span}`);
    await settled(page);
    const want = (await sql(query)).map((row) => Object.values(row).map(n));
    assert.ok(want.length > 0, title);
    assert.deepEqual((await table(figure(page, title).last())).map((row) => row.slice(first, first + want[0].length).join()).sort(), want.map((row) => row.join()).sort(), title);
  }
});

test("a person: found, known, and what they did", async (t) => {
  const [{ user }] = await sql(`SELECT user_id AS user FROM events WHERE account_id = 'acme' AND NOT preview AND NOT is_bot AND environment IN ('production', '') AND toDate(time) BETWEEN '${from}' AND '${to}' AND user_id != '' GROUP BY user_id ORDER BY count() DESC LIMIT 1`);
  const page = await open(t, origin, `/people?${span}`);
  await page.getByRole("searchbox").fill(user);
  await page.getByRole("button", { name: "Find" }).click();
  await page.getByRole("link", { name: user, exact: true }).first().click();
  await settled(page);
  const [profile] = await sql(`SELECT sessions FROM end_user_profile(account = 'acme', user = '${user}')`);
  assert.equal(await figure(page, "What is known").locator("div:has(> dt:text-is('Sessions')) dd").innerText(), n(profile.sessions));
  const [{ events }] = await sql(`SELECT count() AS events FROM end_user_timeline(account = 'acme', user = '${user}', from = '${from}', to = '${to}')`);
  assert.equal(await page.locator(".timeline time").count(), Math.min(events, 300));
});

test("an account without an event: no figure, no error, and where to begin", async (t) => {
  const page = await open(t, origin, "/overview?account=nobody");
  for (const name of ["overview", "items", "audience", "audience?tab=retention", "surveys", "courses", "tasks", "searches", "companies", "people", "health"]) {
    await page.goto(`${origin}/${name}${name.includes("?") ? "&" : "?"}account=nobody`);
    await settled(page);
    assert.doesNotMatch(await page.locator("main").innerText(), /NaN|undefined|null|Infinity|Try again/, name);
  }
});

test("another's account is refused in a sentence", async (t) => {
  const page = await open(t, origin, `/items?account=initech&from=${from}&to=${to}`);
  assert.match(await page.getByRole("alert").innerText(), /not yours to see/);
});

describe("what happens now", () => {
  const send = (events) => fetch(`${edge}/v1/events`, { method: "POST", headers: { "x-write-key": "wk_tiny_page", "content-type": "application/json" }, body: JSON.stringify(events) });

  test("an event is in the stream seconds after it was sent, and data health counts it", async (t) => {
    const page = await open(t, origin, "/live?account=tiny");
    await page.getByText("Live", { exact: true }).last().waitFor();
    const answer = await send([{ time: Date.now(), type: "play", data: { type: "wt", oId: 7, oName: "Sent a moment ago <b>" } }]);
    assert.equal(answer.status, 200);
    await page.getByText("Sent a moment ago <b>").first().waitFor({ timeout: 20_000 });
    await page.goto(`${origin}/health?account=tiny`);
    await settled(page);
    assert.notEqual(await tile(page, "Stored, last 24 hours"), "0");
  });
});

test("the SQL box: a figure's own SQL gives the figure's rows, as a file, too; of no other account", async (t) => {
  const page = await open(t, origin, `/tasks?${span}`);
  await figure(page, "Tasks").getByRole("button", { name: "How is this computed?" }).click();
  await page.locator("dialog").getByRole("link", { name: "Open in the SQL box" }).click();
  await page.getByRole("button", { name: "Run", exact: true }).click();
  const result = figure(page, "Result");
  await result.locator("tbody tr").first().waitFor({ timeout: 20_000 });
  const want = await sql(`SELECT clicked_users, completed_users FROM ${view("task_progress")}`);
  assert.deepEqual((await table(result)).map((row) => row.slice(2, 4).join()).sort(), want.map((row) => [n(row.clicked_users), n(row.completed_users)].join()).sort());
  await page.getByRole("textbox", { name: "SQL" }).fill("SELECT DISTINCT account_id FROM events");
  await page.keyboard.press("Control+Enter");
  await page.waitForFunction(() => document.querySelector("tbody")?.innerText.trim() === "acme", undefined, { timeout: 20_000 });
  await page.getByRole("textbox", { name: "SQL" }).fill("SELEC 1");
  await page.keyboard.press("Control+Enter");
  assert.match(await page.getByRole("alert").innerText(), /Syntax error|SELEC/);
});
