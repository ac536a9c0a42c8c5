import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { toHex } from "../../../src/base/hex.ts";
import { SecurityParameters, StoredSessionParameters } from "../../../src/codec/gp/session-parameters.ts";
import { SessionTrigger } from "../../../src/codec/gp/trigger.ts";
import { tlvBytes } from "../../../src/codec/kit/ber.ts";
import { encode } from "../../../src/codec/kit/codec.ts";
import { KeySetShape } from "../../../src/gateway/targets/target-shape.ts";
import { readWork } from "../../../src/store/octet-rows.ts";
import { getEid, getStatus, Scp81Bench, type Scp81BenchOptions } from "./scp81-bench.ts";

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});

async function set(options: Scp81BenchOptions = {}): Promise<Scp81Bench> {
  const made = await Scp81Bench.open(options);
  open.push(made);
  return made;
}

/** Gives the card another PSK identity. */
function identify(bench: Scp81Bench, pskIdentity: string): void {
  const { isdR } = bench.card.state;
  const security = encode(SecurityParameters, {
    pskIdentity: Buffer.from(pskIdentity),
    key: { version: 0x40, id: 1 },
    hash: undefined,
  });
  isdR.scp81 = (isdR.scp81 ?? "").replace("8607", `${toHex(tlvBytes(0x85, security))}8607`);
}

const sgp02Identity = (eid: string) => `8001028110${eid}4F10A0000005591010FFFFFFFF8900000100820101830140`;

/** What an SM-SR knows of the card's PSK, under a name of its own. */
async function namePsk(bench: Scp81Bench, pskIdentity: string): Promise<void> {
  const set = bench.card.state.isdR.keySets.find(({ type }) => type === "SCP81");
  const keys = (set?.keys ?? []).map(({ id, value }) => ({ id, value }));
  await bench.bench.targets.putKeys(bench.eid, [KeySetShape.parse({ type: "SCP81", kvn: 0x40, keys, pskIdentity })]);
}

async function session(bench: Scp81Bench): Promise<void> {
  bench.card.openSession();
  await bench.agent.idle();
}

describe("the card's key", () => {
  it("is found by an opaque identity", async () => {
    const rig = await set({ inReader: true });
    await namePsk(rig, "card-007");
    identify(rig, "card-007");
    expect((await rig.bench.ended(await rig.submit([getEid]))).state).toBe("done");
  });

  it("is found by an SGP.02 identity in small letters", async () => {
    const rig = await set();
    identify(rig, sgp02Identity(rig.eid).toLowerCase());
    expect((await rig.bench.ended(await rig.submit([getEid]))).state).toBe("done");
  });

  it("that nobody knows ends the handshake; the job goes on waiting", async () => {
    const rig = await set();
    identify(rig, "nobody");
    const id = await rig.submit([getEid]);
    await rig.bench.until(async () => (rig.reports.length > 0 ? true : undefined));
    expect(rig.reports).toMatchObject([{ end: "handshake-failed" }]);
    expect(rig.service.server?.stats.unknownIdentities).toBe(1);
    expect(await rig.bench.gateway.jobs.get(id)).toMatchObject({ state: "waiting", attempts: 0 });
  });

  it("is taken when it changes, and refused when it is taken away", async () => {
    const rig = await set();
    const scp81 = rig.card.state.isdR.keySets.find(({ type }) => type === "SCP81");
    const [psk] = scp81?.keys ?? [];
    if (psk === undefined) throw new Error("no PSK");
    psk.value = "0F".repeat(16);
    await session(rig);
    await namePsk(rig, sgp02Identity(rig.eid));
    await session(rig);
    const { keySets } = await rig.bench.targets.show(rig.eid);
    await rig.bench.targets.removeKeys(rig.eid, keySets.find(({ type }) => type === "SCP81")?.id ?? "");
    await session(rig);
    expect(rig.reports.map(({ end }) => end)).toEqual(["handshake-failed", "complete", "handshake-failed"]);
  });
});

describe("a job that waits for a session", () => {
  it("is not handed out when it was cancelled", async () => {
    const rig = await set();
    rig.link.up = false;
    const cancelled = await rig.submit([getEid]);
    const kept = await rig.submit([getStatus]);
    await rig.bench.until(async () =>
      (await rig.bench.gateway.jobs.get(kept)).state === "waiting" ? true : undefined,
    );
    expect(await rig.bench.gateway.jobs.cancel(cancelled)).toMatchObject({ error: { executed: false } });
    await session(rig);
    expect((await rig.bench.ended(kept)).state).toBe("done");
    expect(rig.executed).toHaveLength(1);
  });

  it("that was cancelled while the card works on it stays so, and may have run", async () => {
    const rig = await set({ deviations: { thinkMs: 300 } });
    const id = await rig.submit([getEid]);
    await rig.bench.until(async () => ((await rig.bench.gateway.jobs.get(id)).attempts > 0 ? true : undefined));
    const job = await rig.bench.gateway.jobs.cancel(id);
    expect(job).toMatchObject({ state: "cancelled", error: { executed: "unknown" } });
    await rig.bench.until(async () => (rig.reports.length > 0 ? true : undefined));
    expect((await rig.bench.gateway.jobs.get(id)).state).toBe("cancelled");
    const events = await rig.bench.store.read((r) => r.events.after(0, 1000));
    const ends = events.filter(({ job: of, type }) => of === id && /^job\.(done|failed|cancelled)$/.test(type));
    expect(ends.map(({ type }) => type)).toEqual(["job.cancelled"]);
    const late = events.find(({ job: of, type }) => of === id && type === "job.late-answer");
    expect(late?.data).toMatchObject({ link: "scp81", status: "ok", response: expect.stringMatching(/^A[BF]/) });
  });

  it("expires when none comes", async () => {
    const rig = await set();
    rig.link.up = false;
    const job = await rig.bench.ended(await rig.submit([getEid], {}, { validityMs: 200 }));
    expect(job).toMatchObject({ state: "expired", error: { code: "job.expired", executed: false } });
  });

  it("goes with a session that the card opens by itself", async () => {
    const rig = await set();
    rig.link.up = false;
    const id = await rig.submit([getEid]);
    await rig.bench.until(async () => ((await rig.bench.gateway.jobs.get(id)).state === "waiting" ? true : undefined));
    await session(rig);
    expect((await rig.bench.ended(id)).state).toBe("done");
  });

  it("is asked for again soon when it came too late for the last session", async () => {
    const rig = await set();
    await rig.bench.ended(await rig.submit([getEid]));
    await rig.agent.idle();
    expect((await rig.bench.ended(await rig.submit([getEid]), 5000)).state).toBe("done");
    expect((await rig.bench.events()).filter((type) => type === "session.triggered")).toHaveLength(2);
  });
});

describe("a card that names itself in its own way", () => {
  const http = { agentId: "card-7", uri: "/gsma/adminagent" };
  const addressing = toHex(encode(StoredSessionParameters, { http }));

  it("is served under the name that a trigger told it, at the URI that it told it", async () => {
    const rig = await set({ trigger: { agentId: "card-7", uri: "/polling" } });
    expect((await rig.bench.ended(await rig.submit([getEid]))).state).toBe("done");
    expect((await rig.bench.targets.show(rig.eid)).target.agentIds).toEqual(["card-7"]);
  });

  it("is served under the name that an ES5 function stored in it", async () => {
    const rig = await set();
    const work = { kind: "es5", function: "updateSMSRAddressingParameters", params: { https: addressing } } as const;
    const { job } = await rig.bench.gateway.jobs.submit({
      target: rig.eid,
      work,
      request: { bearer: "short-message" },
      origin: { face: "api" },
    });
    expect((await rig.bench.ended(job.id)).state).toBe("done");
    await session(rig);
    expect(rig.reports).toMatchObject([{ end: "complete" }]);
  });

  it.each(["iccid", "setting"])("is served under its %s, and not before that is known", async (how) => {
    const rig = await set();
    const name = how === "iccid" ? `${rig.card.state.profiles[0]?.iccid}F` : "what is this";
    rig.link.up = false;
    const end = async () => {
      rig.card.openSession(encode(SessionTrigger, { session: { http: { agentId: name } } }));
      await rig.agent.idle();
      return rig.reports.at(-1)?.end;
    };
    if (how === "setting") {
      expect(await end()).toBe("refused");
      await rig.bench.targets.change(rig.eid, { settings: { agentId: name } });
      await rig.bench.until(async () => ((await end()) === "complete" ? true : undefined));
    } else expect(await end()).toBe("complete");
  });
});

describe("the choice among bearers", () => {
  const long = Array.from({ length: 6 }, () => `80E2900078${"5A".repeat(120)}`);

  it("takes a session for a script that is long by SMS, and says so", async () => {
    const rig = await set();
    const job = await rig.bench.ended(await rig.submit(long, { bearer: "auto" }));
    expect(job.chosen).toMatchObject({ bearer: "https", why: expect.stringMatching(/SMS segments are too many/) });
  });

  it("takes the open session, and the reader when there is none", async () => {
    const rig = await set();
    const before = await rig.bench.ended(await rig.submit([getEid], { bearer: "auto" }));
    expect(before.chosen?.bearer).toBe("envelope");
    await rig.bench.ended(await rig.submit([getEid], { moreToCome: true }));
    const within = await rig.bench.ended(await rig.submit([getEid], { bearer: "auto" }));
    expect(within.chosen).toMatchObject({ bearer: "https", why: "an SCP81 session is open" });
  });

  it("takes a session when there are no keys for anything else", async () => {
    const rig = await set();
    const { keySets } = await rig.bench.targets.show(rig.eid);
    await rig.bench.targets.removeKeys(rig.eid, keySets.find(({ type }) => type === "SCP80")?.id ?? "");
    const id = await rig.submit([getEid], { bearer: "auto" });
    await rig.bench.until(async () => ((await rig.bench.gateway.jobs.get(id)).state === "waiting" ? true : undefined));
    await session(rig);
    expect(await rig.bench.ended(id)).toMatchObject({
      state: "done",
      chosen: { why: expect.stringMatching(/no SCP80 keys/) },
    });
  });

  it("leaves a ready packet to the short message even while a session is open", async () => {
    const rig = await set();
    await rig.bench.ended(await rig.submit([getEid], { moreToCome: true }));
    const { job } = await rig.bench.gateway.jobs.submit({
      target: rig.eid,
      work: readWork({
        kind: "packet",
        userData: ["027000000A0D0021000000000001"],
        protocolId: 0x7f,
        dataCoding: 0xf6,
      }),
      request: { bearer: "auto", fireAndForget: true },
      origin: { face: "api" },
    });
    const sent = await rig.bench.until(async () => {
      const now = await rig.bench.gateway.jobs.get(job.id);
      return now.chosen === undefined ? undefined : now;
    });
    expect(sent.chosen?.bearer).toBe("envelope");
  });
});

describe("asking for a session", () => {
  it("works without a job", async () => {
    const rig = await set();
    const { target } = await rig.bench.targets.show(rig.eid);
    await rig.service.bearer.trigger(target);
    await rig.bench.until(async () => (rig.reports.length > 0 ? true : undefined));
    expect(rig.reports).toMatchObject([{ end: "complete", posts: 1 }]);
    await systemClock.sleep(1200);
    expect((await rig.bench.events()).filter((type) => type === "session.triggered")).toHaveLength(1);
  });
});
