// A console without an engine: the page's files, and answers of the contract's columns that are made here. It stands in for the server where a
// test is about the page alone: what it shows when an answer is late, empty, refused, or hostile.

import { createServer } from "node:http";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const at = (path) => fileURLToPath(new URL(`../../../../console/${path}`, import.meta.url));
const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8" };

/** As the server has it. */
export const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Numbers that look like chance and are the same each time. */
function chance(seed) {
  let state = [...String(seed)].reduce((hash, letter) => (Math.imul(hash, 31) + letter.charCodeAt(0)) | 0, 7);
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}

const dayMs = 86_400_000;
const days = (from, to) => Array.from({ length: Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / dayMs) + 1) }, (_, i) => new Date(Date.parse(from) + i * dayMs).toISOString().slice(0, 10));
const table = (text, ...rows) => ({ columns: text.split(" ").map((each) => ({ name: each.split(":")[0], unit: each.split(":")[1] ?? "text", type: { text: "String", date: "Date", time: "DateTime64(3, 'UTC')", rate: "Float64", seconds: "Float64", bool: "Bool", list: "Array(String)", map: "Map(String, String)" }[each.split(":")[1] ?? "text"] ?? "UInt64" })), rows });

export const items = [
  ["walkthru", "124909", "Log in", 4210, 3391, 5120, 3600, 4105, 3380, 164, 640],
  ["walkthru", "124910", "Return an order", 2870, 1844, 2310, 1705, 1490, 1280, 92, 410],
  ["walkthru", "124911", "Pay with a gift card", 1950, 1022, 1301, 980, 702, 655, 141, 280],
  ["shoutout", "3107", "New: gift cards", 5230, 812, 0, 0, 0, 0, 0, 0],
  ["launcher", "2201", "Need help?", 6120, 1404, 0, 0, 0, 0, 0, 0],
  ["smarttip", "4410", "At least 12 characters", 3320, 2810, 0, 0, 0, 0, 0, 0],
  ["survey", "518", "How was it?", 2210, 934, 0, 0, 610, 0, 0, 0],
  ["course", "720", "Selling in the shop", 640, 512, 0, 0, 233, 0, 0, 0],
  ["task", "6101", "Sign in for the first time", 0, 1830, 0, 0, 1790, 0, 0, 0],
  ["resource", "8801", "Delivery times (PDF)", 720, 720, 0, 0, 0, 0, 0, 0],
];

const answers = {
  item_engagement: ({ from }) =>
    table("item_type item_id item_name exposed_users:users interacting_users:users engagement_rate:rate plays:plays players:users completed:plays completion_rate:rate goals:plays goal_users:users goal_rate:rate failed:plays stopped:plays dismissed:plays",
      ...items.map(([type, id, name, exposed, interacting, plays, players, completed, goals, failed, stopped]) => {
        const random = chance(from + id);
        const k = 0.78 + random() * 0.35;
        const n = (value, by = 1) => Math.round(value * k * by);
        const done = plays ? Math.min(n(plays), n(completed, 0.9 + random() * 0.15)) : n(completed);
        return [type, id, name, n(exposed), n(interacting), exposed ? n(interacting) / n(exposed) : null, n(plays), n(players), done, plays ? done / n(plays) : null, n(goals), n(goals, 0.92), players ? n(goals, 0.92) / n(players) : null, n(failed, 0.5 + random()), n(stopped), type === "shoutout" || type === "survey" ? n(exposed, 0.4) : 0];
      })),
  active_users: ({ from, to }) => table("day:date dau:users wau:users mau:users stickiness:rate", ...days(from, to).map((day) => {
    const random = chance(day)();
    const week = [0.55, 1, 1.05, 1.08, 1.02, 0.95, 0.5][new Date(day).getUTCDay()];
    const trend = 1 + (Date.parse(day) - Date.parse("2026-10-01")) / dayMs / 160;
    const dau = Math.round(860 * week * trend * (0.94 + random * 0.12));
    const mau = Math.round(4200 * trend * (0.99 + random * 0.02));
    return [day, dau, Math.round(2300 * trend * (0.98 + random * 0.04)), mau, dau / mau];
  })),
  sessions_overview: ({ from, to }) => table("day:date sessions:count users:users sessions_per_user:number seconds_median:seconds seconds_mean:seconds events_per_session:number views_per_session:number", ...days(from, to).map((day) => {
    const random = chance(day + "s")();
    const sessions = Math.round([640, 1240, 1330, 1390, 1310, 1150, 590][new Date(day).getUTCDay()] * (0.92 + random * 0.16));
    return [day, sessions, Math.round(sessions / 1.4), 1.4, 180 + random * 60, 300 + random * 90, 14 + random * 4, 5 + random];
  })),
  walkthru_completion: ({ from, to }) => table("day:date plays:plays completed:plays completion_rate:rate stopped:plays failed:plays", ...days(from, to).map((day) => {
    const random = chance(day + "w")();
    const plays = Math.round([150, 310, 330, 345, 320, 290, 140][new Date(day).getUTCDay()] * (0.9 + random * 0.2));
    const completed = Math.round(plays * (0.66 + random * 0.12));
    return [day, plays, completed, completed / plays, Math.round(plays * 0.12), Math.round(plays * 0.035)];
  })),
  walkthru_funnel: () => table("step_index:number step_name plays:plays users:users entered_here:plays ended_here:plays drop_off_rate:rate seconds_to_next_median:seconds seconds_to_next_p90:seconds",
    [0, "Open the menu", 4980, 3560, 4980, 310, 0.0622, 4.2, 12], [1, "Enter your e-mail", 4790, 3470, 120, 205, 0.0428, 8.1, 31], [2, "Enter your password", 4585, 3390, 0, 372, 0.0811, 11.4, 48], [3, "Press Log in", 4213, 3301, 0, 108, 0.0256, null, null]),
  failure_reasons: () => table("item_type item_id item_name reason failed:plays users:users share:rate", ["walkthru", "124909", "Log in", "element_not_found", 118, 104, 0.72], ["walkthru", "124909", "Log in", "timed_out", 31, 30, 0.19], ["walkthru", "124909", "Log in", "condition", 15, 14, 0.09]),
  goal_rate: () => table("item_type item_id item_name players:users milestone_users:users goal_users:users goal_rate:rate", ["walkthru", "124909", "Log in", 3600, 3420, 3110, 0.864]),
  time_to_complete: () => table("item_type item_id item_name completed:plays seconds_median:seconds seconds_p90:seconds seconds_mean:seconds seconds_min:seconds seconds_max:seconds", ["walkthru", "124909", "Log in", 4105, 34.2, 96.4, 48.9, 9.1, 1830]),
  task_progress: () => table("item_id item_name clicked_users:users completed_users:users completed_without_click_users:users", ["6101", "Sign in for the first time", 1310, 1790, 480], ["6102", "Find the returns desk", 702, 640, 92], ["6103", "Use a gift card", 415, 290, 15]),
  tasks_done: () => table("tasks_done:number users:users all:bool", [1, 1102, false], [2, 511, false], [3, 198, true]),
  course_progress: () => table("item_id item_name opened_users:users started_users:users completed_users:users completion_rate:rate lessons_completed_mean:number", ["720", "Selling in the shop", 640, 512, 233, 0.364, 1.9]),
  course_lessons: () => table("lesson_id lesson_name started_users:users completed_users:users", ["l1", "Orders", 512, 470], ["l2", "Returns", 401, 344], ["l3", "Gift cards", 290, 241]),
  quiz_results: () => table("item_id item_name quiz_id takers:users submissions:count passed_users:users pass_rate:rate score_mean:number score_median:number", ["720", "Selling in the shop", "final", 251, 318, 214, 0.853, 78.4, 82]),
  survey_results: () => table("item_id item_name question answer answers:count users:users share:rate", ...[10, 9, 8, 7, 6, 5, 4, 3].map((score, i) => ["518", "How was it?", "How easy was it?", String(score), [210, 264, 171, 88, 51, 24, 14, 9][i], [208, 260, 170, 88, 51, 24, 14, 9][i], [210, 264, 171, 88, 51, 24, 14, 9][i] / 831]), ["518", "How was it?", "What was missing?", "Nothing", 220, 220, 0.42], ["518", "How was it?", "What was missing?", "Filters by size", 171, 169, 0.33], ["518", "How was it?", "What was missing?", "A dark theme", 130, 130, 0.25]),
  survey_nps: () => table("item_id item_name question answers:count promoters:count passives:count detractors:count nps:number", ["518", "How was it?", "How easy was it?", 831, 474, 259, 98, 45.2]),
  search_without_result: () => table("query searches:count users:users last_time:time", ["fax number", 92, 71, ago(600)], ["student discount", 74, 70, ago(4000)], ["change currency", 31, 29, ago(90_000)]),
  retention: ({ from, to }) => {
    const mondays = days(from, to).filter((day) => new Date(day).getUTCDay() === 1);
    return table("cohort_week:date cohort_users:users week:number users:users rate:rate", ...mondays.flatMap((monday, i) => {
      const random = chance(monday);
      const size = Math.round(280 + random() * 140);
      return mondays.slice(i).map((_, week) => {
        const share = [1, 0.97, 0.85, 0.75, 0.65, 0.55, 0.45, 0.35, 0.25, 0.15, 0.05][(week + i) % 11] * (week === 0 && i === 0 ? 1 : 0.98);
        return [monday, size, week, Math.round(size * share), Math.round(size * share) / size];
      });
    }));
  },
  new_vs_returning: ({ from, to }) => table("day:date new_users:users returning_users:users", ...days(from, to).map((day) => [day, Math.round(40 + chance(day + "n")() * 40), Math.round(700 + chance(day + "r")() * 200)])),
  traffic_sources: () => table("traffic_source utm_source utm_medium utm_campaign referrer_host sessions:count users:users new_users:users", ["direct", "", "", "", "", 14210, 3900, 402], ["search", "", "", "", "search.example", 8802, 3100, 980], ["campaign", "newsletter", "email", "autumn", "", 2210, 1702, 240], ["campaign", "partner", "referral", "gift-cards", "partner.example", 940, 810, 392], ["referral", "", "", "", "blog.example", 612, 580, 301]),
  breakdown: ({ by }) => table("value users:users events:count", ...({
    country: [["DE", 1902], ["US", 1640], ["FR", 702], ["GB", 661], ["BR", 412], ["IN", 388], ["JP", 201], ["AU", 142], ["ZA", 61], ["SG", 44], ["CA", 39], ["MX", 22], ["KE", 4], ["", 31]],
    browser: [["Chrome", 3810], ["Safari", 1102], ["Firefox", 604], ["Edge", 588]],
    os: [["Windows", 2904], ["Mac OS X", 1611], ["iOS", 702], ["Android", 640], ["Linux", 240]],
    device: [["desktop", 4402], ["mobile", 1210], ["tablet", 190]],
    language: [["en", 2600], ["de", 1890], ["fr", 690]],
    city: [["Berlin", 610], ["Paris", 440], ["New York", 402]],
    page: [["/orders", 3100], ["/cart", 2402], ["/", 5100]],
    company: [["acme.example", 302], ["globex.example", 211], ["", 4100]],
  }[by] ?? []).map(([value, users]) => [value, users, users * 17])),
  company_engagement: () => table("company_id users:users active_days:days sessions:count events:count plays:plays completed:plays last_seen:time", ["acme.example", 302, 27, 2210, 41_020, 690, 540, ago(300)], ["globex.example", 211, 25, 1604, 28_110, 402, 299, ago(9000)], ["initech.example", 44, 14, 210, 3302, 61, 20, ago(200_000)]),
  end_users: ({ search = "" }) => table("user_id companies:list visitors:count first_seen:time last_seen:time country city browser os", ...Array.from({ length: 60 }, (_, i) => [`user-${1000 + i * 7}`, i % 3 ? ["acme.example"] : ["globex.example"], 1 + (i % 3), ago(4_000_000 - i * 9000), ago(60 + i * i * 90), ["Germany", "United States", "France"][i % 3], ["Berlin", "Boston", "Lyon"][i % 3], ["Chrome", "Safari", "Firefox"][i % 3], ["Windows", "Mac OS X", "Linux"][i % 3]]).filter((row) => JSON.stringify(row).includes(search))),
  end_user_profile: ({ user }) => table("user_id visitors:count companies:list first_seen:time last_seen:time sessions:count seconds_mean:seconds seconds_total:seconds seconds_between_mean:seconds country_code country subdivision city browser browser_version os device_type language timezone attributes:map", [user, 2, ["acme.example"], ago(4_000_000), ago(400), 41, 312, 12_792, 88_000, "DE", "Germany", "Berlin", "Berlin", "Chrome", "141.0", "Windows", "desktop", "de-DE", "Europe/Berlin", { plan: '"business"', seats: "25", role: '"buyer"' }]),
  end_user_timeline: () => table("time:time event item_type item_id item_name step_name url_path page_title environment preview:bool", ...[
    [400, "complete", "walkthru", "124909", "Log in", "", "/account"], [430, "step", "walkthru", "124909", "Log in", "Press Log in", "/account"], [441, "step", "walkthru", "124909", "Log in", "Enter your password", "/account"], [460, "play", "walkthru", "124909", "Log in", "", "/account"], [470, "view", "page", "", "", "", "/account"],
    [9000, "click", "launcher", "2201", "Need help?", "", "/orders"], [9010, "show", "launcher", "2201", "Need help?", "", "/orders"], [9040, "view", "page", "", "", "", "/orders"], [95_000, "submit", "survey", "518", "How was it?", "", "/cart"], [95_030, "track", "custom", "", "Order placed", "", "/cart"], [95_100, "view", "page", "", "", "", "/cart"],
  ].map(([seconds, event, type, id, name, step, path]) => [ago(seconds), event, type, id, name, step, path, "Orders - ShopMe", "production", false])),
  item_compare: () => table("metric value:number other_value:number change:change item_type", ...[["exposed_users", 4210, 3990, 0.0551], ["engagement_rate", 0.805, 0.771, 0.0441], ["plays", 5120, 4702, 0.0889], ["completion_rate", 0.8018, 0.7421, 0.0804], ["goal_rate", 0.864, 0.822, 0.0511], ["seconds_to_complete_median", 34.2, 41.7, -0.1799]].map((row) => [...row, "walkthru"])),
  guide_effect: () => table("took_it:bool users:users reached:users reach_rate:rate days_to_goal_median:days", [true, 1210, 640, 0.5289, 2], [false, 2104, 602, 0.2861, 5]),
  data_quality: () => table("check detail events:count", ["events", "", 412_302], ["bot", "Googlebot", 402], ["preview", "", 118], ["late", "", 77], ["clamped_time", "clamped_past", 12], ["clamped_time", "clamped_future", 0], ["dead_letter", "unknown_item_type", 6], ["flag", "url_cut", 3]),
  freshness: () => table("minute:time events:count seconds_to_enrich_p50:seconds seconds_to_enrich_p99:seconds seconds_to_store_p50:seconds seconds_to_store_p99:seconds oldest_received_at:time", ...Array.from({ length: 90 }, (_, i) => [ago((89 - i) * 60), 400 + i, 0.2, 0.6, 0.9 + chance(i)() * 0.4, 2 + chance(i + "p")() * 1.5, ago((89 - i) * 60)])),
  custom_events: () => table("name events:count users:users last_time:time", ["Order placed", 4102, 2210, ago(40)], ["Newsletter subscribed", 310, 300, ago(900)]),
  environments: () => table("environment visitors:users last_seen:time", ["production", 5102, ago(10)], ["test", 12, ago(8000)]),
};

const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString();

const health = () => ({
  account: "shop", region: "eu", as_of: ago(0),
  stored: { since: ago(86_400), events: 412_302, doubles: 0, last_inserted_at: ago(2), last_received_at: ago(3), seconds_to_store_p50: 1.1, seconds_to_store_p99: 2.6 },
  dead: { since: ago(86_400), letters: [{ stage: "enrich", reason: "unknown_item_type", count: 6, last: ago(3000), example: "data.type \"hologram\" is no kind of item", replay: "waymarkctl dead replay --region eu --reason unknown_item_type" }] },
  door: { since: ago(86_400), edges: 1, accepted: 1_204_410, stored: 1_204_390, dead: 6, difference: 14, exact: true },
  lag: { stages: [{ stage: "enricher", topic: "events.raw.eu", records: 12, partitions: 4 }, { stage: "sink", topic: "events.enriched.eu", records: 204, partitions: 4 }, { stage: "sink", topic: "events.dead.eu", records: 0, partitions: 4 }] },
});

/** The questions' files, as the server reads them. */
function questions() {
  const folder = at("internal/question/sql");
  const files = existsSync(folder) ? readdirSync(folder) : [];
  return files.filter((file) => file.endsWith(".sql")).map((file) => {
    const text = readFileSync(join(folder, file), "utf8");
    const [title, ...about] = text.split("\n").filter((line) => line.startsWith("-- ")).map((line) => line.slice(3));
    const sql = text.replace(/^-- .*\n/gm, "").trim();
    return { name: file.slice(0, -4), title, about: about.join(" "), sql, columns: [], parameters: [...new Set([...sql.matchAll(/\{(\w+):/g)].map((match) => match[1]))].map((name) => ({ name, type: "text" })) };
  });
}

/**
 * start serves it. before, where a test sets it, may answer in the stub's place: it is called with the path, its parameters and the response,
 * and returns true where it has answered.
 */
export async function start() {
  const stub = { before: undefined, asked: [], posts: [], signedIn: true, accounts: [{ id: "shop", name: "ShopMe", region: "eu", sql: true }, { id: "crm", name: "Harbor CRM", region: "us", sql: false }] };
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://console");
    const params = Object.fromEntries(searchParams);
    const json = (body, status = 200, headers = {}) => (response.writeHead(status, { "content-type": "application/json", ...headers }), response.end(JSON.stringify(body)));
    const chunks = [];
    for await (const chunk of request) {
      chunks.push(chunk);
    }
    const body = chunks.length ? JSON.parse(Buffer.concat(chunks).toString()) : undefined;
    if (body) {
      stub.posts.push({ pathname, body, headers: request.headers });
    }
    if (pathname.startsWith("/api/ask/")) {
      stub.asked.push({ question: pathname.slice("/api/ask/".length), params });
    }
    if (await stub.before?.({ pathname, params, body, json, request, response })) {
      return;
    }
    if (pathname === "/api/session") {
      stub.signedIn = request.method === "POST" && body?.token === "right";
      return stub.signedIn || request.method === "DELETE" ? (response.writeHead(204), response.end()) : json({ error: { code: "sign_in", message: "No user has this token." }, sign_in: "token" }, 401);
    }
    if (pathname.startsWith("/api/") && !stub.signedIn) {
      return json({ error: { code: "sign_in", message: "Sign in." }, sign_in: "token" }, 401);
    }
    if (pathname === "/api/me") {
      return json({ user: "dana", sign_in: "token", version: "test", operator: true, accounts: stub.accounts });
    }
    if (pathname === "/api/questions") {
      return json({ questions: questions() });
    }
    if (pathname === "/api/health-data") {
      return json(health());
    }
    if (pathname === "/api/sql") {
      return json({ ...table("event users:users", ["play", 12], ["=cmd|' /C calc'!A0", 3]), sql: body.sql, elapsed_ms: 4, rows_read: 100, as_of: ago(0), truncated: false });
    }
    if (pathname === "/api/live") {
      response.writeHead(200, { "content-type": "text/event-stream" });
      let n = 0;
      const send = () => {
        const [type, id, name] = items[n % items.length];
        response.write(`id: ${n}\nevent: event\ndata: ${JSON.stringify({ event_id: String(n++), time: ago(0), event: ["play", "step", "complete", "show", "click"][n % 5], item_type: type, item_id: id, item_name: name, step_name: "", user_id: `user-${1000 + (n % 9)}`, country_code: ["DE", "US", "FR"][n % 3], browser: "Chrome", url_path: "/orders", page_title: "Orders", environment: n % 7 ? "production" : "test", preview: n % 11 === 0, is_bot: false })}\n\n`);
      };
      Array.from({ length: 20 }).forEach(send);
      const timer = setInterval(send, 300);
      return response.on("close", () => clearInterval(timer));
    }
    const question = pathname.match(/^\/api\/ask\/(\w+)$/)?.[1];
    if (question && answers[question]) {
      const answer = answers[question](params);
      const named = Object.entries(params).map(([name, value]) => `${name} = '${value}'`).join(", ");
      return json({ question, ...answer, sql: `SELECT ${answer.columns.map((column) => column.name).join(", ")}\nFROM ${question}(${named})`, as_of: ago(0), elapsed_ms: 12, rows_read: 8192, truncated: false, cached: false });
    }
    if (pathname.startsWith("/api/")) {
      return json({ error: { code: "not_found", message: "no such path" } }, 404);
    }
    const file = at(`web/dist${pathname}`);
    const found = extname(pathname) && existsSync(file) ? file : at("web/dist/index.html");
    response.writeHead(200, { "content-type": types[extname(found)], "content-security-policy": policy, "x-content-type-options": "nosniff" });
    response.end(readFileSync(found));
  });
  await new Promise((resolve) => server.listen(Number(process.env.STUB_PORT ?? 0), "127.0.0.1", resolve));
  stub.origin = `http://127.0.0.1:${server.address().port}`;
  stub.close = () => (server.closeAllConnections(), server.close());
  return stub;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log((await start()).origin);
}
