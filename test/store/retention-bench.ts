import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { type JobId, type NotificationId, newId } from "../../src/base/id.ts";
import { isdRTar, parseAid } from "../../src/codec/euicc/aid.ts";
import { parseEid } from "../../src/codec/euicc/eid.ts";
import type { Campaign } from "../../src/gateway/model/campaign.ts";
import type { Job } from "../../src/gateway/model/job.ts";
import type { NotificationRecord } from "../../src/gateway/model/notification.ts";
import type { ProfileSwitch } from "../../src/gateway/model/profile-switch.ts";
import type { Retention } from "../../src/gateway/model/retention.ts";
import type { SmscMessage } from "../../src/gateway/model/smsc-message.ts";
import type { Repositories, Seal } from "../../src/gateway/model/store.ts";
import { type PruneRun, Pruner, type PrunerDeps } from "../../src/gateway/retention/pruner.ts";
import { silentLog } from "../../src/link/driver.ts";
import { readWork } from "../../src/store/octet-rows.ts";
import { SqliteStore } from "../../src/store/sqlite-store.ts";

export const dayMs = 86_400_000;
/** The moment that it is on the bench. */
export const now = 1_000 * dayMs;
export const old = now - 100 * dayMs;
export const young = now - 10 * dayMs;
export const eid = parseEid("89001012012341234012345678901224");
/** All periods between {@link old} and {@link young}. */
export const everything: Retention = { jobsMs: 90 * dayMs, eventsMs: 90 * dayMs, auditMs: 90 * dayMs };

export const noSeal: Seal = { seal: (clear) => clear, open: (sealed) => sealed };
const benchClock: Clock = { ...systemClock, now: () => now };
const address = { ton: 1, npi: 1, addr: "447700900001" };

/** A store on a disk of its own, and ways to put records of any age into it. */
export class RetentionBench implements AsyncDisposable {
  readonly folder: string;
  readonly store: SqliteStore;

  private constructor(folder: string, store: SqliteStore) {
    this.folder = folder;
    this.store = store;
  }

  static async open(): Promise<RetentionBench> {
    const folder = mkdtempSync(join(tmpdir(), "otagate-retention-"));
    return new RetentionBench(folder, await SqliteStore.open(folder, noSeal));
  }

  pruner(deps: Partial<PrunerDeps> = {}): Pruner {
    return new Pruner({
      store: this.store,
      clock: benchClock,
      log: silentLog,
      retention: everything,
      upstreams: [],
      ...deps,
    });
  }

  /** Runs to the end. */
  async prune(deps: Partial<PrunerDeps> = {}, order: Parameters<Pruner["begin"]>[0] = {}): Promise<PruneRun> {
    const pruner = this.pruner(deps);
    const { id } = pruner.begin(order);
    await pruner.idle();
    const run = pruner.run(id);
    if (run === undefined || run.state !== "done") throw new Error(`the run ended as ${JSON.stringify(run)}`);
    return run;
  }

  write<T>(unit: (r: Repositories) => Promise<T>): Promise<T> {
    return this.store.write(unit);
  }

  read<T>(unit: (r: Repositories) => Promise<T>): Promise<T> {
    return this.store.read(unit);
  }

  /** A job with one packet in one part, done at `at` unless `over` says otherwise; its id. */
  job(at: number, over: Partial<Job> = {}, answeredAt = at): Promise<JobId> {
    return this.write((r) => putJob(r, at, over, answeredAt));
  }

  async procedure(at: number, over: Partial<ProfileSwitch> = {}): Promise<string> {
    const id = newId("prc", at);
    const made: ProfileSwitch = {
      id,
      target: "tgt_1",
      job: newId("job", at),
      kind: "enable",
      aid: parseAid("A0000005591010FFFFFFFF8900001100"),
      at: "confirmed",
      acceptedAt: at,
      endedAt: at,
      holdUntil: at,
      ...over,
    };
    await this.write((r) => r.profileSwitches.put(made));
    return id;
  }

  async notification(at: number, over: Partial<NotificationRecord> = {}): Promise<NotificationId> {
    const id = newId("ntf", at);
    await this.write((r) =>
      r.notifications.insert({
        id,
        target: "tgt_1",
        eid,
        type: 2,
        sequence: "0001",
        via: "sms",
        link: "m",
        verified: true,
        copies: 1,
        confirmation: "confirmed",
        raw: Uint8Array.of(0xe1),
        firstAt: at,
        lastAt: at,
        ...over,
      }),
    );
    return id;
  }

  async inbox(at: number, state: "new" | "held" | "done" = "done"): Promise<string> {
    const id = newId("msg", at);
    const item = { kind: "receipt" as const, state: "delivered" as const };
    await this.write((r) => r.inbox.insert({ id, link: "m", item, state, receivedAt: at }));
    return id;
  }

  async message(at: number, over: Partial<SmscMessage> = {}): Promise<string> {
    const id = newId("m", at);
    const made: SmscMessage = {
      id,
      client: "esme",
      position: 0,
      target: "tgt_1",
      source: address,
      destination: address,
      receipt: "always",
      intermediate: false,
      state: "delivered",
      error: 0,
      submittedAt: at,
      validUntil: at,
      finalAt: at,
      ...over,
    };
    await this.write((r) => r.smsc.insertMessage(made));
    return id;
  }

  async campaign(over: Partial<Campaign>): Promise<string> {
    const id = newId("cmp", old);
    const order: Campaign["order"] = {
      name: "c",
      targets: { kind: "all" },
      action: { kind: "es5", function: "auditStatus" },
      request: {},
      concurrency: 1,
      canary: 0,
      validityMs: 1,
      switchTimeoutMs: 1,
    };
    const made: Campaign = { id, order, state: "running", forgiven: 0, createdAt: old, activeMs: 0, ...over };
    await this.write((r) => r.campaigns.insert(made, []));
    return id;
  }

  /** The number of the event. */
  async event(at: number, type: "session.triggered" | "job.done" = "session.triggered"): Promise<number> {
    await this.write((r) =>
      r.events.append(type === "job.done" ? { at, type, data: { origin: { face: "cli" } } } : { at, type, data: {} }),
    );
    return this.read((r) => r.events.last());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** {@link RetentionBench.job} inside a unit of work. */
export async function putJob(r: Repositories, at: number, over: Partial<Job> = {}, answeredAt = at): Promise<JobId> {
  const { job } = await r.jobs.insert({
    id: newId("job", at),
    target: "tgt_1",
    lane: "normal",
    work: readWork({ kind: "script", tar: isdRTar, apdus: ["80F24002024F0000"] }),
    request: { bearer: "auto", maxPackets: 3 },
    origin: { face: "cli" },
    attempts: 0,
    notBefore: at,
    validUntil: at + dayMs,
    createdAt: at,
    ...over,
    state: "queued",
  });
  const packet = newId("pkt", at);
  await r.packets.insert({
    id: packet,
    job: job.id,
    target: job.target,
    userData: [Uint8Array.of(0)],
    state: "sent",
    transmissions: 1,
    createdAt: at,
  });
  await r.packets.putPart({ packet, position: 0, transmission: 1, link: "m", state: "taken", at });
  await r.packets.patch(packet, { state: "answered", answeredAt });
  const { state = "done", endedAt = at } = over;
  await r.jobs.patch(job.id, ["queued", "running", "waiting"].includes(state) ? { state } : { state, endedAt });
  return job.id;
}
