import type { Settings } from "./options";
import type { Store } from "./store";

/** What a consent tool says: a word, or the purposes that were agreed to. */
export type Choice = "granted" | "denied" | readonly string[] | Readonly<Record<string, boolean>>;

/** allowed tells whether anything may be collected: the browser's signals, and what was chosen on this or an earlier page. */
export function allowed(o: Settings, store: Store): boolean {
  const { globalPrivacyControl, doNotTrack } = navigator as Navigator & { globalPrivacyControl?: boolean; doNotTrack?: string };
  if (o.privacy === "honour" && (globalPrivacyControl || doNotTrack === "1")) {
    return false;
  }
  return (store.get("c") ?? (o.consentRequired && "denied")) !== "denied";
}

/** choose remembers a choice, a consent as events carry it. A refusal leaves nothing behind, and is itself remembered only where the next page would not wait for consent. */
export function choose(o: Settings, stores: readonly Store[], choice: Choice): void {
  const purposes = Array.isArray(choice) ? Object.fromEntries(choice.map((name) => [name, true])) : (choice as Record<string, boolean>);
  const granted = choice === "granted" || purposes[o.purpose] === true;
  granted || stores.forEach((store) => [...store.names(), "v", "s", "c"].forEach((name) => store.remove(name)));
  (granted || !o.consentRequired) && stores[0]!.set("c", granted ? JSON.stringify(choice === "granted" ? choice : { status: "granted", purposes }) : "denied");
}
