import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { octetText } from "../../src/base/octet-text.ts";
import { Secret } from "../../src/base/secret.ts";
import { isdRTar } from "../../src/codec/euicc/aid.ts";
import { sealWith } from "../../src/crypto/seal.ts";
import type { Repositories } from "../../src/gateway/model/store.ts";
import { readWork } from "../../src/store/octet-rows.ts";
import { SqliteStore } from "../../src/store/sqlite-store.ts";

const seal = sealWith(new Secret(Buffer.alloc(32, 7)));
/** What a card answered: session keys, for all that the store can tell. */
const answer = "DB10A1B2C3D4E5F60718293A4B5C6D7E8F90";
const job = {
  id: "job_1",
  target: "tgt_1",
  state: "queued",
  lane: "normal",
  work: readWork({ kind: "script", tar: isdRTar, apdus: ["80F24002024F0000"] }),
  request: { bearer: "auto", maxPackets: 4 },
  origin: { face: "api" },
  attempts: 0,
  notBefore: 1,
  validUntil: 10,
  createdAt: 1,
} as const;
const packet = {
  id: "pkt_1",
  job: "job_1",
  target: "tgt_1",
  userData: [Uint8Array.of(2, 0x70, 0)],
  state: "sent",
  transmissions: 1,
  createdAt: 1,
} as const;
const item = {
  kind: "message",
  from: "447700900123",
  userData: Uint8Array.from(Buffer.from(answer, "hex")),
  userDataHeader: false,
  protocolId: 0x7f,
  dataCoding: 0xf6,
} as const;
const octets = Uint8Array.from(Buffer.from(answer, "hex"));
const body = { userData: octets, protocolId: 0x7f, dataCoding: 0xf6, notBefore: 1 };
const segment = { message: "m_1", messageOf: "c/t", sequence: 1, total: 2, body, dueAt: 5 };
const result = { commands: [{ data: octets, sw: "9000" }] };

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "otagate-sealed-answers-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Whether any file of the store has the answer in it, as text in either case or as octets. */
function inClear(): boolean {
  const wanted = [Buffer.from(answer), Buffer.from(answer.toLowerCase()), Buffer.from(answer, "hex")];
  return readdirSync(folder).some((name) => {
    const file = readFileSync(join(folder, name));
    return wanted.some((text) => file.includes(text));
  });
}

async function fill(r: Repositories): Promise<void> {
  await r.jobs.insert(job);
  await r.packets.insert(packet);
  await r.packets.patch("pkt_1", { state: "answered", response: [octets], answeredAt: 2 });
  await r.jobs.patch("job_1", { state: "done", result, endedAt: 2 });
  await r.smsc.hold(segment);
}

describe("what a card or a client says", () => {
  it("is under the seal in results, responses and held segments, and is read as it was", async () => {
    {
      await using store = await SqliteStore.open(folder, seal);
      await store.write(fill);
      expect(inClear()).toBe(false);
    }
    expect(inClear()).toBe(false);
    await using store = await SqliteStore.open(folder, seal);
    expect(await store.read((r) => r.jobs.get("job_1"))).toMatchObject({ state: "done", result });
    expect(await store.read((r) => r.packets.get("pkt_1"))).toMatchObject({ response: [octets] });
    expect(await store.read((r) => r.smsc.held("c/t"))).toEqual([segment]);
  });

  it.each([
    { name: "status words alone", sealed: false, result: { commands: [{ data: new Uint8Array(0), sw: "9000" }] } },
    {
      name: "a compact response without data",
      sealed: false,
      result: { data: Uint8Array.of(1, 0x90, 0), commands: [{ data: new Uint8Array(0), sw: "9000" }], executed: 1 },
    },
    {
      name: "an unread answer of three octets",
      sealed: true,
      result: { data: Uint8Array.of(1, 2, 3), commands: [] },
    },
    {
      name: "data beyond the status words",
      sealed: true,
      result: { data: Uint8Array.of(1, 0x90, 0, 7), commands: [{ data: new Uint8Array(0), sw: "9000" }] },
    },
    {
      name: "data of one command",
      sealed: true,
      result: {
        commands: [
          { data: new Uint8Array(0), sw: "9000" },
          { data: Uint8Array.of(7), sw: "9000" },
        ],
      },
    },
  ])("a result is sealed only if it has data of the card: $name", async ({ sealed, result }) => {
    {
      await using store = await SqliteStore.open(folder, seal);
      await store.write(async (r) => {
        await r.jobs.insert(job);
        await r.jobs.patch("job_1", { state: "done", result, endedAt: 2 });
      });
    }
    const database = new Sqlite(join(folder, "otagate.db"));
    const row = database.prepare("SELECT result_secret IS NOT NULL AS sealed FROM job").get();
    database.close();
    expect(row).toEqual({ sealed: sealed ? 1 : 0 });
    await using store = await SqliteStore.open(folder, seal);
    expect((await store.read((r) => r.jobs.get("job_1")))?.result).toEqual(result);
  });

  it("is under the seal in the inbox", async () => {
    await using store = await SqliteStore.open(folder, seal);
    const entry = { id: "msg_1", link: "m", item, state: "new", receivedAt: 1 } as const;
    await store.write((r) => r.inbox.insert(entry));
    expect(inClear()).toBe(false);
    expect(await store.read((r) => r.inbox.get("msg_1"))).toMatchObject({ item });
  });

  it("is read from a store of a version that kept it in clear", async () => {
    await (await SqliteStore.open(folder, seal))[Symbol.asyncDispose]();
    const database = new Sqlite(join(folder, "otagate.db"));
    const insert = `INSERT INTO job (id, target, state, lane, origin_face, work, request, origin, attempts, not_before,
      valid_until, result, created_at, ended_at) VALUES ('job_1', 'tgt_1', 'done', 'normal', 'api', ?, ?, ?, 1, 1, 10, ?, 1, 2)`;
    const values = [job.work, job.request, job.origin, result].map((value) => JSON.stringify(octetText(value)));
    database.prepare(insert).run(...values);
    database.close();
    await using store = await SqliteStore.open(folder, seal);
    expect(await store.read((r) => r.jobs.get("job_1"))).toMatchObject({ state: "done", result });
  });
});
