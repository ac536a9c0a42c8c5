import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { packageRoot } from "./version.ts";

/**
 * The OpenAPI document of the package, docs/openapi.json. It is made from the routes by scripts/openapi.ts, which takes
 * longer than a daemon takes to start; a test compares the two.
 */
export function openApiText(): Promise<string> {
  return readFile(join(packageRoot, "docs", "openapi.json"), "utf8");
}
