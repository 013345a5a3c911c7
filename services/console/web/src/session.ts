// Who looks at what: the accounts of the user, and what the address says of account, span and audience.

import { ask, askUrl, forget, request, type Me, type Question } from "./api";
import { questions, signedOut } from "./asked";
import { comparedWith, isDay, presets, today, type Comparison, type Span } from "./dates";
import { here, usePlace } from "./route";
import { store, useStore } from "./store";

export const me = store<Me | undefined>(undefined);

/** enter asks who is signed in. What goes wrong is thrown, but for nobody being signed in. */
export async function enter(): Promise<void> {
  try {
    const signal = new AbortController().signal;
    me.set(await request<Me>("/api/me", signal));
    signedOut.set(undefined);
    const { questions: all } = await request<{ questions: Question[] }>("/api/questions", signal);
    questions.set(new Map(all.map((each) => [each.name, each])));
  } catch (error) {
    const refusal = error as { status?: number; signIn?: Me["sign_in"] };
    if (refusal.status !== 401) {
      throw error;
    }
    signedOut.set(refusal.signIn ?? "token");
  }
}

export async function signIn(token: string): Promise<void> {
  await request("/api/session", new AbortController().signal, { token });
  forget();
  await enter();
}

export async function signOut(): Promise<void> {
  await request("/api/session", new AbortController().signal, undefined, "DELETE");
  forget();
  me.set(undefined);
  signedOut.set("token");
}

/** What is looked at, every part of it filled in. */
export interface Scope extends Span {
  account: string;
  audience: string;
  compare: Comparison;
  /** The span compared with, if any. */
  before: Span | undefined;
}

/** The span that is shown to who asked for none. */
export const defaultSpan = (): Span => presets().find((each) => each.name === "Last 28 days")!.span;

function scopeOf(params: Readonly<Record<string, string>>, accounts: readonly { id: string }[]): Scope {
  const span = defaultSpan();
  const from = isDay(params["from"]) ? params["from"] : span.from;
  const to = isDay(params["to"]) ? params["to"] : span.to;
  const ordered = from <= to ? { from, to } : { from: to, to: from };
  const compare: Comparison = params["compare"] === "none" || params["compare"] === "year" ? params["compare"] : "previous";
  return { account: params["account"] || accounts[0]?.id || "", audience: params["audience"] || "live", ...ordered, compare, before: comparedWith(ordered, compare) };
}

export function useScope(): Scope {
  const { params } = usePlace();
  return scopeOf(params, useStore(me)?.accounts ?? []);
}

/** What pages ask first. */
const first: Readonly<Record<string, string>> = {
  overview: "active_users", items: "item_engagement", surveys: "item_engagement", courses: "course_progress", tasks: "task_progress",
  searches: "search_without_result", companies: "company_engagement",
};

/** askAhead asks what the page in the address asks first, while it is still being made: as soon as the account is known. */
export function askAhead(): void {
  const { page, params } = here();
  const scope = scopeOf(params, me.get()?.accounts ?? []);
  const question = first[page];
  if (question && scope.account) {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 5000); // by then the page has asked, too, or does not want it
    ask(askUrl(question, asParams(scope)), stop.signal).catch(() => undefined);
  }
}

/** What the scope is as parameters of a question. */
export const asParams = ({ account, from, to, audience }: Scope) => ({ account, from, to, audience });

/** The same of the span compared with; undefined where nothing is compared. */
export const beforeParams = ({ account, audience, before }: Scope) => before && { account, audience, ...before };

/** Whether the last day shown is still going on: its figures will rise. */
export const isOpen = (scope: Span): boolean => scope.to >= today();

/** The address with everything filled in, so that it shows the same tomorrow. */
export function settle(): string | undefined {
  const { page, params } = here();
  const scope = scopeOf(params, me.get()?.accounts ?? []);
  const whole = { ...params, account: scope.account, from: scope.from, to: scope.to };
  const changed = Object.entries(whole).some(([name, value]) => params[name] !== value);
  return changed && scope.account ? `/${page}?${new URLSearchParams(whole)}` : undefined;
}
