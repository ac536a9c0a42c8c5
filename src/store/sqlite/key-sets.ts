import type { Selectable } from "kysely";
import { GatewayError } from "../../base/gateway-error.ts";
import type { TargetId } from "../../base/id.ts";
import { Secret } from "../../base/secret.ts";
import { type KeySet, type KeySetInfo, type KeySetRepository, maxCounter } from "../../gateway/model/key-set.ts";
import type { Seal } from "../../gateway/model/store.ts";
import type { KeptKeySets } from "../kept-key-sets.ts";
import type { Statements } from "../statements.ts";
import { stored } from "../stored.ts";

/** The columns of the table. JSON is text, times are milliseconds. */
interface KeySetTables {
  key_set: {
    id: string;
    target: string;
    type: string;
    kvn: number;
    tars: string;
    algorithm: string;
    cc_length: number;
    cntr: number;
    heard_cntr: number | null;
    psk_identity: string | null;
    material: Uint8Array;
  };
}

type Row = Selectable<KeySetTables["key_set"]>;
const infoColumns = ["id", "target", "type", "kvn", "tars", "algorithm", "cc_length", "cntr", "psk_identity"] as const;

function info(row: Omit<Row, "material" | "heard_cntr">): KeySetInfo {
  return {
    id: row.id,
    target: stored<TargetId>(row.target),
    type: stored<KeySetInfo["type"]>(row.type),
    kvn: row.kvn,
    tars: row.tars === "" ? [] : row.tars.split(",").map((tar) => stored(tar)),
    algorithm: stored<KeySetInfo["algorithm"]>(row.algorithm),
    ccLength: row.cc_length,
    cntr: row.cntr,
    ...(row.psk_identity === null ? {} : { pskIdentity: row.psk_identity }),
  };
}

/** Key values to be sealed, as a sequence of `id length value`. */
function packKeys(keys: ReadonlyMap<number, Secret>): Uint8Array {
  return Buffer.concat([...keys].map(([id, key]) => Buffer.concat([Buffer.from([id, key.length]), key.reveal()])));
}

function unpackKeys(bytes: Uint8Array): Map<number, Secret> {
  const keys = new Map<number, Secret>();
  for (let at = 0; at + 2 <= bytes.length; ) {
    const length = bytes[at + 1] ?? 0;
    keys.set(bytes[at] ?? 0, new Secret(bytes.slice(at + 2, at + 2 + length)));
    at += 2 + length;
  }
  return keys;
}

/** Capitals as SQLite's `upper` makes them. */
function asciiUpper(text: string): string {
  return text.replace(/[a-z]/g, (letter) => letter.toUpperCase());
}

/** Key sets with sealed values; counters in a column of their own, and `noted` called for each that goes up. */
export function keySetRepository(
  s: Statements,
  seal: Seal,
  kept: KeptKeySets,
  noted: (keySet: string, value: number) => void,
): KeySetRepository {
  const counted = (keySet: string, value: number): void => {
    kept.counted(keySet, value);
    noted(keySet, value);
  };
  const db = s.tables<KeySetTables>();
  const opened = (row: Row): KeySet => ({ ...info(row), keys: unpackKeys(seal.open(row.material, row.id)) });
  const ofTarget = s.prepare((target: string) =>
    db.selectFrom("key_set").select(infoColumns).where("target", "=", target).orderBy("type").orderBy("kvn"),
  );
  const ofType = s.prepare((target: string, type: string) =>
    db.selectFrom("key_set").selectAll().where("target", "=", target).where("type", "=", type).orderBy("kvn"),
  );
  const raiseByOne = s.prepare((id: string) =>
    db
      .updateTable("key_set")
      .set((eb) => ({ cntr: eb("cntr", "+", 1) }))
      .where("id", "=", id)
      .where("cntr", "<", maxCounter)
      .returning("cntr"),
  );
  const acceptStatement = s.prepare((id: string, cntr: number) =>
    db
      .updateTable("key_set")
      .set({ heard_cntr: cntr })
      .where("id", "=", id)
      .where((eb) => eb.or([eb("heard_cntr", "is", null), eb("heard_cntr", "<", cntr)])),
  );
  return {
    async put(set) {
      const tars = [...set.tars].sort().join(",");
      const before = await s.first(
        db
          .selectFrom("key_set")
          .select(["id", "cntr", "heard_cntr", "material"])
          .where("target", "=", set.target)
          .where("type", "=", set.type)
          .where("kvn", "=", set.kvn)
          .where("tars", "=", tars),
      );
      const id = before?.id ?? set.id;
      const packed = packKeys(set.keys);
      // With other keys the card starts counting again.
      const same = before !== undefined && Buffer.from(seal.open(before.material, id)).equals(packed);
      const values = {
        id,
        target: set.target,
        type: set.type,
        kvn: set.kvn,
        tars,
        algorithm: set.algorithm,
        cc_length: set.ccLength,
        cntr: Math.max(set.cntr, before?.cntr ?? 0),
        psk_identity: set.pskIdentity ?? null,
        heard_cntr: same ? before.heard_cntr : null,
        material: seal.seal(packed, id),
      };
      if (before === undefined) await s.run(db.insertInto("key_set").values(values));
      else await s.run(db.updateTable("key_set").set(values).where("id", "=", id));
      kept.clear();
      noted(id, values.cntr);
    },
    async list(target) {
      return (await ofTarget.all(target)).map(info);
    },
    async open(target, type) {
      const known = kept.find(target, type);
      if (known !== undefined) return [...known];
      const sets = (await ofType.all(target, type)).map(opened);
      kept.opened(target, type, sets);
      return [...sets];
    },
    async withPskIdentity(identity) {
      const rows = await s.all(
        db
          .selectFrom("key_set")
          .select(infoColumns)
          .where("psk_identity", "is not", null)
          .where(({ fn }) => fn<string>("upper", ["psk_identity"]), "=", asciiUpper(identity))
          .orderBy("target"),
      );
      return rows.map(info);
    },
    async remove(id) {
      const changed = await s.run(db.deleteFrom("key_set").where("id", "=", id));
      kept.clear();
      return changed > 0;
    },
    async nextCounter(id) {
      const row = await raiseByOne.first(id);
      if (row === undefined)
        throw new GatewayError("crypto.key", "the counter of the key set is exhausted, or the key set was removed", {
          detail: { keySet: id },
        });
      counted(id, row.cntr);
      return row.cntr;
    },
    async acceptCounter(id, cntr) {
      return (await acceptStatement.run(id, cntr)) > 0;
    },
    async raiseCounter(id, floor) {
      const value = Math.min(floor, maxCounter);
      const changed = await s.run(
        db.updateTable("key_set").set({ cntr: value }).where("id", "=", id).where("cntr", "<", value),
      );
      if (changed > 0) counted(id, value);
    },
  };
}
