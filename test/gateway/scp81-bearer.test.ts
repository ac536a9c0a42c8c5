import { afterEach, describe, expect, it } from "vitest";
import type { SimulatedEuicc } from "../../drivers/simulated/euicc/euicc.ts";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { Scp81Bearer } from "../../src/gateway/scp81-bearer.ts";
import { Bench, euicc } from "./bench.ts";

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});

/** A gateway and its SCP81 bearer without a server, on a clock that the test moves. */
class Triggering implements AsyncDisposable {
  readonly card: SimulatedEuicc = euicc();
  bench!: Bench;
  bearer!: Scp81Bearer;
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
      isOpen: () => false,
      running: () => true,
      trigger: () => "8100",
      resume: () => {},
      wake: (target) => void gateway.wake(target),
    });
    gateway.https = this.bearer;
    await gateway.start();
    await this.bench.add(this.card, "reader");
  }
}

const minute = 60_000;
/** Time for a look of the bearer, which has one each second. */
const look = () => systemClock.sleep(1500);

describe("a session that was asked for with a deadline", () => {
  it("is asked for again after a restart under a fresh counter, up to the same deadline", async () => {
    const it = await Triggering.open();
    await it.bearer.trigger(await it.target(), 4 * minute);
    const [first = 0] = await it.counters(1);
    await it.restart();
    await look();
    expect(await it.counters(1)).toEqual([first]);
    it.pass(95_000);
    expect(await it.counters(2)).toEqual([first, first + 1]);
    await it.restart();
    it.pass(10 * minute);
    await look();
    expect(await it.counters(2)).toHaveLength(2);
    expect(await it.bench.store.read((r) => r.wantedSessions.list())).toEqual([]);
  });

  it("is asked for no more once it was there, restart or not", async () => {
    const it = await Triggering.open();
    const target = await it.target();
    await it.bearer.trigger(target, 60 * minute);
    await it.counters(1);
    const opened = { at: Date.now(), type: "session.opened", target: target.id, data: {} } as const;
    await it.bench.store.write((r) => r.events.append(opened));
    await it.bench.until(async () =>
      (await it.bench.store.read((r) => r.wantedSessions.list())).length === 0 ? true : undefined,
    );
    await it.restart();
    it.pass(5 * minute);
    await look();
    expect(await it.counters(1)).toHaveLength(1);
  });

  it("is not put off by triggers of orders before it, whose sessions a restart has forgotten", async () => {
    const it = await Triggering.open();
    const target = await it.target();
    for (let round = 0; round < 5; round++) {
      await it.bearer.trigger(target, minute);
      await it.counters(round + 1);
      it.pass(2 * minute);
    }
    await it.bearer.trigger(target, 60 * minute);
    await it.counters(6);
    await it.restart();
    it.pass(95_000);
    expect(await it.counters(7)).toHaveLength(7);
  });
});
