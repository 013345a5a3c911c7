import { useState } from "preact/hooks";
import { records, type Row } from "../api";
import { useAsk, type Asked } from "../asked";
import { isDay } from "../dates";
import { count, day, kind, label, number, rate, seconds, words } from "../format";
import { go, link, linkHere, usePlace } from "../route";
import { axis, byDay } from "../rows";
import { asParams, beforeParams, isOpen, useScope } from "../session";
import { Chart } from "../ui/chart";
import { audienceName, AudiencePanel } from "../ui/controls";
import { Figure } from "../ui/figure";
import { Icon } from "../ui/icons";
import { Change, Kpi } from "../ui/kpi";
import { Bars, Funnel } from "../ui/shapes";
import { Lessons, Quizzes } from "./courses";
import { Nps, SurveyAnswers } from "./surveys";

/** One item: how it is used, where people leave it, why it fails, and whether it leads anywhere. */
export default function Item() {
  const scope = useScope();
  const { params } = usePlace();
  const item = params["item"] ?? "";
  const now = asParams(scope);
  const then = beforeParams(scope);
  const engagement = useAsk("item_engagement", now);
  const engagementBefore = useAsk("item_engagement", then);
  const mine = (asked: Asked): Row | undefined => records(asked.answer).find((row) => String(row["item_id"]) === item && (!params["kind"] || row["item_type"] === params["kind"]));
  const row = mine(engagement);
  const before = mine(engagementBefore);
  const type = String(row?.["item_type"] ?? params["kind"] ?? "");
  const value = (name: string) => (row ? number(row[name]) : null);
  const was = (name: string) => (then ? (before ? number(before[name]) : null) : undefined);
  const isPlayed = type === "walkthru" || number(row?.["plays"]) > 0;
  const tile = { asked: engagement, beforeAsked: engagementBefore };
  if (!item) {
    return <div class="state"><p>Which item?</p><a class="button" href={link("items")}>To the items</a></div>;
  }
  return (
    <>
      <div class="page-head">
        <a class="back" href={link("items", { kind: params["from_kind"] })}><Icon name="back" size={16} /> Items</a>
        <h2><bdi class="clip-2">{String(row?.["item_name"] || item)}</bdi></h2>
        <p class="muted"><span class="tag">{kind(type)}</span> <span class="clip">id <code>{item}</code></span></p>
      </div>
      {engagement.state === "ready" && !row && <p class="notice">This item had no event in these days for this audience. A longer span may have some.</p>}
      <div class="grid">
        <div class="kpis">
          <Kpi label="Exposed users" value={value("exposed_users")} before={was("exposed_users")} unit="users" {...tile} />
          <Kpi label="Engagement" value={value("engagement_rate")} before={was("engagement_rate")} unit="rate" note={row && `${count(row["interacting_users"])} interacting`} {...tile} />
          {isPlayed && <Kpi label="Plays" value={value("plays")} before={was("plays")} unit="plays" note={row && `by ${count(row["players"])} users`} {...tile} />}
          {isPlayed && <Kpi label="Completed" value={value("completion_rate")} before={was("completion_rate")} unit="rate" note={row && `${count(row["completed"])} plays`} {...tile} />}
          {isPlayed && <Kpi label="Goal reached" value={value("goal_rate")} before={was("goal_rate")} unit="rate" note={row && `by ${count(row["goal_users"])} users`} {...tile} />}
          {!isPlayed && <Kpi label="Completed" value={value("completed")} before={was("completed")} {...tile} />}
          {!isPlayed && <Kpi label="Dismissed" value={value("dismissed")} before={was("dismissed")} more={undefined} {...tile} />}
        </div>
        {type === "walkthru" ? (
          <WalkthruFigures item={item} />
        ) : (
          <>
            {type === "survey" && <><SurveyAnswers item={item} /><Nps item={item} /></>}
            {type === "course" && <><Lessons item={item} /><Quizzes item={item} /></>}
            <Effect item={item} />
            <Compare item={item} type={type} />
          </>
        )}
      </div>
    </>
  );
}

/** Items of two kinds may have one id, as a walk-thru and the rule that plays it. */
const isOf = (type: string) => (row: Row) => row["item_type"] === type;

function WalkthruFigures({ item }: { item: string }) {
  const scope = useScope();
  const of = { ...asParams(scope), item };
  const funnel = useAsk("walkthru_funnel", of);
  const completion = useAsk("walkthru_completion", of);
  const failures = useAsk("failure_reasons", of);
  const time = useAsk("time_to_complete", of);
  return (
    <>
      <div class="column">
        <Figure title="Steps" note="Plays that reached each step" asked={funnel} size="large" chart={(rows) => <Funnel rows={rows} />} limit={60} empty="No step was shown in these days." />
        <Compare item={item} type="walkthru" />
      </div>
      <div class="column">
        <Figure
          title="Plays by day"
          note="And the share of them completed"
          asked={completion}
          chart={(rows) => (
            <Chart
              title="Plays by day"
              height="small"
              open={isOpen(scope)} {...axis(scope, undefined)}
              series={[
                { name: "Completed", values: byDay(rows, "completed", scope), unit: "plays", tone: 1, kind: "bar" },
                { name: "Not completed", values: byDay(rows.map((row) => ({ ...row, rest: Math.max(0, number(row["plays"]) - number(row["completed"])) })), "rest", scope), unit: "plays", tone: 5, kind: "bar" },
                { name: "Completion", values: byDay(rows, "completion_rate", scope, null), unit: "rate", tone: 2, right: true },
              ]}
            />
          )}
        />
        <Figure
          title="Time to complete"
          asked={time}
          size="small"
          empty="Nobody completed it in these days."
          chart={(rows) => <TimeScale row={rows[0]!} />}
          columns={["completed", "seconds_min", "seconds_median", "seconds_mean", "seconds_p90", "seconds_max"].map((name) => ({ name, unit: name === "completed" ? ("plays" as const) : ("seconds" as const) }))}
        />
        <Figure
          title="Why plays failed"
          asked={failures}
          rows={(rows) => rows.filter(isOf("walkthru"))}
          size="small"
          empty="No play failed."
          chart={(rows) => <Bars rows={rows} name={(row) => words(row["reason"])} value="failed" share="share" tone={2} />}
          columns={[{ name: "reason", unit: "words" }, { name: "failed", unit: "plays" }, { name: "users", unit: "users" }, { name: "share", unit: "rate" }]}
        />
        <Effect item={item} />
      </div>
    </>
  );
}

/** The middle and the ends of how long it takes. */
function TimeScale({ row }: { row: Row }) {
  return (
    <dl class="facts">
      {([["Half within", "seconds_median"], ["9 of 10 within", "seconds_p90"], ["Mean", "seconds_mean"], ["Fastest", "seconds_min"], ["Slowest", "seconds_max"]] as const).map(([name, column]) => (
        <div key={column} class={column === "seconds_median" ? "first" : ""}><dt>{name}</dt><dd>{seconds(row[column])}</dd></div>
      ))}
    </dl>
  );
}

/** Whether those who took the guide reach a goal more often. The goal is one of the account's custom events. */
function Effect({ item }: { item: string }) {
  const scope = useScope();
  const { params } = usePlace();
  const events = useAsk("custom_events", { account: scope.account, from: scope.from, to: scope.to });
  const names = records(events.answer).map((row) => String(row["name"])).filter(Boolean);
  const goal = params["goal"] || names[0] || "";
  const asked = useAsk("guide_effect", goal ? { ...asParams(scope), item, goal } : undefined);
  if (events.state === "ready" && !goal) {
    return (
      <section class="card figure small">
        <header><div><h2>Does it lead to the goal?</h2></div></header>
        <div class="state empty"><p>Send a custom event when a user reaches what the guide is for, and this compares those who took it with those who did not.</p></div>
      </section>
    );
  }
  return (
    <Figure
      title="Does it lead to the goal?"
      note="New users of these days: those who took the guide beside those who did not. What goes together need not be cause and effect."
      asked={goal ? asked : events}
      size="small"
      controls={
        <label class="select">
          <span class="unseen">Goal</span>
          <select value={goal} onChange={(event) => go(linkHere({ goal: event.currentTarget.value }), "replace")}>
            {[...new Set([goal, ...names])].filter(Boolean).map((name) => <option key={name}>{name}</option>)}
          </select>
        </label>
      }
      empty="No new user in these days."
      {...(goal && { chart: (rows: Row[]) => <EffectBars rows={rows} /> })}
    />
  );
}

const truth = (value: unknown) => value === true || value === 1 || value === "true" || value === "1";

function EffectBars({ rows }: { rows: readonly Row[] }) {
  const [took, not] = [rows.find((row) => truth(row["took_it"])), rows.find((row) => !truth(row["took_it"]))];
  const [p, q] = [number(took?.["reach_rate"]), number(not?.["reach_rate"])];
  return (
    <div class="effect">
      <Bars rows={rows} name={(row) => (truth(row["took_it"]) ? "Took it" : "Did not")} value="reach_rate" unit="rate" />
      <p class="small muted">
        {[took, not].map((row, i) => row && `${i ? "Without" : "With"}: ${count(row["reached"])} of ${count(row["users"])} users${number(row["days_to_goal_median"]) >= 0 && row["days_to_goal_median"] !== null ? `, half of them within ${count(row["days_to_goal_median"])} days` : ""}. `)}
        {q > 0 && Number.isFinite(p) && <b>{(p / q).toLocaleString(undefined, { maximumFractionDigits: 1 })} times as often with it.</b>}
      </p>
    </div>
  );
}

/** The item beside itself: in other days, or for another audience. */
function Compare({ item, type }: { item: string; type: string }) {
  const scope = useScope();
  const { params } = usePlace();
  const [open, setOpen] = useState(false);
  const before = scope.before ?? { from: scope.from, to: scope.to };
  const other = {
    other_from: isDay(params["other_from"]) ? params["other_from"] : before.from,
    other_to: isDay(params["other_to"]) ? params["other_to"] : before.to,
    other_audience: params["other_audience"] || scope.audience,
  };
  const asked = useAsk("item_compare", { ...asParams(scope), item, ...other });
  const isRate = (row: Row) => /rate$/.test(String(row["metric"]));
  const isTime = (row: Row) => /^seconds/.test(String(row["metric"]));
  const read = (row: Row, name: string) => (isRate(row) ? rate(row[name]) : isTime(row) ? seconds(row[name]) : count(row[name]));
  return (
    <Figure
      title="Compare"
      note={`${day(scope.from)} – ${day(scope.to)}, ${audienceName(scope.audience)}, beside ${day(other.other_from)} – ${day(other.other_to)}, ${audienceName(other.other_audience)}`}
      asked={asked}
      rows={(rows) => rows.filter(isOf(type))}
      limit={30}
      controls={<button type="button" class="button" aria-expanded={open} onClick={() => setOpen(!open)}>Compare with…</button>}
      columns={[
        { name: "metric", label: "Figure", unit: "text", cell: (row) => label(String(row["metric"])) },
        { name: "value", label: "Here", unit: "number", cell: (row) => read(row, "value") },
        { name: "other_value", label: "There", unit: "number", cell: (row) => read(row, "other_value") },
        { name: "change", label: "Change", unit: "change", cell: (row) => <Change value={row["value"]} before={row["other_value"]} unit={isRate(row) ? "rate" : isTime(row) ? "seconds" : "number"} /> },
      ]}
      {...(open && {
        note: (
          <div class="compare-with">
            <label>From <input type="date" value={other.other_from} onChange={(event) => go(linkHere({ other_from: event.currentTarget.value }), "replace")} /></label>
            <label>To <input type="date" value={other.other_to} onChange={(event) => go(linkHere({ other_to: event.currentTarget.value }), "replace")} /></label>
            <AudiencePanel chosen={other.other_audience} choose={(audience) => (go(linkHere({ other_audience: audience, other_from: scope.from, other_to: scope.to })), setOpen(false))} />
          </div>
        ),
      })}
    />
  );
}
