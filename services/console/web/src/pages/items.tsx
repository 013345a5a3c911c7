import { records, type Row } from "../api";
import { useAsk } from "../asked";
import { count, kind, nothing, number } from "../format";
import { go, linkHere, usePlace } from "../route";
import { asParams, beforeParams, useScope } from "../session";
import { exportRows, Stated } from "../ui/figure";
import { explain } from "../ui/explain";
import { Icon } from "../ui/icons";
import { Change } from "../ui/kpi";
import { ItemLink } from "../ui/links";
import { Table, type Column } from "../ui/table";

/** Columns that mean something for every kind, and those of items that are played. */
const all: readonly Column[] = [
  { name: "item_name", label: "Item", cell: (row) => <ItemLink row={row} /> },
  { name: "item_type", label: "Kind", unit: "kind", minor: true },
  { name: "exposed_users", label: "Exposed", unit: "users", minor: true },
  { name: "interacting_users", label: "Interacting", unit: "users", bar: true },
  { name: "engagement_rate", label: "Engagement", unit: "rate" },
];
const played: readonly Column[] = [
  { name: "plays", label: "Plays", unit: "plays", cell: (row) => ofPlays(row, "plays") },
  { name: "completion_rate", label: "Completed", unit: "rate" },
  { name: "goal_rate", label: "Goal reached", unit: "rate", minor: true },
  { name: "failed", label: "Failed", unit: "plays", minor: true, cell: (row) => ofPlays(row, "failed") },
];

/** What is never played has no plays, rather than none. */
const ofPlays = (row: Row, name: string) => (row["item_type"] === "walkthru" || row["item_type"] === "autoplay" || number(row[name]) > 0 ? count(row[name]) : nothing);

const dismissed: Column = { name: "dismissed", label: "Dismissed", unit: "plays", minor: true };

/** Every item of the account: found by kind, by name or id, and by any column. */
export default function Items() {
  const scope = useScope();
  const { params } = usePlace();
  const asked = useAsk("item_engagement", asParams(scope));
  const before = useAsk("item_engagement", beforeParams(scope));
  const rows = records(asked.answer);
  const old = new Map(records(before.answer).map((row) => [`${row["item_type"]} ${row["item_id"]}`, row]));
  const kinds = [...new Set(rows.map((row) => String(row["item_type"])))].sort((a, b) => kind(a).localeCompare(kind(b)));
  const search = (params["search"] ?? "").toLocaleLowerCase();
  const chosen = params["kind"] ?? "";
  const shown = rows.filter((row) => (!chosen || row["item_type"] === chosen) && (!search || `${row["item_name"]}\n${row["item_id"]}`.toLocaleLowerCase().includes(search)));
  const change: Column = { name: "engagement_change", label: "Change", unit: "rate", minor: true, cell: (row) => <Change value={row["engagement_rate"]} before={row["engagement_before"]} unit="rate" more="better" /> };
  const columns = [...all, ...(scope.before ? [change] : []), ...(!chosen || shown.some((row) => number(row["plays"]) > 0) ? played : []), ...(chosen && shown.some((row) => number(row["dismissed"]) > 0) ? [dismissed] : [])];
  const compared = shown.map((row): Row => {
    const then = old.get(`${row["item_type"]} ${row["item_id"]}`)?.["engagement_rate"];
    return { ...row, engagement_before: then, engagement_change: number(row["engagement_rate"]) - number(then) };
  });
  return (
    <section class="card figure large wide" aria-label="Items" aria-busy={asked.state === "waiting"}>
      <header class="tools">
        <label class="search">
          <Icon name="searches" size={16} />
          <span class="unseen">Search by name or id</span>
          <input type="search" placeholder="Search by name or id" value={params["search"] ?? ""} onInput={(event) => go(linkHere({ search: event.currentTarget.value }), "replace")} />
        </label>
        <div class="segments" role="group" aria-label="Kind">
          <button type="button" aria-pressed={!chosen} onClick={() => go(linkHere({ kind: undefined }))}>All</button>
          {kinds.map((each) => (
            <button key={each} type="button" aria-pressed={chosen === each} onClick={() => go(linkHere({ kind: each }))}>{kind(each)}</button>
          ))}
        </div>
      </header>
      <div class="figure-body">
        <Stated asked={asked} empty={shown.length === 0} instead={rows.length ? "No item matches." : "No item had an event in these days for this audience."}>
          <Table columns={columns} rows={compared} caption="Items" sort={params["sort"] ?? "-interacting_users"} onSort={(sort) => go(linkHere({ sort }), "replace")} limit={50} />
        </Stated>
      </div>
      {asked.answer && (
        <footer>
          <button type="button" class="link" onClick={() => explain("Items", [{ question: "item_engagement", answer: asked.answer! }])}>
            <Icon name="info" size={15} /> How is this computed?
          </button>
          <span class="grow" />
          <span class="muted small">{shown.length} of {rows.length} items</span>
          <button type="button" class="link" onClick={() => exportRows("Items", columns, compared)}>
            <Icon name="csv" size={15} /> CSV
          </button>
        </footer>
      )}
    </section>
  );
}
