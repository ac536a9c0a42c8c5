#!/usr/bin/env node
import { existsSync } from "node:fs";
import module from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

const built = new URL("../dist/bundle/main.js", import.meta.url);
if (!existsSync(built)) {
  process.stderr.write("otagate is not built yet; run `npm run demo`, `npm test` or `npm run build` first\n");
  process.exit(7);
}
// Compiled code is kept between starts, in a folder that only its owner can write to. Node 22.8 and later.
if (module.enableCompileCache !== undefined) {
  const cache = process.env.CACHE_DIRECTORY ?? process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");
  module.enableCompileCache(join(cache, "otagate"));
}
const { main } = await import(built.href);
await main(process.argv);
