import { later } from "./contain";
import type { Store } from "./store";

/** Visits, which end after some time without activity. All tabs share them. */
export interface Sessions {
  /** Says that something happened, and returns the session's number, from 1. */
  touch(now: number): number;
  /** Ends the session, as a log-out does. */
  end(): void;
}

/**
 * newSessions calls tell with start and end, the time (ms) of each, and the session's number. A session ends at its last activity, not when that
 * is found out. The next number follows from the last one: tabs that find out at the same time (a browser that starts with all of them)
 * tell the same start and end, under the same ids.
 */
export function newSessions(store: Store, timeout: number, tell: (what: "start" | "end", time: number, n: number) => void): Sessions {
  let armed = false;
  const read = (): [n: number, last: number, open: number] => {
    const [n, last, open] = (store.get("s") ?? "").split(",").map(Number);
    return n! > 0 && last! > 0 ? [n!, last!, open ?? 0] : [0, 0, 0];
  };
  const write = (n: number, last: number, open: number) => store.set("s", [n, last, open].join());
  const close = (n: number, last: number) => {
    write(n, last, 0);
    tell("end", last, n);
  };
  const watch = () => {
    const [n, last, open] = read();
    const left = last + timeout - Date.now();
    if (armed || !open) {
      return;
    }
    if (left < 0) {
      close(n, last);
      return;
    }
    armed = true;
    // A clock that was set forward must not make the timer beat the session.
    later(() => {
      armed = false;
      watch();
    }, Math.min(left, timeout) + 1000);
  };
  return {
    touch(now) {
      let [n, last, open] = read();
      if (open && now - last > timeout) {
        close(n, last);
        open = 0;
      }
      if (!open) {
        write(++n, now, 1);
        tell("start", now, n);
      } else if (Math.abs(now - last) > 1000) {
        // Backwards too: a clock that was set back would keep the session open for as long.
        write(n, now, 1);
      }
      watch();
      return n;
    },
    end() {
      const [n, last, open] = read();
      open && close(n, last);
    },
  };
}
