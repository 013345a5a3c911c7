import { useAsk } from "../asked";
import { ago } from "../format";
import { asParams, useScope } from "../session";
import { Figure } from "../ui/figure";

/** What people looked for and did not find: the next thing to write. */
export default function Searches() {
  const scope = useScope();
  const asked = useAsk("search_without_result", asParams(scope));
  return (
    <div class="grid">
      <Figure
        title="Searches without a result"
        note="What people looked for in the menu and did not find: the next thing to write"
        asked={asked}
        wide
        size="large"
        sort="-searches"
        limit={50}
        empty="Every search found something."
        columns={[
          { name: "query", label: "Searched for", unit: "text" },
          { name: "searches", unit: "count", bar: true },
          { name: "users", unit: "users" },
          { name: "last_time", label: "Last", unit: "time", cell: (row) => ago(row["last_time"]) },
        ]}
      />
    </div>
  );
}
