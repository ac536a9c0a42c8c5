#!/usr/bin/env node
import { existsSync } from "node:fs";
import module, { createRequire } from "node:module";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";

const built = fileURLToPath(new URL("../dist/bundle/main.cjs", import.meta.url));
if (!existsSync(built)) {
  process.stderr.write("otagate is not built yet; run `npm run demo`, `npm test` or `npm run build` first\n");
  process.exit(7);
}
// Compiled code is kept between starts, in a folder that only its owner can write to: by Node 22.8 and later, or by us.
const { CACHE_DIRECTORY, XDG_CACHE_HOME } = process.env;
const cache = join(CACHE_DIRECTORY || XDG_CACHE_HOME || join(homedir(), ".cache"), "otagate");
const require = createRequire(import.meta.url);
const load = () => {
  if (!isAbsolute(cache)) return require(built);
  if (module.enableCompileCache === undefined) {
    const use = process.argv.includes("daemon") ? "daemon" : "command";
    return require("./code-cache.cjs").loadCached(built, cache, use);
  }
  module.enableCompileCache(cache);
  return require(built);
};
await load().main(process.argv);
