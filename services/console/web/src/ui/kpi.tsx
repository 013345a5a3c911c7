import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { sentence, type Asked } from "../asked";
import { compact, count, missing, nothing, number, rate, seconds, show, type Unit } from "../format";
import { explain } from "./explain";
import { Icon } from "./icons";

interface Props {
  label: string;
  asked: Asked;
  value: number | null | undefined;
  /** The same in the span compared with. */
  before?: number | null | undefined;
  /** The question that before is of. */
  beforeAsked?: Asked | undefined;
  unit?: Unit;
  /** Whether more of it is better; undefined says neither. */
  more?: "better" | "worse" | undefined;
  note?: ComponentChildren;
  trend?: readonly number[];
}

/** One number, how it changed, and its trend. */
export function Kpi({ label, asked, value, before, beforeAsked, unit = "count", more = "better", note, trend }: Props) {
  const id = useId();
  const text = missing(value) ? nothing : unit === "count" ? compact(value) : unit === "seconds" ? seconds(value) : show(value, unit);
  const answers = [asked, ...(beforeAsked ? [beforeAsked] : [])].flatMap((each) => (each.answer ? [{ question: each.question, answer: each.answer }] : []));
  return (
    <div class="card kpi" role="group" aria-labelledby={id} aria-busy={asked.state === "waiting"}>
      <header>
        <h2 id={id}>{label}</h2>
        {answers.length > 0 && (
          <button type="button" class="quiet square tiny" onClick={() => explain(label, answers)} aria-label={`How is this computed? ${label}`} title="How is this computed?">
            <Icon name="info" size={15} />
          </button>
        )}
      </header>
      {asked.state === "failed" && asked.error ? (
        <p class="broken small" role="alert">
          {sentence(asked.error)}{" "}
          <button type="button" class="link" onClick={asked.again}>
            Try again
          </button>
        </p>
      ) : asked.state === "cancelled" ? (
        <p class="small">
          <button type="button" class="link" onClick={asked.again}>
            Ask again
          </button>
        </p>
      ) : asked.answer ? (
        <>
          <p class={`kpi-value ${asked.state === "waiting" ? "stale" : ""}`} title={unit === "count" && !missing(value) ? count(value) : undefined}>
            {text}
          </p>
          <p class="kpi-foot">
            {before !== undefined && (!beforeAsked || beforeAsked.answer) && <Change value={value} before={before} unit={unit} more={more} />}
            {note && <span class="muted small">{note}</span>}
          </p>
          {trend && trend.length > 1 && asked.answer.rows.length > 0 && <Spark values={trend} />}
        </>
      ) : (
        <div class="skeleton one" aria-hidden="true">
          <i />
          <i />
        </div>
      )}
    </div>
  );
}

/** How a value changed: rates in percentage points, everything else in per cent of what it was. */
export function Change({ value, before, unit = "count", more }: { value: unknown; before: unknown; unit?: Unit; more?: "better" | "worse" | undefined }) {
  const [now, then] = [number(value), number(before)];
  if (!Number.isFinite(now) || !Number.isFinite(then) || (unit !== "rate" && then === 0)) {
    return <span class="muted small">{then === 0 ? "none before" : "no comparison"}</span>;
  }
  const change = unit === "rate" ? now - then : now / then - 1;
  const flat = Math.abs(change) < 0.0005;
  const good = !more ? "" : change > 0 === (more === "better") ? "good" : "bad";
  if (flat) {
    return <span class="change muted">unchanged</span>;
  }
  const size = unit === "rate" ? `${(Math.abs(change) * 100).toLocaleString(undefined, { maximumFractionDigits: 1 })} pts` : rate(Math.abs(change));
  return (
    <span class={`change ${good}`} title={`${show(before, unit)} before`}>
      <span aria-hidden="true">{change > 0 ? "▲" : "▼"}</span>
      <span class="unseen">{change > 0 ? "up" : "down"} </span> {size}
      <span class="muted"> from {unit === "count" ? compact(before) : show(before, unit)}</span>
    </span>
  );
}

/** A trend too small for axes: its numbers stand in the figure's table. */
export function Spark({ values }: { values: readonly number[] }) {
  const most = Math.max(...values, 0);
  const least = Math.min(...values, most);
  const height = (value: number) => 27 - (most > least ? ((value - least) / (most - least)) * 24 : 12);
  const points = values.map((value, i) => `${((i / (values.length - 1)) * 120).toFixed(1)} ${height(value).toFixed(1)}`);
  return (
    <svg class="spark" viewBox="0 0 120 30" preserveAspectRatio="none" aria-hidden="true" focusable="false">
      <path class="spark-area" d={`M0 30 L${points.join(" L")} L120 30Z`} />
      <path class="spark-line" d={`M${points.join(" L")}`} vector-effect="non-scaling-stroke" />
    </svg>
  );
}
