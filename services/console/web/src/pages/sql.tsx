import { useEffect, useRef, useState } from "preact/hooks";
import { Refusal, request, type Answer, type Question } from "../api";
import { questions, sentence, type Asked } from "../asked";
import { go, linkHere, usePlace } from "../route";
import { asParams, me, useScope } from "../session";
import { useStore } from "../store";
import { Figure } from "../ui/figure";
import { Icon } from "../ui/icons";

/** A text as ClickHouse reads it. */
const quoted = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

/** A question's SQL with values in the places of its parameters. */
function filled(question: Question, values: Readonly<Record<string, string>>): string {
  return question.sql.replace(/\{(\w+):(\w+)\}/g, (_, name: string, type: string) => {
    const value = values[name] ?? question.parameters.find((each) => each.name === name)?.default ?? "";
    return /^U?Int/.test(type) ? String(Number(value) || 0) : quoted(value);
  });
}

const first = "SELECT event, item_type, count() AS events, uniqExact(user_id) AS users\nFROM events_live\nWHERE time > now() - INTERVAL 1 DAY\nGROUP BY ALL\nORDER BY events DESC\nLIMIT 50";

/** Any question at all: one statement, of this account's rows. */
export default function SqlBox() {
  const scope = useScope();
  const { params } = usePlace();
  const known = useStore(questions);
  const account = useStore(me)?.accounts.find((each) => each.id === scope.account);
  const [text, setText] = useState(params["sql"] ?? first);
  const [now, set] = useState<Asked>();
  const stop = useRef<AbortController>();
  useEffect(() => () => stop.current?.abort(), []);
  useEffect(() => {
    if (params["sql"] !== undefined && params["sql"] !== text) {
      setText(params["sql"]);
    }
  }, [params["sql"]]);
  const run = async (sql = text) => {
    stop.current?.abort();
    const mine = new AbortController();
    stop.current = mine;
    go(linkHere({ sql }), "replace");
    const base = { question: "sql", cancel: () => mine.abort(), again: () => void run(sql) };
    set((before) => ({ ...base, state: "waiting", slow: false, answer: before?.answer }));
    const late = setTimeout(() => set((before) => before && { ...before, slow: true }), 2000);
    mine.signal.addEventListener("abort", () => set({ ...base, state: "cancelled", slow: false }));
    try {
      const answer = await request<Answer>("/api/sql", mine.signal, { account: scope.account, sql });
      set({ ...base, state: "ready", slow: false, answer });
    } catch (error) {
      if (!mine.signal.aborted) {
        set({ ...base, state: "failed", slow: false, error: error instanceof Refusal ? error : new Refusal(0, "", sentence(new Refusal(0, "", String(error)))) });
      }
    }
    clearTimeout(late);
  };
  const values = { ...asParams(scope), item: params["item"] ?? "", user: params["user"] ?? "", by: "country", limit: "100", other_from: scope.before?.from ?? scope.from, other_to: scope.before?.to ?? scope.to, other_audience: scope.audience };
  return (
    <div class="grid sql-page">
      <section class="card figure wide" aria-label="SQL">
        <header>
          <div>
            <h2>Ask in SQL</h2>
            <p class="muted small">One statement over this account's rows, read-only: 10 seconds and 10,000 rows at most. Ctrl+Enter runs it.</p>
          </div>
        </header>
        {account?.sql === false && <p class="notice">This account has no SQL box yet: it needs a ClickHouse user of its own, who sees its rows alone. Every question's SQL can be copied all the same.</p>}
        <label class="unseen" for="sql-text">SQL</label>
        <textarea id="sql-text" class="sql-text" rows={Math.min(24, Math.max(8, text.split("\n").length + 1))} spellcheck={false} autocomplete="off" autocapitalize="off" value={text} onInput={(event) => setText(event.currentTarget.value)} onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
            event.preventDefault();
            void run();
          }
        }} />
        <p class="actions">
          <button type="button" class="button primary" disabled={!text.trim() || now?.state === "waiting" || account?.sql === false} onClick={() => void run()}>
            <Icon name="play" size={16} /> Run
          </button>
          {now?.state === "waiting" && <button type="button" class="button" onClick={now.cancel}>Cancel</button>}
        </p>
      </section>
      {now && (now.state === "failed" && now.error?.status === 400 ? (
        <section class="card wide"><pre class="sql-error" role="alert"><code>{now.error.message}</code></pre></section>
      ) : (
        <Figure title="Result" asked={now} wide size="large" limit={200} empty="No row." />
      ))}
      {known.size > 0 && (
        <>
          <h2 class="begin-title">Begin with a question</h2>
          <ul class="begin wide">
            {[...known.values()].map((question) => (
              <li key={question.name}>
                <button type="button" onClick={() => (setText(filled(question, values)), scrollTo(0, 0), document.getElementById("sql-text")?.focus())}>
                  {question.title}
                  <span class="muted small">{question.about}</span>
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
