// Builds dist, which the console embeds and which is committed, and says how large it is.
//
//   node build.mjs            builds it
//   node build.mjs --check    builds it elsewhere, and fails where it is not the committed one

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { world } from "./world.mjs";

const check = process.argv.includes("--check");
const here = (name) => new URL(name, import.meta.url).pathname;
const fail = (why) => {
  console.error(why);
  process.exit(1);
};

/** Bytes, gzip: what the first page loads before a chart or the map is asked for, and all that any page loads. */
const most = { first: 60 * 1024, all: 250 * 1024 };

writeFileSync(here("src/ui/world.json"), JSON.stringify(world()) + "\n");
execFileSync(here("node_modules/.bin/tsc"), ["-p", here("tsconfig.json")], { stdio: "inherit" });

const result = await build({
  absWorkingDir: here("."),
  entryPoints: { main: "src/main.tsx", theme: "src/theme.ts", style: "src/style/index.css" },
  outdir: "dist/assets",
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  bundle: true,
  splitting: true,
  minify: true,
  format: "esm",
  target: ["chrome123", "firefox128", "safari17.5"],
  jsx: "automatic",
  jsxImportSource: "preact",
  define: { "process.env.NODE_ENV": '"production"' },
  charset: "utf8",
  legalComments: "none",
  metafile: true,
  write: false,
});

/** Every file of dist by its path there. */
const files = new Map(result.outputFiles.map((file) => [file.path.slice(here("dist/").length), Buffer.from(file.contents)]));
const outputs = Object.entries(result.metafile.outputs).map(([path, output]) => ({ path: path.slice("dist/".length), ...output }));
const entry = (source) => outputs.find((output) => output.entryPoint === source).path;

/** What a module loads at once: itself and what it imports, but not what it imports when that is needed. */
function closure(path, into = new Set()) {
  if (!into.has(path)) {
    into.add(path);
    const imports = outputs.find((output) => output.path === path).imports;
    imports.filter((each) => each.kind === "import-statement").forEach((each) => closure(each.path.slice("dist/".length), into));
  }
  return into;
}

const main = entry("src/main.tsx");
const first = [...closure(main)];
const page = readFileSync(here("src/index.html"), "utf8")
  .replace("{{theme}}", `/${entry("src/theme.ts")}`)
  .replace("{{style}}", `/${entry("src/style/index.css")}`)
  .replace("{{main}}", `/${main}`)
  .replace("{{preload}}", first.filter((path) => path !== main).map((path) => `<link rel="modulepreload" href="/${path}">`).join("\n  "));
files.set("index.html", Buffer.from(page));
files.set("icon.svg", readFileSync(here("src/icon.svg")));
files.set("licences.txt", Buffer.from(licences()));

/** licences gathers the texts of what is bundled. */
function licences() {
  const used = new Set(Object.keys(result.metafile.inputs).flatMap((path) => path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1] ?? []));
  used.add("world-atlas");
  const text = (name) => {
    const folder = here(`node_modules/${name}/`);
    const { version, license } = JSON.parse(readFileSync(`${folder}package.json`, "utf8"));
    const parts = readdirSync(folder, { withFileTypes: true }).filter((each) => each.isFile() && /^(licen[cs]e|notice|copying)/i.test(each.name)).map((each) => each.name).sort();
    return [`${name} ${version} (${license})`, ...parts.map((file) => readFileSync(folder + file, "utf8").trim())].join("\n\n");
  };
  return ["The console's page is Waymark's own, Apache-2.0, and has in it:", ...[...used].sort().map(text)].join(`\n\n${"-".repeat(80)}\n\n`) + "\n";
}

const gzip = (path) => gzipSync(files.get(path), { level: 9 }).length;
const sum = (paths) => paths.reduce((total, path) => total + gzip(path), 0);
for (const path of [...files.keys()].filter((name) => !name.endsWith(".txt")).sort()) {
  console.log(`dist/${path}: ${files.get(path).length} bytes, ${gzip(path)} gzip`);
}
const scripts = [...files.keys()].filter((path) => path.endsWith(".js"));
const map = outputs.filter((output) => output.entryPoint === "src/ui/map.tsx").map((output) => output.path);
const sizes = { first: sum(first), all: sum(scripts.filter((path) => !map.includes(path))) };
console.log(`scripts before the first figure: ${sizes.first} gzip, of ${most.first} at most; all without the map: ${sizes.all}, of ${most.all}`);
if (sizes.first > most.first || sizes.all > most.all) {
  fail("the scripts are too large");
}

if (check) {
  const committed = readdirSync(here("dist"), { recursive: true, withFileTypes: true }).filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name).slice(here("dist/").length));
  const other = [...new Set([...committed, ...files.keys()])].filter((path) => !existsSync(here(`dist/${path}`)) || !files.get(path)?.equals(readFileSync(here(`dist/${path}`))));
  if (other.length) {
    fail(`dist is not what its sources build (${other.join(", ")}): make console-web`);
  }
} else {
  rmSync(here("dist"), { recursive: true, force: true });
  for (const [path, bytes] of files) {
    mkdirSync(join(here("dist"), path, ".."), { recursive: true });
    writeFileSync(here(`dist/${path}`), bytes);
  }
}
