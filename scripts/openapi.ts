import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseConfig } from "../src/app/config.ts";
import { Daemon } from "../src/app/daemon.ts";
import { silentLog } from "../src/link/driver.ts";

/** The API's document as a daemon serves it, as text. */
export async function openApiText(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "otagate-openapi-"));
  try {
    const config = parseConfig({
      readers: { enabled: false },
      scp81: { enabled: false },
      modemDiscovery: { enabled: false },
    });
    await using daemon = await Daemon.start({ config, state: folder, log: silentLog, env: {} });
    const answer = await daemon.api.inject("/v1/openapi.json");
    return `${JSON.stringify(answer.json(), null, 2)}\n`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1]?.endsWith("openapi.ts"))
  writeFileSync(new URL("../docs/openapi.json", import.meta.url), await openApiText());
