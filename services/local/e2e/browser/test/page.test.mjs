import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { claim, document, edge, story, tag } from "./harness.mjs";

const both = ["page view", "session start"];

claim("from another origin, straight at the edge, without a preflight", async (it) => {
  it.site.pages["*"] = { html: document(`<script>window.waymarkOptions={environment:"${it.environment}"}</script>` + tag("", edge + "/recorder.js")) };
  const methods = [];
  it.page.on("request", (request) => request.url().includes("/v1/events") && methods.push(request.method()));
  await it.open("/");
  await it.drained();
  assert.deepEqual(story(await it.rows(2)).sort(), both);
  assert.ok(methods.length > 0 && methods.every((method) => method === "POST"), methods.join());
  assert.equal(it.site.posts.length, 0, "the script posts to where it came from");
});

claim("a strict Content-Security-Policy, a nonce, Trusted Types and cross-origin isolation are no hindrance", async (it) => {
  const violations = [];
  it.site.pages["*"] = {
    headers: {
      "content-security-policy": `default-src 'none'; script-src 'nonce-abc'; connect-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'; img-src data:`,
      "cross-origin-embedder-policy": "require-corp",
      "cross-origin-opener-policy": "same-origin",
    },
    html: document(`<script nonce="abc">window.violated=[];addEventListener("securitypolicyviolation",e=>violated.push(e.violatedDirective));window.waymarkOptions={environment:"${it.environment}",user:{selector:"#me"}}</script>` + tag('nonce="abc"'), '<b id="me">joe</b>'),
  };
  it.page.on("console", (message) => message.type() === "error" && violations.push(message.text()));
  await it.open("/");
  await it.page.evaluate(() => waymark.walkthru({ id: 1 }).play().step(0));
  assert.deepEqual(story(await it.rows(4)).sort(), [...both, "walkthru play", "walkthru step"]);
  assert.deepEqual([await it.page.evaluate(() => window.violated), violations], [[], []]);
});

claim("with integrity, which needs CORS", async (it) => {
  const script = Buffer.from(await (await fetch(edge + "/recorder.js")).arrayBuffer());
  const { createHash } = await import("node:crypto");
  const integrity = "sha384-" + createHash("sha384").update(script).digest("base64");
  it.site.pages["*"] = { html: document(`<script>window.waymarkOptions={environment:"${it.environment}"}</script>` + tag(`integrity="${integrity}" crossorigin="anonymous"`, edge + "/recorder.js")) };
  await it.open("/");
  assert.deepEqual(story(await it.rows(2)).sort(), both);
});

for (const [what, head] of [
  ["blocked", "Object.defineProperty(window,'localStorage',{get(){throw new DOMException('denied','SecurityError')}});"],
  ["full", "Storage.prototype.setItem=function(){throw new DOMException('full','QuotaExceededError')};"],
  ["absent", "Object.defineProperty(window,'localStorage',{value:null});"],
]) {
  claim(`where storage is ${what}, everything is told all the same`, async (it) => {
    it.serve("", { head });
    await it.open("/");
    await it.page.evaluate(() => (waymark.walkthru({ id: 1 }).play().complete(), waymark.track("t")));
    const rows = await it.rows(5);
    assert.deepEqual(story(rows).sort(), ["custom track", ...both, "walkthru complete", "walkthru play"]);
    assert.equal(new Set(rows.map((row) => row.session_id)).size, 1);
    await it.drained();
  });
}

claim("storage that the application fills meanwhile loses nothing, and its last bytes are left to it", async (it) => {
  it.serve("data-batch-age=60000");
  await it.open("/");
  await it.page.evaluate(() => {
    let part = "x".repeat(1 << 20);
    for (let i = 0; part.length; ) {
      try { localStorage.setItem("app" + i++, part); } catch { part = part.slice(0, part.length >> 1); }
    }
    for (let i = 0; i < 5; i++) waymark.track("t", { i });
    waymark.flush();
  });
  assert.equal((await it.rows(5, "event = 'track'")).length, 5);
});

claim("in a sandboxed frame, which has no storage and no cookies", async (it) => {
  it.site.pages["/frame"] = { html: document(`<script>window.waymarkOptions={environment:"${it.environment}"}</script>` + tag("", edge + "/recorder.js")) };
  it.site.pages["/"] = { html: document("", '<iframe sandbox="allow-scripts" src="/frame"></iframe>') };
  await it.page.goto(it.site.origin + "/");
  assert.deepEqual(story(await it.rows(2)).sort(), both);
});

claim("an old Prototype.js's toJSON makes no texts of lists", async (it) => {
  it.serve("", { head: "Array.prototype.toJSON=function(){return '['+this.join()+']'};" });
  await it.open("/");
  await it.page.evaluate(() => (waymark.track("t", { list: [1, 2] }), waymark.survey({ id: 1 }).submit([{ question: "q", answer: [3] }])));
  assert.deepEqual(JSON.parse((await it.rows(1, "event = 'track'"))[0].props_text), { list: [1, 2] });
  assert.deepEqual(JSON.parse((await it.rows(1, "event = 'submit'"))[0].detail_text).answers, [{ question: "q", answer: [3] }]);
});

claim("under Zone.js no timer of the recorder's keeps an application from being stable", async (it) => {
  const zone = readFileSync(new URL("../node_modules/zone.js/bundles/zone.umd.min.js", import.meta.url), "utf8");
  it.serve("data-batch-age=5000", { head: zone.replaceAll("</script", "<\\/script") });
  await it.open("/");
  await it.viewed(); // so that no timer runs yet
  const pending = await it.page.evaluate(() => {
    const seen = [];
    Zone.current.fork({ name: "app", onScheduleTask: (delegate, current, target, task) => (seen.push(task.type + " " + task.source), delegate.scheduleTask(target, task)) }).run(() => {
      setTimeout(() => {}, 0);
      waymark.track("t");
      history.pushState({}, "", "/next");
    });
    return seen.filter((task) => !task.startsWith("microTask"));
  });
  assert.deepEqual(pending, ["macroTask setTimeout"], "only the application's own");
  await it.page.evaluate(() => waymark.flush());
  await it.rows(1, "event = 'track'");
});

claim("a script that was fetched by another loader finds its tag; started by code, it needs none", async (it) => {
  it.site.pages["*"] = { html: document(`<script>window.waymarkOptions={environment:"${it.environment}"};setTimeout(async()=>(0,eval)(await (await fetch("/wm/recorder.js")).text()))</script><script type="text/plain" src="/wm/recorder.js" data-key="wk_shop_page" data-batch-age="100"></script>`) };
  await it.open("/");
  assert.deepEqual(story(await it.rows(2)).sort(), both);
});

claim("the npm package's module records the same", async (it) => {
  const built = new URL("../../../../../pkg/recorderjs/dist/module/index.js", import.meta.url);
  it.site.pages["/module.js"] = { type: "text/javascript", html: readFileSync(built, "utf8") };
  it.site.pages["*"] = { html: document(`<script type="module">import {start} from "/module.js";window.waymark=start({key:"wk_shop_page",environment:"${it.environment}",batchAge:100},location.origin+"/wm/")</script>`) };
  await it.open("/");
  assert.deepEqual(story(await it.rows(2)).sort(), both);
});

claim("the page's own errors, and a broken listener, stay where they are", async (it) => {
  it.serve("", { options: { onError: "()=>{throw new Error('listener')}", gate: "()=>{if(window.breakNow)throw new Error('gate');return true}" } });
  await it.open("/");
  await it.page.evaluate(() => ((window.breakNow = true), waymark.track("lost"), (window.breakNow = false), waymark.track("kept")));
  assert.equal((await it.rows(1, "event = 'track'")).length, 1);
});

claim("history goes on working for the page: values, errors and other patches", async (it) => {
  it.serve("", { head: "Object.defineProperty(window,'navigation',{value:undefined});const o=history.pushState;history.pushState=function(...a){(window.outer??=[]).push(a[2]);return o.apply(this,a)};" });
  await it.open("/");
  const state = await it.page.evaluate(() => {
    history.pushState({ a: 1 }, "", "/x");
    let name;
    try { history.pushState({}, "", "http://other.example/"); } catch (error) { name = error.name; }
    return [history.state, name, window.outer.length];
  });
  assert.deepEqual(state, [{ a: 1 }, "SecurityError", 2]);
  assert.equal((await it.rows(2, "event = 'view'")).length, 2);
});
