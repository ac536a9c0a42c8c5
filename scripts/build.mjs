// Builds the product: every module by itself (what scripts and benches import), and the command `otagate` as few files.
// Plain JavaScript, because it runs before anything is compiled.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const dist = join(root, "dist");

/** One JavaScript file per TypeScript file, with the type check of the build. */
function compile() {
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  return new Promise((resolve) => {
    spawn(process.execPath, [tsc, "-p", "tsconfig.build.json"], { cwd: root, stdio: ["ignore", 2, 2] }).on(
      "exit",
      (code) => resolve(code ?? 1),
    );
  });
}

/**
 * The command in `dist/bundle`: one file per group of modules that are loaded together. What is imported dynamically
 * stays out until it is used. Packages are in it, but for native ones, which are looked up where they are installed.
 * The files are CommonJS, whose compiled code can be kept between starts on every version of Node.
 */
async function bundle() {
  const { optionalDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const folder = join(dist, "bundle.new");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: { main: "src/app/main.ts" },
    outdir: folder,
    outExtension: { ".js": ".cjs" },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    external: [...Object.keys(optionalDependencies), "@serialport/*"],
    sourcemap: "inline",
    sourcesContent: false,
    legalComments: "none",
    metafile: true,
    write: false,
    plugins: [usedOfZod],
    logLevel: "warning",
  });
  for (const { path, text } of outputFiles) {
    // Node hands CommonJS the name of its file where modules have a URL.
    const { code, map } = await transform(text, {
      format: "cjs",
      platform: "node",
      target: "node20",
      supported: { "dynamic-import": false },
      define: { "import.meta.url": "importMetaUrl" },
      banner: '"use strict"; const importMetaUrl = require("node:url").pathToFileURL(__filename).href;',
      sourcefile: basename(path),
      sourcemap: "external",
    });
    writeFileSync(path, `${code}//# sourceMappingURL=${basename(path)}.map\n`);
    writeFileSync(`${path}.map`, map);
  }
  writeFileSync(join(folder, "LICENSES.txt"), licences(metafile.inputs));
  writeFileSync(join(folder, "files.json"), JSON.stringify(filesOf(metafile)));
  const place = join(dist, "bundle");
  rmSync(place, { recursive: true, force: true });
  renameSync(folder, place);
}

/**
 * `import { z }` takes all of zod, its texts in fifty languages included; the namespace takes what is used of it.
 */
const usedOfZod = {
  name: "used-of-zod",
  setup(build) {
    build.onLoad({ filter: /[\\/](src|drivers|simulators)[\\/].*\.ts$/ }, async ({ path }) => ({
      contents: (await readFile(path, "utf8")).replace('import { z } from "zod";', 'import * as z from "zod";'),
      loader: "ts",
    }));
  },
};

/** What each file of the bundle holds and loads: read by the tests that keep heavy parts out of light commands. */
function filesOf({ outputs }) {
  const name = (path) => path.replace(/^dist\/bundle\.new\//, "");
  return Object.fromEntries(
    Object.entries(outputs)
      .filter(([path]) => path.endsWith(".cjs"))
      .map(([path, { bytes, inputs, imports }]) => [
        name(path),
        {
          bytes,
          inputs: Object.keys(inputs),
          imports: imports
            .filter((one) => one.kind === "import-statement" && !one.external)
            .map((one) => name(one.path)),
        },
      ]),
  );
}

/** The licences of the packages inside, as they ask for. */
function licences(inputs) {
  const packages = new Set();
  for (const input of Object.keys(inputs)) {
    const [folder] = /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(input) ?? [];
    if (folder !== undefined) packages.add(folder);
  }
  const parts = [...packages].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
    const texts = readdirSync(join(root, folder))
      .filter((file) => /^(licen[cs]e|notice|copying)/i.test(file))
      .map((file) => readFileSync(join(root, folder, file), "utf8").trim());
    return [`${name} ${version} (${license})`, ...texts].join("\n\n");
  });
  return `${parts.join(`\n\n${"-".repeat(72)}\n\n`)}\n`;
}

if (!existsSync(dist)) mkdirSync(dist);
const [code] = await Promise.all([compile(), bundle()]);
if (code !== 0) process.exit(code);
writeFileSync(join(dist, ".built"), "");
