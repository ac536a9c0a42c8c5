import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { newId } from "../../../src/base/id.ts";
import { Secret } from "../../../src/base/secret.ts";
import { isdRTar } from "../../../src/codec/euicc/aid.ts";
import { parseEid } from "../../../src/codec/euicc/eid.ts";
import { sealWith } from "../../../src/crypto/seal.ts";
import { feedJob } from "../../../src/gateway/job-effects.ts";
import type { Carried, JobEvent } from "../../../src/gateway/jobs/job-events.ts";
import type { Job, JobRequest } from "../../../src/gateway/model/job.ts";
import type { PacketRecord } from "../../../src/gateway/model/packet.ts";
import type { Repositories } from "../../../src/gateway/model/store.ts";
import { readWork } from "../../../src/store/octet-rows.ts";
import { SqliteStore } from "../../../src/store/sqlite-store.ts";
import * as fc from "../../fast-check.ts";
import { testSeed } from "../../seed.ts";
import { target as targetRecord } from "../records.ts";

/** The arrows of the architecture page: stages that an event leads to, by `stage event`. */
const arrows = new Map<string, Set<string>>();
const page = readFileSync(new URL("../../../docs/architecture.md", import.meta.url), "utf8");
const [, drawn = ""] = /```mermaid\nstateDiagram-v2\n(%% job[^`]*)```/.exec(page) ?? [];
for (const [, from, to = "", events = ""] of drawn.matchAll(/^\s*(\w+) --> (\w+) : (.+)$/gm))
  for (const event of events.split(", "))
    arrows.set(`${from} ${event}`, (arrows.get(`${from} ${event}`) ?? new Set()).add(to));

/** The stage as the page describes it. */
function stageOf({ state, chosen, attempts }: Job): string {
  if (["done", "failed", "expired", "cancelled"].includes(state)) return "ended";
  if (state === "waiting") return chosen?.bearer !== "https" ? "sent" : attempts === 0 ? "session" : "delivered";
  return state === "running" ? "reserved" : "queued";
}

const sms = { bearer: "sms", link: "smsc", why: "the test" } as const;
const verdicts = ["done", "refused", "lost", "again", "wait", "unproven", "part"] as const;
const kinds = [...new Set([...arrows.keys()].map((arrow) => arrow.split(" ")[1] ?? ""))];

/** What happens next: a kind, and numbers from which its details are made. */
const happening = fc.record({
  // What moves a job on comes more often than what ends it.
  kind: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom("reserved", "submitted", "answered", "no-answer", "submit-failed") },
    { weight: 2, arbitrary: fc.constantFrom(...kinds) },
  ),
  verdict: fc.constantFrom(...verdicts),
  fresh: fc.boolean(),
  yes: fc.boolean(),
  over: fc.boolean(),
});
type Happening = typeof happening extends fc.Arbitrary<infer H> ? H : never;

let folder: string;
let store: SqliteStore;
const target = "tgt_1";
const keySet = "key_1";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "otagate-job-model-"));
  store = await SqliteStore.open(folder, sealWith(new Secret(Buffer.alloc(32, 7))));
  await store.write(async (r) => {
    await r.targets.insert(
      targetRecord({ id: target, eid: parseEid("89001012012341234012345678901224"), createdAt: 1, updatedAt: 1 }),
    );
    await r.keySets.put({
      id: keySet,
      target,
      kvn: 1,
      type: "SCP80",
      algorithm: "AES",
      ccLength: 8,
      tars: [],
      cntr: 0,
      keys: new Map([[1, new Secret(Buffer.alloc(16, 1))]]),
    });
  });
});

afterAll(async () => {
  await store[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** Gives the job a packet as a reservation does: a new one under the next counter, or the last one again. */
async function reserve(r: Repositories, job: Job, last: PacketRecord | undefined, fresh: boolean) {
  if (last !== undefined && !fresh && last.state !== "answered" && last.state !== "abandoned") {
    await r.packets.patch(last.id, { transmissions: last.transmissions + 1 });
    return undefined;
  }
  const cntr = await r.keySets.nextCounter(keySet);
  await r.packets.insert({
    id: newId("pkt", 1),
    job: job.id,
    target,
    keySet,
    cntr,
    userData: [Uint8Array.of(1)],
    state: "reserved",
    transmissions: 1,
    createdAt: 1,
  });
  return { cntr, segments: 1 };
}

function verdictOf(
  verdict: Happening["verdict"],
  carried: Carried,
): Extract<JobEvent, { kind: "answered" }>["verdict"] {
  const failed = (code: "job.script" | "packet.answer-lost", executed: boolean | "unknown") =>
    ({ at: "failed", error: { code, message: "the test", executed, detail: {} } }) as const;
  switch (verdict) {
    case "done":
      return { at: "done", result: { commands: [], executed: 2 } };
    case "refused":
      return failed("job.script", true);
    case "lost":
      return failed("packet.answer-lost", "unknown");
    case "part":
      return { at: "part", result: { commands: [], executed: 1 }, note: "a part" };
    case "again":
      // Only a packet has a counter that was too low.
      return carried.bearer === "sms" ? { at: "again", note: "counter low" } : { at: "wait", note: "later" };
    default:
      return { at: verdict, note: "the test" };
  }
}

/** The event that the numbers give for a job with this packet. */
function eventOf(h: Happening, at: number, packet: PacketRecord | undefined, job: Job): JobEvent {
  const { id = "pkt_none", transmissions = 0 } = packet ?? {};
  const inSession = job.chosen?.bearer === "https" || packet === undefined;
  const carried: Carried = inSession
    ? { bearer: "https", repeatable: h.yes }
    : { bearer: "sms", packet: { id, keySet, ...(packet.cntr === undefined ? {} : { cntr: packet.cntr }) } };
  const error = { code: "link.lost", message: "gone", detail: {}, retry: h.over ? "never" : "later" } as const;
  switch (h.kind) {
    case "submitted":
      return { kind: "submitted", at, packet: id };
    case "submit-failed": {
      const fate = h.fresh ? "not-sent" : "unknown";
      const failure = { error, fate, packet: { id, transmissions }, answerDue: h.yes, replayable: false } as const;
      return { kind: "submit-failed", at, failure, until: at };
    }
    case "no-answer":
      return { kind: "no-answer", at, silence: { transmissions, last: h.over }, until: at };
    case "answered":
      return { kind: "answered", at, verdict: verdictOf(h.verdict, carried), carried };
    case "noted":
      return { kind: "noted", at, note: "news" };
    case "deferred":
      return { kind: "deferred", at, note: "no link", until: at };
    case "due":
      return { kind: "due", at };
    case "session-chosen":
      return { kind: "session-chosen", at, why: "large", untouched: transmissions === 0 };
    case "session-missed":
      return { kind: "session-missed", at, why: "no session" };
    case "delivered":
      return { kind: "delivered", at, attempts: job.attempts + 1, octets: 1, part: 0, partsLeft: 0 };
    case "interrupted":
      return { kind: "interrupted", at };
    case "ended":
      return { kind: "ended", at, end: { state: "failed", error: { code: "job.failed", message: "", detail: {} } } };
    case "expired":
      return { kind: "expired", at };
    case "cancelled":
      return { kind: "cancelled", at, unsentOnly: h.yes };
    default:
      return { kind: "reserved", at, chosen: sms };
  }
}

const requests: readonly JobRequest[] = [
  { bearer: "auto", maxPackets: 3 },
  { bearer: "auto", maxPackets: 2, onAnswerLost: "repeat" },
];

it("any sequence of events keeps to the diagram, ends the job once, and never denies what the card ran", async () => {
  const used: number[] = [];
  const reached = new Set<string>();
  const sequence = fc.array(happening, { minLength: 4, maxLength: 25 });
  const property = fc.asyncProperty(sequence, fc.constantFrom(...requests), async (happenings, request) => {
    const { id, ended, counters } = await store.write(async (r) => {
      const counters: number[] = [];
      const { job: first } = await r.jobs.insert({
        id: newId("job", 1),
        target,
        state: "queued",
        lane: "normal",
        work: readWork({ kind: "script", tar: isdRTar, apdus: ["80F2000C00", "80F2000C00"] }),
        request,
        origin: { face: "api" },
        attempts: 0,
        notBefore: 0,
        validUntil: 1_000_000,
        createdAt: 1,
      });
      const { id } = first;
      let job = first;
      let proven = false;
      let inSession = false;
      for (const [index, h] of happenings.entries()) {
        const from = stageOf(job);
        const last = (await r.packets.ofJob(id)).at(-1);
        let event = eventOf(h, index + 1, last, job);
        if (event.kind === "reserved" && from === "queued") {
          const packet = await reserve(r, job, last, h.fresh);
          if (packet !== undefined) {
            expect(packet.cntr).toBeGreaterThan(Math.max(0, ...used, ...counters));
            counters.push(packet.cntr);
            event = { ...event, packet };
          }
        }
        const left = (await r.packets.ofJob(id)).some(({ transmissions }) => transmissions > 0);
        const taken = await feedJob(r, id, event);
        const now = await r.jobs.get(id);
        if (now === undefined) throw new Error("the job is gone");
        const to = arrows.get(`${from} ${event.kind}`);
        if (!("job" in taken)) {
          const unsent = event.kind === "cancelled" && event.unsentOnly === true && (left || inSession);
          expect(to === undefined || unsent || from === "ended", `${event.kind} refused at ${from}`).toBe(true);
          expect(now).toEqual(job);
          continue;
        }
        expect([...(to ?? [])], `${event.kind} at ${from}`).toContain(stageOf(now));
        reached.add(`${from} ${event.kind} ${stageOf(now)}`);
        if (event.kind === "answered")
          proven ||= event.verdict.at === "done" || event.verdict.at === "part" || h.verdict === "refused";
        inSession ||= event.kind === "delivered";
        const unsentNow = event.kind === "submit-failed" && event.failure.fate === "not-sent";
        if (stageOf(now) === "ended") {
          const context = JSON.stringify([happenings.slice(0, index + 1).map(({ kind }) => kind), now.error]);
          expect(now.error === undefined, context).toBe(now.state === "done");
          if (proven) expect(now.error?.executed, context).not.toBe(false);
          if (left && !unsentNow) expect(now.error?.executed, context).not.toBe(false);
          if (inSession && now.chosen?.bearer === "https") expect(now.error?.executed, context).not.toBe(false);
          if (!left && !inSession && !proven && now.error !== undefined && event.kind !== "answered")
            expect(now.error.executed, context).toBe(false);
        }
        job = now;
      }
      return { id, ended: stageOf(job) === "ended", counters };
    });
    // What a failure undoes has used no counter; events are written when the transaction ends.
    used.push(...counters);
    const events = await store.read((r) => r.events.after(0, 100_000));
    const ends = events.filter((one) => one.job === id && /^job\.(done|failed|expired|cancelled)$/.test(one.type));
    expect(ends.length).toBe(ended ? 1 : 0);
  });
  // How many arrows so many sequences reach is chance: more are tried until most arrows were.
  for (let round = 0; round < 10 && reached.size <= 40; round++)
    await fc.assert(property, { numRuns: 150, seed: testSeed + 1000 * round });
  expect(new Set(used).size).toBe(used.length);
  expect(reached.size).toBeGreaterThan(40);
}, 120_000);
