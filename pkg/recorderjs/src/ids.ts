let sequence = 0;

/**
 * uuid makes a random UUID: of version 7 when it is given a time in Unix milliseconds, so that ids of one page sort as they were made
 * (RFC 9562 §6.2, method 1: a counter in rand_a), otherwise of version 4, which tells nothing. crypto.randomUUID is for secure contexts only.
 */
export function uuid(time?: number): string {
  const random = crypto.getRandomValues(new Uint8Array(16));
  let hex = "";
  for (const byte of random) {
    hex += (byte + 256).toString(16).slice(1);
  }
  const head =
    time === undefined
      ? hex.slice(0, 12) + "4" + hex.slice(13, 16)
      : time.toString(16).padStart(12, "0").slice(-12) + "7" + (sequence++ & 0xfff).toString(16).padStart(3, "0");
  return (head + "89ab"[random[8]! & 3] + hex.slice(17)).replace(/(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
