import assert from "node:assert/strict";
import { claim, story, until } from "./harness.mjs";

const track = (page, n, from = 0) => page.evaluate(([n, from]) => { for (let i = from; i < from + n; i++) waymark.track("t", { i }); }, [n, from]);
const numbers = (rows) => rows.map((row) => Number(JSON.parse(row.props_text).i)).sort((a, b) => a - b);
const all = (n) => [...Array(n).keys()];
const once = async (it, n) => {
  assert.deepEqual(numbers(await it.rows(n, "event = 'track'")), all(n));
  await until("the queue is empty", () => it.page.evaluate(() => waymark.stats().queued === 0));
  assert.deepEqual(numbers(await it.rows(n, "event = 'track'")), all(n), "still once, when everything was answered");
};

claim("a batch goes at its count, its size, or its age", async (it) => {
  it.serve('data-batch-events="5" data-batch-age="60000" data-batch-bytes="9000"');
  await it.open("/");
  await it.viewed();
  it.site.posts.length = 0;
  await track(it.page, 5);
  await until("five events", () => it.site.posts.length === 1);
  await it.page.waitForFunction(() => waymark.stats().queued === 0); // what comes while a batch is under way goes right after it
  await it.page.evaluate(() => waymark.track("large", { text: "x".repeat(10000) }));
  await until("ten kilobytes", () => it.site.posts.length === 2);
  assert.deepEqual(it.site.posts.map((post) => post.events.length), [5, 1]);
  it.serve('data-batch-age="1500"');
  it.site.posts.length = 0;
  await it.open("/");
  await it.viewed();
  it.site.posts.length = 0;
  await it.page.waitForTimeout(500); // the view's own timer must not count for what comes later
  const told = Date.now();
  await track(it.page, 1);
  await until("its age", () => it.site.posts.length === 1);
  assert.ok(Date.now() - told >= 1400, `one event waits for others: after ${Date.now() - told} ms ${JSON.stringify(it.site.posts[0].events.map((event) => [event.type, event.time - told, event.props]))}`);
  assert.ok(it.site.posts.every((post) => post.key === "wk_shop_page" && Math.abs(post.sentAt - Date.now()) < 60000));
});

claim("an event whose answer was lost is sent again under its id, and is there once", async (it) => {
  it.serve();
  let cut = 2;
  it.site.fault = async ({ forward, response }) => cut-- > 0 && (await forward(), response.destroy(), true);
  await it.open("/");
  await track(it.page, 10);
  await once(it, 10);
  const ids = it.site.posts.flatMap((post) => post.events.map((event) => event.id));
  assert.ok(ids.length > new Set(ids).size, "some were sent twice");
});

claim("503, 429 and 500 are tried again, not before Retry-After, each event once", async (it) => {
  it.serve();
  await it.open("/");
  await it.viewed();
  const answers = [[503, "1"], [429, "2"], [500]];
  const times = [];
  it.site.fault = async ({ response }) => {
    times.push(Date.now());
    const answer = answers.shift();
    answer && response.writeHead(answer[0], answer[1] && { "Retry-After": answer[1] }).end("{}");
    return answer;
  };
  await track(it.page, 3);
  await once(it, 3);
  assert.ok(times[1] - times[0] >= 1000 && times[2] - times[1] >= 2000, `waited ${times.map((t) => t - times[0])}`);
  assert.ok(times[3] - times[2] >= 1000, "the wait grows");
});

claim("Retry-After holds in the next page and in other tabs, too", async (it) => {
  it.serve();
  let until429 = 0;
  it.site.fault = async ({ response }) => {
    if (until429 === 0) {
      until429 = Date.now() + 3000;
      response.writeHead(429, { "Retry-After": "3" }).end("{}");
      return true;
    }
    return Date.now() < until429 - 50 && (response.destroy(), (it.early = true));
  };
  await it.open("/");
  await until("the edge asked to wait", () => until429 > 0);
  await it.page.waitForFunction(() => Object.keys(localStorage).some((name) => name.endsWith(".w")));
  await it.page.reload();
  await it.open("/tab", await it.context.newPage());
  await it.rows(3, "event = 'view'");
  assert.ok(!it.early, "nobody came before the time");
});

claim("what happens offline survives a reload, and is sent when the network is back", async (it) => {
  it.serve();
  await it.open("/");
  await it.viewed();
  // The site's answers stay away, as in a lift; pages come from the browser's own copy, which this route stands for.
  const html = it.site.pages["*"].html;
  await it.context.route("**/*", (route) =>
    route.request().isNavigationRequest() ? route.fulfill({ contentType: "text/html", body: html }) : /recorder\.js/.test(route.request().url()) && !it.blocked ? route.continue() : route.abort());
  await track(it.page, 4);
  await it.page.reload();
  await it.page.waitForFunction(() => window.waymark?.version);
  await track(it.page, 4, 4);
  await it.page.reload();
  await it.page.waitForFunction(() => window.waymark?.stats().queued >= 8);
  await it.context.unroute("**/*");
  await it.page.evaluate(() => window.dispatchEvent(new Event("online")));
  await once(it, 8);
});

claim("a browser that knows that it is offline does not even try", async (it) => {
  it.serve();
  await it.open("/");
  await it.viewed();
  it.site.posts.length = 0;
  await it.context.setOffline(true);
  await track(it.page, 3);
  await it.page.waitForTimeout(600);
  assert.equal(await it.page.evaluate(() => (window.heard ?? []).length), 0);
  await it.context.setOffline(false);
  await once(it, 3);
});

claim("what was just told is sent when the page goes, and what was not answered is sent again by the next page, under the same ids", async (it) => {
  // That a request outlives its page shows on slow networks only: here it must at least be one of those that do.
  it.serve("data-batch-age=60000", { head: "const f=fetch;window.fetch=(url,init)=>(localStorage.setItem('app.keepalive',init.keepalive),f(url,init));" });
  await it.open("/");
  await track(it.page, 6);
  await it.page.goto("about:blank");
  assert.deepEqual(numbers(await it.rows(6, "event = 'track'")), all(6));
  await it.open("/next");
  assert.equal(await it.page.evaluate(() => localStorage.getItem("app.keepalive")), "true");
  await it.drained();
  assert.deepEqual(numbers(await it.rows(6, "event = 'track'")), all(6));
});

claim("what was told is sent when the tab is hidden", async (it) => {
  it.serve("data-batch-age=60000");
  await it.open("/");
  await track(it.page, 2);
  await it.page.evaluate(() => {
    Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await once(it, 2);
});

claim("a page that goes with more than 64 KiB to say loses nothing: what keepalive does not hold comes with the next page", async (it) => {
  it.serve('data-batch-age="60000" data-batch-events="1000" data-batch-bytes="10000000"');
  await it.open("/");
  await it.page.evaluate(() => { for (let i = 0; i < 40; i++) waymark.track("t", { i, text: "ä".repeat(2000) }); });
  await it.page.goto("about:blank");
  const sent = numbers(await it.rows(10, "event = 'track'"));
  assert.ok(sent.length < 40, `${sent.length} of 160 KB fit`);
  assert.ok(it.site.posts.every((post) => Buffer.byteLength(JSON.stringify(post)) < 65536));
  await it.open("/next");
  await it.drained();
  await once(it, 40);
});

claim("a body that somebody on the way finds too large is halved until it passes", async (it) => {
  it.serve('data-batch-age="60000" data-batch-events="1000"');
  it.site.fault = async ({ response, post }) => post.events.length > 3 && (response.writeHead(413).end(), true);
  await it.open("/");
  await track(it.page, 20);
  await it.page.evaluate(() => void waymark.flush());
  await once(it, 20);
});

claim("an event that is always refused stands in nobody's way", async (it) => {
  it.serve();
  it.site.fault = async ({ response, post }) => JSON.stringify(post).includes("poison") && (response.writeHead(400).end(), true);
  await it.open("/");
  await it.page.evaluate(() => waymark.track("poison"));
  await track(it.page, 5);
  await once(it, 5);
  assert.equal(await it.page.evaluate(() => waymark.stats().refused), 1);
});

claim("the answer of somebody who is not the edge lets no event go", async (it) => {
  it.serve();
  await it.open("/");
  await it.viewed();
  let portal = 1;
  it.site.fault = async ({ response }) => portal-- > 0 && (response.writeHead(200, { "content-type": "text/html" }).end("<h1>Pay for the network</h1>"), true);
  await track(it.page, 3);
  await once(it, 3);
});

claim("the queue is bounded: the oldest are dropped, counted, and the count is told", async (it) => {
  it.serve('data-queue-bytes="8000"');
  it.site.fault = async ({ response }) => it.away && (response.destroy(), true);
  await it.open("/");
  await it.viewed();
  it.away = true;
  await track(it.page, 40);
  const { queued, dropped } = await it.page.evaluate(() => waymark.stats());
  assert.ok(queued > 3 && dropped > 20 && queued + dropped === 40, `${queued} queued, ${dropped} dropped`);
  assert.ok(JSON.stringify(await it.kept()).length < 10000);
  it.away = false;
  await it.page.evaluate(() => window.dispatchEvent(new Event("online")));
  const sent = numbers(await it.rows(queued, "event = 'track'"));
  assert.deepEqual(sent, all(40).slice(40 - queued), "the newest are kept");
  assert.ok(it.site.posts.at(-1).events.at(-1).library.dropped > 20);
});

claim("calls that the page makes before the script is there wait for it", async (it) => {
  it.serve("", { head: "window.waymark=window.waymark||[];waymark.push(w=>w.track('early',{i:0}));waymark.push(w=>{throw new Error('broken')},w=>w.track('early',{i:1}));" });
  await it.open("/");
  assert.deepEqual(numbers(await it.rows(2, "event = 'track'")), [0, 1]);
  assert.deepEqual(await it.page.evaluate(() => window.heard), ["Error: broken"]);
});

claim("a second tag of the script tells nothing twice", async (it) => {
  it.serve();
  it.site.pages["*"].html = it.site.pages["*"].html.replace("</head>", '<script src="/wm/recorder.js?again" data-key="wk_shop_page"></script></head>');
  await it.open("/");
  await it.viewed();
  assert.deepEqual(story(await it.rows(2)).sort(), ["page view", "session start"]);
});
