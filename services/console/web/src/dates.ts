// Days of UTC, written YYYY-MM-DD, as the views take them.

const dayMs = 86_400_000;

export const isDay = (text: string | undefined): text is string => !!text && /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) && toDay(Date.parse(text)) === text;

export const toDay = (at: number): string => new Date(at).toISOString().slice(0, 10);

export const today = (): string => toDay(Date.now());

export const addDays = (day: string, days: number): string => toDay(Date.parse(day) + days * dayMs);

/** How many days a span has, both ends counted. */
export const length = (from: string, to: string): number => Math.round((Date.parse(to) - Date.parse(from)) / dayMs) + 1;

/** Each day of a span. */
export const days = (from: string, to: string): string[] => Array.from({ length: Math.max(0, length(from, to)) }, (_, i) => addDays(from, i));

export interface Span {
  from: string;
  to: string;
}

export type Comparison = "previous" | "year" | "none";

/** What a span is compared with: the one just before it, or the same weekdays a year (52 weeks) ago. */
export function comparedWith(span: Span, comparison: Comparison): Span | undefined {
  if (comparison === "none") {
    return undefined;
  }
  const back = comparison === "year" ? 364 : length(span.from, span.to);
  return { from: addDays(span.from, -back), to: addDays(span.to, -back) };
}

/** Spans that are one click away. */
export function presets(now = today()): { name: string; span: Span }[] {
  const month = now.slice(0, 8) + "01";
  const before = addDays(month, -1);
  return [
    { name: "Today", span: { from: now, to: now } },
    { name: "Last 7 days", span: { from: addDays(now, -6), to: now } },
    { name: "Last 28 days", span: { from: addDays(now, -27), to: now } },
    { name: "Last 90 days", span: { from: addDays(now, -89), to: now } },
    { name: "Last 12 months", span: { from: addDays(now, -364), to: now } },
    { name: "This month", span: { from: month, to: now } },
    { name: "Last month", span: { from: before.slice(0, 8) + "01", to: before } },
  ];
}
