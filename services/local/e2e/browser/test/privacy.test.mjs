import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { claim, document, story, until } from "./harness.mjs";

const nothing = async (it) => {
  await it.page.evaluate(() => (waymark.track("t"), waymark.walkthru({ id: 1 }).play().step(0), waymark.flush()));
  await it.page.waitForTimeout(500);
  assert.deepEqual(await it.kept(), {});
  assert.equal(it.site.posts.length, 0);
  assert.equal((await it.context.cookies()).length, 0);
};

const gpc = "Object.defineProperty(navigator,'globalPrivacyControl',{value:true});";
const dnt = "Object.defineProperty(navigator,'doNotTrack',{value:'1'});";
for (const [signal, head] of [["Global Privacy Control", gpc], ["Do Not Track", dnt]]) {
  claim(`${signal} is honoured: nothing is kept, nothing is sent`, async (it) => {
    it.serve("", { head });
    await it.open("/");
    await nothing(it);
  });
}

claim("with privacy carry, the signals are left to their headers", async (it) => {
  it.serve('data-privacy="carry"', { head: gpc + dnt });
  await it.open("/");
  assert.deepEqual(story(await it.rows(2)).sort(), ["page view", "session start"]);
});

claim("before consent nothing is kept or sent, from consent on everything, and a refusal clears it", async (it) => {
  it.serve("data-consent-required");
  await it.open("/");
  await nothing(it);
  await it.page.evaluate(() => (waymark.consent({ ads: true, analytics: false }), waymark.consent(["ads"])));
  await nothing(it);
  await it.page.evaluate(() => waymark.consent({ analytics: true }));
  assert.deepEqual(story(await it.rows(2)).sort(), ["page view", "session start"]);
  await it.page.reload();
  await it.rows(2, "event = 'view'"); // the choice is remembered
  it.site.fault = async ({ response }) => (response.destroy(), true);
  await it.page.evaluate(() => (waymark.track("never sent"), waymark.consent("denied")));
  assert.deepEqual(await it.kept(), {});
  it.site.fault = undefined;
  it.site.posts.length = 0;
  await nothing(it);
  await it.page.reload();
  await it.page.waitForFunction(() => window.waymark?.version);
  await nothing(it);
});

claim("where consent is not required, a refusal is all that is remembered, and the next page obeys it", async (it) => {
  it.serve();
  await it.open("/");
  await it.rows(2);
  await it.page.evaluate(() => waymark.consent("denied"));
  assert.deepEqual(await it.kept(), { "waymark.wk_shop_page.c": "denied" });
  await it.page.reload();
  it.site.posts.length = 0;
  await it.page.waitForFunction(() => window.waymark?.version);
  await it.page.evaluate(() => (waymark.track("t"), waymark.flush()));
  await it.page.waitForTimeout(300);
  assert.equal(it.site.posts.length, 0);
});

claim("an account that collects with consent only has what was consented to, on the next page too, and nothing that was not", async (it) => {
  it.serve('data-key="wk_with_consent"');
  await it.open("/unasked");
  await until("a view without a choice", () => it.site.posts.some((post) => post.events.some((event) => event.type === "view")));
  await it.page.evaluate(() => (waymark.consent("granted"), waymark.track("agreed")));
  await it.rows(1, "event = 'track'");
  await it.open("/later");
  await it.rows(1, "event = 'view'");
  await it.page.evaluate(() => (waymark.consent({ analytics: true, ads: false }), waymark.track("agreed in part")));
  const rows = await it.rows(2, "event = 'track'");
  assert.deepEqual(rows.map((row) => row.account_id), ["with-consent", "with-consent"]);
  const told = it.site.posts.flatMap((post) => post.events).map((event) => [event.type, event.consent]);
  assert.deepEqual(told.filter(([type]) => type !== "start"), [
    ["view", undefined], ["track", "granted"], ["view", "granted"], ["track", { status: "granted", purposes: { analytics: true, ads: false } }],
  ]);
  assert.deepEqual((await it.rows(3)).filter((row) => row.event === "view").length, 1, "what was told without a choice is not stored");
});

claim("consent for a purpose of the page is none for another of the account", async (it) => {
  it.serve('data-consent-required data-key="wk_for_ads"');
  await it.open("/");
  await it.page.evaluate(() => (waymark.consent(["analytics"]), waymark.track("for analytics")));
  await it.viewed();
  await it.page.evaluate(() => (waymark.consent(["analytics", "ads"]), waymark.track("for ads")));
  const rows = await it.rows(1, "event = 'track'");
  assert.deepEqual(rows.map((row) => JSON.parse(row.detail_text).name ?? JSON.parse(row.detail_text).event), ["for ads"]);
  assert.equal((await it.rows(1)).length, 1);
});

claim("a gate decides for each page, and a broken one is closed", async (it) => {
  it.serve("", { head: "window.waymarkGate=()=>location.pathname==='/broken'?undefined.no:!location.pathname.startsWith('/admin');" });
  await it.open("/admin/secret");
  await nothing(it);
  await it.open("/broken");
  await nothing(it);
  await it.open("/shop");
  assert.deepEqual((await it.rows(1, "event = 'view'")).map((row) => row.url_path), ["/shop"]);
});

claim("what is censored, by property and by element, is in no request and in no row", async (it) => {
  it.serve('data-censor="query,title,timezone,email,CARD" data-hide=".secret,#ssn"', {
    title: "Planted-title",
    body: '<div id="box">Total <b class="secret">planted-amount</b><i data-waymark-hide>planted-hidden</i><u class="waymark-hide">planted-too</u> 3 items</div><p id="ssn">planted-ssn</p>',
  });
  await it.open("/path?q=planted-query");
  await it.page.evaluate(() => {
    const props = { email: "planted-mail", deep: [{ Card: "planted-card", ok: 1 }], box: window.document.querySelector("#box"), ssn: window.document.querySelector("#ssn"), b: window.document.querySelector("b") };
    waymark.track("t", props);
    waymark.survey({ id: 1 }).submit([{ question: "q", answer: "a", email: "planted-mail" }]);
  });
  const [row] = await it.rows(1, "event = 'track'");
  await it.rows(1, "event = 'submit'");
  assert.deepEqual(JSON.parse(row.props_text), { deep: [{ ok: 1 }], box: "Total 3 items" });
  assert.deepEqual([row.url_path, row.page_title, row.timezone, row.language !== "", row.screen_width > 0], ["/path", "", "", true, true]);
  assert.ok(!/planted/i.test(JSON.stringify([it.site.posts, await it.kept(), await it.rows(4)])));
});

claim("url and referrer, language and screen can be censored whole", async (it) => {
  it.serve('data-censor="url,referrer,language,screen"');
  await it.open("/planted");
  const rows = await it.rows(2);
  assert.deepEqual(rows.map((row) => [row.url, row.referrer, row.screen_width]), [["", "", 0], ["", "", 0]]);
  assert.ok(it.site.posts.every((post) => post.events.every((event) => !("language" in event.env) && !("url" in event.page))));
});

claim("an end user's identifier from a variable, looked at anew for each event, is hashed before it is kept or sent", async (it) => {
  it.serve('data-user-variable="app.user.id" data-hash-user data-salt="pepper"');
  await it.open("/");
  await it.page.evaluate(() => ((window.app = { user: { id: "mary@planted.example" } }), waymark.track("in")));
  await it.page.evaluate(() => ((window.app.user = null), waymark.track("out")));
  const rows = await it.rows(2, "event = 'track'");
  const hash = createHash("sha256").update("peppermary@planted.example").digest("base64");
  assert.deepEqual(rows.map((row) => row.user_id).sort(), [hash, rows[0].visitor_id].sort());
  assert.ok(!JSON.stringify([it.site.posts, await it.kept()]).includes("planted"));
});

claim("without crypto.subtle the identifier is left out, never sent as it is", async (it) => {
  it.serve('data-user="mary-planted" data-hash-user', { head: "Object.defineProperty(crypto,'subtle',{value:undefined});" });
  await it.open("/");
  const rows = await it.rows(2);
  assert.ok(rows.every((row) => row.user_id === row.visitor_id));
  assert.ok(!JSON.stringify(it.site.posts).includes("planted"));
});

claim("from a cookie and from an element, with the provider's name", async (it) => {
  for (const [key, attributes] of [["wk_by_cookie", 'data-user-cookie="uid"'], ["wk_by_element", 'data-user-selector="#me"']]) {
    it.site.pages["/" + key] = { html: document(`<script>document.cookie="uid=mary%40shop";window.waymarkOptions={environment:"${it.environment}"}</script><script async src="/wm/recorder.js" data-key="${key}" data-batch-age="100" ${attributes}></script>`, '<b id="me"> joe  b </b>') };
    await it.open("/" + key);
    await it.page.evaluate(() => waymark.track("t"));
    await it.drained();
  }
  const rows = await it.rows(2, "event = 'track'");
  assert.deepEqual(rows.map((row) => [row.account_id, row.user_id]).sort(), [["by-cookie", "mary@shop"], ["by-element", "joe b"]]);
});

claim("a tag whose user is empty, as templates write it, is anonymous", async (it) => {
  it.serve('data-user="" data-company="" data-preview="false"');
  await it.open("/");
  assert.deepEqual((await it.rows(2)).map((row) => [row.user_id === row.visitor_id, row.company_id, row.preview]), [[true, "", false], [true, "", false]]);
});

claim("identify, a function, company and traits; a function that breaks is nobody", async (it) => {
  it.serve('data-company="acme"', { options: { user: "{get:()=>{throw new Error('no user')}}" } });
  await it.open("/");
  await it.page.evaluate(() => (waymark.track("anonymous"), waymark.identify(4711, { traits: { plan: "pro" } }), waymark.company("umbrella"), waymark.track("known")));
  const rows = await it.rows(2, "event = 'track'");
  const by = Object.fromEntries(rows.map((row) => [row.company_id, row.user_id]));
  assert.equal(by.umbrella, "4711");
  assert.equal(by.acme, rows[0].visitor_id);
  assert.deepEqual(it.site.posts.flatMap((post) => post.events).find((event) => event.user.id)?.user.traits, { plan: "pro" });
});

claim("no cookie by itself; with storage cookie visitor and session are in cookies, with memory nowhere", async (it) => {
  it.serve();
  await it.open("/");
  await it.rows(2);
  assert.equal((await it.context.cookies()).length, 0);
  await it.page.evaluate(() => localStorage.clear());

  it.serve('data-storage="memory"');
  await it.open("/");
  await it.rows(4);
  assert.deepEqual(await it.kept(), {});

  it.serve('data-storage="cookie"');
  await it.open("/");
  await it.rows(6);
  const cookies = await it.context.cookies();
  assert.deepEqual(cookies.map(({ name, sameSite }) => [name, sameSite]).sort(), [["waymark.wk_shop_page.s", "Lax"], ["waymark.wk_shop_page.v", "Lax"]]);
  assert.ok(!Object.keys(await it.kept()).some((name) => /\.[vs]$/.test(name)));
  await it.open("/again");
  const views = await it.rows(4, "event = 'view'");
  assert.equal(new Set(views.map((row) => row.visitor_id)).size, 3);
  await it.page.evaluate(() => waymark.consent("denied"));
  assert.deepEqual((await it.context.cookies()).map(({ name }) => name), ["waymark.wk_shop_page.c"]);
});
