import { records, type Row } from "../api";
import { useAsk } from "../asked";
import { ago, clockTime, count, fullDay, kind, missing, nothing, seconds, time, words } from "../format";
import { link, usePlace } from "../route";
import { useScope } from "../session";
import { Figure } from "../ui/figure";
import { Icon } from "../ui/icons";
import { CompanyLink, ItemLink } from "../ui/links";

/** One end user: what is known of them, and what they did, day by day. */
export default function Person() {
  const scope = useScope();
  const { params } = usePlace();
  const user = params["user"] ?? "";
  const profile = useAsk("end_user_profile", user ? { account: scope.account, user } : undefined);
  const timeline = useAsk("end_user_timeline", user ? { account: scope.account, user, from: scope.from, to: scope.to } : undefined);
  const row = records(profile.answer)[0];
  const companies = Array.isArray(row?.["companies"]) ? row["companies"].map(String).filter(Boolean) : [];
  return (
    <>
      <div class="page-head">
        <a class="back" href={link("people")}><Icon name="back" size={16} /> People</a>
        <h2><bdi class="clip-2">{user}</bdi></h2>
        {row && <p class="muted">{companies.map((company) => <CompanyLink key={company} company={company} />)} last seen {ago(row["last_seen"])}</p>}
      </div>
      <div class="grid person">
        <Figure title="What is known" asked={profile} empty="Nothing is known of this user: there may be none of this id, or they were erased." chart={(rows) => <Facts row={rows[0]!} />} />
        <Figure title="What they did" note="Newest first, at UTC" asked={timeline} size="large" empty="Nothing in these days." chart={(rows) => <Timeline rows={rows} />} limit={100} />
      </div>
    </>
  );
}

function Facts({ row }: { row: Row }) {
  const place = [row["city"], row["subdivision"], row["country"]].filter((each) => !missing(each)).join(", ");
  const facts: readonly (readonly [string, string])[] = [
    ["First seen", time(row["first_seen"])],
    ["Last seen", time(row["last_seen"])],
    ["Sessions", count(row["sessions"])],
    ["Mean session", seconds(row["seconds_mean"])],
    ["All sessions", seconds(row["seconds_total"])],
    ["Between sessions", seconds(row["seconds_between_mean"])],
    ["Place", place || nothing],
    ["Browser", [row["browser"], row["browser_version"]].filter(Boolean).join(" ") || nothing],
    ["System", [row["os"], row["device_type"]].filter(Boolean).join(", ") || nothing],
    ["Language", [row["language"], row["timezone"]].filter(Boolean).join(", ") || nothing],
    ["Devices", count(row["visitors"])],
  ];
  const attributes = Object.entries(row["attributes"] && typeof row["attributes"] === "object" ? row["attributes"] : {});
  return (
    <>
      <dl class="facts list">
        {facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd><bdi>{value}</bdi></dd></div>)}
      </dl>
      {attributes.length > 0 && (
        <>
          <h3>Attributes</h3>
          <dl class="facts list">
            {attributes.map(([name, value]) => <div key={name}><dt><bdi>{name}</bdi></dt><dd><bdi>{plain(value)}</bdi></dd></div>)}
          </dl>
        </>
      )}
    </>
  );
}

/** An attribute is JSON: a text is shown without its quotes. */
function plain(value: unknown): string {
  try {
    const parsed: unknown = JSON.parse(String(value));
    return typeof parsed === "string" ? parsed : JSON.stringify(parsed);
  } catch {
    return String(value);
  }
}

/** A gap of thirty minutes ends a session. */
const rest = 30 * 60_000;
const mostShown = 300;

function Timeline({ rows }: { rows: readonly Row[] }) {
  let dayBefore = "";
  let timeBefore = Infinity;
  return (
    <ol class="timeline">
      {rows.slice(0, mostShown).map((row, i) => {
        const day = fullDay(row["time"]);
        const at = Date.parse(String(row["time"]));
        const isNewDay = day !== dayBefore;
        const isNewSession = !isNewDay && timeBefore - at >= rest;
        dayBefore = day;
        timeBefore = at;
        return (
          <>
            {isNewDay && <li key={`d${i}`} class="timeline-day">{day}</li>}
            {isNewSession && <li key={`s${i}`} class="timeline-rest muted small">an earlier session</li>}
            <li key={i}>
              <time dateTime={String(row["time"])}>{clockTime(row["time"])}</time>
              <span class={`dot kind-${String(row["item_type"]).replace(/\W/g, "")}`} aria-hidden="true" />
              <span class="timeline-text">
                {words(row["event"])}{" "}
                {row["item_id"] ? <ItemLink row={row} /> : <bdi class="clip">{String(row["item_name"] || row["page_title"] || row["url_path"] || kind(row["item_type"]))}</bdi>}
                {row["step_name"] ? <span class="muted"> · <bdi>{String(row["step_name"])}</bdi></span> : null}
                <span class="muted small"> {kind(row["item_type"])}{row["url_path"] ? <> · <bdi class="clip">{String(row["url_path"])}</bdi></> : null}{row["preview"] === true ? " · preview" : ""}{row["environment"] && row["environment"] !== "production" ? ` · ${row["environment"]}` : ""}</span>
              </span>
            </li>
          </>
        );
      })}
      {rows.length > mostShown && <li class="muted small">{count(rows.length - mostShown)} earlier ones are in the table</li>}
    </ol>
  );
}
