import { attempt, later, on } from "./contain";
import type { Settings } from "./options";

/** Where the visitor is. */
export interface Page {
  url: string;
  title: string;
  referrer: string;
}

export interface Views {
  /** The page as it is now. */
  page(): Page;
  /** Tells a view of the page as it is now. */
  view(): void;
  /** Tells the view that waits for its title, if one does. */
  settle(): void;
}

/**
 * newViews calls tell with each page that is viewed and the time of its navigation (ms), once its title had time to be set. A push, a
 * traversal or a page out of the back-forward cache is a view; so is a replacement that leads to another path, but not one that only keeps
 * an application's state in the query. A replacement at once after a push is a redirect: only where it leads is viewed.
 */
export function newViews(o: Settings, tell: (page: Page, time: number) => void): Views {
  const at = () => (o.hash ? location.href : location.href.split("#")[0]!);
  let url = at();
  let referrer = document.referrer;
  let pending: { time: number; referrer: string } | undefined;

  const settle = () => {
    const due = pending;
    pending = undefined;
    due && tell({ url, title: document.title, referrer: due.referrer }, due.time);
  };
  const view = () => {
    settle();
    const due = (pending = { time: Date.now(), referrer });
    later(() => due === pending && settle(), o.settle);
  };
  const moved = (replaced?: boolean) => {
    const to = at();
    if (to === url) {
      return;
    }
    const redirected = replaced && pending;
    const samePath = path(to) === path(url);
    if (!redirected && !(replaced && samePath)) {
      settle();
      referrer = url;
    }
    url = to;
    redirected || (replaced && samePath) || view();
  };

  if (o.views) {
    const navigation = (window as { navigation?: EventTarget }).navigation;
    if (navigation) {
      // Nothing of the page's needs to be replaced, and nobody who replaces history's functions is in the way.
      on(navigation, "currententrychange", (event) => moved((event as Event & { navigationType?: string }).navigationType === "replace"));
    } else {
      for (const name of ["pushState", "replaceState"] as const) {
        const original = history[name];
        history[name] = function (this: History, ...all: Parameters<History["pushState"]>) {
          original.apply(this, all);
          attempt(() => moved(name === "replaceState"));
        };
      }
      on(window, "popstate hashchange", () => moved());
    }
    on(window, "pageshow", (event) => (event as PageTransitionEvent).persisted && view());
  }
  return { page: () => ({ url: at(), title: document.title, referrer }), view, settle };
}

/** path is a URL without its query; with hash, the query is what follows ? behind the #. */
function path(url: string): string {
  return url.replace(/\?[^#]*/g, "");
}
