import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { claim, story } from "./harness.mjs";

const examples = new URL("../../../../../schemas/events/examples/", import.meta.url);

claim("every event of every item has a call, and none becomes a dead letter", async (it) => {
  it.serve();
  await it.open("/");
  await it.rows(1, "event = 'view'");
  await it.page.evaluate(() => {
    const walkthru = waymark.walkthru({ id: 124909, name: "Log in", language: "en-US", steps: ["Open the menu", { id: "s2", name: "Enter your e-mail" }, "Sign in"] });
    const play = walkthru.play({ trigger: "menu" });
    play.step(0);
    play.step({ id: "s2" });
    play.milestone({ id: 7, name: "Form opened", main: false });
    play.goal({ id: 8, name: "Signed in", main: true });
    play.complete();
    walkthru.play().stop("closed");
    walkthru.fail({ code: "element_not_found", message: "no first step" });
    const launcher = waymark.launcher({ id: 1, name: "Help" });
    launcher.show(), launcher.click();
    const shoutout = waymark.shoutout({ id: 2 });
    shoutout.show(), shoutout.click(), shoutout.action({ id: "a", name: "Try" }), shoutout.close("clicked_away"), shoutout.snooze("snoozed");
    const tip = waymark.smarttip({ id: 3 });
    tip.show(), tip.interact(), tip.validationPass(), tip.validationFail();
    const survey = waymark.survey({ id: 4 });
    survey.show(), survey.submit([{ question: "How?", answer: 9 }]), survey.dismiss("closed");
    const task = waymark.task({ id: 5 });
    task.click(), task.complete();
    const course = waymark.course({ id: 6 });
    course.open(), course.lessonStart({ id: 1 }), course.lessonComplete({ id: 1 }), course.quizStart({ id: "q" }), course.quizSubmit({ id: "q", score: 0.85, passed: true }), course.complete({ own: 1 });
    waymark.resource({ id: 7 }).open();
    const menu = waymark.menu({ id: 8 });
    menu.open(), menu.close();
    const search = waymark.search();
    search.open(), search.search({ query: "fax", result: null }), search.search({ query: "return", result: { id: 1 } }), search.close();
    waymark.autoplay({ id: 9 }).play({ id: 55 }), waymark.autoplay({ id: 9 }).alreadyPlayed({ id: 55 });
    waymark.track("Order placed", { value: 129.9 });
    waymark.reset();
  });
  // What the schema's examples have is what there is.
  const there = new Set(readdirSync(examples).map((file) => JSON.parse(readFileSync(new URL(file, examples)))).map(({ type, data }) => `${data.type} ${type}`));
  const full = { wt: "walkthru", ln: "launcher", so: "shoutout", st: "smarttip", sv: "survey", tk: "task", cr: "course", rs: "resource", mn: "menu", sr: "search", ap: "autoplay" };
  const wanted = [...there].map((one) => one.replace(/^\w+/, (kind) => full[kind] ?? kind)).sort();
  const rows = await it.rows(44);
  assert.deepEqual([...new Set(story(rows))].sort(), [...new Set(wanted)]);

  const of = (kind, event) => rows.filter((row) => row.item_type === kind && row.event === event);
  const plays = of("walkthru", "play");
  assert.deepEqual(plays.map((row) => row.iteration), [1, 2]);
  assert.deepEqual(plays.map((row) => row.trigger).sort(), ["", "menu"]);
  const first = plays.find((row) => row.trigger === "menu");
  assert.match(first.interaction_id, new RegExp(`^\\d{13}-124909-${first.visitor_id}$`));
  const played = rows.filter((row) => row.interaction_id === first.interaction_id).map((row) => [row.event, row.step_index, row.step_id, row.step_name, row.step_count]);
  assert.deepEqual(played.sort(), [
    ["complete", 1, "s2", "Enter your e-mail", 3], ["goal", -1, "", "", 0], ["milestone", -1, "", "", 0], ["play", -1, "", "", 0],
    ["step", 0, "", "Open the menu", 3], ["step", 1, "s2", "Enter your e-mail", 3],
  ]);
  assert.equal(of("walkthru", "stop")[0].dismiss_reason, "closed");
  assert.equal(of("walkthru", "play_failed")[0].failure_reason, "element_not_found");
  assert.equal(of("shoutout", "snooze")[0].dismiss_reason, "snoozed");
  assert.equal(new Set(rows.filter((row) => row.item_type === "course").map((row) => row.interaction_id)).size, 1);
  assert.equal(JSON.parse(of("course", "quiz_submit")[0].detail_text).quiz.score, 0.85);
  assert.deepEqual(JSON.parse(of("course", "complete")[0].props_text), { own: 1 });
  assert.ok(of("search", "search").some((row) => JSON.parse(row.detail_text).result === null));
  assert.ok(rows.every((row) => row.library === "waymark-recorder" && row.flags.length === 0 && row.item_language === (row.item_type === "walkthru" ? "en-US" : "")));
});

claim("preview, of the page or of one item, is in the rows", async (it) => {
  it.serve();
  await it.open("/");
  await it.page.evaluate(() => (waymark.launcher({ id: 1, preview: true }).show(), waymark.launcher({ id: 2 }).show()));
  assert.deepEqual((await it.rows(2, "event = 'show'")).map((row) => [row.item_id, row.preview]).sort(), [["1", true], ["2", false]]);
  it.serve("data-preview");
  await it.open("/");
  await it.page.evaluate(() => waymark.task({ id: 3 }).complete());
  assert.equal((await it.rows(1, "item_id = '3'"))[0].preview, true);
});

claim("calls with what no call should have break nothing", async (it) => {
  it.serve();
  await it.open("/");
  await it.page.evaluate(() => {
    const round = { own: 1 };
    round.self = round;
    const getter = { get bad() { throw new Error("no"); }, ok: true };
    waymark.walkthru().play().step();
    waymark.walkthru(null).play(null).stop({});
    waymark.walkthru({ id: 1, steps: 5 }).play().step(9);
    waymark.launcher().show(null);
    waymark.search().search();
    waymark.survey({ id: {} }).submit(7);
    waymark.push(null, "track", () => { throw new Error("mine"); });
    waymark.consent(null), waymark.consent("what"), waymark.consent("granted");
    waymark.identify({}), waymark.identify(null), waymark.company([]);
    waymark.track("odd", { round, getter, big: 10n, when: new Date(NaN), f() {}, s: Symbol("x"), n: NaN, list: [undefined, () => 1, 2n], node: window.document, map: new Map() });
    const deep = {};
    let at = deep;
    for (let i = 0; i < 100; i++) at = at.d = {};
    waymark.track("deep", { deep, window });
    waymark.track("huge", { text: "x".repeat(100000) });
  });
  const [row] = await it.rows(1, "event = 'track' AND JSONHas(props_text, 'getter')");
  const props = JSON.parse(row.props_text);
  assert.deepEqual([props.round, props.getter, props.big, props.n, props.list], [{ own: 1 }, { ok: true }, "10", null, [null, null, "2"]]);
  await it.drained();
  assert.equal(await it.page.evaluate(() => waymark.stats().dropped), 1);
});
