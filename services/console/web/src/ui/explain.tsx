import { useEffect, useRef, useState } from "preact/hooks";
import type { Answer } from "../api";
import { count, time } from "../format";
import { questions } from "../asked";
import { link } from "../route";
import { store, useStore } from "../store";
import { Icon } from "./icons";

/** What the dialog shows: a figure's title and the answers that it was made of. */
interface Explained {
  title: string;
  parts: readonly { question: string; answer: Answer }[];
}

const explained = store<Explained | undefined>(undefined);

export function explain(title: string, parts: Explained["parts"]): void {
  explained.set({ title, parts });
}

/** The dialog behind every "How is this computed?". */
export function ExplainDialog() {
  const now = useStore(explained);
  const known = useStore(questions);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (now && !dialog.current?.open) {
      dialog.current?.showModal();
    }
  }, [now]);
  const close = () => dialog.current?.close();
  return (
    <dialog ref={dialog} class="explain" aria-labelledby="explain-title" onClose={() => explained.set(undefined)} onClick={(event) => event.target === dialog.current && close()}>
      {now && (
        <div class="explain-body">
          <header>
            <div>
              <p class="over">How is this computed?</p>
              <h2 id="explain-title">{now.title}</h2>
            </div>
            <button type="button" class="quiet square" onClick={close} aria-label="Close">
              <Icon name="close" />
            </button>
          </header>
          {now.parts.map(({ question, answer }, i) => (
            <section key={answer.sql}>
              {now.parts[i - 1]?.question === question ? <h3>What it is compared with</h3> : <p>{known.get(question)?.about ?? "One statement, asked as it stands here."}</p>}
              <Sql text={answer.sql} />
              <p class="actions">
                <CopyButton text={answer.sql} what="SQL" />
                <a class="button" href={link("sql", { sql: answer.sql })} onClick={close}>
                  <Icon name="sql" size={16} /> Open in the SQL box
                </a>
                <span class="muted small">
                  {count(answer.rows.length)} {answer.rows.length === 1 ? "row" : "rows"}
                  {answer.truncated && ", more were cut off"}, {count(answer.rows_read)} read in {count(answer.elapsed_ms)} ms
                  {answer.as_of && `, as of ${time(answer.as_of)} UTC`}
                </span>
              </p>
            </section>
          ))}
        </div>
      )}
    </dialog>
  );
}

/** A button that copies, and says that it did. */
export function CopyButton({ text, what }: { text: string; what: string }) {
  const [done, setDone] = useState("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setDone("Copied");
    } catch {
      // Without TLS there is no clipboard: then the text can still be marked and copied by hand.
      setDone("Not copied: mark the text and copy it");
    }
    setTimeout(() => setDone(""), 2500);
  };
  return (
    <>
      <button type="button" class="button" onClick={() => void copy()}>
        <Icon name="copy" size={16} /> {done || `Copy ${what}`}
      </button>
      <span class="unseen" role="status">{done}</span>
    </>
  );
}

const keywords = /('(?:[^'\\]|\\.|'')*')|(--[^\n]*)|\b(\d+(?:\.\d+)?)\b|\b(SELECT|FROM|WHERE|GROUP|BY|ORDER|LIMIT|AS|AND|OR|NOT|IN|BETWEEN|HAVING|WITH|DESC|ASC|JOIN|LEFT|ON|FINAL|ARRAY|UNION|ALL|SETTINGS|FORMAT|CASE|WHEN|THEN|ELSE|END|IF|DISTINCT|NULL|IS|LIKE|ILIKE)\b/gi;

/** SQL with its words told apart; the text is text, whatever it holds. */
export function Sql({ text }: { text: string }) {
  const parts: preact.ComponentChild[] = [];
  let at = 0;
  for (const match of text.slice(0, 20_000).matchAll(keywords)) {
    parts.push(text.slice(at, match.index));
    const kind = match[1] ? "string" : match[2] ? "comment" : match[3] ? "number" : "keyword";
    parts.push(<span class={`sql-${kind}`}>{match[0]}</span>);
    at = match.index + match[0].length;
  }
  parts.push(text.slice(at));
  return (
    <pre class="sql" tabIndex={0} aria-label="SQL">
      <code>{parts}</code>
    </pre>
  );
}
