// Builds dist/recorder.js and dist/tours.js, which the edge serves and which are committed, and says how large they are.
//
//   node build.mjs            builds them
//   node build.mjs --check    builds them elsewhere, and fails where they are not the committed ones
//   node build.mjs --package  builds what the npm package has besides: the modules and their types

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const check = process.argv.includes("--check");
const here = (name) => new URL(name, import.meta.url).pathname;
const fail = (why) => {
  console.error(why);
  process.exit(1);
};

mkdirSync(here("dist"), { recursive: true });
execFileSync(here("node_modules/.bin/tsc"), ["--emitDeclarationOnly", "false", "--noEmit", "-p", here("tsconfig.json")], { stdio: "inherit" });
for (const { source, script, name, most } of [
  { source: "src/script.ts", script: "dist/recorder.js", most: 6 * 1024 },
  { source: "src/tours.ts", script: "dist/tours.js", name: "waymarkTours", most: 1024 },
]) {
  const { outputFiles } = await build({
    entryPoints: [here(source)],
    bundle: true,
    minify: true,
    format: "iife",
    ...(name && { globalName: name }),
    target: "es2021",
    charset: "utf8",
    banner: { js: "/* Waymark, Apache-2.0 */" },
    write: false,
  });
  const text = Buffer.from(outputFiles[0].contents);
  const size = gzipSync(text, { level: 9 }).length;
  console.log(`${script}: ${text.length} bytes, ${size} gzip, of ${most} at most`);
  if (size > most) {
    fail(`${script} is too large`);
  }
  if (!check) {
    writeFileSync(here(script), text);
  } else if (!text.equals(readFileSync(here(script)))) {
    fail(`${script} is not what its sources build: make recorder`);
  }
}
if (process.argv.includes("--package")) {
  const modules = [here("src/index.ts"), here("src/tours.ts")];
  await build({ entryPoints: modules, bundle: true, format: "esm", target: "es2021", outdir: here("dist/module") });
  execFileSync(here("node_modules/.bin/tsc"), ["-p", here("tsconfig.json")], { stdio: "inherit" });
}
