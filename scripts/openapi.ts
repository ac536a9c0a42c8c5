import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import swagger from "@fastify/swagger";
import type { FastifyInstance } from "fastify";
import { parseConfig } from "../src/app/config/config.ts";
import { Daemon } from "../src/app/daemon.ts";
import { version } from "../src/app/version.ts";
import { openApiDocument, openApiSettings } from "../src/face/http/open-api.ts";
import { silentLog } from "../src/link/driver.ts";

/** The document of the API, made from its routes. */
export async function openApiText(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "otagate-openapi-"));
  try {
    const prepareApi = async (api: FastifyInstance) => {
      await api.register(swagger, openApiSettings(version));
    };
    const config = parseConfig({
      readers: { enabled: false },
      scp81: { enabled: false },
      modemDiscovery: { enabled: false },
    });
    await using daemon = await Daemon.start({
      config,
      state: folder,
      log: silentLog,
      env: {},
      recordsOnly: true,
      prepareApi,
    });
    return `${JSON.stringify(openApiDocument(daemon.api), null, 2)}\n`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1]?.endsWith("openapi.ts"))
  writeFileSync(new URL("../docs/openapi.json", import.meta.url), await openApiText());
