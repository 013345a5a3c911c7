// What keeps the recorder from harming the page: errors stay here, and timers stay out of the page's own bookkeeping.

/** Hears of errors. */
export type Listener = (error: unknown) => void;

let listener: Listener | undefined;

/** listen sets who hears of errors from now on. */
export function listen(to: Listener | undefined): void {
  listener = to;
}

/** tellError tells the listener, which may be broken too. */
export function tellError(error: unknown): void {
  try {
    listener?.(error);
  } catch {
    // There is nobody else to tell.
  }
}

/** attempt returns what f returns, or undefined when f throws: storage may be blocked, and the page's own functions may be broken. */
export function attempt<T>(f: () => T): T | undefined {
  try {
    return f();
  } catch (error) {
    return tellError(error) as undefined;
  }
}

/**
 * own returns the browser's own function of that name. Zone.js replaces timers, fetch and addEventListener, and Angular counts an
 * application as unstable while one of its zone's timers is pending: it keeps the originals under this prefix.
 */
export function own<T extends object, K extends keyof T & string>(target: T, name: K): T[K] {
  return ((target as Record<string, unknown>)["__zone_symbol__" + name] ?? target[name]) as T[K];
}

/** later runs f after some milliseconds. */
export function later(f: () => void, ms: number): void {
  own(window, "setTimeout").call(window, () => attempt(f), ms);
}

/** on listens without ever holding up a scroll or a touch. */
export function on(target: EventTarget, names: string, f: (event: Event) => void): void {
  for (const name of names.split(" ")) {
    own(target, "addEventListener").call(target, name, (event) => attempt(() => f(event)), { capture: true, passive: true });
  }
}
