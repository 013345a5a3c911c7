import type { Row } from "../api";
import { kind } from "../format";
import { link } from "../route";

/** An item by its name, or its id where it has none. What has no id either, as the search has, is its kind alone. */
export function ItemLink({ row }: { row: Row }) {
  const name = String(row["item_name"] || row["item_id"] || kind(row["item_type"]));
  const href = row["item_id"] ? link("item", { item: String(row["item_id"]), kind: String(row["item_type"] ?? "") }) : row["item_type"] === "search" ? link("searches") : link("items", { kind: String(row["item_type"] ?? "") });
  return (
    <a class="item-link" href={href} title={`${kind(row["item_type"])}: ${name}`.slice(0, 500)}>
      <bdi class="clip">{name}</bdi>
    </a>
  );
}

export function UserLink({ user }: { user: string }) {
  return (
    <a class="item-link" href={link("person", { user })} title={user.slice(0, 500)}>
      <bdi class="clip">{user}</bdi>
    </a>
  );
}

export function CompanyLink({ company }: { company: string }) {
  return company ? (
    <a class="item-link" href={link("overview", { audience: `company:${company}` })} title={`Look at ${company} alone`.slice(0, 500)}>
      <bdi class="clip">{company}</bdi>
    </a>
  ) : (
    <span class="muted">No company</span>
  );
}
