import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { withoutUndefined } from "../../../src/base/defined.ts";
import { ApiBench } from "../../face/http/api-bench.ts";
import { SmsrStandIn, signedWell } from "./stand-in.ts";

const secret = "a secret of the test, long enough";
let smsr: SmsrStandIn;
let bench: ApiBench;

const upstream = (over: Record<string, unknown> = {}) => ({
  name: "smsr",
  secret: "env:SECRET",
  webhook: { url: `http://127.0.0.1:${smsr.port}/events` },
  firstRetryMs: 20,
  maxRetryMs: 100,
  maxAttempts: 4,
  ...over,
});

const opened = (over: Record<string, unknown> = {}, folder?: string) =>
  ApiBench.open({
    config: { upstream: [upstream(over)] },
    env: { SECRET: secret },
    ...withoutUndefined({ folder }),
  });

beforeEach(async () => {
  smsr = await SmsrStandIn.open();
});

afterEach(async () => {
  await bench?.[Symbol.asyncDispose]();
  await smsr[Symbol.asyncDispose]();
});

const audit = (eid: string) => ({ target: eid, work: { kind: "es5", function: "auditStatus" }, reference: "r-1" });

async function state(): Promise<{ queued: number; dead: number; delivered: number; lastError?: string }> {
  return (await bench.call("GET", "/v1/upstreams")).body.items[0];
}

describe("events to an upstream", () => {
  it("delivers everything an SM-SR needs, signed, as CloudEvents, in order", async () => {
    bench = await opened();
    const card = await bench.card("reader-1");
    const { body: job } = await bench.call("POST", "/v1/jobs", { body: audit(card.state.eid) });
    await bench.until(() => smsr.events().some((event) => event.type === "otagate.job.done"));
    const events = smsr.events();
    expect(smsr.got.every((got) => signedWell(got, secret))).toBe(true);
    expect(smsr.got[0]?.headers["content-type"]).toContain("application/cloudevents+json");
    const mine = events.filter((event) => event.data.job !== undefined);
    const steps = ["queued", "sending", "answered", "done"].map((step) => `otagate.job.${step}`);
    expect(mine.map((event) => event.type)).toEqual(steps);
    const done = mine.at(-1);
    expect(done).toMatchObject({
      specversion: "1.0",
      subject: card.state.eid,
      datacontenttype: "application/json",
      data: {
        target: { eid: card.state.eid },
        job: { id: job.id, origin: { reference: "r-1" }, result: { commands: [{ sw: "9000" }], por: { status: 0 } } },
      },
    });
    expect(JSON.stringify(done?.data.packets)).toMatch(/"response":\["027100/);
    expect(done?.id).toBe(smsr.got.find((got) => got.body.includes('"otagate.job.done"'))?.headers["webhook-id"]);
  });

  it("sends the same octets until they are taken, later ones of the target behind them", async () => {
    let refused = 0;
    smsr.serve = ({ body }) => (body.includes('"otagate.job.queued"') && ++refused <= 3 ? 500 : 204);
    bench = await opened({ events: ["job.*"] });
    const card = await bench.card("reader-1");
    await bench.call("POST", "/v1/jobs", { body: audit(card.state.eid) });
    await bench.until(() => smsr.events().some((event) => event.type === "otagate.job.done"));
    const types = smsr.events().map((event) => event.type);
    expect(types.slice(0, 4)).toEqual(Array(4).fill("otagate.job.queued"));
    expect(new Set(smsr.got.slice(0, 4).map((got) => got.body.toString())).size).toBe(1);
    expect(new Set(smsr.got.slice(0, 4).map((got) => got.headers["webhook-id"])).size).toBe(1);
  });

  it("keeps going for other targets while one target's events are refused", async () => {
    bench = await opened({ events: ["target.changed"], maxAttempts: 1000 });
    const one = await bench.card("reader-1", "one");
    const two = await bench.card("reader-2", "two");
    smsr.serve = ({ body }) => (body.includes(one.state.eid) ? 500 : 204);
    await bench.call("PATCH", `/v1/targets/${one.state.eid}`, { body: { name: "stuck" } });
    for (let round = 0; round < 5; round++)
      await bench.call("PATCH", `/v1/targets/${two.state.eid}`, { body: { name: `n${round}` } });
    const versions = () =>
      smsr.events().flatMap((event) => (event.subject === two.state.eid ? [event.data.version] : []));
    await bench.until(() => versions().length === 5);
    expect(versions()).toEqual([2, 3, 4, 5, 6]);
    await bench.until(async () => (await state()).queued === 1);
  });

  it("loses nothing and keeps the order although the clock is stepped back and forth", async () => {
    const now = Date.now.bind(Date);
    let step = 0;
    const stepped = vi.spyOn(Date, "now").mockImplementation(() => now() + step);
    try {
      let asked = 0;
      smsr.serve = () => (++asked % 3 === 0 ? 503 : 204);
      bench = await opened({ events: ["target.changed", "job.done"], maxAttempts: 1000 });
      const card = await bench.card("reader-1");
      const steps = [0, -3_600_000, 86_400_000, 0, -86_400_000, 600_000];
      for (step of steps) {
        await bench.call("PATCH", `/v1/targets/${card.state.eid}`, { body: { name: `at ${step}` } });
        const { body: job } = await bench.call("POST", "/v1/jobs", { body: audit(card.state.eid) });
        expect((await bench.call("GET", `/v1/jobs/${job.id}?wait=10000`)).body.state).toBe("done");
      }
      const last = () => smsr.events().filter(({ type }) => type === "otagate.job.done").length >= steps.length;
      await bench.until(async () => last() && (await state()).queued === 0);
      const once = [...new Map(smsr.events().map((event) => [event.id, event])).values()];
      // The card that came before the steps is one change more.
      expect(once.slice(1).map((event) => event.type)).toEqual(
        steps.flatMap(() => ["otagate.target.changed", "otagate.job.done"]),
      );
      const versions = once.flatMap(({ data }) => (typeof data.version === "number" ? [data.version] : []));
      expect(versions).toEqual([...versions].sort((a, b) => a - b));
    } finally {
      stepped.mockRestore();
    }
  });

  it("survives an upstream that hangs, answers falsely and redirects, and loses no job", async () => {
    const lies = [
      (response: import("node:http").ServerResponse) => void response.writeHead(302, { location: "/elsewhere" }).end(),
      (response: import("node:http").ServerResponse) => void response.writeHead(200).write("x".repeat(200_000)),
      (response: import("node:http").ServerResponse) => {
        response.writeHead(200, { "content-length": "500" }).write("short");
        setTimeout(() => response.destroy(), 20);
      },
      (response: import("node:http").ServerResponse) => void response.socket?.end("HTTP/1.1 banana\r\n\r\n"),
      (response: import("node:http").ServerResponse) => void response.destroy(),
      () => {},
    ];
    let asked = 0;
    smsr.serve = (got, response) => {
      if (got.path !== "/events") return 404;
      const lie = lies[asked++];
      if (lie === undefined) return 204;
      lie(response);
      return undefined;
    };
    bench = await opened({ events: ["job.queued"], timeoutMs: 600 });
    const card = await bench.card("reader-1");
    const { body: job } = await bench.call("POST", "/v1/jobs", { body: audit(card.state.eid) });
    expect((await bench.call("GET", `/v1/jobs/${job.id}?wait=10000`)).body.state).toBe("done");
    await bench.until(async () => (await state()).delivered === 1);
    expect(smsr.got.some((got) => got.path === "/elsewhere")).toBe(false);
    expect(new Set(smsr.events().map((event) => event.id)).size).toBe(1);
  });

  it("loses nothing and keeps the order while the upstream is down and the daemon restarts", async () => {
    bench = await opened({ events: ["target.changed"] });
    const { folder } = bench;
    const one = await bench.card("reader-1", "one");
    const { port } = smsr;
    const change = (n: number) => bench.call("PATCH", `/v1/targets/${one.state.eid}`, { body: { name: `n${n}` } });
    for (let n = 0; n < 4; n++) await change(n);
    await smsr[Symbol.asyncDispose]();
    const before = smsr.events().map((event) => event.data.version);
    for (let n = 4; n < 8; n++) await change(n);
    await bench.daemon[Symbol.asyncDispose]();
    smsr = await SmsrStandIn.open({ port });
    bench = await opened({ events: ["target.changed"] }, folder);
    for (let n = 8; n < 12; n++) await change(n);
    await bench.until(() => smsr.events().at(-1)?.data.version === 13);
    const all = [...before, ...smsr.events().map((event) => event.data.version)];
    expect([...new Set(all)]).toEqual(Array.from({ length: 12 }, (_, index) => index + 2));
  });

  it("lists what was given up, and sends it again when asked", async () => {
    smsr.serve = ({ body }) => (body.includes('"otagate.job.queued"') ? 422 : 204);
    bench = await opened({ events: ["job.queued", "job.done"] });
    const card = await bench.card("reader-1");
    const { body: job } = await bench.call("POST", "/v1/jobs", { body: audit(card.state.eid) });
    await bench.until(async () => (await state()).dead === 1 && (await state()).delivered === 1);
    const { items } = (await bench.call("GET", "/v1/upstreams/smsr/dead")).body;
    expect(items).toMatchObject([{ type: "job.queued", attempts: 1, error: "the upstream answered 422" }]);
    expect(items[0].event.data.job.id).toBe(job.id);
    smsr.serve = () => 204;
    expect((await bench.call("POST", "/v1/upstreams/smsr/dead/replay", { body: { id: "evt_none" } })).body.count).toBe(
      0,
    );
    expect((await bench.call("POST", "/v1/upstreams/smsr/dead/replay")).body.count).toBe(1);
    await bench.until(async () => (await state()).delivered === 2);
    const same = smsr.events().filter((event) => event.id === items[0].id);
    expect(same).toHaveLength(2);
    expect((await bench.call("GET", "/v1/upstreams/none/dead")).body.type).toBe("upstream.unknown");
  });
});
