import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { GatewayError } from "../../../src/base/gateway-error.ts";
import { LinkBackoff } from "../../../src/gateway/links/link-backoff.ts";
import type { Link } from "../../../src/gateway/links/links.ts";
import { Bench, type BenchLink, euicc } from "../bench.ts";

const cli = { face: "cli" } as const;
const audit = { kind: "es5", function: "auditStatus" } as const;

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});

/** A link that takes nothing while it is `bad`, though it says that it is up. */
class ShakyLink {
  bad = true;
  tries = 0;
  readonly #bench: Bench;
  readonly #card: BenchLink;
  readonly #id: string;

  constructor(bench: Bench, card: BenchLink, id: string) {
    this.#bench = bench;
    this.#card = card;
    this.#id = id;
    const { link } = card;
    bench.gateway.attach({
      id,
      kind: "reader",
      describe: () => ({}),
      get state() {
        return card.state;
      },
      get card() {
        return link.card;
      },
      bearer: {
        id,
        kind: "envelope",
        get state() {
          return card.state;
        },
        submit: (sms, signal) => this.#submit(() => card.submit(sms, signal)),
        onInbound: (handler) => card.onInbound(handler),
        [Symbol.asyncDispose]: async () => {},
      },
    });
  }

  /** Goes down or comes up, as its owner tells the gateway. */
  set up(up: boolean) {
    this.#card.up = up;
    this.#bench.gateway.links.changed(this.#id);
  }

  async #submit<T>(work: () => Promise<T>): Promise<T> {
    this.tries++;
    if (!this.bad) return work();
    throw new GatewayError("link.unavailable", "shaky", { fate: "not-sent" });
  }
}

async function shaky(attempts: number) {
  const bench = await Bench.open();
  open.push(bench);
  await bench.gateway.start();
  const card = euicc();
  const plain = await bench.add(card);
  bench.gateway.links.remove(plain.id);
  plain.up = false;
  const link = new ShakyLink(bench, plain, "shaky");
  const { job } = await bench.gateway.jobs.submit({ target: card.state.eid, work: audit, origin: cli });
  // So that the next failure puts it off for long.
  await bench.store.write((r) => r.jobs.patch(job.id, { attempts }));
  return { bench, link, id: job.id, card };
}

describe("a job in back-off", () => {
  it("is tried at once when the link that failed it comes back", async () => {
    const { bench, link, id } = await shaky(8);
    link.up = true;
    const put = await bench.until(async () => {
      const job = await bench.gateway.jobs.get(id);
      return job.attempts === 9 && job.state === "queued" ? job : undefined;
    });
    expect(put.note).toMatch(/shaky/);
    expect(put.notBefore - Date.now()).toBeGreaterThan(25_000);
    link.up = false;
    link.bad = false;
    link.up = true;
    expect(await bench.ended(id, 4000)).toMatchObject({ state: "done", attempts: 10 });
  });

  it("is tried when its card turns up in another reader", async () => {
    const { bench, link, id, card } = await shaky(8);
    link.up = true;
    await bench.until(async () => ((await bench.gateway.jobs.get(id)).attempts === 9 ? true : undefined));
    link.up = false;
    await bench.add(card, "reader B");
    expect(await bench.ended(id, 4000)).toMatchObject({ state: "done", chosen: { link: "reader B" } });
  });

  it("is not tried in a hot loop by a link that flaps: attempts count and the delay grows", async () => {
    const { bench, link, id } = await shaky(0);
    for (const end = Date.now() + 2000; Date.now() < end; ) {
      link.up = true;
      await systemClock.sleep(4);
      link.up = false;
      await systemClock.sleep(1);
    }
    const job = await bench.gateway.jobs.get(id);
    expect(link.tries).toBeGreaterThan(3);
    expect(link.tries).toBeLessThan(14);
    expect(job.attempts).toBe(link.tries);
  });

  it("is due after a restart", async () => {
    const { bench, link, id } = await shaky(8);
    link.up = true;
    await bench.until(async () =>
      (await bench.gateway.jobs.get(id)).notBefore > Date.now() + 20_000 ? true : undefined,
    );
    await bench.close();
    const second = await Bench.open(bench.folder);
    open.splice(0, 1, second);
    await second.gateway.start();
    expect((await second.gateway.jobs.get(id)).notBefore).toBeLessThan(Date.now() + 16_000);
  });
});

describe("the list of what waits for a link", () => {
  const link = (id: string, kind: Link["kind"], up: boolean): Link => ({
    id,
    kind,
    state: { up },
    describe: () => ({}),
  });
  const trouble = { job: "job_j", target: "tgt_t", link: "m1", kind: "modem", since: 0, delayMs: 30_000 } as const;

  it("gives a job back to its link, and to any other that carries SMS, but to no reader", () => {
    for (const [id, kind, given] of [
      ["m1", "modem", 1],
      ["op", "smsc", 1],
      ["r", "reader", 0],
    ] as const) {
      const list = new LinkBackoff(systemClock);
      list.defer(trouble);
      expect(list.take(link(id, kind, true), undefined)).toHaveLength(given);
    }
  });

  it("counts a link as back that went and came during the try", () => {
    const list = new LinkBackoff(systemClock);
    list.noteLinkState(link("m1", "modem", true));
    const since = systemClock.monotonic();
    expect(list.defer({ ...trouble, since })).toBeUndefined();
    list.noteLinkState(link("m1", "modem", false));
    expect(list.noteLinkState(link("m1", "modem", true))).toBe(true);
    expect(list.defer({ ...trouble, since: since - 1 })?.earliest).toBeLessThan(Date.now() + 2000);
  });

  it("forgets jobs that are tried again or have ended", () => {
    const list = new LinkBackoff(systemClock);
    list.defer(trouble);
    expect(list.earliest("tgt_t")).toBeGreaterThan(Date.now());
    list.forget({ id: "job_j", target: "tgt_t" });
    expect(list.earliest("tgt_t")).toBe(0);
    expect(list.take(link("m1", "modem", true), undefined)).toEqual([]);
  });
});
