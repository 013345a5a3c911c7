import { useState } from "preact/hooks";
import { useAsk } from "../asked";
import { ago } from "../format";
import { go, linkHere, usePlace } from "../route";
import { useScope } from "../session";
import { Figure } from "../ui/figure";
import { Icon } from "../ui/icons";
import { UserLink } from "../ui/links";

/** End users, the last seen first, found by their id or company. */
export default function People() {
  const scope = useScope();
  const { params } = usePlace();
  const [text, setText] = useState(params["search"] ?? "");
  const asked = useAsk("end_users", { account: scope.account, search: params["search"] ?? "", limit: "200" });
  return (
    <div class="grid">
      <Figure
        title="People"
        note="Up to 200, the last seen first"
        asked={asked}
        wide
        size="large"
        limit={50}
        empty={params["search"] ? "Nobody's id or company has this in it." : "No user yet."}
        controls={
          <form class="search" role="search" onSubmit={(event) => (event.preventDefault(), go(linkHere({ search: text })))}>
            <Icon name="searches" size={16} />
            <label class="unseen" for="people-search">Part of a user's id or company</label>
            <input id="people-search" type="search" placeholder="Id or company" value={text} onInput={(event) => setText(event.currentTarget.value)} />
            <button type="submit" class="button">Find</button>
          </form>
        }
        columns={[
          { name: "user_id", label: "User", cell: (row) => <UserLink user={String(row["user_id"])} /> },
          { name: "companies", unit: "list", minor: true },
          { name: "last_seen", unit: "time", cell: (row) => ago(row["last_seen"]) },
          { name: "first_seen", unit: "time", minor: true },
          { name: "country", label: "Place", unit: "text", cell: (row) => <bdi class="clip">{[row["city"], row["country"]].filter(Boolean).join(", ") || "–"}</bdi> },
          { name: "browser", unit: "text", minor: true },
          { name: "os", label: "System", unit: "text", minor: true },
        ]}
      />
    </div>
  );
}

