import assert from "node:assert/strict";
import { claim, until } from "./harness.mjs";

const names = (rows) => rows.map((row) => JSON.parse(row.props_text).of).sort();

for (const [locks, head] of [["with a lock", ""], ["without locks", "Object.defineProperty(navigator,'locks',{value:undefined});"]]) {
  claim(`two tabs, ${locks}, tell everything once, as one visitor`, async (it) => {
    it.serve("", { head });
    await it.open("/a");
    const other = await it.context.newPage();
    await it.open("/b", other);
    const tell = (tab, of) => tab.evaluate((of) => { for (let i = 0; i < 30; i++) waymark.track("t", { of: of + String(i).padStart(2, "0") }); }, of);
    await Promise.all([tell(it.page, "a"), tell(other, "b")]);
    const rows = await it.rows(60, "event = 'track'");
    assert.deepEqual(names(rows), [..."ab"].flatMap((tab) => [...Array(30).keys()].map((i) => tab + String(i).padStart(2, "0"))));
    await until("both queues are empty", () => other.evaluate(() => waymark.stats().queued === 0));
    assert.equal((await it.rows(60, "event = 'track'")).length, 60);
    assert.equal(new Set(rows.map((row) => row.visitor_id)).size, 1);
    if (!head) {
      const ids = it.site.posts.flatMap((post) => post.events.map((event) => event.id));
      assert.equal(ids.length, new Set(ids).size, "the lock lets nothing be sent twice at all");
    }
  });
}

claim("what a tab left behind when it was killed is sent by another", async (it) => {
  it.serve("data-batch-age=60000");
  it.site.fault = async ({ response }) => it.away && (response.destroy(), true);
  await it.open("/a");
  await it.drained();
  it.away = true;
  await it.page.evaluate(() => { for (let i = 0; i < 5; i++) waymark.track("t", { of: "orphan" + i }); });
  const other = await it.context.newPage();
  await it.page.close({ runBeforeUnload: false });
  it.away = false;
  await other.goto(it.site.origin + "/b");
  assert.deepEqual(names(await it.rows(5, "event = 'track'")), [0, 1, 2, 3, 4].map((i) => "orphan" + i));
});

claim("a tab that keeps the lock for ever does not keep the others from sending", async (it) => {
  it.serve("data-batch-age=50");
  it.site.pages["/holder"] = { html: "<script>navigator.locks.request('waymark wk_shop_page',()=>new Promise(()=>{}))</script>" };
  const holder = await it.context.newPage();
  await holder.goto(it.site.origin + "/holder");
  await it.open("/a");
  await it.page.evaluate(() => waymark.track("t", { of: "alone" }));
  assert.deepEqual(names(await it.rows(1, "event = 'track'")), ["alone"]);
});
