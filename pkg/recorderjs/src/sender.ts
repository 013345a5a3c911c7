import { later, own, tellError } from "./contain";
import type { Settings } from "./options";
import type { Entry, Queue } from "./queue";
import type { Store } from "./store";

/** Browsers let all keepalive requests and beacons of a page have 64 KiB under way (Fetch §4.6). The envelope needs some of it. */
const keepaliveBytes = 60000;

/** Milliseconds: the first wait after a failure, which doubles; the longest, and the longest that a server may ask for. */
const firstWait = 1000;
const longestWait = 300000;
const longestAsked = 3600000;

/** Milliseconds after which a request without an answer counts as failed. */
const patience = 30000;

/** Sends what waits, and removes only what was answered for: an answer that is lost means the same events again, under the same ids. */
export interface Sender {
  /** Says that events came, of so many characters. */
  wake(characters: number): void;
  /** Sends what waits now. */
  flush(): Promise<void>;
  /** The page may end: sends what keepalive requests may hold. What does not fit waits in the store for the next page. */
  leave(): void;
  /** Connections are back. */
  online(): void;
  readonly sent: number;
  readonly refused: number;
}

export function newSender(o: Settings, queue: Queue, store: Store): Sender {
  let sent = 0;
  let refused = 0;
  let fresh = 0;
  let freshCharacters = 0;
  let armed: object | undefined; // the timer that counts: a batch that went before it takes it along
  let busy = false;
  let failures = 0;
  let offline = false; // the last failure was no answer of a server
  let locked = 0;
  let most = o.batchEvents;
  const underWay = new Set<string>();
  let keptAlive = 0; // bytes

  /** How long to wait yet, in ms. All tabs share it; a clock that was set back must not make it longer than it was. */
  const pause = () => Math.min(Number(store.get("w")) - Date.now() || 0, longestAsked);

  const arm = (ms: number) => {
    if (!armed) {
      const mine = (armed = {});
      later(() => {
        if (armed === mine) {
          armed = undefined;
          void flush();
        }
      }, ms);
    }
  };

  const flush = async (): Promise<void> => {
    const wait = pause();
    if (busy || wait > 0) {
      return wait > 0 ? arm(wait) : undefined;
    }
    busy = true;
    armed = undefined;
    fresh = freshCharacters = 0;
    const all = async () => {
      while (await sendOne()) {}
    };
    // Tabs must not send the same at once: it would be told apart by the ids, but cost everybody. A tab that holds the lock sends what all of
    // them have. One that is frozen with it must not stop the others: after a while they go on without.
    try {
      await navigator.locks.request("waymark " + o.key, { ifAvailable: true }, (lock) => (lock || ++locked > 5 ? ((locked = 0), all()) : undefined));
    } catch {
      await all(); // http has no locks, and a sandboxed frame may not have any
    }
    busy = false;
    if (queue.length() > underWay.size) {
      arm(Math.max(pause(), o.batchAge));
    }
  };

  /** sendOne sends a batch, and says whether there may be another to send now. */
  const sendOne = async (): Promise<boolean> => {
    const batch = navigator.onLine === false ? [] : queue.take(most, keepaliveBytes, underWay);
    return batch.length > 0 && (await post(batch));
  };

  const post = async (batch: Entry[]): Promise<boolean> => {
    const bytes = batch.reduce((sum, entry) => sum + entry.bytes, 0);
    const keepalive = keptAlive + bytes <= keepaliveBytes;
    batch.forEach(({ name }) => underWay.add(name));
    keptAlive += keepalive ? bytes : 0;
    let status = 0;
    let asked = 0;
    try {
      // A text is sent as text/plain, which a page may post to another origin without asking first.
      const answer = await own(window, "fetch").call(window, o.endpoint, {
        method: "POST",
        credentials: "omit",
        keepalive,
        signal: AbortSignal.timeout?.(patience) ?? null,
        body: `{"key":${JSON.stringify(o.key)},"sentAt":${Date.now()},"events":[${batch.map(({ json }) => json).join()}]}`,
      });
      const after = answer.headers.get("Retry-After");
      asked = after ? Number(after) * 1000 || Date.parse(after) - Date.now() || 0 : 0;
      // The page of a hotel's network is 200 too: only the edge's own answer lets events go.
      refused += answer.ok ? ((await answer.json()) as { rejected: number }).rejected : 0;
      status = answer.status;
    } catch (error) {
      tellError(error);
    }
    batch.forEach(({ name }) => underWay.delete(name));
    keptAlive -= keepalive ? bytes : 0;
    return judge(batch, status, asked);
  };

  /** judge does what an answer means, and says whether to go on. */
  const judge = (batch: Entry[], status: number, asked: number): boolean => {
    const tooMuch = status === 400 || status === 413 || status === 422;
    if (status >= 200 && status < 300) {
      sent += batch.length;
    } else if (tooMuch && batch.length > 1) {
      most = batch.length >> 1; // one of them may be to blame: the others must not wait for it
      return true;
    } else if (tooMuch) {
      refused++;
    } else {
      offline = !status;
      // Equal jitter: at least what was asked for, and never all clients at the same time.
      const wait = Math.min(firstWait * 2 ** failures++, longestWait);
      store.set("w", String(Date.now() + Math.min(asked, longestAsked) + wait * (0.5 + Math.random() / 2)));
      return false;
    }
    queue.remove(batch);
    failures = 0;
    most = Math.min(most * 2, o.batchEvents);
    return true;
  };

  return {
    wake(characters) {
      fresh++;
      if (fresh >= o.batchEvents || (freshCharacters += characters) >= o.batchBytes) {
        void flush();
      } else {
        arm(o.batchAge);
      }
    },
    flush,
    leave() {
      while (pause() <= 0 && keptAlive < keepaliveBytes) {
        const batch = queue.take(o.batchEvents, keepaliveBytes - keptAlive, underWay);
        if (!batch.length || (keptAlive && batch[0]!.bytes + keptAlive > keepaliveBytes)) {
          return;
        }
        void post(batch);
      }
    },
    online() {
      if (offline) {
        store.remove("w");
        failures = 0;
      }
      void flush();
    },
    get sent() {
      return sent;
    },
    get refused() {
      return refused;
    },
  };
}
