import { isdRTar } from "../src/codec/euicc/aid.ts";
import { parseEid } from "../src/codec/euicc/eid.ts";
// The server that bench/scp81.ts loads: kind of store as argument; prints its port, then a line per command line.

import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createServer } from "node:tls";
import { JournalAdminStore } from "../scripts/scp81/journal-store.ts";
import { fleetCards } from "../simulators/scp81/fleet.ts";
import { systemClock } from "../src/base/clock.ts";
import { fromHex } from "../src/base/hex.ts";
import { newId } from "../src/base/id.ts";
import { Secret } from "../src/base/secret.ts";
import { sealWith } from "../src/crypto/seal.ts";
import { feedJob } from "../src/gateway/job-effects.ts";
import type { Job } from "../src/gateway/model/job.ts";
import type { Target } from "../src/gateway/model/target.ts";
import { Notifications } from "../src/gateway/notifications/notifications.ts";
import { Scp81Store } from "../src/gateway/scp81/dialog-store.ts";
import { silentLog } from "../src/link/driver.ts";
import type { AdminStore } from "../src/link/scp81/admin-store.ts";
import { Dialogs, defaultDialogSettings } from "../src/link/scp81/dialogs.ts";
import { MemoryAdminStore } from "../src/link/scp81/memory-store.ts";
import type { PskEntry, PskSource } from "../src/link/scp81/psk-source.ts";
import { Scp81Server } from "../src/link/scp81/server.ts";
import { defaultScp81Limits, defaultScp81Settings } from "../src/link/scp81/server-settings.ts";
import { onFrame } from "../src/link/trace.ts";
import { SqliteStore } from "../src/store/sqlite-store.ts";

const [kind = "memory", keyKind = "resident", cards = "10000"] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "scp81-bench-"));
const body = fromHex("AE80221580E6020010A0000005591010FFFFFFFF89000013000000");

/** Three scripts for every session that begins. */
function threeEach(store: AdminStore, memory: MemoryAdminStore): AdminStore {
  let count = 0;
  return {
    load: (target) => store.load(target),
    advance: (target, step) => {
      if (step.next.do === "offer" && step.next.after === undefined) {
        for (let i = 0; i < 3; i++) memory.enqueue(target, { id: `s${count++}`, kind: "gp", body });
      }
      return store.advance(target, step);
    },
  };
}

/** The daemon's own store: jobs in SQLite, every step a unit of work. Its queue is filled by the line `fill`. */
async function daemonStore(): Promise<AdminStore> {
  const sqlite = await SqliteStore.open(folder, sealWith(new Secret(Buffer.alloc(32, 7))));
  const clock = systemClock;
  const notifications = new Notifications({
    queueConfirmation: async () => "job_",
    defaultMode: "local",
    store: sqlite,
    clock,
    feed: feedJob,
    kick: () => {},
  });
  const at = clock.now();
  const eids = fleetCards(Number(cards)).map(({ eid }) => eid);
  for (let from = 0; from < eids.length; from += 500) {
    await sqlite.write(async (r) => {
      for (const eid of eids.slice(from, from + 500)) await r.targets.insert(target(eid, at));
    });
  }
  fill = async (sessions) => {
    for (let from = 0; from < sessions; from += 200) {
      const some = eids.slice(from, Math.min(sessions, from + 200));
      await sqlite.write(async (r) => {
        for (const eid of some) for (let i = 0; i < 3; i++) await r.jobs.insert(job(eid, at));
      });
    }
  };
  return new Scp81Store({ store: sqlite, clock, notifications, feed: feedJob, holdOpenMs: 0, wake: () => {} });
}

let fill = async (_sessions: number): Promise<void> => {};

function target(eid: string, at: number): Target {
  return {
    id: `tgt_${eid}`,
    kind: "euicc",
    eid: parseEid(eid),
    tags: [],
    esimProfiles: [],
    reach: {},
    settings: {},
    version: 1,
    createdAt: at,
    updatedAt: at,
  };
}

function job(eid: string, at: number): Omit<Job, "seq"> {
  return {
    id: newId("job", at),
    target: `tgt_${eid}`,
    state: "waiting",
    lane: "normal",
    work: { kind: "body", tar: isdRTar, body },
    request: { bearer: "https", maxPackets: 4 },
    origin: { face: "api" },
    chosen: { bearer: "https", link: "scp81", why: "bench" },
    attempts: 0,
    notBefore: at,
    validUntil: at + 86_400_000,
    createdAt: at,
  };
}

/** node:tls and nothing else: what no server on it can go below. */
async function bareTls(): Promise<never> {
  const options = {
    pskCallback: (_: unknown, identity: string) => entries.get(identity)?.psk ?? null,
    ciphers: "PSK-AES128-CBC-SHA256",
    maxVersion: "TLSv1.2",
  } as const;
  const bare = createServer(options, (socket) => socket.on("error", () => {}).resume());
  bare.listen(0, "127.0.0.1", () => process.stdout.write(`${(bare.address() as AddressInfo).port}\n`));
  return new Promise(() => {});
}

async function storeOf(): Promise<AdminStore> {
  if (kind === "daemon") return daemonStore();
  if (kind === "journal") {
    const journal = new JournalAdminStore(join(folder, "journal"));
    return threeEach(journal, journal.memory);
  }
  const memory = new MemoryAdminStore();
  return kind === "idle" ? memory : threeEach(memory, memory);
}

const entries = new Map<string, PskEntry>(
  fleetCards(Number(cards)).map((card) => [
    card.identity,
    { psk: card.psk, target: `tgt_${card.eid}`, eid: card.eid, framing: "length" },
  ]),
);
const keys: PskSource =
  keyKind === "remote"
    ? { kind: "remote", lookup: async (identity) => entries.get(identity) }
    : { kind: "resident", find: (identity) => entries.get(identity) };
if (kind === "bare") await bareTls();
// As in a daemon, where metrics and the trace log subscribe to frames.
if (keyKind === "traced") onFrame(() => {});
let tokens = 0;
const dialogs = new Dialogs(
  { store: await storeOf(), clock: systemClock, newToken: () => `t${(tokens++).toString(36)}`, log: silentLog },
  defaultDialogSettings,
);
const server = new Scp81Server(
  { keys, open: dialogs.open, clock: systemClock, log: silentLog },
  { ...defaultScp81Settings, host: "127.0.0.1", port: 0, limits: { ...defaultScp81Limits, firstPostMs: 600_000 } },
);
process.stdout.write(`${await server.listen()}\n`);
process.on("SIGTERM", () => process.exit(0));
for await (const line of createInterface({ input: process.stdin })) {
  if (line.startsWith("fill ")) {
    await fill(Number(line.slice(5)));
    process.stdout.write("filled\n");
  }
  if (line === "stats") {
    globalThis.gc?.();
    process.stdout.write(
      `${JSON.stringify({ ...server.stats, open: server.sessions().length, rss: process.memoryUsage().rss })}\n`,
    );
  }
}
rmSync(folder, { recursive: true, force: true });
process.exit(0);
