import { attempt } from "./contain";
import { textOf } from "./censor";
import { uuid } from "./ids";
import type { Settings, Source } from "./options";
import { readCookie, type Store } from "./store";

/** Who caused an event, as the wire format has it. */
export interface User {
  guid: string;
  id?: string;
  provider?: string;
  traits?: unknown;
}

/** Who the visitor is, and who the end user as far as the page says. */
export interface Identity {
  /** The visitor's anonymous GUID. */
  guid(): string;
  /** Calls back with the user: at once, unless a hash is still to be computed. */
  user(then: (user: User) => void): void;
  company(): string | undefined;
  identify(id: unknown, provider?: string, traits?: unknown): void;
  setCompany(id: unknown): void;
  /** Lets whoever waits for a hash go on without it: the page ends. */
  hurry(): void;
  /** Forgets visitor and user. */
  forget(): void;
}

export function newIdentity(o: Settings, store: Store, hide: string): Identity {
  let guid: string | undefined;
  let user: string | Source | undefined = o.user;
  let company: string | Source | undefined = o.company;
  let provider = o.provider;
  let traits: unknown;
  const hashes = new Map<string, string | undefined>();
  const waiting = new Set<() => void>();

  /** hash calls back when hashes has the text's. Without crypto.subtle, which only secure contexts have, there is none: never the original. */
  const hash = (text: string, then: () => void) => {
    const done = () => waiting.delete(done) && then();
    waiting.add(done);
    Promise.resolve()
      .then(() => crypto.subtle.digest("SHA-256", new TextEncoder().encode((o.salt ?? "") + text)))
      .then(
        (digest) => hashes.set(text, btoa(String.fromCharCode(...new Uint8Array(digest)))),
        () => hashes.set(text, undefined),
      )
      .then(done);
  };

  const self: Identity = {
    guid() {
      // Another tab may have made it meanwhile, so storage is asked before one is made.
      guid = store.get("v") ?? guid;
      if (!guid) {
        store.set("v", (guid = uuid()));
      }
      return guid;
    },
    user(then) {
      const [id, from] = read(user, hide);
      const tell = (shown: string | undefined) =>
        then({ guid: self.guid(), ...(shown ? { id: shown, provider: provider ?? from } : undefined), ...(traits ? { traits } : undefined) });
      if (!id || !o.hashUser) {
        tell(id);
      } else if (hashes.has(id)) {
        tell(hashes.get(id));
      } else {
        hash(id, () => tell(hashes.get(id)));
      }
    },
    company: () => read(company, hide)[0],
    identify(id, from, more) {
      user = asText(id);
      provider = from ?? o.provider;
      traits = more;
    },
    setCompany(id) {
      company = asText(id);
    },
    hurry: () => waiting.forEach((done) => done()),
    forget() {
      guid = user = traits = undefined;
      store.remove("v");
    },
  };
  return self;
}

/** read returns what a source yields, and the name of the kind of it. */
function read(source: string | Source | undefined, hide: string): [string | undefined, string?] {
  if (typeof source !== "object") {
    return [source, "variable"];
  }
  const { variable, cookie, selector, get } = source;
  for (const [from, f] of [
    ["variable", get],
    ["variable", variable && (() => variable.split(".").reduce<any>((at, name) => at?.[name], window))],
    ["cookie", cookie && (() => readCookie(cookie))],
    ["element", selector && (() => textOf(document.querySelector(selector), hide))],
  ] as const) {
    const found = f && asText(attempt<unknown>(f));
    if (found) {
      return [found, from];
    }
  }
  return [undefined];
}

/** asText takes texts and numbers; anything else names nobody. */
function asText(value: unknown): string | undefined {
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}
