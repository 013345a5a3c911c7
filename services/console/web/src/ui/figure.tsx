import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import { sentence, type Asked } from "../asked";
import { records, type Answer, type Row } from "../api";
import { csv, save } from "../csv";
import { here } from "../route";
import { explain } from "./explain";
import { Icon } from "./icons";
import { columnsOf, Table, type Column } from "./table";

interface Props {
  title: string;
  /** One line below the title. */
  note?: ComponentChildren;
  asked: Asked;
  /** Other questions that the figure is made of, such as the span compared with. */
  besides?: readonly Asked[];
  /** The figure's picture. Without one, the table is all of it. */
  chart?: (rows: Row[], answer: Answer) => ComponentChildren;
  /** The table's columns; without them, all that the answer has. */
  columns?: readonly Column[];
  rows?: (rows: Row[]) => Row[];
  /** What stands where there are no rows. */
  empty?: ComponentChildren;
  /** Controls at the right of the title. */
  controls?: ComponentChildren;
  /** So high that nothing jumps when the answer comes: small, medium, large. */
  size?: "small" | "medium" | "large";
  wide?: boolean;
  sort?: string;
  limit?: number;
}

/**
 * Figure is a picture or table of one question's answer, with all that belongs to it: what it shows while it waits, when it is slow, empty or
 * broken, its table, its CSV and its SQL.
 */
export function Figure(p: Props) {
  const [asTable, setAsTable] = useState(false);
  const id = useId();
  const answer = p.asked.answer;
  const all = records(answer);
  const rows = p.rows ? p.rows(all) : all;
  const columns = p.columns ?? (answer ? columnsOf(answer) : []);
  const answers = [p.asked, ...(p.besides ?? [])].flatMap((asked) => (asked.answer ? [{ question: asked.question, answer: asked.answer }] : []));
  const table = <Table columns={columns} rows={rows} caption={p.title} sort={p.sort} limit={p.limit ?? 12} />;
  return (
    <section class={`card figure ${p.size ?? "medium"} ${p.wide ? "wide" : ""}`} aria-labelledby={id} aria-busy={p.asked.state === "waiting"}>
      <header>
        <div>
          <h2 id={id}>{p.title}</h2>
          {p.note && <p class="muted small">{p.note}</p>}
        </div>
        {p.controls && <div class="controls">{p.controls}</div>}
      </header>
      <div class="figure-body">
        <Stated asked={p.asked} empty={rows.length === 0} instead={p.empty}>
          {p.chart && !asTable ? p.chart(rows, answer!) : table}
        </Stated>
      </div>
      {answer && (
        <footer>
          <button type="button" class="link" onClick={() => explain(p.title, answers)}>
            <Icon name="info" size={15} /> How is this computed?
          </button>
          {answer.truncated && <span class="warn small">More rows were cut off</span>}
          <span class="grow" />
          {p.chart && rows.length > 0 && (
            <button type="button" class="link" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
              <Icon name={asTable ? "chart" : "table"} size={15} /> {asTable ? "Show as chart" : "Show as table"}
            </button>
          )}
          {rows.length > 0 && (
            <button type="button" class="link" onClick={() => exportRows(p.title, columns, rows)} aria-label={`Export ${p.title} as CSV`}>
              <Icon name="csv" size={15} /> CSV
            </button>
          )}
        </footer>
      )}
    </section>
  );
}

/** exportRows saves what a table shows, values as they are and not as they read. */
export function exportRows(title: string, columns: readonly Column[], rows: readonly Row[]): void {
  const { account = "", from = "", to = "" } = here().params;
  save(`${[title, account, from, to].filter(Boolean).join(" ")}.csv`, csv(columns.map((column) => column.name), rows.map((row) => columns.map((column) => row[column.name]))));
}

/** Stated shows what became of a question in place of its figure, until there is something to show. */
export function Stated({ asked, empty, instead, children }: { asked: Asked; empty?: boolean; instead?: ComponentChildren; children: ComponentChildren }) {
  if (asked.state === "failed" && asked.error) {
    const error = asked.error;
    return (
      <div class="state broken" role="alert">
        <Icon name="warn" size={22} />
        <p>{sentence(error)}</p>
        {![400, 401, 403, 404].includes(error.status) && (
          <button type="button" class="button" onClick={asked.again}>
            Try again
          </button>
        )}
        {error.retryAfter > 0 && <p class="muted small">It may be back in {error.retryAfter} s.</p>}
      </div>
    );
  }
  if (asked.state === "cancelled") {
    return (
      <div class="state">
        <p>Cancelled.</p>
        <button type="button" class="button" onClick={asked.again}>
          Ask again
        </button>
      </div>
    );
  }
  const slow = asked.slow && (
    <div class="slow" role="status">
      <span>Still computing: this one is large.</span>
      <button type="button" class="button" onClick={asked.cancel}>
        Cancel
      </button>
    </div>
  );
  if (!asked.answer) {
    return (
      <div class="skeleton-wrap">
        <div class="skeleton" aria-hidden="true">
          <i />
          <i />
          <i />
          <i />
          <i />
        </div>
        {slow}
      </div>
    );
  }
  if (empty && asked.state === "ready") {
    return (
      <div class="state empty">
        <p>{instead ?? "Nothing in these days for this audience."}</p>
      </div>
    );
  }
  return (
    <div class={asked.state === "waiting" ? "stale" : undefined}>
      {children}
      {slow}
    </div>
  );
}
