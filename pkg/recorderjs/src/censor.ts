// What never leaves the page, and what could not: values that JSON has no word for.

import { attempt } from "./contain";

/** The most values of one event that are looked at, and how deep: a DOM node or a component leads to the whole page. */
const mostValues = 1000;
const deepest = 9;

/**
 * copy returns value as plain JSON: without the properties named in censored (in any letter case), cycles, functions and whatever throws.
 * An element counts as its text. Prototype.js before 1.7 gives arrays a toJSON that makes text of them: the copy's own hides it.
 */
export function copy(value: unknown, censored: readonly string[], hide: string): unknown {
  const names = new Set(censored.map((name) => name.toLowerCase()));
  const above: unknown[] = [];
  let left = mostValues;
  const walk = (v: unknown): unknown => {
    if (typeof v === "bigint") {
      return String(v);
    }
    if (typeof v !== "object" || v === null) {
      return typeof v === "function" || typeof v === "symbol" ? undefined : v;
    }
    if (v instanceof Element) {
      return textOf(v, hide);
    }
    if (v instanceof Date) {
      return attempt(() => v.toISOString());
    }
    if (left-- < 1 || above.length >= deepest || above.includes(v)) {
      return undefined;
    }
    above.push(v);
    let out: unknown;
    if (Array.isArray(v)) {
      out = v.map((item) => walk(item) ?? null);
      (out as { toJSON?: unknown }).toJSON = undefined;
    } else {
      const plain: Record<string, unknown> = {};
      for (const name of Object.keys(v)) {
        if (!names.has(name.toLowerCase())) {
          plain[name] = walk(attempt(() => (v as Record<string, unknown>)[name]));
        }
      }
      out = plain;
    }
    above.pop();
    return out;
  };
  return walk(value);
}

/** textOf is an element's text without what is to be hidden, at most 1024 characters; undefined where the element itself is. */
export function textOf(element: Element | null, hide: string): string | undefined {
  return attempt(() => {
    if (!element || element.closest(hide)) {
      return undefined;
    }
    const clone = element.cloneNode(true) as Element;
    clone.querySelectorAll(hide + ",script,style").forEach((hidden) => hidden.remove());
    return (clone.textContent ?? "").replace(/\s+/g, " ").trim().slice(0, 1024) || undefined;
  });
}
