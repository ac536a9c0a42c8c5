import { describe, expect, it, vi } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { GatewayError } from "../../../src/base/gateway-error.ts";
import type { JobQueue, NewJob } from "../../../src/gateway/model/new-job.ts";
import { WorkPuller, type WorkReceipt } from "../../../src/gateway/upstream/work-puller.ts";
import { silentLog } from "../../../src/link/driver.ts";

const order = { target: "89001012012341234012345678901224", work: { kind: "es5", function: "auditStatus" } };

/** An upstream that answers each poll at once with what it has, and a gateway that takes orders or does not. */
class Bench implements AsyncDisposable {
  work: { id: string; order?: unknown; cancel?: unknown }[] = [];
  readonly receipts: WorkReceipt[] = [];
  /** Receipts that the upstream refuses. */
  readonly refused = new Set<string>();
  refusal = 400;
  polls = 0;
  acknowledgements = 0;
  submit: (order: NewJob) => void = () => {};
  readonly #known = new Set<string>();
  readonly puller: WorkPuller;

  constructor() {
    const jobs = {
      submit: async (job: NewJob) => {
        this.submit(job);
        const key = String(job.idempotencyKey);
        const created = !this.#known.has(key);
        this.#known.add(key);
        return { job: { id: `job_of_${key}` }, created };
      },
    } as unknown as JobQueue;
    this.puller = new WorkPuller(
      {
        jobs,
        clock: systemClock,
        random: () => 0.5,
        log: silentLog,
        turn: async () => {},
        fetch: async () => {
          this.polls++;
          await new Promise((resolve) => setImmediate(resolve));
          return this.work.length === 0 ? undefined : { work: this.work };
        },
        acknowledge: async (receipts) => {
          this.acknowledgements++;
          if (receipts.some(({ id }) => this.refused.has(id)))
            throw new GatewayError("upstream.refused", "no", { detail: { status: this.refusal } });
          this.receipts.push(...receipts);
          this.work = this.work.filter(({ id }) => !receipts.some((one) => one.id === id));
        },
      },
      { upstream: "smsr", firstRetryMs: 5, maxRetryMs: 10 },
    );
    this.puller.start();
  }

  until(check: () => void): Promise<void> {
    return vi.waitFor(check, { timeout: 20_000, interval: 5 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.puller[Symbol.asyncDispose]();
  }
}

describe("fetching work", () => {
  it("acknowledges the others while one cannot be taken, and that one when it can", async () => {
    await using bench = new Bench();
    let full = true;
    bench.submit = ({ idempotencyKey }) => {
      if (full && String(idempotencyKey).includes("w-2")) throw new GatewayError("store.full", "the disk is full");
    };
    bench.work = ["w-1", "w-2", "w-3"].map((id) => ({ id, order }));
    await bench.until(() => expect(bench.receipts.map(({ id }) => id)).toEqual(["w-1", "w-3"]));
    expect(bench.puller.lastError).toBe("the disk is full");
    full = false;
    await bench.until(() => expect(bench.receipts.map(({ id }) => id)).toEqual(["w-1", "w-3", "w-2"]));
  });

  it("gives a piece up that fails by a bug each time, without telling the bug", async () => {
    await using bench = new Bench();
    let tries = 0;
    bench.submit = ({ idempotencyKey }) => {
      if (!String(idempotencyKey).includes("bad")) return;
      tries++;
      throw new TypeError("secret innards");
    };
    bench.work = [
      { id: "bad", order },
      { id: "good", order },
    ];
    await bench.until(() => expect(bench.receipts.find(({ id }) => id === "good")).toBeDefined());
    await bench.until(() => expect(bench.receipts).toHaveLength(2));
    expect(bench.receipts[1]).toEqual({
      id: "bad",
      problem: { type: "api.internal", detail: "see the gateway's log" },
    });
    expect(tries).toBe(3);
  });

  it("acknowledges all that the upstream takes when it refuses one receipt", async () => {
    await using bench = new Bench();
    bench.refused.add("w-5");
    bench.work = Array.from({ length: 16 }, (_, n) => ({ id: `w-${n}`, order }));
    await bench.until(() => expect(bench.receipts.length).toBeGreaterThanOrEqual(15));
    expect(new Set(bench.receipts.map(({ id }) => id)).size).toBe(15);
    expect(bench.work.map(({ id }) => id)).toEqual(["w-5"]);
  });

  it("does not take a refusal of us for one of a receipt", async () => {
    await using bench = new Bench();
    bench.refused.add("w-1");
    bench.refusal = 401;
    bench.work = ["w-1", "w-2"].map((id) => ({ id, order }));
    await bench.until(() => expect(bench.acknowledgements).toBeGreaterThan(2));
    expect(bench.receipts).toEqual([]);
  });

  it("refuses by field what has an id and is no work", async () => {
    await using bench = new Bench();
    bench.work = [{ id: "a", cancel: 7 }, { id: "b", cancel: "x".repeat(200) }, { id: "c" }, { id: "d", order }];
    await bench.until(() => expect(bench.receipts).toHaveLength(4));
    expect(bench.receipts).toMatchObject([
      { id: "a", problem: { type: "api.usage", detail: expect.stringContaining("cancel:") } },
      { id: "b", problem: { type: "api.usage", detail: expect.stringContaining("cancel:") } },
      { id: "c", problem: { type: "api.usage", detail: expect.stringContaining("order:") } },
      { id: "d", job: expect.any(String) },
    ]);
  });

  it("takes a list of more than a thousand pieces in parts", async () => {
    await using bench = new Bench();
    bench.work = Array.from({ length: 2500 }, (_, n) => ({ id: `w-${n}`, order }));
    await bench.until(() => expect(bench.receipts).toHaveLength(2500));
    expect(bench.polls).toBeLessThan(6);
  });

  const patient = async (bench: Bench) => {
    const before = bench.polls;
    await systemClock.sleep(2500);
    expect(bench.polls - before).toBeLessThanOrEqual(4);
  };

  it("asks once a second at most when an upstream answers at once: nothing, or the same again", async () => {
    await using idle = new Bench();
    await using again = new Bench();
    again.refused.add("w");
    again.work = [{ id: "w", order }];
    await Promise.all([patient(idle), patient(again)]);
  });

  it("asks at once again while new work comes", async () => {
    await using bench = new Bench();
    let handed = 0;
    bench.submit = () => {
      handed++;
      if (handed < 50) setImmediate(() => bench.work.push({ id: `w-${handed}`, order }));
    };
    bench.work = [{ id: "w-0", order }];
    await bench.until(() => expect(handed).toBe(50));
  });
});
