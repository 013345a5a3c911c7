import { useAsk } from "../asked";
import { ago } from "../format";
import { asParams, useScope } from "../session";
import { Figure } from "../ui/figure";
import { CompanyLink } from "../ui/links";

/** What the users of each company did. */
export default function Companies() {
  const scope = useScope();
  const asked = useAsk("company_engagement", asParams(scope));
  return (
    <div class="grid">
      <Figure
        title="Companies"
        note="A click looks at one company alone"
        asked={asked}
        wide
        size="large"
        sort="-users"
        limit={50}
        empty="No company in these days. A company comes from an e-mail's domain, a page variable, or the SDK's group call."
        columns={[
          { name: "company_id", label: "Company", unit: "text", cell: (row) => <CompanyLink company={String(row["company_id"] ?? "")} /> },
          { name: "users", unit: "users", bar: true },
          { name: "active_days", label: "Active days", unit: "number" },
          { name: "sessions", unit: "count", minor: true },
          { name: "events", unit: "count", minor: true },
          { name: "plays", unit: "plays" },
          { name: "completed", unit: "plays", minor: true },
          { name: "last_seen", label: "Last seen", unit: "time", cell: (row) => ago(row["last_seen"]) },
        ]}
      />
    </div>
  );
}
