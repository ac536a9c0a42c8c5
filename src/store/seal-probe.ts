import type BetterSqlite3 from "better-sqlite3";
import { GatewayError } from "../base/gateway-error.ts";
import type { Seal } from "../gateway/model/store.ts";

const purpose = "probe";
const text = Buffer.from("otagate master key");

interface Sealed {
  readonly purpose: string;
  readonly material: Uint8Array;
}

/** Data in the store that are sealed with the master key. */
interface SealEvidence {
  readonly probe: Uint8Array | null;
  /** A key set or other sealed record: the only check in a store without a probe. */
  readonly sealed: Sealed | undefined;
}

export function sealEvidence(database: BetterSqlite3.Database): SealEvidence {
  const probe = database.prepare<[], { probe: Uint8Array | null }>("SELECT probe FROM ledger").get()?.probe ?? null;
  const keySet = database.prepare<[], Sealed>("SELECT id AS purpose, material FROM key_set LIMIT 1").get();
  return { probe, sealed: keySet ?? sealedRecord(database) };
}

/** A record with a sealed part; a store that was not migrated yet has none. */
function sealedRecord(database: BetterSqlite3.Database): Sealed | undefined {
  const known = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'campaign_secret'").get() !== undefined;
  if (!known) return undefined;
  for (const table of ["target", "job", "campaign"]) {
    const found = database
      .prepare<[], Sealed>(
        `SELECT '${table}:' || id AS purpose, secret AS material FROM ${table} WHERE secret IS NOT NULL LIMIT 1`,
      )
      .get();
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether the store's keys were sealed with this seal. @throws crypto.master-key */
export function checkSeal({ probe, sealed }: SealEvidence, seal: Seal, folder: string): void {
  const refusal = (cause?: unknown) =>
    new GatewayError(
      "crypto.master-key",
      `the master key is not the one that sealed the keys in ${folder}: restore that key where masterKey in the configuration points, or as ${folder}/master.key if masterKey is not set`,
      { detail: { folder, key: "masterKey" }, cause },
    );
  let fits = true;
  try {
    if (probe !== null) fits = text.equals(seal.open(probe, purpose));
    else if (sealed !== undefined) seal.open(sealed.material, sealed.purpose);
  } catch (cause) {
    throw refusal(cause);
  }
  if (!fits) throw refusal();
}

/** Seals a new probe. */
export function putProbe(database: BetterSqlite3.Database, seal: Seal): void {
  database.prepare("UPDATE ledger SET probe = ?").run(seal.seal(text, purpose));
}
