#!/usr/bin/env node
import { existsSync } from "node:fs";
import module, { createRequire } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const built = fileURLToPath(new URL("../dist/bundle/main.cjs", import.meta.url));
if (!existsSync(built)) {
  process.stderr.write("otagate is not built yet; run `npm run demo`, `npm test` or `npm run build` first\n");
  process.exit(7);
}
// Compiled code is kept between starts, in a folder that only its owner can write to: by Node 22.8 and later, or by us.
const cache = join(process.env.CACHE_DIRECTORY ?? process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "otagate");
const require = createRequire(import.meta.url);
if (module.enableCompileCache !== undefined) module.enableCompileCache(cache);
const use = process.argv.includes("daemon") ? "daemon" : "command";
const { main } =
  module.enableCompileCache === undefined ? require("./code-cache.cjs").loadCached(built, cache, use) : require(built);
await main(process.argv);
