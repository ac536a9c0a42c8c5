import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { packageRoot } from "./version.ts";

/**
 * The OpenAPI document of the package, docs/openapi.json. It is generated from the routes by scripts/openapi.ts, since
 * this takes longer than the start of a daemon; a test compares the two.
 */
export function openApiText(): Promise<string> {
  return readFile(join(packageRoot, "docs", "openapi.json"), "utf8");
}
