// Arithmetic over rows of an answer.

import type { Row } from "./api";
import { addDays, days, type Span } from "./dates";
import { number } from "./format";

/** The sum of a column; null where there is no row. */
export const sum = (rows: readonly Row[], name: string): number | null => (rows.length ? rows.reduce((total, row) => total + (number(row[name]) || 0), 0) : null);

/** A column's last value; null where there is none. */
export const last = (rows: readonly Row[], name: string): number | null => (rows.length ? number(rows.at(-1)![name]) : null);

/** a by b; null where b is nothing. */
export const ratio = (a: number | null, b: number | null): number | null => (a !== null && b ? a / b : null);

/** A column by day over a whole span: days without a row have the value that an absent row means. */
export function byDay(rows: readonly Row[], name: string, span: Span, absent: number | null = 0): (number | null)[] {
  const values = new Map(rows.map((row) => [String(row["day"]).slice(0, 10), number(row[name])]));
  return days(span.from, span.to).map((day) => {
    const value = values.get(day);
    return value === undefined || Number.isNaN(value) ? absent : value;
  });
}

/** The days of a span, and those of the span compared with in the same places. */
export const axis = (span: Span, before: Span | undefined) => {
  const x = days(span.from, span.to);
  return { x, xBefore: before && x.map((_, i) => addDays(before.from, i)) };
};
