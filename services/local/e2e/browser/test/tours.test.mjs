import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { claim } from "./harness.mjs";

const file = (path) => readFileSync(new URL("../node_modules/" + path, import.meta.url), "utf8");
const body = '<button id="a">A</button><button id="b">B</button><button id="c">C</button>';

/** tours opens a page with the tours' script, and with one library as a module or a script. */
async function tours(it, src) {
  it.site.pages["/library.js"] = { type: "text/javascript", html: file(src) };
  it.serve("", { body, head: "window.waymark=window.waymark||[];" });
  it.site.pages["*"].html = it.site.pages["*"].html.replace("</head>", '<script src="/wm/recorder.tours.js"></script></head>');
  await it.open("/");
}
const told = async (it, wanted) => {
  const rows = await it.rows(wanted, "item_type = 'walkthru'");
  const plays = {};
  for (const row of rows) {
    (plays[row.interaction_id] ??= []).push([row.event, row.step_index, row.step_name || row.step_id, row.step_count, row.dismiss_reason].join(" ").trim());
  }
  return Object.values(plays).map((events) => events.sort());
};

claim("Shepherd.js: its tours are walk-thrus", async (it) => {
  it.site.pages["/library.js"] = {};
  await tours(it, "shepherd.js/dist/js/shepherd.mjs");
  // The package's own imports are bundled by whoever uses it; here an import map stands for that.
  await it.page.evaluate(async () => {
    const { default: Shepherd } = await import("/library.js");
    const tour = new Shepherd.Tour({ defaultStepOptions: { buttons: [] } });
    for (const id of ["a", "b", "c"]) tour.addStep({ id, text: id });
    waymarkTours.shepherd(tour, { id: 7, name: "Shop" });
    const shown = (id) => new Promise((resolve) => { const poll = () => (tour.getCurrentStep()?.id === id ? setTimeout(resolve, 50) : setTimeout(poll, 10)); poll(); });
    await tour.start();
    await shown("a");
    tour.next();
    await shown("b");
    tour.next();
    await shown("c");
    tour.complete();
    await tour.start();
    await shown("a");
    tour.cancel();
  });
  assert.deepEqual(await told(it, 8), [
    ["complete 2 c 3", "play -1  0", "step 0 a 3", "step 1 b 3", "step 2 c 3"],
    ["play -1  0", "step 0 a 3", "stop 0 a 3 closed"],
  ]);
});

claim("driver.js: its tours are walk-thrus, and the page's hooks are called", async (it) => {
  await tours(it, "driver.js/dist/driver.js.mjs");
  const hooks = await it.page.evaluate(async () => {
    const { driver } = await import("/library.js");
    const hooks = [];
    const tour = driver({
      animate: false,
      onDestroyed: () => hooks.push("destroyed"),
      steps: [{ element: "#a", popover: { title: "First" }, onHighlightStarted: () => hooks.push("first") }, { element: "#b", popover: { title: "Second" } }],
    });
    waymarkTours.driver(tour, { id: 8 });
    const pause = () => new Promise((resolve) => setTimeout(resolve, 150));
    tour.drive(), await pause(), tour.moveNext(), await pause(), tour.moveNext(), await pause();
    tour.drive(), await pause(), tour.destroy(), await pause();
    return hooks;
  });
  assert.deepEqual(hooks, ["first", "destroyed", "first", "destroyed"]);
  assert.deepEqual(await told(it, 7), [
    ["complete 1 Second 2", "play -1  0", "step 0 First 2", "step 1 Second 2"],
    ["play -1  0", "step 0 First 2", "stop 0 First 2 closed"],
  ]);
});

claim("intro.js: its tours are walk-thrus, and the page's hooks are called", async (it) => {
  await tours(it, "intro.js/intro.module.js");
  const hooks = await it.page.evaluate(async () => {
    const { default: introJs } = await import("/library.js");
    const hooks = [];
    const tour = introJs.tour();
    tour.setOptions({ steps: [{ element: "#a", intro: "a", title: "First" }, { element: "#b", intro: "b", title: "Second" }] });
    tour.onComplete(() => hooks.push("complete"));
    waymarkTours.intro(tour, { id: 9 });
    await tour.start();
    await tour.nextStep();
    await tour.nextStep();
    const other = introJs.tour();
    other.setOptions({ steps: [{ element: "#a", intro: "a", title: "First" }, { element: "#b", intro: "b", title: "Second" }] });
    waymarkTours.intro(other, { id: 9 });
    await other.start();
    await other.exit();
    return hooks;
  });
  assert.deepEqual(hooks, ["complete"]);
  assert.deepEqual(await told(it, 7), [
    ["complete 1 Second 2", "play -1  0", "step 0 First 2", "step 1 Second 2"],
    ["play -1  0", "step 0 First 2", "stop 0 First 2 closed"],
  ]);
});
