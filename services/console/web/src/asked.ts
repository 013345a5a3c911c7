import { useEffect, useRef, useState } from "preact/hooks";
import { ask, askUrl, forget, Refusal, type Answer, type Params, type Question, type SignIn } from "./api";
import { store, useStore } from "./store";

/** A question that was asked, and what became of it so far. */
export interface Asked {
  question: string;
  state: "waiting" | "ready" | "failed" | "cancelled";
  /** The answer; while a changed question waits, the one before. */
  answer?: Answer | undefined;
  error?: Refusal | undefined;
  /** It takes longer than two seconds. */
  slow: boolean;
  cancel(): void;
  again(): void;
}

/** Counts up when everything shown is to be asked anew. */
export const refreshes = store(0);

export function refresh(): void {
  forget();
  refreshes.set(refreshes.get() + 1);
}

/** Nobody is signed in: the whole page asks for it. */
export const signedOut = store<SignIn | undefined>(undefined);

/** The questions that the server answers, by name: their titles and what they mean. */
export const questions = store<ReadonlyMap<string, Question>>(new Map());

/** How many questions wait for their answers. */
export const waitingFor = store(0);

/** useAsk asks a question whenever its parameters change, behind others if need be; undefined asks nothing yet. */
export function useAsk(question: string, params: Params | undefined, behind = false): Asked {
  const url = params && askUrl(question, params);
  const round = useStore(refreshes);
  const [attempt, setAttempt] = useState(0);
  const [now, set] = useState<Pick<Asked, "state" | "answer" | "error" | "slow">>({ state: "waiting", slow: false });
  const stop = useRef<AbortController>();
  useEffect(() => {
    if (!url) {
      return;
    }
    const mine = new AbortController();
    stop.current = mine;
    set((before) => ({ state: "waiting", answer: before.answer, slow: false }));
    const late = setTimeout(() => set((before) => ({ ...before, slow: true })), 2000);
    waitingFor.set(waitingFor.get() + 1);
    const over = () => (clearTimeout(late), waitingFor.set(waitingFor.get() - 1));
    ask(url, mine.signal, behind).then(
      (answer) => (over(), mine.signal.aborted || set({ state: "ready", answer, slow: false })),
      (error: unknown) => {
        over();
        if (mine.signal.aborted) {
          return;
        }
        const refusal = error instanceof Refusal ? error : new Refusal(0, "", String(error));
        if (refusal.status === 401) {
          signedOut.set(refusal.signIn);
        }
        set({ state: "failed", error: refusal, slow: false });
      },
    );
    return () => mine.abort();
  }, [url, attempt, round]);
  return {
    question,
    ...now,
    // The answer before is to another question: it must not stand there as this one's.
    cancel: () => (stop.current?.abort(), set({ state: "cancelled", slow: false })),
    again: () => (url && forget(url), setAttempt(attempt + 1)),
  };
}

/** What a refusal means to who reads it. */
export function sentence(error: Refusal): string {
  switch (error.status) {
    case 0:
      return "The console does not answer. The network may be away, or the service is being restarted.";
    case 400:
      return error.message ? `The question was not understood: ${error.message}` : "The question was not understood.";
    case 401:
      return "You are signed out.";
    case 403:
      return error.code === "account" ? "This account is not yours to see." : error.message || "This is not yours to see.";
    case 404:
      return "The console does not know this question. It may be older than this page: reload it.";
    case 429:
      return "Too many questions at once. Give it a moment.";
    case 503:
      return error.code === "away" || !error.message ? "ClickHouse does not answer. Events wait in Kafka meanwhile, and nothing is lost." : error.message;
    case 504:
      return "It took too long and was stopped. A shorter span or one audience is faster.";
    default:
      return error.message || "Something went wrong on the way.";
  }
}
