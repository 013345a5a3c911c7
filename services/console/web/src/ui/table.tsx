import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Answer, Row } from "../api";
import { isNumeric, label, missing, number, show, unitOf, type Unit } from "../format";

export interface Column {
  /** The answer's name for it: what is sorted and exported. */
  name: string;
  label?: string;
  unit?: Unit;
  /** A bar behind the number, of the largest in the column. */
  bar?: boolean;
  /** In place of the value as its unit reads. */
  cell?: (row: Row) => ComponentChildren;
  /** Left out on a phone. */
  minor?: boolean;
  /** May break into lines. */
  wrap?: boolean;
}

export const columnsOf = (answer: Answer): Column[] => answer.columns.map(({ name, type, unit }) => ({ name, unit: unitOf(name, type, unit) }));

/** For columns that a page picks and says no unit of: the names of views follow one rule. */
function unitByName(name: string, sample: unknown): Unit {
  const rules: readonly (readonly [RegExp, Unit])[] = [
    [/(^|_)(rate|share|stickiness)$/, "rate"],
    [/^seconds|_seconds/, "seconds"],
    [/^(day|cohort_week)$/, "date"],
    [/(^|_)(time|seen)$|_at$|^minute$/, "time"],
    [/^item_type$/, "kind"],
    [/^reason$/, "words"],
    [/^country_code$/, "country"],
  ];
  return rules.find(([pattern]) => pattern.test(name))?.[1] ?? (typeof sample === "number" ? "count" : "text");
}

interface Props {
  columns: readonly Column[];
  rows: readonly Row[];
  /** What the table holds, for who does not see it. */
  caption: string;
  /** The column sorted by at first, with - before it for the largest first; empty keeps the answer's order. */
  sort?: string | undefined;
  /** Told of another order, where the address keeps it. */
  onSort?: (sort: string) => void;
  /** How many rows before the rest is asked for. */
  limit?: number;
}

/** sorted returns rows by a column, as the table shows them; rows without a value come last. */
export function sorted(rows: readonly Row[], sort: string): readonly Row[] {
  const down = sort.startsWith("-");
  const name = down ? sort.slice(1) : sort;
  if (!name) {
    return rows;
  }
  const compare = (a: Row, b: Row) => {
    const [x, y] = [a[name], b[name]];
    if (missing(x) || missing(y)) {
      return Number(missing(x)) - Number(missing(y));
    }
    const [m, n] = [number(x), number(y)];
    const order = Number.isNaN(m) || Number.isNaN(n) ? String(x).localeCompare(String(y), undefined, { numeric: true }) : m - n;
    return down ? -order : order;
  };
  return [...rows].sort(compare);
}

export function Table({ columns, rows, caption, sort = "", onSort, limit = 12 }: Props) {
  const [own, setOwn] = useState<string>();
  const [all, setAll] = useState(false);
  const order = (onSort ? sort : own) ?? sort;
  const units = columns.map((column) => column.unit ?? unitByName(column.name, rows[0]?.[column.name]));
  const largest = columns.map((column) => (column.bar ? Math.max(...rows.map((row) => number(row[column.name]) || 0), 0) : 0));
  const ordered = sorted(rows, order);
  const shown = all ? ordered : ordered.slice(0, limit);
  const turn = (name: string, numeric: boolean) => {
    const next = order === name ? `-${name}` : order === `-${name}` ? name : numeric ? `-${name}` : name;
    onSort ? onSort(next) : setOwn(next);
  };
  return (
    <div class="table-wrap" tabIndex={0} role="region" aria-label={`Table: ${caption}`}>
      <table>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column, i) => {
              const numeric = isNumeric(units[i]!);
              const direction = order === column.name ? "ascending" : order === `-${column.name}` ? "descending" : undefined;
              return (
                <th key={column.name} scope="col" class={`${numeric ? "number" : ""} ${column.minor ? "minor" : ""}`} aria-sort={direction ?? "none"}>
                  <button type="button" onClick={() => turn(column.name, numeric)}>
                    {column.label ?? label(column.name)}
                    <span class="arrow" aria-hidden="true">
                      {direction === "ascending" ? "↑" : direction === "descending" ? "↓" : ""}
                    </span>
                  </button>
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {shown.map((row, r) => (
            <tr key={r}>
              {columns.map((column, i) => {
                const unit = units[i]!;
                const value = row[column.name];
                const text = show(value, unit);
                const content = column.cell ? column.cell(row) : text;
                return (
                  <td key={column.name} class={`${isNumeric(unit) ? "number" : ""} ${column.minor ? "minor" : ""} ${column.wrap ? "wrap" : ""}`} title={!column.cell && text.length > 28 ? text.slice(0, 1000) : undefined}>
                    {largest[i] ? (
                      <span class="bar-cell">
                        <Bar share={(number(value) || 0) / largest[i]} />
                        <span>{content}</span>
                      </span>
                    ) : isNumeric(unit) || column.cell ? (
                      content
                    ) : (
                      <bdi class="clip">{content}</bdi>
                    )}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > limit && (
        <p class="more">
          <button type="button" class="link" onClick={() => setAll(!all)} aria-expanded={all}>
            {all ? "Show fewer" : `Show all ${rows.length.toLocaleString()}`}
          </button>
        </p>
      )}
    </div>
  );
}

/** A bar of a share between 0 and 1. It is drawn as SVG, whose lengths are attributes and not styles. */
export function Bar({ share, tone = 1 }: { share: number; tone?: 1 | 2 | 3 | 4 | 5 }) {
  return (
    <svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false">
      <rect class="bar-back" width="100" height="8" />
      <rect class={`bar-fill tone-${tone}`} width={Math.max(0, Math.min(100, share * 100 || 0))} height="8" />
    </svg>
  );
}
