import { useEffect, useRef, useState } from "preact/hooks";
import type { Row } from "../api";
import { clockTime, count, country, kind, words } from "../format";
import { go, linkHere, usePlace } from "../route";
import { useScope } from "../session";
import { Icon } from "../ui/icons";
import { ItemLink, UserLink } from "../ui/links";

const mostKept = 300;

/** Events as they are stored. Paused, what comes is counted and not shown. */
export default function Live() {
  const { account } = useScope();
  const { params } = usePlace();
  const [rows, setRows] = useState<readonly Row[]>([]);
  const [state, setState] = useState<"connecting" | "open" | "away">("connecting");
  const [message, setMessage] = useState("");
  const [paused, setPaused] = useState(false);
  const [missed, setMissed] = useState(0);
  const isPaused = useRef(paused);
  isPaused.current = paused;
  useEffect(() => {
    if (!account) {
      return;
    }
    setRows([]);
    let source: EventSource;
    let again: ReturnType<typeof setTimeout> | undefined;
    let gone = false;
    /** Events that came and are not drawn yet: many may come at once. */
    let arrived: Row[] = [];
    const seen = new Set<string>();
    const draw = () => {
      const fresh = arrived.reverse();
      arrived = [];
      setRows((before) => [...fresh, ...before].slice(0, mostKept));
    };
    const connect = () => {
      source = new EventSource(`/api/live?${new URLSearchParams({ account })}`);
      source.onopen = () => (setState("open"), setMessage(""));
      source.addEventListener("event", (event) => {
        const row = JSON.parse((event as MessageEvent<string>).data) as Row;
        const id = String(row["event_id"] ?? "");
        if (id && seen.has(id)) {
          return;
        }
        seen.add(id);
        if (isPaused.current) {
          setMissed((n) => n + 1);
          return;
        }
        if (arrived.push(row) === 1) {
          setTimeout(draw, 100);
        }
      });
      source.addEventListener("skipped", (event) => setMissed((n) => n + (Number((JSON.parse((event as MessageEvent<string>).data) as Row)["events"]) || 0)));
      source.addEventListener("away", (event) => (setState("away"), setMessage(String((JSON.parse((event as MessageEvent<string>).data) as Row)["message"] ?? ""))));
      const retry = () => {
        source.close();
        if (!gone) {
          setState("connecting");
          clearTimeout(again);
          again = setTimeout(connect, 2000);
        }
      };
      source.addEventListener("end", retry);
      source.onerror = retry;
    };
    connect();
    return () => {
      gone = true;
      clearTimeout(again);
      source.close();
    };
  }, [account]);
  const search = (params["search"] ?? "").toLocaleLowerCase();
  const shown = search ? rows.filter((row) => Object.values(row).join("\n").toLocaleLowerCase().includes(search)) : rows;
  const text = state === "away" ? message || "ClickHouse does not answer; the stream goes on when it does." : state === "connecting" ? "Connecting" : paused ? "Paused" : "Live";
  return (
    <section class="card figure large wide" aria-label="Live events">
      <header class="tools">
        <label class="search">
          <Icon name="searches" size={16} />
          <span class="unseen">Show only events with</span>
          <input type="search" placeholder="Show only events with…" value={params["search"] ?? ""} onInput={(event) => go(linkHere({ search: event.currentTarget.value }), "replace")} />
        </label>
        <span class={`fresh ${state === "open" && !paused ? "good pulse" : state === "away" ? "bad" : "quiet-state"}`} role="status"><i aria-hidden="true" />{text}</span>
        {missed > 0 && <span class="muted small">{count(missed)} not shown</span>}
        <span class="grow" />
        <button type="button" class="button" aria-pressed={paused} onClick={() => (setPaused(!paused), paused && setMissed(0))}>
          <Icon name={paused ? "play" : "pause"} size={16} /> {paused ? "Go on" : "Pause"}
        </button>
        <button type="button" class="button" onClick={() => setRows([])}>Clear</button>
      </header>
      <div class="figure-body">
        {shown.length === 0 ? (
          <div class="state empty"><p>{rows.length ? "No event has this in it." : "Waiting for an event. Open a page with the recorder, and it appears within seconds."}</p></div>
        ) : (
          <div class="table-wrap" tabIndex={0} role="region" aria-label="Table: live events">
            <table class="live">
              <caption class="unseen">Events, the newest first</caption>
              <thead>
                <tr>
                  <th scope="col">Time, UTC</th><th scope="col">Event</th><th scope="col">Item</th><th scope="col" class="minor">User</th><th scope="col" class="minor">Page</th><th scope="col" class="minor">From</th>
                </tr>
              </thead>
              <tbody>
                {shown.slice(0, 100).map((row) => (
                  <tr key={String(row["event_id"])}>
                    <td><time dateTime={String(row["time"])}>{clockTime(row["time"])}</time></td>
                    <td><b>{words(row["event"])}</b>{row["preview"] === true && <span class="tag">preview</span>}{row["is_bot"] === true && <span class="tag">bot</span>}{row["environment"] && row["environment"] !== "production" ? <span class="tag">{String(row["environment"])}</span> : null}</td>
                    <td>{row["item_id"] ? <ItemLink row={row} /> : <span class="muted">{kind(row["item_type"])}</span>} {row["step_name"] ? <bdi class="muted small">{String(row["step_name"])}</bdi> : null}</td>
                    <td class="minor">{row["user_id"] ? <UserLink user={String(row["user_id"])} /> : null}</td>
                    <td class="minor"><bdi class="clip" title={String(row["page_title"] ?? "")}>{String(row["url_path"] ?? "")}</bdi></td>
                    <td class="minor">{[row["country_code"] ? country(row["country_code"]) : "", row["browser"]].filter(Boolean).join(", ")}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </div>
    </section>
  );
}
