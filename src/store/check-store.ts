import { existsSync, statSync } from "node:fs";
import { isGatewayError } from "../base/gateway-error.ts";
import type { Seal } from "../gateway/model/store.ts";
import { MarkFile } from "./mark-file.ts";
import { compare, ledgerOf, type SealSource } from "./open-database.ts";
import { checkSeal, sealEvidence } from "./seal-probe.ts";
import { damaged, storageError } from "./storage-error.ts";
import { filesOf, inspectFiles } from "./store-files.ts";

/**
 * Reads a whole store without changing it, and checks that every page is intact, nothing is missing, and the master key
 * matches. Returns its size in octets; undefined if there is none yet. `inUse` while a process has it open.
 * @throws store.corrupt, store.rewound, store.full, store.unavailable, crypto.master-key, config.secret
 */
export async function checkStore(folder: string, seal: SealSource, inUse: boolean): Promise<number | undefined> {
  const { main, marks } = filesOf(folder);
  const before = MarkFile.read(marks);
  if (!inUse) inspectFiles(folder, before);
  if (!existsSync(main)) return undefined;
  const { default: Sqlite } = await import("better-sqlite3");
  const database = new Sqlite(main, { readonly: true });
  try {
    const found = database.pragma("quick_check(1)", { simple: true });
    if (found !== "ok") throw damaged(folder, String(found));
    const known = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'ledger'").get() !== undefined;
    if (known) {
      const ledger = ledgerOf(database);
      if (!inUse) compare(folder, before, ledger);
      const evidence = sealEvidence(database);
      const key = keyOf(seal, evidence.sealed === undefined);
      if (key !== undefined) checkSeal(evidence, key, folder);
    }
    return statSync(main).size;
  } catch (thrown) {
    throw storageError(thrown, folder) ?? thrown;
  } finally {
    database.close();
  }
}

/** The existing seal; none if it would have to be created. @throws crypto.master-key, config.secret */
function keyOf(source: SealSource, mayBeMissing: boolean): Seal | undefined {
  if (typeof source !== "function") return source;
  try {
    return source(false).seal;
  } catch (error) {
    if (mayBeMissing && isGatewayError(error, "crypto.master-key")) return undefined;
    throw error;
  }
}
