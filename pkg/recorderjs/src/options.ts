import type { Listener } from "./contain";

/** Where a value of the page is read from: the first of them that yields one. It is read anew for each event. */
export interface Source {
  /** A global variable's path, as "app.user.id". */
  variable?: string;
  /** A cookie's name. */
  cookie?: string;
  /** An element, whose text counts. */
  selector?: string;
  /** A function of the page. */
  get?: () => unknown;
}

/** What a page may decide. Each name is also an attribute of the script's tag: batchAge is data-batch-age; functions only in code. */
export interface Options {
  /** The account's write key. */
  key: string;
  /** Where events go. Default: v1/events in the folder that the script came from. */
  endpoint?: string;
  /** Where visitor, session and queue are kept. Default local (localStorage); cookie keeps visitor and session in cookies; memory keeps nothing. */
  storage?: "local" | "cookie" | "memory";
  /** The cookies' domain, with storage cookie. Default: this host alone. */
  cookieDomain?: string;
  /** Page views by itself. Default true. */
  views?: boolean;
  /** The part behind # names pages. Default false: it is cut off. */
  hash?: boolean;
  /** Milliseconds after a navigation at which the title is read. Default 100. */
  settle?: number;
  /** Minutes without activity that end a session. Default 30. */
  sessionMinutes?: number;
  /** The end user's identifier. Text is the identifier itself. Default none: anonymous. */
  user?: string | Source;
  /** What the row says of where it came from. Default: cookie, variable or element, as it was found. */
  provider?: string;
  /** Send SHA-256 of salt and identifier, base64, in its place. Without crypto.subtle (http) none is sent. Default false. */
  hashUser?: boolean;
  /** The salt. Default empty. */
  salt?: string;
  /** The end user's company. */
  company?: string | Source;
  /** production, test, … Default: production. */
  environment?: string;
  /** Everything here is an author's preview. Default false. */
  preview?: boolean;
  /** Decides before each event whether anything is collected. An error counts as no. Default: window.waymarkGate, where there is one. */
  gate?: () => unknown;
  /** Elements that no text is read from, as a selector, besides [data-waymark-hide] and .waymark-hide. */
  hide?: string;
  /** Properties that never leave the page, by name: url, query, title, referrer, screen, language, timezone, and any of one's own. */
  censor?: readonly string[];
  /** Do nothing, and keep nothing, before consent("granted"). Default false. */
  consentRequired?: boolean;
  /** The purpose that counts where consent is given by purposes. Default analytics. */
  purpose?: string;
  /** Global Privacy Control and Do Not Track: honour collects nothing, carry leaves them to their headers. Default honour. */
  privacy?: "honour" | "carry";
  /** A batch goes at so many events, UTF-16 characters, or milliseconds after its first event. Defaults 20, 30000, 5000. */
  batchEvents?: number;
  batchBytes?: number;
  batchAge?: number;
  /** UTF-16 characters that wait at most; beyond, the oldest are dropped and counted. Default 262144. */
  queueBytes?: number;
  /** Hears of errors that were contained. Default: nobody. */
  onError?: Listener;
}

export type Settings = Options & Required<Pick<Options, keyof typeof defaults>> & { endpoint: string; censor: readonly string[] };

const defaults = {
  storage: "local",
  views: true,
  settle: 100,
  sessionMinutes: 30,
  purpose: "analytics",
  privacy: "honour",
  batchEvents: 20,
  batchBytes: 30000,
  batchAge: 5000,
  queueBytes: 262144,
} as const;

/** withDefaults fills in what options leave out. base is the URL that the script came from. */
export function withDefaults(options: Options, base: string): Settings {
  return { endpoint: new URL(options.endpoint ?? "v1/events", base).href, censor: [], ...defaults, ...options } as Settings & Options;
}

/** fromTag reads the attributes of the script's tag; undefined where it names no key. */
export function fromTag(tag: HTMLScriptElement | null): Options | undefined {
  const out: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(tag?.dataset ?? {})) {
    const [, whose, where] = /^(user|company)(Variable|Cookie|Selector)$/.exec(name) ?? [];
    if (whose) {
      out[whose] = { ...(out[whose] as object), [where!.toLowerCase()]: text };
    } else if (name === "censor") {
      out[name] = text!.split(",");
    } else if (/^(views|hash|hashUser|preview|consentRequired)$/.test(name)) {
      out[name] = text !== "false";
    } else {
      out[name] = /^(settle|session|batch|queue)/.test(name) ? Number(text) : text;
    }
  }
  return out["key"] ? (out as unknown as Options) : undefined;
}
