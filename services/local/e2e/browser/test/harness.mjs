// What the tests share: a browser, a site that stands before the edge as a shop's own server would, and questions to ClickHouse.

import { createServer } from "node:http";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { after, describe, test } from "node:test";
import { chromium } from "playwright-core";

export const edge = process.env.EDGE;
const clickhouse = process.env.CLICKHOUSE;

/** Chromium as Debian and others install it. */
const executablePath = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => path && existsSync(path));
if (!executablePath) {
  throw new Error("no Chromium: make chromium installs it, and CHROMIUM names another");
}

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
after(() => browser.close());

/** sql asks ClickHouse, and returns the rows. */
export async function sql(query) {
  const answer = await fetch(`${clickhouse}/?database=${process.env.DATABASE}&default_format=JSONEachRow`, { method: "POST", body: query });
  const text = await answer.text();
  if (!answer.ok) {
    throw new Error(text);
  }
  return text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
}

/** until waits for a condition, and returns what it returned. */
export async function until(what, condition, seconds = 20) {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await condition();
    if (found) {
      return found;
    }
    if (Date.now() > deadline) {
      throw new Error(`after ${seconds} s: ${typeof what === "function" ? await what() : what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/**
 * A site: pages, the recorder and the collector under one origin. fault, where a test sets it, may answer a POST of events in the edge's place:
 * it is called with how to go on, and what was sent.
 */
async function openSite() {
  const site = { pages: {}, fault: undefined, posts: [] };
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://site");
    const chunks = [];
    for await (const chunk of request) {
      chunks.push(chunk);
    }
    const body = Buffer.concat(chunks);
    const forward = async () => {
      const headers = { "content-type": request.headers["content-type"] ?? "", "user-agent": request.headers["user-agent"] };
      return fetch(edge + pathname.replace(/^\/wm/, ""), { method: request.method, headers, ...(body.length && { body }) });
    };
    try {
      if (pathname === "/wm/v1/events") {
        const post = JSON.parse(body);
        site.posts.push(post);
        const done = site.fault && (await site.fault({ request, response, forward, post }));
        if (done) {
          return;
        }
      } else if (!pathname.startsWith("/wm/")) {
        const page = site.pages[pathname] ?? site.pages["*"];
        response.writeHead(page ? 200 : 404, { "content-type": page?.type ?? "text/html; charset=utf-8", ...page?.headers });
        response.end(page?.html ?? "");
        return;
      }
      const answer = await forward();
      response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "text/plain" });
      response.end(Buffer.from(await answer.arrayBuffer()));
    } catch {
      response.destroy();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => (server.closeAllConnections(), server.close()));
  site.server = server;
  // localhost and 127.0.0.1 are secure contexts without TLS.
  site.origin = `http://127.0.0.1:${server.address().port}`;
  site.insecure = `http://shop.test:${server.address().port}`;
  return site;
}

/** tag is the recorder's, with attributes: of two with one name the first counts. */
export const tag = (attributes = "", src = "/wm/recorder.js") => `<script async src="${src}" ${attributes} data-key="wk_shop_page" data-batch-age="200"></script>`;

export const document = (head, body = "", title = "Shop") => `<!doctype html><html><head><title>${title}</title><link rel="icon" href="data:,">${head}</head><body>${body}</body></html>`;

/** The file's claims, most of whose time is waiting: they run side by side when all are known. */
const claims = [];

/**
 * claim is one test: it gets a site, a context with nothing in it, a page, and a name of its own that all its events carry as environment.
 * A page that hears of an error that nobody caught fails the test.
 */
export function claim(name, run, { options = {}, errors = [], alone = false } = {}) {
  claims.length || queueMicrotask(() => describe("in Chromium", { concurrency: alone ? 1 : 4 }, () => claims.forEach((one) => test(...one))));
  claims.push([name, async () => {
    const environment = "t-" + randomUUID().slice(0, 13);
    const site = await openSite();
    const context = await browser.newContext(options);
    const heard = [];
    context.on("weberror", (error) => heard.push(String(error.error())));
    const page = await context.newPage();
    const it = {
      site,
      context,
      page,
      environment,
      browser,
      /** serve puts the recorder into every page of the site. */
      serve: (attributes = "", { options = {}, head = "", body = "", headers, title } = {}) => {
        site.pages["*"] = { html: document(`<script>window.waymarkOptions={environment:${JSON.stringify(environment)},onError:e=>(window.heard??=[]).push(String(e)),${Object.entries(options).map(([k, v]) => `${k}:${v}`).join()}};${head}</script>${tag(attributes)}`, body, title), headers };
      },
      /** open goes there, and waits for the recorder. */
      open: async (path = "/", on = page) => {
        await on.goto(site.origin + path);
        await on.waitForFunction(() => window.waymark?.version);
      },
      /** rows waits for as many events as wanted, and then returns all that there are once nothing waits any more. */
      rows: async (wanted, where = "1") => {
        const query = `SELECT * FROM events WHERE environment = '${environment}' AND (${where}) ORDER BY client_time, event_id`;
        await until(
          async () => `${wanted} rows wanted where ${where}, there are ${JSON.stringify((await sql(query)).map((row) => [row.item_type, row.event]))}`,
          async () => (await sql(query)).length >= wanted,
        );
        return sql(query);
      },
      /** drained waits until the recorder has nothing left to send. */
      drained: (on = page) => on.waitForFunction(() => window.waymark.stats().queued === 0 || (window.waymark.flush(), false)),
      /** viewed waits until a view was sent since site.posts was empty, so that it comes between nothing. */
      viewed: async () => {
        await until("no view was sent", async () => {
          await page.evaluate(() => void window.waymark.flush());
          return site.posts.some((post) => post.events.some((event) => event.type === "view"));
        });
        await it.drained();
      },
      /** kept is what the page's storage has of the recorder. */
      kept: (on = page) => on.evaluate(() => Object.fromEntries(Object.entries(localStorage).filter(([name]) => name.startsWith("waymark.")))),
    };
    try {
      await run(it);
      const unexpected = heard.filter((error) => !errors.some((expected) => error.includes(expected)));
      if (unexpected.length) {
        throw new Error("the page heard of: " + unexpected.join("\n"));
      }
    } finally {
      await context.close();
    }
  }]);
}

/** story is what happened, in short. */
export const story = (rows) => rows.map((row) => `${row.item_type} ${row.event}`);
