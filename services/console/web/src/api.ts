// The console's server, as services/console/API.md has it.

import type { Unit } from "./format";

/** Columns and rows of a question's answer, and how it came about. */
export interface Answer {
  columns: readonly { name: string; type: string; unit?: Unit }[];
  rows: readonly (readonly unknown[])[];
  /** The SELECT that was run, to be pasted. */
  sql: string;
  elapsed_ms: number;
  rows_read: number;
  as_of: string;
  /** More rows were there than are sent. */
  truncated: boolean;
}

export interface Account {
  id: string;
  name?: string;
  region?: string;
  /** Whether the account has the SQL box. */
  sql?: boolean;
}

export type SignIn = "token" | "proxy" | "open";

export interface Me {
  user: string;
  sign_in: SignIn;
  version: string;
  /** Sees what is of a whole region, too. */
  operator?: boolean;
  accounts: readonly Account[];
}

export interface Question {
  name: string;
  title: string;
  about: string;
  parameters: readonly { name: string; type: string; required?: boolean; default?: string; about?: string; values?: readonly string[] | null }[];
  columns: readonly { name: string; unit: Unit }[];
  sql: string;
}

/** A row by its columns' names. */
export type Row = Readonly<Record<string, unknown>>;

/** An answer that is none, and why. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly parameter = "",
    /** Seconds. */
    readonly retryAfter = 0,
    /** What the page should offer to who is not signed in. */
    readonly signIn: SignIn = "token",
  ) {
    super(message);
  }
}

/** Rows as objects. */
export function records(answer: Answer | undefined): Row[] {
  return (answer?.rows ?? []).map((row) => Object.fromEntries(answer!.columns.map((column, i) => [column.name, row[i]])));
}

/** Browsers open six connections to a server; one is the live stream's, and one stays free for what is clicked next. */
const mostAtOnce = 4;

/** What a page asks first goes alone, until its figure can be seen, for so long: the others would compete with it for the server's cores. Milliseconds. */
const headStart = 1000;

let running = 0;
let ahead: ReturnType<typeof setTimeout> | undefined;
const queued: (() => void)[] = [];

/** fill lets those go on that are next. */
function fill(): void {
  for (const most = ahead === undefined ? mostAtOnce : 1; running < most && queued.length > 0; running++) {
    queued.shift()!();
  }
}

function endHeadStart(): void {
  clearTimeout(ahead);
  ahead = undefined;
  fill();
}

/** turn does work when it is next; what is asked behind others lets those go first that are asked in the same breath. */
async function turn<T>(signal: AbortSignal, behind: boolean, work: () => Promise<T>): Promise<T> {
  if (behind) {
    await wait(0, signal);
  }
  if (running === 0) {
    clearTimeout(ahead);
    ahead = setTimeout(endHeadStart, headStart);
  }
  const mine = new Promise<void>((resolve) => queued.push(resolve));
  fill();
  await mine;
  try {
    signal.throwIfAborted();
    return await work();
  } finally {
    running--;
    if (ahead === undefined) {
      fill();
    } else {
      drawn(endHeadStart);
    }
  }
}

/** drawn calls then when what has come can be seen: two frames on, or soon, where the page is not shown and has no frames. */
function drawn(then: () => void): void {
  const late = setTimeout(then, 200);
  requestAnimationFrame(() => requestAnimationFrame(() => (clearTimeout(late), setTimeout(then))));
}

const wait = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });

/** request sends one request and reads its JSON. Anything but success throws a Refusal; a signal's abort is thrown as it is. */
export async function request<T>(path: string, signal: AbortSignal, body?: unknown, method = body === undefined ? "GET" : "POST"): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const response = await fetch(path, {
      signal,
      method,
      headers: { accept: "application/json", "x-waymark-console": "1", ...(body !== undefined && { "content-type": "application/json" }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw new Refusal(0, "unreachable", error instanceof Error ? error.message : String(error));
    });
    if (response.ok) {
      return response.status === 204 ? (undefined as T) : ((await response.json()) as T);
    }
    const { error: told, sign_in } = (await response.json().catch(() => ({}))) as { error?: { code?: string; parameter?: string; message?: string }; sign_in?: SignIn };
    const retryAfter = Number(response.headers.get("retry-after")) || 0;
    if (response.status === 429 && attempt < 4) {
      await wait(Math.min(5, retryAfter || attempt * 0.4) * 1000, signal);
      continue;
    }
    throw new Refusal(response.status, told?.code ?? "", told?.message ?? response.statusText, told?.parameter, retryAfter, sign_in);
  }
}

interface Flight {
  answer: Promise<Answer>;
  stop: AbortController;
  waiting: number;
  done: boolean;
  at: number;
}

/** Answers are used again for half a minute, so that going back is instant, and two figures of one question ask once. */
const freshFor = 30_000;
const flights = new Map<string, Flight>();

export type Params = Readonly<Record<string, string | undefined>>;

export function askUrl(question: string, params: Params): string {
  const search = new URLSearchParams();
  for (const name of Object.keys(params).sort()) {
    if (params[name] !== undefined) {
      search.set(name, params[name]);
    }
  }
  return `/api/ask/${question}?${search}`;
}

/** ask asks a question, behind others where it says so. Who no longer wants the answer aborts the signal; the query ends when nobody does. */
export async function ask(url: string, signal: AbortSignal, behind = false): Promise<Answer> {
  let flight = flights.get(url);
  if (!flight || flight.stop.signal.aborted || (flight.done && Date.now() - flight.at > freshFor)) {
    const stop = new AbortController();
    const made: Flight = { stop, waiting: 0, done: false, at: Date.now(), answer: turn(stop.signal, behind, () => request<Answer>(url, stop.signal)) };
    made.answer.then(
      () => ((made.done = true), (made.at = Date.now())),
      () => flights.get(url) === made && flights.delete(url),
    );
    flights.set(url, (flight = made));
    if (flights.size > 200) {
      flights.delete(flights.keys().next().value!);
    }
  }
  const { answer, stop } = flight;
  const mine = flight;
  mine.waiting++;
  const left = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => {
      if (--mine.waiting === 0 && !mine.done) {
        stop.abort();
      }
      reject(signal.reason);
    }, { once: true });
  });
  left.catch(() => undefined);
  return Promise.race([answer, left]);
}

/** forget makes the next question ask anew. */
export const forget = (url?: string): void => (url === undefined ? flights.clear() : void flights.delete(url));
