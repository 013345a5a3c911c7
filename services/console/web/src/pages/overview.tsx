import { records, type Row } from "../api";
import { useAsk, type Asked } from "../asked";
import { count, fullDay, number, type Unit } from "../format";
import { link, usePlace } from "../route";
import { axis, byDay, last, ratio, sum } from "../rows";
import { asParams, beforeParams, isOpen, useScope } from "../session";
import { Chart } from "../ui/chart";
import { Choice } from "../ui/controls";
import { CopyButton } from "../ui/explain";
import { Figure } from "../ui/figure";
import { Icon } from "../ui/icons";
import { Change, Kpi } from "../ui/kpi";
import { ItemLink } from "../ui/links";

const metrics: Readonly<Record<string, { name: string; question: "active_users" | "sessions_overview" | "walkthru_completion"; column: string; unit: Unit }>> = {
  dau: { name: "Daily users", question: "active_users", column: "dau", unit: "users" },
  wau: { name: "Weekly users", question: "active_users", column: "wau", unit: "users" },
  mau: { name: "Monthly users", question: "active_users", column: "mau", unit: "users" },
  sessions: { name: "Sessions", question: "sessions_overview", column: "sessions", unit: "count" },
  plays: { name: "Walk-thru plays", question: "walkthru_completion", column: "plays", unit: "plays" },
};

/** What happened in the span at a glance, and what has changed. */
export function Overview() {
  const scope = useScope();
  const { params } = usePlace();
  const now = asParams(scope);
  const then = beforeParams(scope);
  const active = useAsk("active_users", now);
  const activeBefore = useAsk("active_users", then);
  const sessions = useAsk("sessions_overview", now);
  const sessionsBefore = useAsk("sessions_overview", then);
  const items = useAsk("item_engagement", now);
  const itemsBefore = useAsk("item_engagement", then);
  const completion = useAsk("walkthru_completion", { ...now, item: "" });
  const completionBefore = useAsk("walkthru_completion", then && { ...then, item: "" });
  const [a, a0, s, s0, w, w0] = [active, activeBefore, sessions, sessionsBefore, completion, completionBefore].map((asked) => records(asked.answer)) as [Row[], Row[], Row[], Row[], Row[], Row[]];
  const before = (rows: Row[], value: (rows: Row[]) => number | null) => (then ? value(rows) : undefined);
  const plays = (rows: Row[]) => sum(rows, "plays");
  const completed = (rows: Row[]) => ratio(sum(rows, "completed"), sum(rows, "plays"));

  const metric = metrics[params["metric"] ?? "dau"] ?? metrics["dau"]!;
  const [asked, askedBefore] = ({ active_users: [active, activeBefore], sessions_overview: [sessions, sessionsBefore], walkthru_completion: [completion, completionBefore] } as const)[metric.question];
  const isEmpty = active.state === "ready" && items.state === "ready" && !sum(a, "dau") && items.answer?.rows.length === 0;
  return (
    <div class="grid">
      {isEmpty && <Begin />}
      <div class="kpis">
        <Kpi label="Monthly users" asked={active} value={last(a, "mau")} before={before(a0, (rows) => last(rows, "mau"))} beforeAsked={activeBefore} unit="users" trend={byDay(a, "mau", scope).map(Number)} />
        <Kpi label="Stickiness" asked={active} value={stickiness(a)} before={before(a0, stickiness)} beforeAsked={activeBefore} unit="rate" note="daily by monthly, mean" trend={byDay(a, "stickiness", scope).map(Number)} />
        <Kpi label="Sessions" asked={sessions} value={sum(s, "sessions")} before={before(s0, (rows) => sum(rows, "sessions"))} beforeAsked={sessionsBefore} trend={byDay(s, "sessions", scope).map(Number)} />
        <Kpi label="Walk-thru plays" asked={completion} value={plays(w)} before={before(w0, plays)} beforeAsked={completionBefore} unit="plays" trend={byDay(w, "plays", scope).map(Number)} />
        <Kpi label="Completed" asked={completion} value={completed(w)} before={before(w0, completed)} beforeAsked={completionBefore} unit="rate" note={w.length ? `${count(sum(w, "completed"))} of ${count(plays(w))} plays` : undefined} trend={byDay(w, "completion_rate", scope).map(Number)} />
      </div>
      <Figure
        title={metric.name}
        note={isOpen(scope) ? `By day, to ${fullDay(scope.to)}, which is not over yet` : "By day"}
        asked={asked}
        besides={then ? [askedBefore] : []}
        wide
        size="large"
        controls={<Choice name="metric" label="Figure" options={Object.entries(metrics).map(([value, { name }]) => [value, name.replace("Walk-thru plays", "Plays").replace(" users", "")] as const)} />}
        chart={(rows) => (
          <Chart
            title={metric.name}
            open={isOpen(scope)} {...axis(scope, scope.before)}
            series={[
              { name: metric.name, values: byDay(rows, metric.column, scope), unit: metric.unit, tone: 1, kind: "area" },
              ...(scope.before && askedBefore.answer ? [{ name: scope.compare === "year" ? "A year ago" : "The days before", values: byDay(records(askedBefore.answer), metric.column, scope.before), unit: metric.unit, tone: 2 as const, before: true }] : []),
            ]}
          />
        )}
      />
      <Figure
        title="Most used items"
        note="By users who did something with them"
        asked={items}
        sort="-interacting_users"
        limit={8}
        rows={(rows) => rows.filter((row) => number(row["interacting_users"]) > 0)}
        empty="No item was used in these days. Items appear with their first event."
        columns={[
          { name: "item_name", label: "Item", cell: (row) => <ItemLink row={row} /> },
          { name: "item_type", label: "Kind", unit: "kind", minor: true },
          { name: "interacting_users", label: "Users", bar: true },
          { name: "engagement_rate", label: "Engagement", unit: "rate" },
        ]}
      />
      <Movers asked={items} before={itemsBefore} compared={!!then} />
    </div>
  );
}

const tag = '<script async src="https://EDGE/recorder.js" data-key="wk_…"></script>';

/** What to do first, for who has nothing to look at. */
function Begin() {
  return (
    <section class="card wide begin-here" aria-labelledby="begin-here">
      <h2 id="begin-here">No event in these days</h2>
      <p>A web page needs one tag, with the edge's address and a write key of this account. Its views and sessions are here within seconds, and the calls for items follow when you are ready.</p>
      <pre class="command" tabIndex={0}><code>{tag}</code></pre>
      <p class="actions">
        <CopyButton text={tag} what="tag" />
        <a class="button" href={link("live")}><Icon name="live" size={16} /> Watch events come in</a>
        <span class="muted small">There are events, but older ones? Choose other days at the top.</span>
      </p>
    </section>
  );
}

const stickiness = (rows: Row[]): number | null => {
  const values = rows.map((row) => number(row["stickiness"])).filter(Number.isFinite);
  return values.length ? values.reduce((a, b) => a + b, 0) / values.length : null;
};

/** Rates that may have moved, and which way is better. */
const watched = [
  { name: "completion_rate", of: "plays", text: "completion", more: "better" },
  { name: "engagement_rate", of: "exposed_users", text: "engagement", more: "better" },
  { name: "failure_rate", of: "plays", text: "failures", more: "worse" },
] as const;

/** Fewer than this many in either span, and a rate moves by chance. */
const enough = 30;

/**
 * What differs most between the two spans: rates of the same item, with so many on both sides that the difference is more than two standard
 * errors. A product manager would have to look at each item to find them.
 */
function Movers({ asked, before, compared }: { asked: Asked; before: Asked; compared: boolean }) {
  const old = new Map(records(before.answer).map((row) => [`${row["item_type"]} ${row["item_id"]}`, row]));
  const withFailures = (row: Row): Row => ({ ...row, failure_rate: number(row["plays"]) ? number(row["failed"]) / number(row["plays"]) : null });
  // It is of both answers, and waits for both.
  const both: Asked = compared && asked.state === "ready" && before.state !== "ready" ? { ...before, answer: before.answer && asked.answer } : asked;
  return (
    <Figure
      title="What has changed"
      note="Rates that moved by more than chance explains"
      asked={both}
      besides={[before]}
      limit={8}
      rows={(rows) => {
        const moved = rows.flatMap((row) => {
          const then = old.get(`${row["item_type"]} ${row["item_id"]}`);
          return then ? watched.flatMap((each) => difference(withFailures(row), withFailures(then), each)) : [];
        });
        return moved.sort((a, b) => Math.abs(number(b["errors"])) - Math.abs(number(a["errors"])));
      }}
      empty={compared ? "Nothing moved by more than chance explains." : "Choose what to compare with, at the top."}
      columns={[
        { name: "item_name", label: "Item", cell: (row) => <ItemLink row={row} /> },
        { name: "what", label: "Rate", unit: "text" },
        { name: "now", label: "Now", unit: "rate" },
        { name: "change", label: "Change", unit: "rate", cell: (row) => <Change value={row["now"]} before={row["then"]} unit="rate" more={row["more"] as "better" | "worse"} /> },
      ]}
    />
  );
}

function difference(now: Row, then: Row, { name, of, text, more }: (typeof watched)[number]): Row[] {
  const [p, q, n, m] = [number(now[name]), number(then[name]), number(now[of]), number(then[of])];
  if (!(n >= enough && m >= enough) || !Number.isFinite(p) || !Number.isFinite(q)) {
    return [];
  }
  const pooled = (p * n + q * m) / (n + m);
  const error = Math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m));
  const errors = error > 0 ? (p - q) / error : 0;
  return Math.abs(errors) > 2 ? [{ item_type: now["item_type"], item_id: now["item_id"], item_name: now["item_name"], what: text, now: p, then: q, change: p - q, errors, more }] : [];
}

