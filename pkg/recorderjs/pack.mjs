// Packs the npm package without keeping it, and fails where a file that package.json promises is not in it, or one that nobody needs is.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const here = new URL(".", import.meta.url).pathname;
const packed = JSON.parse(execFileSync("npm", ["pack", "--dry-run", "--json", "--foreground-scripts=false"], { cwd: here, stdio: ["ignore", "pipe", "ignore"] }));
const { files } = Array.isArray(packed) ? packed[0] : Object.values(packed)[0];
const there = new Set(files.map(({ path }) => path));
const { exports, types } = JSON.parse(readFileSync(here + "package.json"));
const promised = Object.values(exports).flatMap((to) => (typeof to === "string" ? [to] : Object.values(to)));
const missing = [types, ...promised].filter((path) => !there.has(path.slice(2)));
const odd = [...there].filter((path) => !/^(dist\/.*\.(js|d\.ts)|package\.json|README\.md|LICENSE)$/.test(path));
const { start } = await import(here + "dist/module/index.js");
const tours = await import(here + "dist/module/tours.js");
if (missing.length || odd.length || typeof start !== "function" || !tours.shepherd || !tours.driver || !tours.intro) {
  console.error("npm package: missing", missing, "odd", odd, "exports", typeof start, Object.keys(tours));
  process.exit(1);
}
console.log(`npm package: ${there.size} files, with what package.json promises`);
