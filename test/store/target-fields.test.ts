import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { packageRoot } from "../../src/app/version.ts";
import { SqliteStore } from "../../src/store/sqlite-store.ts";

const noSeal = { seal: (clear: Uint8Array) => clear, open: (sealed: Uint8Array) => sealed };
const eid = "89001012012341234012345678901224";
const secret = "A1B2C3D4E5F60718293A4B5C6D7E8F90";
const plainIccid = "8988247000000000015";
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "otagate-fields-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A store as an older version left it, with these targets. */
async function oldStore(bodies: readonly Record<string, unknown>[]): Promise<void> {
  await (await SqliteStore.open(folder, noSeal))[Symbol.asyncDispose]();
  const database = new Sqlite(join(folder, "otagate.db"));
  database.exec("DELETE FROM migration WHERE name = '0015-target-fields'; DROP INDEX key_set_psk_name");
  for (const [index, body] of bodies.entries()) {
    const id = `tgt_${index}`;
    const target = {
      id,
      kind: "euicc",
      tags: [],
      esimProfiles: [],
      reach: {},
      settings: {},
      version: 1,
      createdAt: 0,
      updatedAt: 0,
      ...body,
    };
    const { name = null, iccid = null } = body;
    database
      .prepare(
        "INSERT INTO target (id, kind, name, eid, iccid, body, version, created_at, updated_at) VALUES (?, 'euicc', ?, ?, ?, ?, 1, 0, 0)",
      )
      .run(id, name, body.eid ?? null, iccid, JSON.stringify(target));
    for (const alias of [name, iccid, body.eid ?? null])
      if (alias !== null)
        database.prepare("INSERT INTO target_alias VALUES (?, ?, 'name')").run(String(alias).toLowerCase(), id);
  }
  database.close();
}

const onDisk = () =>
  readdirSync(folder)
    .map((name) => readFileSync(join(folder, name)).toString("latin1"))
    .join("");

describe("a store of an older version", () => {
  it("shows a notification mode under its current name", async () => {
    await oldStore([{ eid, settings: { notifications: "bench", spi: "0000" } }]);
    await using store = await SqliteStore.open(folder, noSeal);
    const target = await store.read((r) => r.targets.resolve(eid));
    expect(target?.settings).toMatchObject({ notifications: "local" });
    expect(await store.read((r) => r.targets.list({}, undefined, 10))).toMatchObject([
      { settings: { notifications: "local" } },
    ]);
  });

  it("is cleaned of what targets do not have, on the disk too, and tells names and counts", async () => {
    const xml = readFileSync(`${packageRoot}/test/vectors/eis/ecdsa.xml`, "utf8").replace(
      /<rps3:KeyComponents [^>]*\/>/,
      `<rps3:Value>${secret}</rps3:Value>`,
    );
    const facts = {
      ki: secret,
      opc: secret,
      isdR: { keyset: secret, aid: "A0000005591010FFFFFFFF8900000100" },
      smsrId: "1.2.3",
    };
    await oldStore([
      {
        eid,
        name: `x ${secret}`,
        tags: ["lab", secret],
        iccid: `${plainIccid}F`,
        esimProfiles: [
          { aid: "A0000005591010FFFFFFFF8900001200", state: "enabled", fallback: false, iccid: "898600b5000000000017" },
        ],
        eis: {
          eid,
          ...facts,
          ecasd: { privateKey: secret, caId: "1.2" },
          profiles: [{ aid: "x", state: "enabled", ki: secret }],
          KeySets: [{ Keys: [{ Value: secret }] }],
          additionalProperties: { lab: "rack 1", k: secret },
          xml,
        },
      },
      { eis: { KI: secret, opc: 1 }, iccid: plainIccid.replace("15", "23"), kind: "uicc" },
    ]);
    expect(onDisk()).toContain(secret);
    const warned: object[] = [];
    const store = await SqliteStore.open(folder, noSeal, { warn: (facts) => void warned.push(facts) });
    const removed = Object(warned[0]).removed;
    expect(removed).toMatchObject({
      ki: 1,
      opc: 2,
      "isdR.keyset": 1,
      "ecasd.privateKey": 1,
      "profiles.ki": 1,
      KeySets: 1,
      KI: 1,
    });
    expect(removed).toMatchObject({
      name: 1,
      tags: 1,
      "additionalProperties.k": 1,
      "xml.Isd-r.Keyset.Key.rps3:Value": 1,
    });
    const { target, plain, events } = await store.read(async (r) => ({
      target: await r.targets.resolve(eid),
      plain: await r.targets.resolve(plainIccid.replace("15", "23")),
      events: await r.events.after(0, 10),
    }));
    expect(target).toMatchObject({
      iccid: plainIccid,
      tags: ["lab"],
      esimProfiles: [{ iccid: "898600B5000000000017" }],
      eis: {
        smsrId: "1.2.3",
        ecasd: { caId: "1.2" },
        additionalProperties: { lab: "rack 1" },
        isdR: { aid: expect.any(String) },
      },
    });
    expect(plain?.eis).toEqual({});
    expect(await store.read((r) => r.targets.holding("iccid", plainIccid))).toMatchObject({ id: "tgt_0" });
    expect(events.map(({ type, target: id }) => [type, id])).toEqual([
      ["target.cleaned", "tgt_0"],
      ["target.cleaned", "tgt_1"],
    ]);
    expect(events[1]?.data).toEqual({ removed: { KI: 1, opc: 1 } });
    expect(JSON.stringify([target, plain, events, removed])).not.toContain(secret);
    await store[Symbol.asyncDispose]();
    expect(onDisk()).not.toContain(secret);
  });

  it("is left alone when it has nothing of the kind, and is cleaned once", async () => {
    await oldStore([{ eid, eis: { smsrId: "1.2.3" } }]);
    const warned: object[] = [];
    const store = await SqliteStore.open(folder, noSeal, { warn: (facts) => void warned.push(facts) });
    expect(warned).toEqual([]);
    expect(await store.read((r) => r.events.after(0, 10))).toEqual([]);
    await store[Symbol.asyncDispose]();
    const again = await SqliteStore.open(folder, noSeal);
    expect((await again.read((r) => r.targets.resolve(eid)))?.eis).toEqual({ smsrId: "1.2.3" });
    await again[Symbol.asyncDispose]();
  });
});
