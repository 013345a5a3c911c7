// Pictures made of rows that need no chart: funnels, heat maps, lists of bars.

import type { Row } from "../api";
import { addDays } from "../dates";
import { count, day, missing, nothing, number, rate, seconds, show, type Unit } from "../format";
import { Bar } from "./table";

/** The steps of a walk-thru from top to bottom: who reached each, how many left there, and how long the next took. */
export function Funnel({ rows }: { rows: readonly Row[] }) {
  const most = Math.max(...rows.map((row) => number(row["plays"]) || 0), 1);
  const worst = Math.max(...rows.map((row) => number(row["drop_off_rate"]) || 0), 0);
  return (
    <ol class="funnel">
      {rows.map((row, i) => {
        const plays = number(row["plays"]) || 0;
        const drop = number(row["drop_off_rate"]);
        const entered = number(row["entered_here"]) || 0;
        const ended = number(row["ended_here"]) || 0;
        const isWorst = Number.isFinite(drop) && drop > 0 && drop === worst;
        return (
          <li key={i} class={isWorst ? "worst" : undefined}>
            <div class="funnel-name">
              <span class="funnel-index">{(number(row["step_index"]) || 0) + 1}</span>
              <bdi class="clip" title={String(row["step_name"] ?? "").slice(0, 500)}>{String(row["step_name"] || "Step without a name")}</bdi>
            </div>
            <div class="funnel-bar">
              <Bar share={plays / most} />
              <span class="funnel-count"><b>{count(plays)}</b> <span class="muted">{rate(plays / most)}</span></span>
            </div>
            <div class="funnel-foot small muted">
              {ended > 0 && <span class={isWorst ? "warn" : ""}>{isWorst && "Largest loss: "}{count(ended)} left here ({rate(drop)})</span>}
              {entered > 0 && i > 0 && <span>{count(entered)} started here</span>}
              {!missing(row["seconds_to_next_median"]) && <span title={`9 of 10 within ${seconds(row["seconds_to_next_p90"])}`}>next step after {seconds(row["seconds_to_next_median"])}</span>}
            </div>
          </li>
        );
      })}
    </ol>
  );
}

/**
 * Cohorts down, weeks across; each cell has its number, so that no colour is needed to read it. A week that ends after the day until has a dashed edge: more
 * may come, and it is no part of what all have together.
 */
export function Retention({ rows, until }: { rows: readonly Row[]; until: string }) {
  const cohorts = [...new Set(rows.map((row) => String(row["cohort_week"])))].sort();
  const weeks = Math.max(...rows.map((row) => number(row["week"]) || 0), 0);
  const at = new Map(rows.map((row) => [`${row["cohort_week"]} ${row["week"]}`, row]));
  const size = new Map(rows.map((row) => [String(row["cohort_week"]), number(row["cohort_users"])]));
  const open = (cohort: string, week: number) => week > 0 && addDays(cohort, 7 * week + 6) > until;
  const mean = (week: number) => {
    const there = cohorts.filter((cohort) => !open(cohort, week)).map((cohort) => at.get(`${cohort} ${week}`)).filter((row) => row !== undefined);
    const users = there.reduce((sum, row) => sum + (number(row["users"]) || 0), 0);
    const all = there.reduce((sum, row) => sum + (number(row["cohort_users"]) || 0), 0);
    return all ? users / all : NaN;
  };
  const cell = (value: number) => (Number.isFinite(value) ? `heat heat-${Math.min(9, Math.floor(value * 10))}` : "heat none");
  return (
    <div class="table-wrap retention" tabIndex={0} role="region" aria-label="Table: retention by weekly cohort">
      <table>
        <caption class="unseen">Share of each week's new users that came again, by weeks since</caption>
        <thead>
          <tr>
            <th scope="col">First seen in the week of</th>
            <th scope="col" class="number">Users</th>
            {Array.from({ length: weeks + 1 }, (_, week) => <th key={week} scope="col" class="number">{week === 0 ? "Week 0" : `+${week}`}</th>)}
          </tr>
        </thead>
        <tbody>
          <tr class="mean">
            <th scope="row">All together</th>
            <td class="number">{count([...size.values()].reduce((a, b) => a + b, 0))}</td>
            {Array.from({ length: weeks + 1 }, (_, week) => <td key={week} class={cell(mean(week))}>{rate(mean(week))}</td>)}
          </tr>
          {cohorts.map((cohort) => (
            <tr key={cohort}>
              <th scope="row">{day(cohort)}</th>
              <td class="number">{count(size.get(cohort))}</td>
              {Array.from({ length: weeks + 1 }, (_, week) => {
                const row = at.get(`${cohort} ${week}`);
                const value = row ? number(row["rate"]) : NaN;
                const so = open(cohort, week);
                return (
                  <td key={week} class={cell(value) + (row && so ? " open" : "")} title={row ? `${count(row["users"])} of ${count(row["cohort_users"])} users${so ? ", so far: that week is not over" : ""}` : undefined}>
                    {row ? rate(value) : ""}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A few values with a bar each. */
export function Bars({ rows, name, value, unit = "count", share, tone, limit = 8 }: { rows: readonly Row[]; name: (row: Row) => string; value: string; unit?: Unit; share?: string; tone?: 1 | 2 | 3 | 4 | 5; limit?: number }) {
  const most = Math.max(...rows.map((row) => number(row[value]) || 0), 0) || 1;
  const rest = rows.slice(limit);
  return (
    <ul class="bars">
      {rows.slice(0, limit).map((row, i) => (
        <li key={i}>
          <bdi class="clip" title={name(row).slice(0, 500)}>{name(row) || nothing}</bdi>
          <span class="bars-value">{show(row[value], unit)}{share && <span class="muted"> {rate(row[share])}</span>}</span>
          <Bar share={(number(row[value]) || 0) / most} {...(tone && { tone })} />
        </li>
      ))}
      {rest.length > 0 && <li class="muted small">and {count(rest.length)} more in the table</li>}
    </ul>
  );
}

/** Parts of a whole in one bar, with their numbers below it. */
export function Parts({ parts }: { parts: readonly { name: string; value: number; tone: 1 | 2 | 3 | 4 | 5 }[] }) {
  const total = parts.reduce((sum, part) => sum + (part.value || 0), 0) || 1;
  let at = 0;
  return (
    <div class="parts">
      <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" focusable="false">
        {parts.map((part) => {
          const width = ((part.value || 0) / total) * 100;
          const rect = <rect key={part.name} x={at} width={Math.max(0, width - 0.4)} height="6" class={`bar-fill tone-${part.tone}`} />;
          at += width;
          return rect;
        })}
      </svg>
      <ul>
        {parts.map((part) => <li key={part.name} class={`tone-${part.tone}`}>{part.name} <b>{count(part.value)}</b> <span class="muted">{rate(part.value / total)}</span></li>)}
      </ul>
    </div>
  );
}
