// ShopMe: pages, a tour, a shoutout, a survey and tasks over them, and the visitor's rows beside them. Only the part called "reports" knows the recorder.
"use strict";

const $ = (selector, within = document) => within.querySelector(selector);
const make = (name, text, className) => {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (className) element.className = className;
  return element;
};

// ---- the shop -------------------------------------------------------------------------------------------------------

/** draw makes a picture of paths, each with its colour. */
function draw(paths) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 64 48");
  svg.setAttribute("aria-hidden", "true");
  for (const [fill, d] of paths) {
    const path = document.createElementNS(svg.namespaceURI, "path");
    path.setAttribute("fill", fill);
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}
const pictures = {
  sneaker: [["#e64980", "M8 30l6-16 8 3 6 7 20 6q8 3 8 8H8z"], ["#343a40", "M7 38h50v4H7z"], ["#fff", "M22 20l7 7-2 1-7-6zM27 18l6 7-2 1-6-6z"]],
  boot: [["#a0522d", "M20 6h16v20l14 6q7 3 7 8H20z"], ["#343a40", "M19 40h39v4H19z"], ["#ffd8a8", "M20 6h16v4H20z"]],
  sandal: [["#f783ac", "M6 36q14-2 26-8t24-6q4 6-2 10l-14 8H6z"], ["#c2255c", "M24 34q4-16 18-14l2 6q-8 2-12 8z"]],
  bag: [["#d6336c", "M10 20h44l4 24H6z"], ["#a61e4d", "M22 20q0-14 10-14t10 14h-4q0-10-6-10t-6 10z"], ["#ffdeeb", "M28 26h8v6h-8z"]],
  backpack: [["#5c7cfa", "M16 16q0-10 16-10t16 10v28H16z"], ["#364fc7", "M20 28h24v12H20z"], ["#dbe4ff", "M26 12h12v4H26zM28 32h8v2h-8z"]],
  hat: [["#ffd43b", "M20 30q0-20 12-20t12 20z"], ["#f08c00", "M19 26h26v5H19z"], ["#ffd43b", "M4 31h56q-2 8-28 8T4 31z"]],
  alligator: [["#40c057", "M4 26q10-14 26-10l6-6q6-2 8 6 14 2 16 12l-16 2q-6 8-20 8-14 0-20-12z"], ["#fff", "M46 30l2 4 3-4zM52 29l2 4 3-5z"], ["#231c28", "M39 12h4v4h-4z"], ["#2b8a3e", "M12 22l4-5 4 4 4-5 4 4 3-4v8H12z"]],
};

function picture(name) {
  const box = make("div", undefined, "picture");
  box.append(draw(pictures[name]));
  return box;
}

const goods = [
  { id: "sneaker", name: "Alligator sneaker", price: 89 },
  { id: "boot", name: "Swamp boot", price: 129 },
  { id: "sandal", name: "Pink sandal", price: 59, pink: true },
  { id: "bag", name: "Pink handbag", price: 149, pink: true },
  { id: "backpack", name: "Day backpack", price: 79 },
  { id: "hat", name: "Sun hat", price: 39 },
];
const cart = [];

const pages = {
  "/": () => [hero(), shelf(goods)],
  "/pink": () => [make("h1", "Pink things"), shelf(goods.filter((g) => g.pink))],
  "/cart": () => [make("h1", "Your cart"), cart.length ? shelf(cart) : make("p", "Nothing in it yet.", "empty")],
  "/account/login": () => [make("h1", "Log in"), login()],
};
const titles = { "/": "Pink Alligator - ShopMe", "/pink": "Pink things - ShopMe", "/cart": "Your cart - ShopMe", "/account/login": "Log in - ShopMe", "/search": "Search - ShopMe" };

function hero() {
  const box = make("section", undefined, "hero");
  const text = make("div");
  const go = make("button", "See the shoes");
  go.addEventListener("click", () => { reports.launcher("71", "See the shoes"); $(".goods").scrollIntoView({ behavior: "smooth" }); });
  text.append(make("h1", "Walk softly, look dangerous."), make("p", "Shoes and bags in alligator pink. Everything you do here becomes a row on the right."), go);
  box.append(text, picture("alligator"));
  return box;
}

function shelf(list) {
  const shelf = make("ul", undefined, "goods");
  for (const thing of list) {
    const item = make("li");
    const add = make("button", "Put in the cart");
    add.addEventListener("click", () => {
      cart.push(thing);
      $("#cart b").textContent = String(cart.length);
      reports.track("Product added", { product: thing.id, price: thing.price, cart: cart.map((g) => g.id) });
      reports.taskDone("902", "Put something in your cart");
    });
    item.append(picture(thing.id), make("strong", thing.name), make("span", `€ ${thing.price}`, "price"), add);
    shelf.append(item);
  }
  return shelf;
}

function login() {
  const form = make("form", undefined, "login");
  const label = make("label", "E-mail ");
  const email = make("input");
  Object.assign(email, { type: "email", name: "email", value: "jane@shop.example", required: true, autocomplete: "off" });
  label.append(email);
  form.append(label, make("button", "Log in"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    reports.identify(email.value);
    $("#account").textContent = "Log out";
    location.hash = "#/";
  });
  return form;
}

function show() {
  const path = location.hash.slice(1).split("?")[0] || "/";
  if (path === "/account/login" && $("#account").textContent === "Log out") {
    reports.forget();
    $("#account").textContent = "Log in";
    location.hash = "#/";
    return;
  }
  document.title = titles[path] ?? titles["/"];
  if (path !== "/search") $("#page").replaceChildren(...(pages[path] ?? pages["/"])());
}

function search(query) {
  const found = goods.filter((g) => g.name.toLowerCase().includes(query.toLowerCase()));
  reports.search(query, found[0]?.id ?? null);
  history.pushState(null, "", "#/search?q=" + encodeURIComponent(query));
  document.title = titles["/search"];
  $("#page").replaceChildren(make("h1", `“${query}”`), found.length ? shelf(found) : make("p", "Nothing found. An analyst will see that you looked for it.", "empty"));
}

// ---- reports: what of it the recorder is told -----------------------------------------------------------------------

// Calls wait here until the recorder has come; see "From a web page" in docs/sending.md.
window.waymark ??= [];
const tell = (call) => window.waymark.push(call);

const reports = {
  track: (name, props) => tell((recorder) => recorder.track(name, props)),
  identify: (id) => tell((recorder) => recorder.identify(id, { provider: "variable" })),
  forget: () => tell((recorder) => recorder.identify(null)),
  launcher: (id, name) => tell((recorder) => recorder.launcher({ id, name }).click()),
  search: (query, found) => tell((recorder) => recorder.search({ id: 501, name: "Shop search" }).search({ query, result: found && { id: found } })),
  taskClicked: (id, name) => tell((recorder) => recorder.task({ id, name }).click()),
  taskDone(id, name) {
    const line = $(`[data-task="${id}"]`);
    if (line.classList.contains("done")) return;
    line.classList.add("done");
    tell((recorder) => recorder.task({ id, name }).complete());
  },
  // What is shown is one thing with several events: it is made once, when the recorder is there.
  shown(make) {
    let thing;
    tell((recorder) => { thing = make(recorder); });
    return new Proxy({}, { get: (_, call) => (...all) => tell(() => thing[call](...all)) });
  },
  walkthru(id, name, count) {
    const play = this.shown((recorder) => recorder.walkthru({ id, name }).play({ trigger: "launcher" }));
    return {
      step: (index, step) => play.step({ index, count, name: step }),
      complete() { play.goal({ id: "g1", name: "Knows the shop", main: true }); play.complete(); },
      stop: (reason) => play.stop(reason),
      fail: (code) => play.fail({ code }),
    };
  },
  survey(id, name) {
    const survey = this.shown((recorder) => recorder.survey({ id, name }));
    survey.show();
    return survey;
  },
  shoutout(id, name) {
    const shoutout = this.shown((recorder) => recorder.shoutout({ id, name }));
    shoutout.show();
    return { action: () => shoutout.action({ id: "pink", name: "See what is pink" }), close: () => shoutout.close("closed") };
  },
  visitor: () => new Promise((resolve) => tell((recorder) => resolve(recorder.visitor()))),
};

// ---- what guides through it -----------------------------------------------------------------------------------------

const steps = [
  { at: "#search", name: "Search", text: "Look for anything. Searches without a result are events too." },
  { at: ".goods button", name: "Put in the cart", text: "This one sends a custom event with properties of the shop's own." },
  { at: "#account", name: "Log in", text: "From here on, rows carry who you are, as far as the account's policy lets them." },
  { at: "#rows-title", name: "See what arrives", text: "Each step of this tour is a row by now. That was it." },
];

function tour() {
  if ($(".tour")) return;
  location.hash = "#/";
  const box = $("#tour").content.firstElementChild.cloneNode(true);
  const play = reports.walkthru("124909", "Welcome to ShopMe", steps.length);
  let at = 0;
  const spot = () => document.querySelectorAll(".spot").forEach((element) => element.classList.remove("spot"));
  const end = () => { spot(); box.remove(); };
  const place = () => {
    const step = steps[at];
    spot();
    const target = $(step.at);
    if (!target) { play.fail("element_not_found"); return end(); }
    target.classList.add("spot");
    target.scrollIntoView({ block: "center" });
    const edge = target.getBoundingClientRect();
    $(".at", box).textContent = `Step ${at + 1} of ${steps.length}`;
    $("h3", box).textContent = step.name;
    $(".text", box).textContent = step.text;
    $("[data-do=back]", box).hidden = at === 0;
    $("[data-do=next]", box).textContent = at === steps.length - 1 ? "Done" : "Next";
    box.style.left = `${Math.max(8, Math.min(edge.left, innerWidth - 320)) + scrollX}px`;
    box.style.top = `${edge.bottom + 14 + scrollY}px`;
    play.step(at, step.name);
  };
  box.addEventListener("click", (event) => {
    switch (event.target.dataset.do) {
      case "back": at--; return place();
      case "close": play.stop("closed"); return end();
      case "next":
        if (++at < steps.length) return place();
        play.complete();
        reports.taskDone("901", "Take the tour");
        end();
        survey();
    }
  });
  document.body.append(box);
  // The list of goods is drawn after the page's change.
  requestAnimationFrame(place);
}

function survey() {
  if ($(".survey")) return;
  const form = $("#survey").content.firstElementChild.cloneNode(true);
  for (let score = 0; score <= 10; score++) {
    const label = make("label", String(score));
    const input = make("input");
    Object.assign(input, { type: "radio", name: "score", value: String(score), required: true });
    label.prepend(input);
    $(".scores", form).append(label);
  }
  const shown = reports.survey("301", "How was it?");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    shown.submit([{ question: "How likely are you to recommend ShopMe?", answer: Number(form.score.value) }, { question: "What should be better?", answer: form.remark.value }]);
    reports.taskDone("903", "Tell us how it was");
    form.remove();
  });
  $("[data-do=dismiss]", form).addEventListener("click", () => { shown.dismiss("closed"); form.remove(); });
  document.body.append(form);
}

function shoutout() {
  const box = $("#shoutout");
  box.hidden = false;
  const shown = reports.shoutout("201", "Autumn sale");
  box.addEventListener("click", (event) => {
    const what = event.target.dataset.do;
    if (!what) return;
    if (what === "action") { shown.action(); location.hash = "#/pink"; } else shown.close();
    box.hidden = true;
  });
}

// ---- the rows -------------------------------------------------------------------------------------------------------

const known = new Set();

async function poll(visitor) {
  const state = $("#state");
  try {
    const answer = await fetch("/shop/rows?visitor=" + encodeURIComponent(visitor));
    if (!answer.ok) throw new Error(await answer.text());
    const { columns, rows: found } = await answer.json();
    const rows = found.map((values) => Object.fromEntries(values.map((value, i) => [columns[i], value])));
    for (const row of rows.filter((r) => !known.has(r.event_id)).reverse()) { known.add(row.event_id); arrive(row); }
    if (rows.length) {
      state.textContent = "Live";
      state.className = "live";
      $("#count").textContent = String(known.size);
      const last = rows[0];
      $("#delay").textContent = `${((Date.parse(last.inserted_at) - Date.parse(last.received_at)) / 1000).toFixed(2)} s`;
    }
  } catch (error) {
    state.textContent = "ClickHouse does not answer; looking again";
    state.className = "bad";
  }
}

const nothing = (value) => value === "" || value === null || value === 0 || value === false || (Array.isArray(value) && !value.length);

function arrive(row) {
  const item = make("li", undefined, "new");
  const details = make("details");
  const summary = make("summary");
  const at = make("time", new Date(row.time).toLocaleTimeString());
  const what = make("span", undefined, "what");
  what.append(make("span", row.item_type, "kind"), " ", row.event);
  summary.append(at, what, make("span", row.step_name || row.item_name || row.url_path || "", "which"));
  const table = make("table");
  for (const [name, value] of Object.entries(row)) {
    if (nothing(value)) continue;
    const line = make("tr");
    line.append(make("th", name), make("td", typeof value === "object" ? JSON.stringify(value) : String(value)));
    table.append(line);
  }
  details.append(summary, table);
  item.append(details);
  $("#rows").prepend(item);
}

async function watch() {
  const visitor = await reports.visitor();
  $("#visitor").textContent = visitor;
  $("#sql").textContent = `SELECT time, item_type, event, item_name, step_name, props_text\nFROM ${document.body.dataset.database}.events\nWHERE account_id = '${document.body.dataset.account}' AND visitor_id = '${visitor}'\nORDER BY time DESC`;
  for (;;) {
    if (!document.hidden) await poll(visitor);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

addEventListener("hashchange", show);
$("#search").addEventListener("submit", (event) => {
  event.preventDefault();
  const query = event.target.query.value.trim();
  if (query) search(query);
});
$("#help").addEventListener("click", tour);
$("#tasks").addEventListener("click", (event) => {
  const line = event.target.closest("li");
  if (!line) return;
  reports.taskClicked(line.dataset.task, event.target.textContent);
  ({ 901: tour, 902: () => { location.hash = "#/"; }, 903: survey })[line.dataset.task]();
});
$(".brand").prepend(draw(pictures.alligator));
show();
shoutout();
watch();
