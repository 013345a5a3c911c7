import assert from "node:assert/strict";
import { claim, until } from "./harness.mjs";

const minute = 60000;
const sessions = async (it, wanted) => (await it.rows(wanted, "item_type = 'session'")).map((row) => [row.event, row.session_id.split(".")[1], Date.parse(row.client_time.replace(" ", "T") + "Z")]);

claim("a session ends thirty minutes after the last activity, over midnight, at the time of that activity", async (it) => {
  it.serve();
  const evening = new Date();
  evening.setUTCHours(23, 50, 0, 0);
  const begun = +evening - 86400000;
  await it.page.clock.install({ time: begun });
  await it.open("/");
  await it.page.clock.runFor(1000);
  await it.page.clock.runFor(20 * minute); // it is the next day, and nobody moved
  await it.page.evaluate(() => waymark.track("still here"));
  await it.page.clock.runFor(29 * minute);
  const last = await it.page.evaluate(() => (waymark.track("and still"), Date.now()));
  await it.page.clock.runFor(32 * minute);
  await it.page.evaluate(() => waymark.track("back"));
  await it.page.clock.runFor(1000);
  const [start, end, again] = await sessions(it, 3);
  assert.deepEqual([start[0], end[0], again[0]], ["start", "end", "start"]);
  assert.deepEqual([start[1], end[1], again[1]], ["1", "1", "2"]);
  assert.ok(Math.abs(start[2] - begun) < minute, "the first starts with the visit");
  assert.ok(Math.abs(end[2] - last) < 1500, "the end is the last activity's, to the second");
  const tracks = await it.rows(3, "event = 'track'");
  assert.deepEqual(tracks.map((row) => row.session_id.split(".")[1]), ["1", "1", "2"]);
});

claim("a session goes on over a reload and in another tab, and its end is told by the next page when all were closed", async (it) => {
  it.serve();
  await it.open("/");
  await it.page.reload();
  const other = await it.context.newPage();
  await it.open("/other", other);
  await it.rows(3, "event = 'view'");
  assert.equal((await sessions(it, 1)).length, 1);
  await it.drained(other);
  // Half an hour later: the storage's own time is set back, since real time cannot pass.
  await other.evaluate(() => {
    const name = Object.keys(localStorage).find((name) => name.endsWith(".s"));
    const [n, last] = localStorage.getItem(name).split(",");
    localStorage.setItem(name, [n, last - 31 * 60000, 1].join());
  });
  await it.page.close();
  await other.goto(it.site.origin + "/later");
  const told = (await sessions(it, 3)).sort((a, b) => a[2] - b[2]);
  assert.deepEqual(told.map(([event, n]) => event + n).sort(), ["end1", "start1", "start2"]);
});

claim("tabs that find out together that a session is over tell one end and one start", async (it) => {
  it.serve();
  await it.open("/");
  await it.drained();
  const tabs = [it.page, await it.context.newPage(), await it.context.newPage()];
  await it.open("/b", tabs[1]);
  await it.open("/c", tabs[2]);
  await it.drained(tabs[2]);
  await it.rows(3, "event = 'view'");
  // Each tab sees the old session, as a browser that starts with all of them: reads come before any write.
  const old = await it.page.evaluate(() => {
    const name = Object.keys(localStorage).find((name) => name.endsWith(".s"));
    const [n, last] = localStorage.getItem(name).split(",");
    return [name, [n, last - 31 * 60000, 1].join()];
  });
  for (const tab of tabs) {
    await tab.evaluate(([name, text]) => (localStorage.setItem(name, text), waymark.track("woken")), old);
  }
  await it.rows(3, "event = 'track'");
  const told = await sessions(it, 3);
  await until("the queue is empty", () => it.page.evaluate(() => waymark.stats().queued === 0));
  assert.deepEqual((await sessions(it, 3)).map(([event, n]) => event + n).sort(), ["end1", "start1", "start2"]);
  assert.equal(told.length, 3);
});

claim("a clock that is set back by two hours neither ends a session nor keeps it open", async (it) => {
  it.serve();
  const now = Date.now() - 5 * 3600000;
  await it.page.clock.install({ time: now });
  await it.open("/");
  await it.page.clock.runFor(1000);
  await it.page.clock.setSystemTime(now - 2 * 3600000);
  await it.page.evaluate(() => waymark.track("earlier"));
  await it.page.clock.runFor(32 * minute);
  await it.page.evaluate(() => waymark.track("later"));
  await it.page.clock.runFor(1000);
  assert.deepEqual((await it.rows(2, "event = 'track'")).map((row) => row.session_id.split(".")[1]).sort(), ["1", "2"]);
});

claim("reset ends the session and forgets visitor and user", async (it) => {
  it.serve();
  await it.open("/");
  await it.page.evaluate(() => (waymark.identify("mary"), waymark.track("in"), waymark.reset(), waymark.track("out")));
  const [inside, outside] = (await it.rows(2, "event = 'track'")).sort((a) => (a.user_id === "mary" ? -1 : 1));
  assert.equal(inside.user_id, "mary");
  assert.equal(outside.user_id, outside.visitor_id); // an anonymous one
  assert.notEqual(inside.visitor_id, outside.visitor_id);
  assert.deepEqual((await sessions(it, 3)).map(([event]) => event).sort(), ["end", "start", "start"]);
});
