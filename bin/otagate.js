#!/usr/bin/env node
import { existsSync } from "node:fs";

const built = new URL("../dist/bundle/main.js", import.meta.url);
if (!existsSync(built)) {
  process.stderr.write("otagate is not built yet; run `npm run demo`, `npm test` or `npm run build` first\n");
  process.exit(7);
}
const { main } = await import(built.href);
await main(process.argv);
