// Everything that is looked at stands in the address, so that a link shows the same and back goes back.

import { store, useStore } from "./store";

/** A page and what it shows. */
export interface Place {
  /** Such as items; never empty. */
  page: string;
  params: Readonly<Record<string, string>>;
}

/** Parameters that go along from page to page. */
const shared = ["account", "audience", "from", "to", "compare"];

type Changes = Readonly<Record<string, string | undefined>>;

function read(): Place {
  return { page: location.pathname.slice(1).split("/")[0] || "overview", params: Object.fromEntries(new URLSearchParams(location.search)) };
}

const place = store(read());

export const here = (): Place => place.get();

export const usePlace = (): Place => useStore(place);

function address(page: string, params: Changes): string {
  const search = new URLSearchParams();
  for (const name of [...shared, ...Object.keys(params).filter((each) => !shared.includes(each)).sort()]) {
    const value = params[name];
    if (value) {
      search.set(name, value);
    }
  }
  const text = search.toString();
  return `/${page}${text && "?" + text}`;
}

/** The address of a page: what is shared goes along, changes are laid over it. */
export function link(page: string, changes: Changes = {}): string {
  return address(page, { ...Object.fromEntries(shared.map((name) => [name, here().params[name]])), ...changes });
}

/** The address of this page with some parameters changed; undefined or empty takes one away. */
export const linkHere = (changes: Changes): string => address(here().page, { ...here().params, ...changes });

/** go opens an address. A change that nobody wants to step back through replaces the one before. */
export function go(href: string, how: "push" | "replace" = "push"): void {
  if (href === location.pathname + location.search) {
    return;
  }
  history[how === "push" ? "pushState" : "replaceState"](null, "", href);
  const before = place.get().page;
  place.set(read());
  if (place.get().page !== before) {
    scrollTo(0, 0);
  }
}

/** follow makes the page's own links change the place instead of loading the page anew. */
export function follow(): void {
  addEventListener("popstate", () => place.set(read()));
  document.addEventListener("click", (event) => {
    const anchor = event.target instanceof Element ? event.target.closest("a") : null;
    const modified = event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.defaultPrevented;
    if (anchor && !modified && isRoute(anchor)) {
      event.preventDefault();
      go(anchor.pathname + anchor.search);
    }
  });
}

/** Pages have names of letters alone; files have a dot, and the server's own answers are under /api/. */
const isRoute = (anchor: HTMLAnchorElement) => anchor.origin === location.origin && /^\/[a-z-]*$/.test(anchor.pathname) && !anchor.getAttribute("href")?.startsWith("#") && !anchor.download && !anchor.target;
