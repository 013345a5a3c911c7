import { uuid } from "./ids";
import type { Store } from "./store";

/** What waits to be sent, oldest first. Each event is an entry of its own in the store that all tabs share, so no tab overwrites another's. */
export interface Queue {
  /** Keeps an event; the oldest make room for it. */
  put(json: string): void;
  /** The oldest that are not in skip, up to a count and to bytes of UTF-8; at least one if there is any. */
  take(count: number, bytes: number, skip: ReadonlySet<string>): Entry[];
  remove(entries: readonly Entry[]): void;
  /** How many wait. */
  length(): number;
  /** How many were dropped to make room since the store was made. */
  dropped(): number;
  /** Counts one that was dropped. */
  drop(): void;
}

export interface Entry {
  name: string;
  json: string;
  /** Of UTF-8. */
  bytes: number;
}

export function newQueue(store: Store, most: number): Queue {
  /** What this tab knows to be there, in characters: other tabs' is counted when it is looked at. */
  let size = Infinity;
  const names = () =>
    store
      .names()
      .filter((name) => name.startsWith("e."))
      .sort();
  const dropped = () => Number(store.get("d")) || 0;
  const self: Queue = {
    put(json) {
      store.set("e." + uuid(Date.now()), json);
      if ((size += json.length) > most) {
        const sizes = names().map((name) => [name, (store.get(name) ?? "").length] as const);
        size = sizes.reduce((sum, [, length]) => sum + length, 0);
        // A tenth more than is needed: counting takes as long as all that waits, and must not be done for each event.
        for (const [name, length] of size > most ? sizes : []) {
          if (size > most * 0.9) {
            store.remove(name);
            size -= length;
            self.drop();
          }
        }
      }
    },
    take(count, bytes, skip) {
      const out: Entry[] = [];
      for (const name of names()) {
        const json = skip.has(name) ? undefined : store.get(name);
        if (json) {
          const entry = { name, json, bytes: new TextEncoder().encode(json).length + 1 };
          if (out.length >= count || (bytes -= entry.bytes) < 0) {
            return out.length || count < 1 ? out : [entry];
          }
          out.push(entry);
        }
      }
      return out;
    },
    remove: (entries) =>
      entries.forEach(({ name, json }) => {
        store.remove(name);
        size -= json.length;
      }),
    length: () => names().length,
    dropped,
    drop: () => store.set("d", String(dropped() + 1)),
  };
  return self;
}
