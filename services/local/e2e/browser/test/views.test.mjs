import assert from "node:assert/strict";
import { claim, story } from "./harness.mjs";

const views = (rows) => rows.filter((row) => row.event === "view").map((row) => [new URL(row.url).pathname + new URL(row.url).search + new URL(row.url).hash, row.page_title]);

/** go changes the page as a router does: the URL first, the title when it has rendered. */
const go = (page, how, url, title) =>
  page.evaluate(
    ([how, url, title]) => {
      history[how]({}, "", url);
      return new Promise((resolve) => setTimeout(() => ((window.document.title = title), setTimeout(resolve, 120)), 20));
    },
    [how, url, title],
  );

for (const [api, hide] of [
  ["the Navigation API", ""],
  ["a History that is patched", "Object.defineProperty(window,'navigation',{value:undefined});"],
]) {
  claim(`a single-page app's views, each once and with its own title, by ${api}`, async (it) => {
    it.serve("", { head: hide });
    await it.open("/");
    await it.page.waitForTimeout(150);
    await go(it.page, "pushState", "/cart", "Cart");
    await go(it.page, "replaceState", "/cart", "Cart"); // the same URL: routers do it on each scroll
    await go(it.page, "replaceState", "/cart?sort=up", "Cart"); // an application's state
    await go(it.page, "replaceState", "/checkout", "Checkout"); // another page
    await it.page.evaluate(() => (window.addEventListener("popstate", () => (window.document.title = "Shop again")), history.back()));
    const rows = await it.rows(4, "event = 'view'");
    assert.deepEqual(views(rows), [
      ["/", "Shop"],
      ["/cart", "Cart"],
      ["/checkout", "Checkout"],
      ["/", "Shop again"],
    ]);
    assert.equal(new URL(rows[1].referrer).pathname, "/");
    assert.equal(new URL(rows[2].referrer).pathname + new URL(rows[2].referrer).search, "/cart?sort=up");
  });
}

claim("a redirect at once after a navigation is one view, of where it leads", async (it) => {
  it.serve();
  await it.open("/");
  await it.page.waitForTimeout(150);
  await it.page.evaluate(() => (history.pushState({}, "", "/account"), history.replaceState({}, "", "/login")));
  assert.deepEqual(views(await it.rows(2, "event = 'view'")).map(([url]) => url), ["/", "/login"]);
});

claim("what is behind # is no view and not sent, unless hash says so", async (it) => {
  it.serve();
  await it.open("/#access_token=secret");
  await it.page.evaluate(() => (location.hash = "#top"));
  await it.page.evaluate(() => waymark.track("end"));
  const rows = await it.rows(2, "item_type IN ('page', 'custom')");
  assert.deepEqual(views(rows).map(([url]) => url), ["/"]);
  assert.ok(!JSON.stringify(rows).includes("secret") && !JSON.stringify(it.site.posts).includes("secret"));
});

claim("with hash, an application that routes by it has a view each", async (it) => {
  it.serve("data-hash");
  await it.open("/#/a");
  await it.page.waitForTimeout(150);
  await it.page.evaluate(() => (location.hash = "#/b?x=1"));
  await it.page.waitForTimeout(150);
  await it.page.evaluate(() => history.replaceState({}, "", "#/b?x=2"));
  await it.page.evaluate(() => (location.hash = "#/c"));
  assert.deepEqual(views(await it.rows(3, "event = 'view'")).map(([url]) => url), ["/#/a", "/#/b?x=1", "/#/c"]);
});

claim("a page out of the back-forward cache is viewed again", async (it) => {
  it.serve();
  await it.open("/");
  await it.page.waitForTimeout(150);
  // Playwright's Chromium has no such cache: the event is what a page out of it gets.
  await it.page.evaluate(() => window.dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })));
  assert.deepEqual(views(await it.rows(2, "event = 'view'")).map(([url]) => url), ["/", "/"]);
});

claim("a page that is rendered before anybody asked for it is viewed when it is shown", async (it) => {
  it.serve("", { head: "Object.defineProperty(document,'prerendering',{value:true,configurable:true});" });
  await it.page.goto(it.site.origin + "/");
  await it.page.waitForLoadState("networkidle");
  assert.equal(it.site.posts.length, 0);
  assert.deepEqual(await it.kept(), {});
  await it.page.evaluate(() => (Object.defineProperty(document, "prerendering", { value: false }), document.dispatchEvent(new Event("prerenderingchange"))));
  assert.deepEqual(story(await it.rows(2)).sort(), ["page view", "session start"]);
});

claim("a view that waits for its title is told when the page is left before", async (it) => {
  it.serve("data-settle=5000");
  await it.open("/first");
  await it.page.goto(it.site.origin + "/second");
  assert.deepEqual(views(await it.rows(1, "event = 'view'"))[0], ["/first", "Shop"]);
});
