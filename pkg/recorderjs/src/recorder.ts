import { copy } from "./censor";
import { allowed, choose, type Choice } from "./consent";
import { attempt, listen, on } from "./contain";
import { newIdentity } from "./identity";
import { uuid } from "./ids";
import { newItems, newWalkthru, type Id, type Items, type Props, type Walkthru, type WalkthruCalls } from "./items";
import { withDefaults, type Options } from "./options";
import { newQueue } from "./queue";
import { newSender } from "./sender";
import { newSessions } from "./session";
import { openCookies, openStore } from "./store";
import { newViews, type Page } from "./views";

export const library = { name: "waymark-recorder", version: "1.0.0" };

/** The most characters of an event. The edge refuses events of more than limits.event_bytes, 32768. */
const mostCharacters = 60000;

/** What became of events on this page; queued and dropped are of all tabs. */
export interface Stats {
  queued: number;
  sent: number;
  refused: number;
  dropped: number;
}

/** The recorder. None of its functions throws, whatever it is given. */
export interface Recorder extends Items {
  readonly version: string;
  /** Runs f with the recorder: what stands in the page before the script has come waits for it in an array of the same name. */
  push(...calls: ((recorder: Recorder) => void)[]): void;
  walkthru(walkthru: Walkthru): WalkthruCalls;
  /** Tells a custom event. */
  track(name: string, props?: Props): void;
  /** Tells a page view, where views is false. */
  page(props?: Props): void;
  identify(id: Id | null | undefined, more?: { provider?: string; traits?: Props }): void;
  company(id: Id | null | undefined): void;
  consent(choice: Choice): void;
  /** The visitor's anonymous GUID, for what a server tells of the same visitor; undefined where nothing may be collected. */
  visitor(): string | undefined;
  /** Sends what waits. */
  flush(): Promise<void>;
  /** Ends the session and forgets visitor and user, as a log-out should. */
  reset(): void;
  stats(): Stats;
}

/** start makes a recorder and lets it begin. base is what a relative endpoint is relative to: the URL that the script came from. */
export function start(options: Options, base: string = location.href): Recorder {
  const o = withDefaults(options, base);
  listen(o.onError);
  const store = openStore(`waymark.${o.key}.`, o.storage !== "memory");
  const state = o.storage === "cookie" ? openCookies(`waymark.${o.key}.`.replace(/[^\w.-]/g, "_"), o.cookieDomain, store) : store;
  const hide = "[data-waymark-hide],.waymark-hide" + (o.hide ? "," + o.hide : "");
  const queue = newQueue(store, o.queueBytes);
  const sender = newSender(o, queue, store);
  const identity = newIdentity(o, state, hide);

  const open = () => allowed(o, state) && attempt(() => (o.gate ?? (window as { waymarkGate?: () => unknown }).waymarkGate ?? (() => true))());

  const timezone = attempt(() => Intl.DateTimeFormat().resolvedOptions().timeZone); // costs more than all the rest of an event
  const cut = (url: string) => (o.censor.includes("query") ? url.split("?")[0] : url);

  /** What an event is not told by its call. */
  interface Given {
    id?: string;
    time?: number;
    page?: Page;
    session?: number;
  }
  const tell = (type: string, data: Record<string, unknown>, props?: Props, given: Given = {}) =>
    attempt(() => {
      if (!open()) {
        return;
      }
      const time = given.time ?? Date.now();
      const page = given.page ?? views.page();
      const session = given.session ?? sessions.touch(Date.now());
      const told = copy(
        {
          data,
          env: {
            screen: { width: screen.width, height: screen.height },
            language: navigator.language,
            timezone,
          },
          page: { url: cut(page.url), title: page.title, referrer: cut(page.referrer) },
          props,
        },
        o.censor,
        hide,
      ) as Record<string, unknown>;
      const event = {
        id: given.id ?? uuid(time),
        time,
        type,
        ...told,
        // What names the item stays, whatever it is called.
        data: { ...(told["data"] as object), type: data["type"], oId: data["oId"], pId: data["pId"], preview: data["preview"] ?? o.preview },
        session: identity.guid() + "." + session,
        environment: o.environment,
        // As it was chosen: accounts may collect with consent only, or for other purposes than the page's.
        consent: state.get("c") && JSON.parse(state.get("c")!),
        company: { id: identity.company() },
        library: { ...library, dropped: queue.dropped() || undefined },
      };
      identity.user((user) => {
        const json = JSON.stringify({ ...event, user: { ...user, traits: copy(user.traits, o.censor, hide) } });
        if (json.length > mostCharacters) {
          queue.drop();
          return;
        }
        // Consent may have been withdrawn while the hash was computed.
        if (allowed(o, state)) {
          queue.put(json);
          sender.wake(json.length);
        }
      });
    });

  const sessions = newSessions(state, o.sessionMinutes * 60000, (type, time, n) =>
    // The ids follow from the session: whichever tabs tell it, it is told once.
    tell(type, { type: "session" }, undefined, { id: `${identity.guid()}.${n}-${type}`, time, session: n }),
  );
  const views = newViews(o, (page, time) => tell("view", { type: "page" }, undefined, { page, time }));

  const visitor = () => (open() ? identity.guid() : undefined);
  const teller = {
    tell,
    interaction: (id: Id | undefined) => `${Date.now()}-${id}-${visitor() ?? uuid()}`,
    iteration(id: Id) {
      if (!open()) {
        return 1;
      }
      const plays = new Map(attempt(() => JSON.parse(store.get("i") ?? "[]") as [string, number][]));
      const n = (plays.get(String(id)) ?? 0) + 1;
      // The item that was played longest ago is forgotten first.
      plays.delete(String(id));
      plays.set(String(id), n);
      store.set("i", JSON.stringify([...plays].slice(-100)));
      return n;
    },
  };
  const walkthru = newWalkthru(teller);
  const recorder: Recorder = {
    version: library.version,
    ...newItems(teller),
    walkthru,
    push: (...calls) => calls.forEach((call) => attempt(() => call(recorder))),
    track: (name, props) => tell("track", { type: "custom", event: name }, props),
    page: (props) => tell("view", { type: "page" }, props),
    identify: (id, more) => attempt(() => identity.identify(id, more?.provider, more?.traits)),
    company: (id) => identity.setCompany(id),
    consent: (choice) =>
      attempt(() => {
        const before = allowed(o, state);
        choose(o, [state, store], choice);
        !before && allowed(o, state) && begin();
      }),
    visitor,
    flush: () => sender.flush(),
    reset: () =>
      attempt(() => {
        sessions.end();
        state.remove("s");
        identity.forget();
      }),
    stats: () => ({ queued: queue.length(), sent: sender.sent, refused: sender.refused, dropped: queue.dropped() }),
  };

  const begin = () => {
    o.views && views.view();
    // What an earlier page, or a tab that is gone, could not send.
    void sender.flush();
  };
  let looked = 0;
  const active = () => {
    // Scrolling comes sixty times a second.
    if (Math.abs(Date.now() - looked) > 1000) {
      looked = Date.now();
      open() && sessions.touch(looked);
    }
  };
  const leave = () => {
    views.settle();
    identity.hurry();
    allowed(o, state) && sender.leave();
  };
  attempt(() => {
    on(document, "visibilitychange", () => (document.visibilityState === "hidden" ? leave() : active()));
    on(window, "pagehide", leave);
    on(window, "online", () => allowed(o, state) && sender.online());
    on(window, "pointerdown keydown scroll", active);
    allowed(o, state) && begin();
  });
  return recorder;
}
