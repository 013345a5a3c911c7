import { records, type Row } from "../api";
import { useAsk } from "../asked";
import { addDays, length } from "../dates";
import { country, number } from "../format";
import { go, link, linkHere, usePlace } from "../route";
import { axis, byDay, last, ratio, sum } from "../rows";
import { asParams, beforeParams, isOpen, useScope } from "../session";
import { Chart } from "../ui/chart";
import { Choice } from "../ui/controls";
import { Figure } from "../ui/figure";
import { Kpi } from "../ui/kpi";
import { lazy } from "../ui/lazy";
import { Bars, Retention } from "../ui/shapes";

const WorldMap = lazy(() => import("../ui/map"));

const tabs = [["", "Activity"], ["retention", "Retention"], ["sources", "Sources"], ["breakdowns", "Where and on what"]] as const;

/** Who comes, how often, from where, and whether they come again. */
export default function Audience() {
  const { params } = usePlace();
  const tab = params["tab"] ?? "";
  return (
    <>
      <nav class="tabs" aria-label="Parts of this page">
        {tabs.map(([name, title]) => (
          <a key={name} href={link("audience", { tab: name })} aria-current={tab === name ? "true" : undefined}>{title}</a>
        ))}
      </nav>
      <div class="grid">
        {tab === "retention" ? <RetentionFigures /> : tab === "sources" ? <Sources /> : tab === "breakdowns" ? <Breakdowns /> : <Activity />}
      </div>
    </>
  );
}

function Activity() {
  const scope = useScope();
  const now = asParams(scope);
  const then = beforeParams(scope);
  const active = useAsk("active_users", now);
  const activeBefore = useAsk("active_users", then);
  const sessions = useAsk("sessions_overview", now);
  const sessionsBefore = useAsk("sessions_overview", then);
  const fresh = useAsk("new_vs_returning", now);
  const freshBefore = useAsk("new_vs_returning", then);
  const [a, a0, s, s0, f, f0] = [active, activeBefore, sessions, sessionsBefore, fresh, freshBefore].map((asked) => records(asked.answer)) as [Row[], Row[], Row[], Row[], Row[], Row[]];
  const was = (value: number | null) => (then ? value : undefined);
  const mean = (rows: Row[], name: string) => ratio(rows.length ? rows.reduce((total, row) => total + number(row[name]) * number(row["sessions"]), 0) : null, sum(rows, "sessions"));
  return (
    <>
      <div class="kpis">
        <Kpi label="Monthly users" asked={active} value={last(a, "mau")} before={was(last(a0, "mau"))} beforeAsked={activeBefore} unit="users" />
        <Kpi label="New users" asked={fresh} value={sum(f, "new_users")} before={was(sum(f0, "new_users"))} beforeAsked={freshBefore} unit="users" />
        <Kpi label="Sessions" asked={sessions} value={sum(s, "sessions")} before={was(sum(s0, "sessions"))} beforeAsked={sessionsBefore} />
        <Kpi label="Session length" asked={sessions} value={mean(s, "seconds_mean")} before={was(mean(s0, "seconds_mean"))} beforeAsked={sessionsBefore} unit="seconds" note="mean" />
        <Kpi label="Views a session" asked={sessions} value={mean(s, "views_per_session")} before={was(mean(s0, "views_per_session"))} beforeAsked={sessionsBefore} unit="number" />
      </div>
      <Figure title="Active users" note="On the day, in 7 days, in 30 days up to it" asked={active} wide size="large" chart={(rows) => (
        <Chart title="Active users" open={isOpen(scope)} {...axis(scope, undefined)} series={[
          { name: "Monthly", values: byDay(rows, "mau", scope), unit: "users", tone: 3 },
          { name: "Weekly", values: byDay(rows, "wau", scope), unit: "users", tone: 2 },
          { name: "Daily", values: byDay(rows, "dau", scope), unit: "users", tone: 1, kind: "area" },
        ]} />
      )} />
      <Figure title="New and returning" note="Users of each day" asked={fresh} chart={(rows) => (
        <Chart title="New and returning users" height="small" open={isOpen(scope)} {...axis(scope, undefined)} series={[
          { name: "Returning", values: byDay(rows, "returning_users", scope), unit: "users", tone: 1, kind: "bar" },
          { name: "New", values: byDay(rows, "new_users", scope), unit: "users", tone: 2, kind: "bar" },
        ]} />
      )} />
      <Figure title="Stickiness" note="Daily by monthly users" asked={active} chart={(rows) => (
        <Chart title="Stickiness" height="small" open={isOpen(scope)} {...axis(scope, undefined)} series={[{ name: "Stickiness", values: byDay(rows, "stickiness", scope, null), unit: "rate", tone: 1, kind: "area" }]} />
      )} />
      <Figure title="Sessions" asked={sessions} chart={(rows) => (
        <Chart title="Sessions" height="small" open={isOpen(scope)} {...axis(scope, undefined)} series={[{ name: "Sessions", values: byDay(rows, "sessions", scope), unit: "count", tone: 1, kind: "bar" }]} />
      )} />
      <Figure title="Session length" asked={sessions} chart={(rows) => (
        <Chart title="Session length" height="small" open={isOpen(scope)} {...axis(scope, undefined)} series={[
          { name: "Mean", values: byDay(rows, "seconds_mean", scope, null), unit: "seconds", tone: 3 },
          { name: "Median", values: byDay(rows, "seconds_median", scope, null), unit: "seconds", tone: 1 },
        ]} />
      )} />
    </>
  );
}

function RetentionFigures() {
  const scope = useScope();
  const asked = useAsk("retention", asParams(scope));
  const short = length(scope.from, scope.to) < 60;
  const note = <>Of the users first seen in a week, the share that was active so many weeks later. {short && <a href={linkHere({ from: addDays(scope.to, -89) })}>Look at 90 days</a>}</>;
  return <Figure title="Retention by weekly cohort" note={note} asked={asked} wide size="large" chart={(rows) => <Retention rows={rows} until={scope.to} />} empty="No user was first seen in these days." />;
}

function Sources() {
  const scope = useScope();
  const asked = useAsk("traffic_sources", asParams(scope));
  return (
    <>
      <Figure
        title="Sources"
        note="Sessions by what brought them"
        asked={asked}
        rows={(rows) => grouped(rows, "traffic_source")}
        chart={(rows) => <Bars rows={rows} name={(row) => String(row["traffic_source"] || "Direct")} value="sessions" limit={10} />}
      />
      <Figure title="Campaigns" asked={asked} rows={(rows) => grouped(rows.filter((row) => row["utm_campaign"]), "utm_campaign")} empty="No session came from a campaign (utm_campaign)." chart={(rows) => <Bars rows={rows} name={(row) => String(row["utm_campaign"])} value="sessions" tone={3} limit={10} />} />
      <Figure title="In every detail" asked={asked} wide sort="-sessions" limit={25} />
    </>
  );
}

/** Sessions of rows added up by a column. Users are not: one may come from two sources. */
function grouped(rows: readonly Row[], name: string): Row[] {
  const sums = new Map<string, number>();
  for (const row of rows) {
    const key = String(row[name] ?? "");
    sums.set(key, (sums.get(key) ?? 0) + (number(row["sessions"]) || 0));
  }
  return [...sums].map(([key, sessions]) => ({ [name]: key, sessions })).sort((a, b) => b.sessions - a.sessions);
}

const properties = [["browser", "Browser"], ["os", "System"], ["device", "Device"], ["language", "Language"], ["city", "City"], ["page", "Page"], ["company", "Company"]] as const;

function Breakdowns() {
  const scope = useScope();
  const { params } = usePlace();
  const by = properties.find(([name]) => name === params["by"])?.[0] ?? "browser";
  const now = asParams(scope);
  const countries = useAsk("breakdown", { ...now, by: "country" });
  const chosen = useAsk("breakdown", { ...now, by });
  const isAudience = by !== "city" && by !== "page";
  return (
    <>
      <Figure title="Countries" note="Users, by approximate location" asked={countries} wide size="large" chart={(rows) => <WorldMap rows={rows} />} columns={[
        { name: "value", label: "Country", unit: "country", cell: (row) => /^[A-Z]{2}$/.test(String(row["value"])) ? <a class="item-link" href={linkHere({ audience: `country:${row["value"]}` })}>{country(row["value"])}</a> : country(row["value"]) },
        { name: "users", unit: "users", bar: true },
        { name: "events", unit: "count" },
      ]} />
      <Figure
        title={properties.find(([name]) => name === by)![1]}
        note={isAudience ? "A click makes it the audience" : undefined}
        asked={chosen}
        wide
        size="large"
        limit={20}
        controls={<Choice name="by" label="Broken down by" options={properties} />}
        columns={[
          { name: "value", label: properties.find(([name]) => name === by)![1], unit: "text", cell: (row) => {
            const value = String(row["value"] ?? "");
            return value && isAudience ? <button type="button" class="link item-link" onClick={() => go(linkHere({ audience: `${by}:${value}` }))}><bdi class="clip">{value}</bdi></button> : <bdi class="clip">{value || "Not known"}</bdi>;
          } },
          { name: "users", unit: "users", bar: true },
          { name: "events", unit: "count" },
        ]}
      />
    </>
  );
}

