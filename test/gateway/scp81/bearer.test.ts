import { afterEach, describe, expect, it } from "vitest";
import type { SimulatedEuicc } from "../../../simulators/euicc/euicc.ts";
import { type Clock, systemClock } from "../../../src/base/clock.ts";
import { withoutUndefined } from "../../../src/base/defined.ts";
import { GatewayError } from "../../../src/base/gateway-error.ts";
import { fromHex } from "../../../src/base/hex.ts";
import type { JobId } from "../../../src/base/id.ts";
import { isdRTar, parseAid } from "../../../src/codec/euicc/aid.ts";
import { feedJob } from "../../../src/gateway/job-effects.ts";
import type { Job, JobRequest, JobWork } from "../../../src/gateway/model/job.ts";
import { Scp81Bearer } from "../../../src/gateway/scp81/bearer.ts";
import { Bench, type BenchLink, euicc } from "../bench.ts";

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});

/** A gateway and its SCP81 bearer without a server, on a clock that the test moves. */
class Triggering implements AsyncDisposable {
  readonly card: SimulatedEuicc = euicc();
  bench!: Bench;
  bearer!: Scp81Bearer;
  link!: BenchLink;
  sessionOpen = false;
  #shiftMs = 0;
  readonly #clock: Clock = { ...systemClock, now: () => Date.now() + this.#shiftMs };

  static async open(): Promise<Triggering> {
    const made = new Triggering();
    open.push(made);
    await made.#start();
    return made;
  }

  /** The daemon stops and starts again over the same state. */
  async restart(): Promise<void> {
    this.bearer[Symbol.dispose]();
    await this.bench.close();
    await this.#start(this.bench.folder);
  }

  pass(ms: number): void {
    this.#shiftMs += ms;
  }

  /** Counters of the triggers that reached the card, once there are so many. */
  async counters(atLeast: number): Promise<number[]> {
    const triggers = async () => {
      const jobs = await this.bench.store.read((r) => r.jobs.list({ origin: "system" }, undefined, 50));
      const done = jobs.filter(({ work, state }) => work.kind === "body" && state === "done").reverse();
      const packets = await Promise.all(done.map(({ id }) => this.bench.store.read((r) => r.packets.ofJob(id))));
      return packets.flat().map(({ cntr }) => cntr ?? 0);
    };
    return this.bench.until(async () => {
      const found = await triggers();
      return found.length >= atLeast ? found : undefined;
    }, 6000);
  }

  /** A job that waits for a session. */
  async waiting(request: Partial<JobRequest> = {}, work: Partial<Script> = {}, validityMs?: number): Promise<JobId> {
    const { job } = await this.bench.gateway.jobs.submit({
      target: this.card.state.eid,
      work: { kind: "script", tar: isdRTar, apdus: long, format: "compact", ...work },
      request,
      origin: { face: "api" },
      ...withoutUndefined({ validityMs }),
    });
    await this.bench.until(async () => ((await this.#job(job.id)).chosen?.bearer === "https" ? true : undefined));
    return job.id;
  }

  /** Where the job is, once the time for a session is over. */
  async later(id: JobId): Promise<Job> {
    this.pass(125_000);
    await look();
    return this.#job(id);
  }

  #job(id: JobId): Promise<Job> {
    return this.bench.gateway.jobs.get(id);
  }

  async target() {
    return (await this.bench.targets.show(this.card.state.eid)).target;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.bearer[Symbol.dispose]();
    await this.bench[Symbol.asyncDispose]();
  }

  async #start(folder?: string): Promise<void> {
    this.bench = await Bench.open(folder, this.#clock);
    const { gateway, store } = this.bench;
    this.bearer = new Scp81Bearer({
      store,
      clock: this.#clock,
      feed: feedJob,
      isOpen: () => this.sessionOpen,
      running: () => true,
      bySms: (job, target) => gateway.bySms(job, target),
      trigger: () => Uint8Array.of(0x81, 0x00),
      resume: () => {},
      wake: (target) => void gateway.jobs.wake(target),
    });
    gateway.connectHttps(this.bearer);
    await gateway.start();
    this.link = await this.bench.add(this.card, "reader");
  }
}

type Script = Extract<JobWork, { kind: "script" }>;
/** GET DATA so often that the script takes more than five short messages. */
const long = Array.from({ length: 150 }, () => fromHex("80CA005A00"));
const minute = 60_000;
/** Time for a look of the bearer, which has one each second. */
const look = () => systemClock.sleep(1500);

describe("a session that was asked for with a deadline", () => {
  it("is asked for again after a restart under a fresh counter, up to the same deadline", async () => {
    const triggering = await Triggering.open();
    await triggering.bearer.trigger(await triggering.target(), 4 * minute);
    const [first = 0] = await triggering.counters(1);
    await triggering.restart();
    await look();
    expect(await triggering.counters(1)).toEqual([first]);
    triggering.pass(95_000);
    expect(await triggering.counters(2)).toEqual([first, first + 1]);
    await triggering.restart();
    triggering.pass(10 * minute);
    await look();
    expect(await triggering.counters(2)).toHaveLength(2);
    expect(await triggering.bench.store.read((r) => r.sessionTriggers.list())).toEqual([]);
  });

  it("is asked for no more once it was there, restart or not", async () => {
    const triggering = await Triggering.open();
    const target = await triggering.target();
    await triggering.bearer.trigger(target, 60 * minute);
    await triggering.counters(1);
    const data = { session: "ses_1", identity: "test", remote: "127.0.0.1" };
    const opened = { at: Date.now(), type: "session.opened", target: target.id, data } as const;
    await triggering.bench.store.write((r) => r.events.append(opened));
    await triggering.bench.until(async () =>
      (await triggering.bench.store.read((r) => r.sessionTriggers.list())).length === 0 ? true : undefined,
    );
    await triggering.restart();
    triggering.pass(5 * minute);
    await look();
    expect(await triggering.counters(1)).toHaveLength(1);
  });

  it("is not put off by triggers of orders before it, whose sessions a restart has forgotten", async () => {
    const triggering = await Triggering.open();
    const target = await triggering.target();
    for (let round = 0; round < 5; round++) {
      await triggering.bearer.trigger(target, minute);
      await triggering.counters(round + 1);
      triggering.pass(2 * minute);
    }
    await triggering.bearer.trigger(target, 60 * minute);
    await triggering.counters(6);
    await triggering.restart();
    triggering.pass(95_000);
    expect(await triggering.counters(7)).toHaveLength(7);
  });
});

describe("a job that may go either way", () => {
  it("goes by short message when no session comes, and says why", async () => {
    const triggering = await Triggering.open();
    const id = await triggering.waiting();
    await look();
    expect((await triggering.bench.gateway.jobs.get(id)).state).toBe("waiting");
    triggering.pass(125_000);
    const job = await triggering.bench.ended(id);
    expect(job).toMatchObject({ state: "done", chosen: { bearer: "envelope" }, result: { executed: 150 } });
    expect(job.chosen?.why).toMatch(/no SCP81 session was opened in time/);
    const rerouted = (await triggering.bench.store.read((r) => r.events.after(0, 1000))).filter(
      ({ job: of }) => of === id,
    );
    expect(rerouted.map(({ type }) => type)).toEqual([
      "job.queued",
      "job.rerouted",
      "job.sending",
      "job.answered",
      "job.done",
    ]);
    expect(rerouted[1]?.data).toMatchObject({ from: "https", why: expect.stringMatching(/no SCP81 session came/) });
  });

  it("does so in half of a short validity", async () => {
    const triggering = await Triggering.open();
    const job = await triggering.bench.ended(await triggering.waiting({}, {}, 4000));
    expect(job).toMatchObject({ state: "done", chosen: { bearer: "envelope" } });
  });

  it("does so after a restart, at the same time", async () => {
    const triggering = await Triggering.open();
    const id = await triggering.waiting();
    triggering.pass(100_000);
    await triggering.restart();
    await look();
    expect((await triggering.bench.gateway.jobs.get(id)).state).toBe("waiting");
    triggering.pass(25_000);
    expect(await triggering.bench.ended(id)).toMatchObject({ state: "done", chosen: { bearer: "envelope" } });
  });

  it("waits on when https was asked for", async () => {
    const triggering = await Triggering.open();
    expect(await triggering.later(await triggering.waiting({ bearer: "https" }))).toMatchObject({ state: "waiting" });
  });

  it("waits on once a session has taken something of it", async () => {
    const triggering = await Triggering.open();
    const id = await triggering.waiting();
    await triggering.bench.store.write((r) => r.jobs.patch(id, { attempts: 1 }));
    expect(await triggering.later(id)).toMatchObject({ state: "waiting" });
  });

  it.each([
    { fate: "not-sent", executed: false },
    { fate: "unknown", executed: "unknown" },
  ] as const)(
    "that was tried by short message ($fate) and then waits for a session has $executed when it is cancelled",
    async ({ fate, executed }) => {
      const triggering = await Triggering.open();
      triggering.link.submit = () => {
        triggering.link.up = false;
        triggering.sessionOpen = true;
        throw new GatewayError("link.lost", "the link broke", { fate });
      };
      const { job } = await triggering.bench.gateway.jobs.submit({
        target: triggering.card.state.eid,
        work: { kind: "es5", function: "auditEid" },
        request: { answerTimeoutMs: 50 },
        origin: { face: "api" },
      });
      await triggering.bench.until(async () => {
        const now = await triggering.bench.gateway.jobs.get(job.id);
        if (fate === "unknown") return now.attempts > 0 && now.state === "queued" ? true : undefined;
        return now.chosen?.bearer === "https" ? true : undefined;
      });
      await triggering.bench.gateway.jobs.cancel(job.id);
      expect(await triggering.bench.gateway.jobs.get(job.id)).toMatchObject({
        state: "cancelled",
        error: { executed },
      });
    },
  );

  it("waits on while its session is open", async () => {
    const triggering = await Triggering.open();
    const id = await triggering.waiting();
    triggering.sessionOpen = true;
    expect(await triggering.later(id)).toMatchObject({ state: "waiting" });
  });

  it("waits on behind a job that stays", async () => {
    const triggering = await Triggering.open();
    await triggering.waiting({ bearer: "https" });
    expect(await triggering.later(await triggering.waiting())).toMatchObject({ state: "waiting" });
  });

  it("waits on until something carries short messages", async () => {
    const triggering = await Triggering.open();
    const id = await triggering.waiting();
    triggering.link.up = false;
    expect(await triggering.later(id)).toMatchObject({ state: "waiting" });
    triggering.link.up = true;
    expect(await triggering.bench.ended(id)).toMatchObject({ state: "done" });
  });

  it.each([
    [
      "is too long for short messages",
      {},
      { apdus: Array.from({ length: 300 }, () => fromHex(`80E2000078${"5A".repeat(120)}`)) },
    ],
    ["belongs to a secure channel of the session", { secureChannel: "c1" }, {}],
    ["continues a secure channel", {}, { apdus: [fromHex(`8482030010${"00".repeat(16)}`), ...long] }],
    ["is for an application that its TAR does not name", {}, { aid: parseAid("A0000000871002") }],
    ["asks for a key set that does not exist", { kvn: 9 }, {}],
  ])("waits on when its script %s", async (_, request, work) => {
    const triggering = await Triggering.open();
    expect(await triggering.later(await triggering.waiting(request, work))).toMatchObject({
      state: "waiting",
      attempts: 0,
    });
  });
});
