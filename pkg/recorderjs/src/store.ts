import { attempt } from "./contain";

/** Names and their texts. Nothing of it throws: what a browser does not let us keep is kept until the page ends. */
export interface Store {
  get(name: string): string | undefined;
  set(name: string, text: string): void;
  remove(name: string): void;
  /** The names there are. */
  names(): string[];
}

/** openStore keeps its texts in localStorage under prefix, and in memory where that is blocked or full, or not wanted. */
export function openStore(prefix: string, persistent: boolean): Store {
  const memory = new Map<string, string>();
  // Reading window.localStorage throws in a sandboxed frame, and where the user blocks a site's data.
  const disk = persistent ? attempt(() => window.localStorage) : undefined;
  return {
    get: (name) => memory.get(name) ?? attempt(() => disk?.getItem(prefix + name)) ?? undefined,
    set(name, text) {
      if (disk && attempt(() => (disk.setItem(prefix + name, text), true))) {
        memory.delete(name);
      } else {
        memory.set(name, text);
      }
    },
    remove(name) {
      memory.delete(name);
      attempt(() => disk?.removeItem(prefix + name));
    },
    names() {
      const onDisk = attempt(() => Object.keys(disk ?? {})) ?? [];
      return [...memory.keys(), ...onDisk.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length))];
    },
  };
}

/** readCookie returns a cookie's text; undefined where there is none, or none may be read. */
export function readCookie(name: string): string | undefined {
  return attempt(() => {
    const found = document.cookie.split("; ").find((cookie) => cookie.startsWith(name + "="));
    return found && decodeURIComponent(found.slice(name.length + 1));
  });
}

/** openCookies keeps a few short texts in cookies, so that a domain's hosts share them. What no cookie takes is kept in rest. */
export function openCookies(prefix: string, domain: string | undefined, rest: Store): Store {
  const write = (name: string, text: string, seconds: number) =>
    attempt(() => {
      document.cookie =
        `${prefix}${name}=${encodeURIComponent(text)};path=/;max-age=${seconds};SameSite=Lax` +
        (domain ? ";domain=" + domain : "") +
        (location.protocol === "https:" ? ";Secure" : "");
    });
  return {
    get: (name) => readCookie(prefix + name) ?? rest.get(name),
    set(name, text) {
      write(name, text, 34560000); // 400 days, the most that browsers keep (RFC 6265bis)
      readCookie(prefix + name) === text || rest.set(name, text);
    },
    remove(name) {
      write(name, "", 0);
      rest.remove(name);
    },
    names: () => rest.names(),
  };
}
