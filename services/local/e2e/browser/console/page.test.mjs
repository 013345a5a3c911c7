// The page by itself, before answers that are made: that links show the same, what stands where there is no figure, that nothing of an account's own
// names is run, and that it serves who has a keyboard, a phone, or no sight of it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, describe, test } from "node:test";
import { figure, open, saved, settled, table } from "./harness.mjs";
import { start } from "./stub.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const stub = await start();
after(stub.close);
const span = "account=shop&from=2026-10-01&to=2026-10-28";

/** answering answers in the stub's place for one test. */
function answering(t, before) {
  stub.before = before;
  t.after(() => (stub.before = undefined));
}

const pages = ["overview", "items", "item?item=124909&kind=walkthru", "item?item=518&kind=survey", "item?item=720&kind=course", "surveys", "courses", "tasks", "searches", "audience", "audience?tab=retention", "audience?tab=sources", "audience?tab=breakdowns", "people", "person?user=user-1000", "companies", "health", "sql"];

describe("every page", () => {
  for (const name of pages) {
    test(`${name}: no error, within a phone's width, one heading, controls with names`, async (t) => {
      const phone = await open(t, stub.origin, `/${name}${name.includes("?") ? "&" : "?"}${span}`, { viewport: { width: 360, height: 780 } });
      assert.ok(await phone.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "wider than the phone");
      assert.equal(await phone.locator("h1").count(), 1);
      const nameless = await phone.evaluate(() => [...document.querySelectorAll("button, a[href], input, select, textarea")].filter((each) => !(each.innerText?.trim() || each.textContent.trim() || each.getAttribute("aria-label") || each.labels?.length)).map((each) => each.outerHTML));
      assert.deepEqual(nameless, []);
      assert.equal(await phone.locator("[style*='javascript'], script:not([src])").count(), 0);
    });
  }
});

describe("the address", () => {
  test("says everything: without a span it is filled in, and another browser sees the same", async (t) => {
    const page = await open(t, stub.origin, "/");
    const address = new URL(page.url());
    assert.equal(address.searchParams.get("account"), "shop");
    assert.match(address.searchParams.get("from"), /^\d{4}-\d\d-\d\d$/);
    await page.goto(`${stub.origin}/overview?${span}&metric=sessions&audience=country:DE&compare=none`);
    await settled(page);
    const other = await open(t, stub.origin, new URL(page.url()).pathname + new URL(page.url()).search);
    for (const each of [page, other]) {
      assert.equal(await each.getByRole("button", { name: "Sessions", exact: true }).getAttribute("aria-pressed"), "true");
      assert.match(await each.getByRole("button", { name: /^Audience/ }).innerText(), /Country: Germany/);
      assert.match(await each.getByRole("button", { name: /^Compared with/ }).innerText(), /No comparison/);
    }
    assert.deepEqual(await table(figure(page, "Sessions").last()), await table(figure(other, "Sessions").last()));
  });

  test("what it says is what is asked", async (t) => {
    stub.asked.length = 0;
    await open(t, stub.origin, `/items?${span}&audience=environment:test`);
    const asked = stub.asked.filter((each) => each.question === "item_engagement").map((each) => each.params);
    assert.deepEqual(asked.sort((a, b) => (a.from < b.from ? 1 : -1)), [
      { account: "shop", audience: "environment:test", from: "2026-10-01", to: "2026-10-28" },
      { account: "shop", audience: "environment:test", from: "2026-09-03", to: "2026-09-30" },
    ]);
  });

  test("back and forward go through what was looked at", async (t) => {
    const page = await open(t, stub.origin, `/overview?${span}`);
    await page.getByRole("link", { name: "Items", exact: true }).click();
    await settled(page);
    await page.getByRole("button", { name: "Walk-thru" }).click();
    await page.getByRole("link", { name: "Return an order" }).click();
    await settled(page);
    assert.equal(await page.locator(".page-head h2").innerText(), "Return an order");
    await page.goBack();
    await settled(page);
    assert.equal(await page.getByRole("button", { name: "Walk-thru" }).getAttribute("aria-pressed"), "true");
    await page.goBack();
    await page.goBack();
    assert.equal(new URL(page.url()).pathname, "/overview");
    await page.goForward();
    assert.equal(new URL(page.url()).pathname, "/items");
    assert.match(page.url(), /from=2026-10-01/);
  });

  test("days the wrong way round or no days at all are put right", async (t) => {
    const page = await open(t, stub.origin, "/overview?account=shop&from=2026-10-28&to=2026-10-01");
    assert.match(page.url(), /from=2026-10-01&to=2026-10-28/);
    await page.goto(`${stub.origin}/overview?account=shop&from=2026-02-31&to=x'--`);
    await settled(page);
    assert.match(page.url(), /from=\d{4}-\d\d-\d\d&to=\d{4}-\d\d-\d\d$/);
  });

  test("a page that there is not says so", async (t) => {
    const page = await open(t, stub.origin, "/nowhere");
    assert.match(await page.locator("main").innerText(), /There is no such page/);
  });
});

describe("in place of a figure", () => {
  test("while it waits: a skeleton; after two seconds: that it is slow, and a way out; the query is ended", async (t) => {
    let ended;
    const gone = new Promise((resolve) => (ended = resolve));
    answering(t, ({ pathname, request, response }) => pathname === "/api/ask/search_without_result" && new Promise(() => response.on("close", ended)) && true);
    const page = await open(t, stub.origin, `/searches?${span}`, { ready: false });
    await page.locator(".skeleton").first().waitFor();
    await page.getByText("Still computing").waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();
    await gone;
    await page.getByText("Cancelled.").waitFor();
    stub.before = undefined;
    await page.getByRole("button", { name: "Ask again" }).click();
    await page.getByText("fax number").waitFor();
  });

  for (const [status, code, text, again] of [[503, "away", /ClickHouse does not answer/, true], [504, "slow", /took too long/, true], [403, "account", /not yours to see/, false], [400, "bad_parameter", /audience: want live/, false], [500, "bug", /A bug of the console/, true]]) {
    test(`${status}: a sentence${again ? ", and once more" : ""}`, async (t) => {
      answering(t, ({ pathname, json }) => pathname === "/api/ask/company_engagement" && (json({ error: { code, message: code === "bug" ? "A bug of the console." : "audience: want live" } }, status), true));
      const page = await open(t, stub.origin, `/companies?${span}`, { ready: false });
      const alert = page.getByRole("alert");
      await alert.waitFor();
      assert.match(await alert.innerText(), text);
      assert.equal(await alert.getByRole("button", { name: "Try again" }).count(), again ? 1 : 0);
      if (again) {
        stub.before = undefined;
        await alert.getByRole("button", { name: "Try again" }).click();
        await page.getByText("acme.example").waitFor();
      }
    });
  }

  test("busy: it waits and asks again by itself", async (t) => {
    let times = 0;
    answering(t, ({ pathname, json }) => pathname === "/api/ask/company_engagement" && ++times < 3 && (json({ error: { code: "busy", message: "" } }, 429), true));
    const page = await open(t, stub.origin, `/companies?${span}`);
    await page.getByText("acme.example").waitFor();
    assert.equal(times, 3);
  });

  test("nothing there: why, and what to do", async (t) => {
    answering(t, ({ pathname, json }) => pathname.startsWith("/api/ask/") && (json({ columns: [], rows: [], sql: "SELECT 1", elapsed_ms: 1, rows_read: 0, as_of: "2026-10-28T00:00:00Z", truncated: false }), true));
    const page = await open(t, stub.origin, `/overview?${span}`);
    assert.match(await figure(page, "Most used items").innerText(), /Items appear with their first event/);
    for (const name of pages) {
      await page.goto(`${stub.origin}/${name}${name.includes("?") ? "&" : "?"}${span}`);
      await settled(page);
      assert.doesNotMatch(await page.locator("main").innerText(), /NaN|undefined|null|Infinity/);
    }
  });

  test("the console itself away: a sentence, and a way to try again", async (t) => {
    answering(t, ({ pathname, response }) => pathname === "/api/me" && (response.destroy(), true));
    const page = await open(t, stub.origin, "/", { ready: false }).catch(() => undefined);
    await page.getByRole("alert").waitFor();
    assert.match(await page.getByRole("alert").innerText(), /does not answer/);
  });
});

describe("what the account's pages call their things", () => {
  const hostile = ["<img src=x onerror=alert(1)>", "</script><script>alert(2)</script>", "=HYPERLINK(\"http://evil.example\",\"x\")", "\u202Egnp.exe\u202C", "👩‍👩‍👧‍👦 Überprüfung", "x".repeat(5000), "javascript:alert(3)", "a\nb\tc", "%2e%2e/..//?a=1#b", "null", ""];

  test("is text, wherever it stands, and as a link leads to itself", async (t) => {
    answering(t, ({ pathname, json }) => {
      if (pathname !== "/api/ask/item_engagement") {
        return false;
      }
      const names = "item_type item_id item_name exposed_users interacting_users engagement_rate plays players completed completion_rate goals goal_users goal_rate failed stopped dismissed".split(" ");
      json({ columns: names.map((name) => ({ name, type: "String" })), rows: hostile.map((name, i) => ["walkthru", name || "empty", name, 100 + i, 50 + i, 0.5, 10, 10, 5, 0.5, 1, 1, 0.1, 0, 0, 0]), sql: hostile[1], elapsed_ms: 1, rows_read: 1, as_of: "2026-10-28T00:00:00Z", truncated: false });
      return true;
    });
    for (const viewport of [{ width: 1360, height: 900 }, { width: 360, height: 780 }]) {
      const page = await open(t, stub.origin, `/items?${span}`, { viewport });
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "a long name widens the page");
      const shown = await page.locator("tbody .item-link bdi").allTextContents();
      assert.deepEqual(new Set(shown), new Set(hostile.map((name) => name || "empty")));
      for (const name of hostile.filter(Boolean)) {
        const href = await page.locator("tbody .item-link").nth(shown.indexOf(name)).getAttribute("href");
        assert.equal(new URL(href, stub.origin).searchParams.get("item"), name);
      }
      await page.locator("tbody .item-link").nth(shown.indexOf(hostile[5])).click();
      await settled(page);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "a long name widens its own page");
      await page.getByRole("button", { name: /^How is this computed/ }).first().click();
      assert.equal(await page.locator("dialog pre").first().innerText(), hostile[1]);
    }
  });

  test("is text in a chart's tip, in a profile's attributes and in the stream", async (t) => {
    answering(t, ({ pathname, params, json, response }) => {
      if (pathname === "/api/ask/end_user_profile") {
        json({ columns: [{ name: "user_id" }, { name: "attributes", unit: "map" }, { name: "city" }], rows: [[params.user, { [hostile[0]]: JSON.stringify(hostile[1]), broken: "{" }, hostile[0]]], sql: "SELECT", elapsed_ms: 1, rows_read: 1, as_of: "" });
        return true;
      }
      if (pathname === "/api/live") {
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.write(`event: event\ndata: ${JSON.stringify({ event_id: "1", time: "2026-10-28T00:00:00Z", event: hostile[0], item_type: hostile[1], item_id: "1", item_name: hostile[0], user_id: hostile[1], url_path: hostile[6], page_title: hostile[0], environment: hostile[0], country_code: "<>" })}\n\n`);
        return true;
      }
      return false;
    });
    const page = await open(t, stub.origin, `/person?${span}&user=${encodeURIComponent(hostile[1])}`);
    assert.match(await page.locator("main").innerText(), /<img src=x onerror=alert\(1\)>/);
    assert.equal(await page.locator("main img, main script").count(), 0);
    await page.goto(`${stub.origin}/live?${span}`);
    await page.locator("tbody tr").waitFor();
    assert.equal(await page.locator("main img, main script").count(), 0);
  });

  test("does not become a formula in a file", async (t) => {
    const page = await open(t, stub.origin, `/sql?${span}`);
    await page.getByRole("button", { name: "Run", exact: true }).click();
    const { name, text } = await saved(page, page.getByRole("button", { name: /^Export Result/ }));
    assert.match(name, /^Result-shop-.*\.csv$/);
    assert.equal(text, "\ufeffevent,users\r\nplay,12\r\n'=cmd|' /C calc'!A0,3\r\n");
  });
});

describe("every figure", () => {
  test("says how it is computed, copies its SQL, and opens it in the box", async (t) => {
    const page = await open(t, stub.origin, `/overview?${span}`, { permissions: ["clipboard-read", "clipboard-write"] });
    const cards = page.locator("main .card");
    const buttons = page.locator("main").getByRole("button", { name: /^How is this computed/ });
    assert.equal(await buttons.count(), await cards.count());
    await figure(page, "Daily users").getByRole("button", { name: "How is this computed?" }).click();
    const sql = await page.locator("dialog pre").first().innerText();
    assert.match(sql, /active_users\(account = 'shop', audience = 'live', from = '2026-10-01', to = '2026-10-28'\)/);
    await page.locator("dialog").getByRole("button", { name: "Copy SQL" }).first().click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), sql);
    await page.locator("dialog").getByRole("link", { name: "Open in the SQL box" }).first().click();
    assert.equal(await page.locator("textarea").inputValue(), sql);
    assert.equal(new URL(page.url()).searchParams.get("sql"), sql);
  });

  test("has a table with the chart's values, and a summary in words", async (t) => {
    const page = await open(t, stub.origin, `/overview?${span}`);
    const daily = figure(page, "Daily users");
    const chart = daily.getByRole("img");
    assert.match(await chart.getAttribute("aria-label"), /Daily users: lowest \d+ at .* highest [\d,]+ at .* latest/);
    assert.ok(await chart.locator("canvas").evaluate((canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0)), "nothing is drawn");
    assert.equal((await table(daily)).length, 28);
  });
});

test("days are chosen by dragging across a chart", async (t) => {
  const page = await open(t, stub.origin, `/overview?${span}`);
  const { x, y, width, height } = await page.locator(".canvas").boundingBox();
  await page.mouse.move(x + width * 0.5, y + height / 2);
  await page.mouse.down();
  await page.mouse.move(x + width * 0.75, y + height / 2, { steps: 4 });
  await page.locator(".picked").waitFor();
  await page.mouse.up();
  await page.waitForURL((url) => url.searchParams.get("from") > "2026-10-10" && url.searchParams.get("to") < "2026-10-27");
  await settled(page);
  const days = (Date.parse(new URL(page.url()).searchParams.get("to")) - Date.parse(new URL(page.url()).searchParams.get("from"))) / 86_400_000;
  assert.ok(days >= 5 && days <= 9, `${days} days are a quarter of the chart`);
  await page.goBack();
  assert.match(page.url(), /from=2026-10-01&to=2026-10-28/);
});

describe("the SQL box", () => {
  test("sends what stands there, with the header that no other site can send; its refusal is shown", async (t) => {
    const page = await open(t, stub.origin, `/sql?${span}`);
    stub.posts.length = 0;
    await page.getByRole("textbox", { name: "SQL" }).fill("SELECT 1");
    await page.keyboard.press("Control+Enter");
    await figure(page, "Result").waitFor();
    assert.deepEqual(stub.posts.map(({ pathname, body }) => ({ pathname, body })), [{ pathname: "/api/sql", body: { account: "shop", sql: "SELECT 1" } }]);
    assert.equal(stub.posts[0].headers["x-waymark-console"], "1");
    answering(t, ({ pathname, json }) => pathname === "/api/sql" && (json({ error: { code: "sql", message: "Syntax error: failed at position 8 <b>" } }, 400), true));
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await page.getByText("failed at position 8 <b>").waitFor();
  });

  test("is off where the account has none, and a question's SQL can begin one", async (t) => {
    const page = await open(t, stub.origin, `/sql?account=crm&from=2026-10-01&to=2026-10-28`);
    assert.match(await page.locator(".notice").innerText(), /no SQL box/);
    await page.getByRole("button", { name: /Which items are used/ }).click();
    assert.match(await page.locator("textarea").inputValue(), /item_engagement\(account = 'crm', from = '2026-10-01', to = '2026-10-28', audience = 'live'\)/);
    assert.ok(await page.getByRole("button", { name: "Run", exact: true }).isDisabled());
  });
});

describe("live", () => {
  test("shows events as they come, keeps still when paused, filters, and connects again", async (t) => {
    let streams = 0;
    answering(t, ({ pathname, response }) => {
      if (pathname === "/api/live" && ++streams === 1) {
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.end('event: event\ndata: {"event_id": "first", "event": "play", "item_type": "walkthru", "item_id": "1", "item_name": "From the first stream", "time": "2026-10-28T01:02:03Z"}\n\nevent: end\ndata: {}\n\n');
        return true;
      }
      return false;
    });
    const page = await open(t, stub.origin, `/live?${span}`);
    await page.getByText("From the first stream").waitFor();
    await page.getByText("Need help?").first().waitFor();
    assert.equal(streams, 2);
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByText(/\d+ not shown/).waitFor();
    const still = await page.locator("tbody").innerText();
    await page.getByText(/[2-9] not shown/).waitFor();
    assert.equal(await page.locator("tbody").innerText(), still);
    await page.getByRole("searchbox").fill("survey");
    await page.waitForFunction(() => [...document.querySelectorAll("tbody tr")].every((row) => row.innerText.includes("How was it?")));
    assert.match(page.url(), /search=survey/);
  });
});

describe("with a keyboard", () => {
  test("from the first key: to the figures, to an item, its SQL, and back", async (t) => {
    const page = await open(t, stub.origin, `/items?${span}`);
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the figures");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.type), "search");
    await page.keyboard.type("return");
    for (let i = 0; i < 40 && !(await page.evaluate(() => document.activeElement.textContent === "Return an order")); i++) {
      await page.keyboard.press("Tab");
    }
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.notEqual(outline, "none");
    await page.keyboard.press("Enter");
    await settled(page);
    assert.equal(await page.locator(".page-head h2").innerText(), "Return an order");
    assert.equal(await page.evaluate(() => document.activeElement.id), "main", "the focus is at the new page");
    for (let i = 0; i < 40 && !(await page.evaluate(() => /^How is this computed/.test(document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent))); i++) {
      await page.keyboard.press("Tab");
    }
    await page.keyboard.press("Enter");
    await page.locator("dialog[open]").waitFor();
    await page.keyboard.press("Escape");
    await page.locator("dialog[open]").waitFor({ state: "detached" });
    assert.match(await page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent), /^How is this computed/);
  });

  test("days and audience are chosen, and Escape leaves as it was", async (t) => {
    const page = await open(t, stub.origin, `/overview?${span}`);
    const days = page.getByRole("button", { name: /^Days/ });
    await days.focus();
    await page.keyboard.press("Enter");
    await page.keyboard.press("Escape");
    assert.equal(await days.evaluate((each) => document.activeElement === each), true);
    await page.keyboard.press("Enter");
    await page.getByLabel("From").fill("2026-10-05");
    await page.keyboard.press("Enter");
    await page.waitForURL(/from=2026-10-05&to=2026-10-28/);
    await page.getByRole("button", { name: /^Audience/ }).click();
    await page.getByRole("combobox", { name: "Value" }).fill("FR");
    await page.keyboard.press("Enter");
    await page.waitForURL(/audience=country%3AFR/);
  });

  test("a table is sorted from its headings, which say how it is", async (t) => {
    const page = await open(t, stub.origin, `/items?${span}`);
    const heading = page.getByRole("columnheader", { name: "Exposed" });
    await heading.getByRole("button").focus();
    await page.keyboard.press("Enter");
    assert.equal(await heading.getAttribute("aria-sort"), "descending");
    const exposed = async () => (await table(page.locator("main"))).map((row) => Number(row[2].replaceAll(",", "")));
    assert.deepEqual(await exposed(), (await exposed()).toSorted((a, b) => b - a));
    await page.keyboard.press("Enter");
    assert.deepEqual(await exposed(), (await exposed()).toSorted((a, b) => a - b));
    assert.match(page.url(), /sort=exposed_users/);
  });
});

describe("sign-in", () => {
  test("asks for a token, refuses the wrong one, and lets in and out", async (t) => {
    stub.signedIn = false;
    t.after(() => (stub.signedIn = true));
    const page = await open(t, stub.origin, `/items?${span}`, { ready: false });
    await page.getByLabel("Token").fill("wrong");
    await page.getByRole("button", { name: "Sign in" }).click();
    assert.match(await page.getByRole("alert").innerText(), /No user has this token/);
    await page.getByLabel("Token").fill("right");
    await page.getByRole("button", { name: "Sign in" }).click();
    await settled(page);
    assert.equal(new URL(page.url()).pathname, "/items");
    assert.equal(await page.evaluate(() => Object.values(localStorage).concat(Object.values(sessionStorage)).join("").includes("right")), false);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Token").waitFor();
  });
});

describe("colours", () => {
  /** Contrast of text and what is behind it (WCAG 2.2, 1.4.3). */
  const contrast = (page) => page.evaluate(() => {
    const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const parse = (text) => { probe.clearRect(0, 0, 1, 1); probe.fillStyle = text; probe.fillRect(0, 0, 1, 1); return [...probe.getImageData(0, 0, 1, 1).data]; };
    const light = ([r, g, b]) => [r, g, b].map((each) => each / 255).map((each) => (each <= 0.03928 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)).reduce((sum, each, i) => sum + each * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (element) => { for (let each = element; each; each = each.parentElement) { const colour = parse(getComputedStyle(each).backgroundColor); if (colour[3] > 250) return colour; } return [255, 255, 255]; };
    return [...document.querySelectorAll("main *, nav *, header *")].filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()) && element.checkVisibility() && !element.closest(".unseen, :disabled, svg")).flatMap((element) => {
      const style = getComputedStyle(element);
      const [a, b] = [light(parse(style.color)), light(behind(element))].toSorted((x, y) => y - x);
      const ratio = (a + 0.05) / (b + 0.05);
      return ratio < 4.5 ? [`${ratio.toFixed(2)} ${element.tagName}.${element.className} ${element.textContent.slice(0, 30)}`] : [];
    });
  });

  for (const colorScheme of ["light", "dark"]) {
    test(`${colorScheme}: text can be read`, async (t) => {
      const page = await open(t, stub.origin, `/overview?${span}`, { colorScheme });
      for (const name of pages) {
        // Long enough for cohorts of every shade.
        await page.goto(`${stub.origin}/${name}${name.includes("?") ? "&" : "?"}${name.includes("retention") ? "account=shop&from=2026-07-01&to=2026-10-28" : span}`);
        await settled(page);
        assert.deepEqual(await contrast(page), [], name);
      }
    });
  }

  test("a chosen theme is kept, and is there before the first picture", async (t) => {
    const page = await open(t, stub.origin, `/overview?${span}`, { colorScheme: "light" });
    await page.getByRole("button", { name: "Dark" }).click();
    await page.reload();
    await settled(page);
    assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme), "dark");
  });
});

describe("axe, which knows the rules for who does not see or cannot use a mouse (WCAG 2.2 AA)", () => {
  const rules = { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations"] };
  const found = (page) => page.evaluate(async ([source, options]) => {
    window.axe ?? (0, eval)(source);
    const { violations } = await window.axe.run(document, options);
    return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 140)} ${node.any[0]?.message ?? node.all[0]?.message ?? ""}`));
  }, [axe, rules]);

  for (const colorScheme of ["light", "dark"]) {
    test(`finds nothing on any page, ${colorScheme}`, async (t) => {
      const page = await open(t, stub.origin, `/overview?${span}`, { colorScheme, bypassCSP: true });
      for (const name of [...pages, "live"]) {
        await page.goto(`${stub.origin}/${name}${name.includes("?") ? "&" : "?"}${span}`);
        await settled(page);
        assert.deepEqual(await found(page), [], name);
      }
      await page.goto(`${stub.origin}/overview?${span}`);
      await settled(page);
      await page.getByRole("button", { name: /^Audience/ }).click();
      assert.deepEqual(await found(page), [], "a panel");
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: /^How is this computed/ }).first().click();
      assert.deepEqual(await found(page), [], "a dialog");
    });
  }
});

describe("what a page asks first", () => {
  test("goes alone: the others are asked when it is answered", async (t) => {
    const order = [];
    answering(t, async ({ pathname, params }) => {
      const name = `${pathname.match(/^\/api\/ask\/(.+)$/)?.[1] ?? ""} ${params.from}`;
      order.push(name);
      if (name === "active_users 2026-10-01") {
        await new Promise((resolve) => setTimeout(resolve, 100));
        order.push("answered");
      }
    });
    await open(t, stub.origin, `/overview?${span}`);
    const asked = order.filter((name) => !name.startsWith(" "));
    assert.deepEqual(asked.slice(0, 3), ["active_users 2026-10-01", "answered", "active_users 2026-09-03"]);
    assert.ok(asked.some((name) => name.startsWith("freshness")), "freshness is asked, too");
  });

  for (const [name, question] of [["overview", "active_users"], ["items", "item_engagement"], ["surveys", "item_engagement"], ["courses", "course_progress"], ["tasks", "task_progress"], ["searches", "search_without_result"], ["companies", "company_engagement"]]) {
    test(`is on its way before the page is made: ${name}`, async (t) => {
      let known;
      const asked = new Promise((resolve) => (known = resolve));
      const all = [];
      answering(t, async ({ pathname, params }) => {
        if (pathname === "/api/me") {
          await asked;
        } else if (pathname.startsWith("/api/ask/")) {
          all.push(`${pathname.slice("/api/ask/".length)} ${params.from}`);
          known();
        }
      });
      await open(t, stub.origin, `/${name}?${span}`);
      assert.equal(all[0], `${question} 2026-10-01`);
      assert.equal(all.filter((each) => each === all[0]).length, 1, "it is asked once");
    });
  }

  test("is asked once, too, where the account stands in no address", async (t) => {
    const all = [];
    answering(t, ({ pathname, params }) => pathname === "/api/ask/active_users" && void all.push(params.from));
    const page = await open(t, stub.origin, "/");
    assert.equal(new URL(page.url()).searchParams.get("from"), all[0]);
    assert.equal(all.length, 2, "of these days, and of those before");
  });

  test("goes alone on the next page, too, though the last one's are still on their way", async (t) => {
    let order;
    answering(t, async ({ pathname, params }) => {
      const name = pathname.match(/^\/api\/ask\/(.+)$/)?.[1];
      if (!order && name === "sessions_overview") {
        return new Promise(() => undefined);
      }
      if (order && name) {
        order.push(`${name} ${params.from}`);
        if (order.length === 1) {
          await new Promise((resolve) => setTimeout(resolve, 100));
          order.push("answered");
        }
      }
    });
    const page = await open(t, stub.origin, `/overview?${span}`, { ready: false });
    await figure(page, "What has changed").locator("tbody tr").first().waitFor();
    order = [];
    await page.getByRole("link", { name: "Audience" }).click();
    await figure(page, "New and returning").locator("canvas").waitFor();
    assert.deepEqual(order.slice(0, 3), ["sessions_overview 2026-10-01", "answered", "sessions_overview 2026-09-03"]);
  });

  test("is not waited for longer than a second", async (t) => {
    let first = true;
    answering(t, ({ pathname }) => {
      if (first && pathname.startsWith("/api/ask/")) {
        first = false;
        return new Promise(() => undefined);
      }
    });
    // Told by the page's clock: what a request takes to get here is the machine's affair.
    const page = await open(t, stub.origin, `/overview?${span}`, {
      ready: false,
      script: () => {
        const fetch = window.fetch;
        window.asked = [];
        window.fetch = (path, ...rest) => {
          if (path.startsWith("/api/ask/")) {
            window.asked.push(performance.now());
          }
          return fetch(path, ...rest);
        };
      },
    });
    await figure(page, "Most used items").getByText("Log in").waitFor();
    const [sent, next] = await page.evaluate(() => window.asked);
    assert.ok(next - sent >= 990, `the second question was sent after ${Math.round(next - sent)} ms`);
  });
});

test("the shell and its first numbers stand before charts are loaded", async (t) => {
  const page = await open(t, stub.origin, "/overview", { ready: false });
  await page.route(/echarts-/, () => undefined);
  await page.goto(`${stub.origin}/overview?${span}`);
  await page.locator(".kpi-value").nth(4).waitFor();
  assert.equal(await page.locator(".canvas canvas").count(), 0);
});
