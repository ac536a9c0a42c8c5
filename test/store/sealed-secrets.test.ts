import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fromHex } from "../../src/base/hex.ts";
import type { JobId } from "../../src/base/id.ts";
import { octetText } from "../../src/base/octet-text.ts";
import { Secret } from "../../src/base/secret.ts";
import { isdRTar, parseAid } from "../../src/codec/euicc/aid.ts";
import { parseEid } from "../../src/codec/euicc/eid.ts";
import { sealWith } from "../../src/crypto/seal.ts";
import { shownWork } from "../../src/gateway/jobs/shown-job.ts";
import { type AdminDialogRecord, freshDialog } from "../../src/gateway/model/admin-dialog.ts";
import type { Campaign, CampaignItem } from "../../src/gateway/model/campaign.ts";
import type { Job, JobWork } from "../../src/gateway/model/job.ts";
import type { PacketRecord } from "../../src/gateway/model/packet.ts";
import type { Target } from "../../src/gateway/model/target.ts";
import { SqliteStore } from "../../src/store/sqlite-store.ts";

const seal = sealWith(new Secret(Buffer.alloc(32, 7)));
const password = Buffer.from("pa55-w0rd").toString("hex").toUpperCase();
const key = "A1B2C3D4E5F60718293A4B5C6D7E8F90";
const octets = (hex: string) => (hex.length / 2).toString(16).padStart(2, "0").toUpperCase();
const tlv = (tag: string, value: string) => `${tag}${octets(value)}${value}`;

const login = `${tlv("0D", `04${Buffer.from("user").toString("hex")}`)}${tlv("0D", `04${password}`)}`;
const connection = `3501033902058C${tlv("47", "0361706E")}${login}`;
const session = tlv("84", connection);
const addressing = { A3: "81059121436587", A5: session };
const putKey = `80D8018117018810${key}03112233`;
const select = "00A40000023F00";
const script = `AA${octets(tlv("22", putKey))}${tlv("22", putKey)}`;
const message = (data: string) => {
  const packet = `0D${"00".repeat(13)}${data}`;
  return `027000${(packet.length / 2).toString(16).padStart(4, "0")}${packet}`;
};

const templates = { A3: fromHex(addressing.A3), A5: fromHex(addressing.A5) };

const target: Target = {
  id: "tgt_1",
  kind: "euicc",
  name: "rack",
  eid: parseEid("89001012012341234012345678901224"),
  tags: ["lab"],
  esimProfiles: [
    {
      aid: parseAid("A0000005591010FFFFFFFF8900001000"),
      state: "enabled",
      fallback: false,
      connectivity: { A0: templates.A3, A2: fromHex(connection) },
    },
    { aid: parseAid("A0000005591010FFFFFFFF8900001100"), state: "disabled", fallback: true },
  ],
  addressing: templates,
  reach: {},
  settings: {},
  eis: { smsrId: "1.2.3", smsr: { addressing } },
  version: 1,
  createdAt: 1,
  updatedAt: 1,
};

const works: Readonly<Record<string, JobWork>> = {
  "PUT KEY": { kind: "script", tar: isdRTar, apdus: [select, putKey].map(fromHex) },
  "a login in STORE DATA": {
    kind: "script",
    tar: isdRTar,
    apdus: [fromHex(tlv("80E28800", tlv("3A07", tlv("A5", session))))],
  },
  "parameters of a function": {
    kind: "script",
    tar: isdRTar,
    apdus: [],
    function: { name: "updateSMSRAddressingParameters", params: { https: session } },
  },
  "a ready script": { kind: "body", tar: isdRTar, body: fromHex(script) },
  "a packet that is not ciphered": {
    kind: "packet",
    userData: [fromHex(message(putKey))],
    protocolId: 0x7f,
    dataCoding: 0xf6,
  },
};

const job = (id: JobId, work: JobWork): Omit<Job, "seq"> => ({
  id,
  target: target.id,
  state: "queued",
  lane: "normal",
  work,
  request: { bearer: "auto", maxPackets: 3 },
  origin: { face: "cli" },
  attempts: 0,
  notBefore: 0,
  validUntil: 1e15,
  createdAt: 1,
});

const packet: PacketRecord = {
  id: "pkt_1",
  job: "job_1",
  target: target.id,
  userData: [fromHex(message(putKey))],
  state: "reserved",
  transmissions: 0,
  createdAt: 1,
};

const campaign: Campaign = {
  id: "cmp_1",
  order: {
    name: "keys",
    targets: { kind: "all" },
    action: { kind: "script", tar: isdRTar, apdus: [fromHex(putKey)] },
    request: {},
    concurrency: 1,
    canary: 0,
    validityMs: 1,
    switchTimeoutMs: 1,
  },
  state: "running",
  forgiven: 0,
  createdAt: 1,
  activeMs: 0,
};

const item: CampaignItem = {
  campaign: campaign.id,
  position: 0,
  target: target.id,
  label: "rack",
  state: "pending",
  steps: [
    { name: "script", work: works["PUT KEY"] ?? { kind: "script", tar: isdRTar, apdus: [] } },
    { name: "x", work: { kind: "es5", function: "updateConnectivityParameters", params: { https: connection } } },
  ],
  step: 0,
  jobs: [],
};

const dialog: AdminDialogRecord = {
  ...freshDialog,
  parts: {
    job_1: {
      limit: 0,
      remaining: 1,
      left: [fromHex(script)],
      answered: 0,
      commands: 0,
      ran: 0,
      results: [],
      data: new Uint8Array(0),
    },
  },
};

let folder: string;
const open: SqliteStore[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "otagate-sealed-"));
});
afterEach(async () => {
  for (const store of open.splice(0)) await store[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

async function opened(): Promise<SqliteStore> {
  const store = await SqliteStore.open(folder, seal);
  open.push(store);
  return store;
}

async function closed(): Promise<void> {
  await open.pop()?.[Symbol.asyncDispose]();
}

/** Secrets in the files, as octets or as digits. */
function inClear(): string[] {
  const files = readdirSync(folder).map((name) => readFileSync(join(folder, name)));
  return [key, password].filter((secret) =>
    files.some(
      (file) =>
        file.includes(Buffer.from(secret, "hex")) ||
        file.toString("latin1").toUpperCase().includes(secret.toUpperCase()),
    ),
  );
}

describe("nothing secret reaches the disk unsealed", () => {
  it("of a target: what is read is what was written, whoever asks for it", async () => {
    const store = await opened();
    await store.write((r) => r.targets.insert(target));
    const changed = { ...target, version: 2, msisdn: "+4912345" };
    await store.write((r) => r.targets.update(changed));
    const found = await store.read(async (r) => [
      await r.targets.get(target.id),
      await r.targets.resolve("rack"),
      await r.targets.holding("eid", String(target.eid)),
      ...(await r.targets.list({ tag: "lab" }, undefined, 10)),
    ]);
    for (const one of found) expect(one).toStrictEqual(changed);
    expect(found).toHaveLength(4);
    expect(inClear()).toEqual([]);
    await closed();
    expect(inClear()).toEqual([]);
  });

  it.each(Object.entries(works))("of a job with %s, before and after its end", async (_name, work) => {
    const store = await opened();
    expect(shownWork(work).hidden).toBe(true);
    const made = job("job_1", work);
    await store.write((r) => r.jobs.insert(made));
    expect(inClear()).toEqual([]);
    const whole = await store.read(async (r) => [
      await r.jobs.get("job_1"),
      await r.jobs.next(target.id, 1, ["normal"]),
      ...(await r.jobs.list({}, undefined, 10)),
    ]);
    expect(whole.map((one) => one?.work)).toEqual([work, work, work]);
    await store.write((r) => r.jobs.patch("job_1", { state: "running", attempts: 1 }));
    expect((await store.read((r) => r.jobs.get("job_1")))?.work).toEqual(work);
    await store.write((r) => r.jobs.patch("job_1", { state: "failed", endedAt: 5 }));
    const ended = await store.read((r) => r.jobs.get("job_1"));
    expect(ended?.work).toEqual(work);
    await closed();
    expect(inClear()).toEqual([]);
  });

  it("of a packet, which loses it with its job", async () => {
    const store = await opened();
    await store.write(async (r) => {
      await r.jobs.insert(job("job_1", { kind: "script", tar: isdRTar, apdus: [fromHex(select)] }));
      await r.packets.insert(packet);
    });
    expect((await store.read((r) => r.packets.get("pkt_1")))?.userData).toEqual(packet.userData);
    expect(inClear()).toEqual([]);
    await store.write((r) => r.jobs.patch("job_1", { state: "cancelled" }));
    const shown = await store.read((r) => r.packets.ofJob("job_1"));
    expect(shown[0]?.userData[0]).toHaveLength(message(putKey).length / 2);
    expect(JSON.stringify(octetText(shown))).not.toContain(key);
    await closed();
    expect(inClear()).toEqual([]);
  });

  it("of a campaign and its targets, which lose it when they have ended", async () => {
    const store = await opened();
    await store.write((r) => r.campaigns.insert(campaign, [item]));
    const read = () =>
      store.read(async (r) => ({
        one: await r.campaigns.get("cmp_1"),
        open: await r.campaigns.open(),
        items: await r.campaigns.items("cmp_1", {}, undefined, 10),
      }));
    expect(await read()).toEqual({ one: campaign, open: [campaign], items: [item] });
    expect(inClear()).toEqual([]);
    await store.write(async (r) => {
      await r.campaigns.putItem({ ...item, state: "succeeded" });
      await r.campaigns.put({ ...campaign, state: "done", endedAt: 9 });
    });
    const { one, items } = await read();
    expect(JSON.stringify(octetText([one, items]))).not.toMatch(new RegExp(`${key}|${password}`));
    expect(one?.order.action).toMatchObject({
      kind: "script",
      apdus: [expect.objectContaining({ 0: 0x80, 1: 0xd8, 2: 0x01, 3: 0x81 })],
    });
    await closed();
    expect(inClear()).toEqual([]);
  });

  it("of a dialog with a card's administration agent", async () => {
    const store = await opened();
    await store.write((r) => r.adminDialogs.put(target.id, dialog));
    await store.write((r) => r.adminDialogs.put(target.id, dialog));
    expect(await store.read((r) => r.adminDialogs.get(target.id))).toEqual(dialog);
    await closed();
    expect(inClear()).toEqual([]);
  });

  it.each([
    ["a script with keys", script, true],
    ["a login in STORE DATA", `AE80${tlv("22", tlv("80E28800", tlv("3A07", tlv("A5", session))))}0000`, true],
    ["a script without secrets", `AE80${tlv("22", select)}0000`, false],
  ])("of a dialog that delivered %s", async (_name, body, sealed) => {
    const outstanding = {
      script: { id: "job_1.1.0", kind: "gp", body: fromHex(body) },
      uri: "/a?s=1",
      deliveries: 1,
    } as const;
    const delivered: AdminDialogRecord = { ...freshDialog, record: { outstanding } };
    const store = await opened();
    await store.write((r) => r.adminDialogs.put(target.id, delivered));
    await closed();
    expect(inClear()).toEqual([]);
    const database = new Sqlite(join(folder, "otagate.db"), { readonly: true });
    expect(database.prepare("SELECT secret IS NOT NULL AS sealed FROM admin_dialog").get()).toEqual({
      sealed: Number(sealed),
    });
    database.close();
    const again = await opened();
    expect(await again.read((r) => r.adminDialogs.get(target.id))).toEqual(delivered);
  });

  it("nor is a sealed part taken for that of another record", async () => {
    const store = await opened();
    await store.write(async (r) => {
      await r.targets.insert(target);
      await r.targets.insert({
        ...target,
        id: "tgt_2",
        name: "other",
        eid: parseEid("89001012012341234012345678901323"),
      });
    });
    await closed();
    const database = new Sqlite(join(folder, "otagate.db"));
    database.exec("UPDATE target SET secret = (SELECT secret FROM target WHERE id = 'tgt_1') WHERE id = 'tgt_2'");
    database.close();
    const again = await opened();
    await expect(again.read((r) => r.targets.get("tgt_2"))).rejects.toMatchObject({ code: "crypto.master-key" });
    expect((await again.read((r) => r.targets.get("tgt_1")))?.addressing).toEqual(templates);
  });

  it("and no other master key is made while a login is sealed with this one, though there are no keys", async () => {
    const store = await opened();
    await store.write((r) => r.targets.insert(target));
    await closed();
    const asked: boolean[] = [];
    const source = (mayMake: boolean) => {
      asked.push(mayMake);
      return { seal: sealWith(new Secret(Buffer.alloc(32, 8))), made: mayMake };
    };
    await expect(SqliteStore.open(folder, source)).rejects.toMatchObject({ code: "crypto.master-key" });
    expect(asked).toEqual([false]);
  });
});

describe("a store of an older version", () => {
  /** Makes a store as it was before anything but keys was sealed. */
  async function older(): Promise<void> {
    const store = await opened();
    await store.write(async (r) => {
      await r.targets.insert(target);
      await r.jobs.insert(job("job_1", { kind: "script", tar: isdRTar, apdus: [fromHex(select)] }));
      await r.jobs.insert(job("job_2", { kind: "script", tar: isdRTar, apdus: [fromHex(select)] }));
      await r.jobs.patch("job_2", { state: "done" });
      await r.packets.insert({ ...packet, userData: [] });
      await r.packets.insert({ ...packet, id: "pkt_2", job: "job_2", userData: [] });
      await r.adminDialogs.put(target.id, freshDialog);
      await r.campaigns.insert(campaign, [item, { ...item, position: 1, state: "failed" }]);
    });
    await closed();
    const database = new Sqlite(join(folder, "otagate.db"));
    database.exec("DELETE FROM migration WHERE name IN ('0016-secret-columns', '0017-seal-secrets')");
    for (const table of ["target", "job", "campaign"]) database.exec(`DROP INDEX ${table}_secret`);
    for (const table of ["target", "job", "packet", "campaign", "campaign_item", "admin_dialog"])
      database.exec(`ALTER TABLE ${table} DROP COLUMN secret`);
    database.prepare("UPDATE target SET body = ?").run(JSON.stringify(octetText(target)));
    database.prepare("UPDATE job SET work = ?").run(JSON.stringify(octetText(works["PUT KEY"])));
    database.prepare("UPDATE packet SET user_data = ?").run(JSON.stringify([message(putKey)]));
    database.prepare("UPDATE campaign SET body = ?").run(JSON.stringify(octetText(campaign)));
    database.prepare("UPDATE campaign_item SET body = ? WHERE position = 0").run(JSON.stringify(octetText(item)));
    database
      .prepare("UPDATE campaign_item SET body = ? WHERE position = 1")
      .run(JSON.stringify(octetText({ ...item, position: 1, state: "failed" })));
    database.prepare("UPDATE admin_dialog SET body = ?").run(JSON.stringify(octetText(dialog)));
    database.close();
  }

  it("has its secrets sealed, on the disk too, and those of what has ended are gone", async () => {
    await older();
    expect(inClear()).toEqual([key, password]);
    const store = await opened();
    expect(inClear()).toEqual([]);
    const found = await store.read(async (r) => ({
      target: await r.targets.get("tgt_1"),
      open: (await r.jobs.get("job_1"))?.work,
      ended: (await r.jobs.get("job_2"))?.work,
      packet: (await r.packets.get("pkt_1"))?.userData,
      old: (await r.packets.get("pkt_2"))?.userData,
      campaign: await r.campaigns.get("cmp_1"),
      dialog: await r.adminDialogs.get(target.id),
      items: await r.campaigns.items("cmp_1", {}, undefined, 10),
    }));
    expect(found).toMatchObject({
      target,
      open: works["PUT KEY"],
      ended: works["PUT KEY"],
      packet: packet.userData,
      campaign,
      dialog,
    });
    expect(found.items[0]).toEqual(item);
    expect(JSON.stringify(octetText([found.old, found.items[1]]))).not.toMatch(new RegExp(`${key}|${password}`));
    await closed();
    expect(inClear()).toEqual([]);
  });

  it("is not touched by a master key that is not its own", async () => {
    await older();
    await expect(SqliteStore.open(folder, sealWith(new Secret(Buffer.alloc(32, 8))))).rejects.toMatchObject({
      code: "crypto.master-key",
    });
    await opened();
    expect(inClear()).toEqual([]);
  });

  it("goes on where a start that was killed left off", async () => {
    await older();
    await opened();
    await closed();
    const database = new Sqlite(join(folder, "otagate.db"));
    database.exec("DELETE FROM migration WHERE name = '0017-seal-secrets'");
    database.close();
    const store = await opened();
    expect(await store.read((r) => r.targets.get("tgt_1"))).toEqual(target);
    expect((await store.read((r) => r.jobs.get("job_1")))?.work).toEqual(works["PUT KEY"]);
  });
});
