import type { Settings } from "./options";
import type { Store } from "./store";

/** What a consent tool says: a word, or the purposes that were agreed to. */
export type Choice = "granted" | "denied" | readonly string[] | Readonly<Record<string, boolean>>;

/** agrees reads a choice. */
export function agrees(choice: Choice, purpose: string): boolean {
  return typeof choice === "string" ? choice === "granted" : Array.isArray(choice) ? choice.includes(purpose) : (choice as Record<string, boolean>)[purpose] === true;
}

/** allowed tells whether anything may be collected: the browser's signals, and what was chosen on this or an earlier page. */
export function allowed(o: Settings, store: Store): boolean {
  const { globalPrivacyControl, doNotTrack } = navigator as Navigator & { globalPrivacyControl?: boolean; doNotTrack?: string };
  if (o.privacy === "honour" && (globalPrivacyControl || doNotTrack === "1")) {
    return false;
  }
  const chosen = store.get("c");
  return o.consentRequired ? chosen === "granted" : chosen !== "denied";
}

/** choose remembers a choice. A refusal leaves nothing behind, and is itself remembered only where the next page would not wait for consent. */
export function choose(o: Settings, stores: readonly Store[], granted: boolean): void {
  for (const store of stores) {
    if (!granted) {
      store.names().forEach((name) => store.remove(name));
      ["v", "s"].forEach((name) => store.remove(name));
    }
  }
  stores[0]!.remove("c");
  (granted || !o.consentRequired) && stores[0]!.set("c", granted ? "granted" : "denied");
}
