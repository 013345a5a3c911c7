import { useEffect, useState } from "preact/hooks";
import { Refusal, request, type Answer, type Row } from "../api";
import { refreshes, sentence, useAsk, type Asked } from "../asked";
import { today } from "../dates";
import { ago, count, number, seconds, words } from "../format";
import { useScope } from "../session";
import { useStore } from "../store";
import { Chart } from "../ui/chart";
import { CopyButton } from "../ui/explain";
import { Figure } from "../ui/figure";

interface Health {
  region: string;
  as_of: string;
  stored: { error?: string; since: string; events: number; doubles: number; last_inserted_at?: string; seconds_to_store_p50: number | null; seconds_to_store_p99: number | null } | null;
  dead: { error?: string; letters: readonly { stage: string; reason: string; count: number; last: string; example: string; replay: string }[] | null } | null;
  /** Of the whole region, and of users who operate it. What differs is under way, or was sent twice and is stored once. */
  door?: { error?: string; since: string; accepted: number; stored: number; dead: number; difference: number; exact: boolean } | null;
  lag?: { error?: string; stages: readonly { stage: string; topic: string; records: number; partitions: number }[] | null } | null;
}

/** Whether the figures can be trusted: what came in, what was stored, what could not be used, and how long it took. */
export default function HealthPage() {
  const scope = useScope();
  const round = useStore(refreshes);
  const [health, setHealth] = useState<Health>();
  const [error, setError] = useState("");
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    setError("");
    request<Health>(`/api/health-data?${new URLSearchParams({ account: scope.account })}`, stop.signal).then(setHealth, (reason: unknown) => stop.signal.aborted || setError(reason instanceof Refusal ? sentence(reason) : String(reason)));
    return () => stop.abort();
  }, [scope.account, round, attempt]);
  const quality = useAsk("data_quality", { account: scope.account, from: scope.from, to: scope.to });
  const fresh = useAsk("freshness", { account: scope.account, from: today(), to: today() });
  return (
    <div class="grid">
      {error ? (
        <section class="card wide"><div class="state broken" role="alert"><p>{error}</p><button type="button" class="button" onClick={() => setAttempt(attempt + 1)}>Try again</button></div></section>
      ) : (
        <Tiles health={health} />
      )}
      {health?.dead && <DeadLetters dead={health.dead} />}
      <Figure
        title="From received to askable"
        note="Today, by the minute of arrival: half of the events, and 99 of 100"
        asked={thin(fresh)}
        empty="No event today."
        chart={(rows) => (
          <Chart title="From received to askable" height="small" moments x={rows.map((row) => String(row["minute"]))} series={[
            { name: "99 of 100", values: rows.map((row) => Number(row["seconds_to_store_p99"])), unit: "seconds", tone: 2 },
            { name: "Half", values: rows.map((row) => Number(row["seconds_to_store_p50"])), unit: "seconds", tone: 1 },
          ]} />
        )}
      />
      <Figure
        title="What was not quite right"
        note="In the days chosen above"
        asked={quality}
        limit={25}
        sort="-events"
        rows={unusual}
        empty="Nothing: no dead letter, no clamped time, no cut field, no bot, no late event, no double."
        columns={[{ name: "check", unit: "words" }, { name: "detail", unit: "words" }, { name: "events", unit: "count" }, { name: "share", label: "Of all events", unit: "rate", minor: true }]}
      />
    </div>
  );
}

/** What there is of each check, and its share of all events, which have a row of their own. */
function unusual(rows: readonly Row[]): Row[] {
  const all = number(rows.find((row) => row["check"] === "events")?.["events"]);
  return rows.filter((row) => row["check"] !== "events" && number(row["events"]) > 0).map((row) => ({ ...row, detail: row["detail"] || null, share: all ? number(row["events"]) / all : null }));
}

/** The last three hours: a chart has no room for each minute of a day. */
function thin(asked: Asked): Asked {
  const answer = asked.answer;
  return answer && answer.rows.length > 180 ? { ...asked, answer: { ...answer, rows: answer.rows.slice(-180) } satisfies Answer } : asked;
}

function Tiles({ health }: { health: Health | undefined }) {
  if (!health) {
    return <div class="kpis">{[1, 2, 3, 4].map((each) => <div key={each} class="card kpi"><div class="skeleton one" aria-hidden="true"><i /><i /></div></div>)}</div>;
  }
  const { stored, dead, door, lag } = health;
  const letters = (dead?.letters ?? []).reduce((sum, letter) => sum + letter.count, 0);
  return (
    <div class="kpis">
      {stored && <Tile name="Stored, last 24 hours" value={stored.error ? "" : count(stored.events)} note={stored.error ?? (stored.last_inserted_at ? `the last one ${ago(stored.last_inserted_at)}` : "none yet")} state={stored.error ? "bad" : "good"} />}
      {stored && !stored.error && <Tile name="Askable after" value={seconds(stored.seconds_to_store_p50)} note={`99 of 100 within ${seconds(stored.seconds_to_store_p99)}`} state="good" />}
      {stored && !stored.error && <Tile name="Doubles" value={count(stored.doubles)} note={stored.doubles ? "figures count each once" : "every event is stored once"} state="good" />}
      {dead && <Tile name="Could not be used" value={dead.error ? "" : count(letters)} note={dead.error ?? (letters ? "reasons and commands below" : "no dead letter in 24 hours")} state={dead.error ? "bad" : letters ? "warn" : "good"} />}
      {door && <Tile name="Accepted, all accounts" value={door.error ? "" : count(door.accepted)} note={door.error ?? `${count(door.stored)} stored, ${count(door.dead)} dead, ${count(door.difference)} under way or sent twice${door.exact ? "" : ", about"}, since ${ago(door.since)}`} state={door.error ? "bad" : "good"} />}
      {lag?.error && <Tile name="Waiting" value="" note={lag.error} state="bad" />}
      {lag?.stages?.map((each) => <Tile key={each.topic} name={`Waiting for the ${each.stage}`} value={count(each.records)} note={`records in ${each.partitions} partitions of ${each.topic}`} state="good" />)}
    </div>
  );
}

function Tile({ name, value, note, state }: { name: string; value: string; note: string; state: "good" | "warn" | "bad" }) {
  return (
    <div class="card kpi" role="group" aria-label={name}>
      <header><h2>{name}</h2><span class={`lamp ${state}`}><span class="unseen">{{ good: "fine", warn: "to look at", bad: "not known" }[state]}</span></span></header>
      <p class="kpi-value">{value || "–"}</p>
      <p class="kpi-foot muted small">{note}</p>
    </div>
  );
}

function DeadLetters({ dead }: { dead: NonNullable<Health["dead"]> }) {
  const letters = dead.letters ?? [];
  if (letters.length === 0) {
    return null;
  }
  return (
    <section class="card figure wide" aria-label="Dead letters">
      <header><div><h2>What could not be used</h2><p class="muted small">In the last 24 hours. The records are kept: once the reason is mended, the command sends them through again.</p></div></header>
      <ul class="letters">
        {letters.map((letter) => (
          <li key={`${letter.stage} ${letter.reason}`}>
            <div>
              <p><b>{words(letter.reason)}</b> <span class="tag">{letter.stage}</span> <span class="muted">{count(letter.count)}, the last {ago(letter.last)}</span></p>
              {letter.example && <p class="muted small"><bdi>{letter.example}</bdi></p>}
              <pre class="command" tabIndex={0}><code>{letter.replay}</code></pre>
            </div>
            <CopyButton text={letter.replay} what="command" />
          </li>
        ))}
      </ul>
    </section>
  );
}

