// How values read: in the reader's own language and with their units.

const locale = typeof navigator === "undefined" ? undefined : navigator.language;
const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 });
const short = new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 });
const roundPercent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 });
const shortDay = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone: "UTC" });
const longDay = new Intl.DateTimeFormat(locale, { weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const moment = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZone: "UTC" });
const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: "UTC" });
const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
const countries = new Intl.DisplayNames(locale, { type: "region" });

/** What stands where there is no value, such as a rate of nothing. */
export const nothing = "–";

export const missing = (value: unknown): value is null | undefined => value === null || value === undefined || value === "" || (typeof value === "number" && !Number.isFinite(value));

/** A number, or NaN where there is none. */
export const number = (value: unknown): number => (typeof value === "number" ? value : typeof value === "string" && value.trim() !== "" ? Number(value) : typeof value === "boolean" ? Number(value) : NaN);

export function count(value: unknown): string {
  const n = number(value);
  return Number.isFinite(n) ? (Number.isInteger(n) || Math.abs(n) >= 100 ? whole : fine).format(n) : nothing;
}

/** A number in a place too narrow for all of its digits. */
export function compact(value: unknown): string {
  const n = number(value);
  return Number.isFinite(n) ? (Math.abs(n) >= 100_000 ? short.format(n) : count(n)) : nothing;
}

export function rate(value: unknown): string {
  const n = number(value);
  if (n !== 0 && Math.abs(n) < 0.0005) {
    return `<${percent.format(0.001)}`;
  }
  return Number.isFinite(n) ? (Math.abs(n) >= 0.995 ? roundPercent : percent).format(n) : nothing;
}

export function seconds(value: unknown): string {
  const n = number(value);
  if (!Number.isFinite(n)) {
    return nothing;
  }
  if (n === 0) {
    return "0 s";
  }
  if (Math.abs(n) < 1) {
    return `${whole.format(n * 1000)} ms`;
  }
  if (Math.abs(n) < 10) {
    return `${new Intl.NumberFormat(locale, { maximumFractionDigits: 1 }).format(n)} s`;
  }
  if (n < 59.5) {
    return `${whole.format(n)} s`;
  }
  const total = Math.round(n);
  if (total < 3600) {
    return total % 60 ? `${Math.floor(total / 60)} min ${total % 60} s` : `${total / 60} min`;
  }
  const minutes = Math.round(total / 60);
  if (minutes < 48 * 60) {
    return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes / 60} h`;
  }
  return `${whole.format(minutes / 60 / 24)} days`;
}

/** A day: 2026-11-26 as 26 Nov. */
export const day = (value: unknown): string => dated(value, shortDay);

export const fullDay = (value: unknown): string => dated(value, longDay);

/** A moment of UTC. ClickHouse's own form, without a zone, is UTC too. */
export const time = (value: unknown): string => dated(value, moment);

export const clockTime = (value: unknown): string => dated(value, clock);

/** When text says it is, in milliseconds; NaN where it says no time. */
export function epoch(value: unknown): number {
  const text = String(value ?? "");
  return Date.parse(/^\d{4}-\d\d-\d\d \d\d:\d\d/.test(text) ? text.replace(" ", "T") + (/[zZ]$|[+-]\d\d:?\d\d$/.test(text) ? "" : "Z") : text);
}

function dated(value: unknown, form: Intl.DateTimeFormat): string {
  const at = epoch(value);
  return Number.isNaN(at) || at <= 0 ? nothing : form.format(at);
}

/** How long ago a moment is. */
export function ago(value: unknown, now = Date.now()): string {
  const past = (now - epoch(value)) / 1000;
  if (!Number.isFinite(past)) {
    return nothing;
  }
  const [size, unit] = past < 90 ? [1, "second" as const] : past < 5400 ? [60, "minute" as const] : past < 129_600 ? [3600, "hour" as const] : [86_400, "day" as const];
  return relative.format(-Math.round(Math.max(0, past) / size), unit);
}

/** A country's name in the reader's language. */
export function country(code: unknown): string {
  const text = String(code ?? "");
  try {
    return /^[A-Z]{2}$/.test(text) ? (countries.of(text) ?? text) : text || "Unknown";
  } catch {
    return text;
  }
}

const kindNames: Readonly<Record<string, string>> = {
  walkthru: "Walk-thru",
  launcher: "Launcher",
  shoutout: "Announcement",
  smarttip: "Tip",
  survey: "Survey",
  task: "Task",
  course: "Course",
  resource: "Resource",
  menu: "Menu",
  search: "Search",
  autoplay: "Auto-play rule",
  page: "Page",
  session: "Session",
  custom: "Custom",
  user: "User",
};

/** An item's kind in words. */
export const kind = (value: unknown): string => kindNames[String(value)] ?? String(value ?? "");

/** Words of a code, such as element_not_found. */
export const words = (value: unknown): string => {
  const text = String(value ?? "").replaceAll("_", " ").trim();
  return text ? text.charAt(0).toUpperCase() + text.slice(1) : "Not said";
};

/** What a value is: the server's units of columns, and those that this page knows of some columns besides. */
export type Unit = "text" | "users" | "plays" | "count" | "rate" | "change" | "seconds" | "days" | "number" | "time" | "date" | "bool" | "list" | "map" | "kind" | "words" | "country";

const numeric: ReadonlySet<string> = new Set<Unit>(["users", "plays", "count", "rate", "change", "seconds", "days", "number"]);

export const isNumeric = (unit: Unit): boolean => numeric.has(unit);

const known: Readonly<Record<string, Unit>> = { item_type: "kind", reason: "words", country_code: "country" };

/** What a column holds: as this page knows it, as the server says, or by its type in ClickHouse. */
export function unitOf(name: string, type = "", unit?: Unit): Unit {
  if (unit) {
    return known[name] ?? unit;
  }
  return /^(Nullable\()?(U?Int|Float|Decimal)/.test(type) ? "number" : /^(Nullable\()?DateTime/.test(type) ? "time" : /^(Nullable\()?Date/.test(type) ? "date" : "text";
}

/** A value as it is read. */
export function show(value: unknown, unit: Unit): string {
  if (missing(value)) {
    return nothing;
  }
  switch (unit) {
    case "users":
    case "plays":
    case "count":
    case "number":
      return count(value);
    case "rate":
      return rate(value);
    case "change":
      return `${number(value) > 0 ? "+" : ""}${rate(value)}`;
    case "seconds":
      return seconds(value);
    case "date":
      return fullDay(value);
    case "time":
      return time(value);
    case "days":
      return `${count(value)} ${number(value) === 1 ? "day" : "days"}`;
    case "bool":
      return value === true || value === 1 || value === "true" || value === "1" ? "Yes" : "No";
    case "kind":
      return kind(value);
    case "words":
      return words(value);
    case "country":
      return country(value);
    case "list":
      return Array.isArray(value) ? value.filter((each) => each !== "").join(", ") || nothing : String(value);
    case "text":
    case "map":
      return typeof value === "object" ? JSON.stringify(value) : String(value);
  }
}

const labels: Readonly<Record<string, string>> = {
  dau: "Daily users",
  wau: "Weekly users",
  mau: "Monthly users",
  item_type: "Kind",
  item_id: "Id",
  item_name: "Item",
  user_id: "User",
  company_id: "Company",
  all: "All tasks",
  took_it: "Took the guide",
  nps: "NPS",
  seconds_to_complete_median: "Time to complete, median",
  url_path: "Page",
  country_code: "Country",
};

/** A column's heading. */
export const label = (name: string): string => labels[name] ?? words(name.replace(/^seconds_/, "").replace(/_p(\d\d)$/, " p$1"));
