import { get, type IncomingMessage } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ApiBench } from "./api-bench.ts";

let bench: ApiBench;
beforeAll(async () => {
  bench = await ApiBench.open({ config: { api: { port: 0, maxStreamsPerClient: 4, maxStreams: 10 } } });
});
afterAll(() => bench[Symbol.asyncDispose]());

/** A stream that is open, with what tells of its end. */
async function opened(
  token: string,
  path = "/v1/events",
): Promise<{ response: IncomingMessage; ended: Promise<void> }> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = get(
      `${bench.url}${path}`,
      { headers: { authorization: `Bearer ${token}` }, agent: false },
      resolve,
    );
    request.on("error", reject);
  });
  response.on("error", () => {});
  const ended = new Promise<void>((resolve) => response.once("close", () => resolve()));
  return { response, ended };
}

const close = async (streams: { response: IncomingMessage; ended: Promise<void> }[]) => {
  for (const { response } of streams) response.destroy();
  await Promise.all(streams.map(({ ended }) => ended));
};

describe("answers without end", () => {
  it.each(["/v1/events", "/v1/events?after=0&type=nothing.*", "/v1/traces/live"])(
    "of a revoked token end at once: %s",
    async (path) => {
      const token = await bench.token("goes", ["read"]);
      const other = await bench.token("stays", ["read"]);
      const stream = await opened(token, path);
      const kept = await opened(other, path);
      let over = false;
      void kept.ended.then(() => {
        over = true;
      });
      stream.response.resume();
      expect((await bench.call("DELETE", "/v1/tokens/goes")).status).toBe(204);
      await stream.ended;
      expect(over).toBe(false);
      await close([kept]);
    },
  );

  it("of a token end with its validity, and so do waits", async () => {
    const made = await bench.call("POST", "/v1/tokens", {
      body: { name: "brief", scopes: ["read", "jobs"], validMs: 1500 },
    });
    const stream = await opened(made.body.token);
    stream.response.resume();
    const card = await bench.card("slow", "a stream");
    const { body: job } = await bench.call("POST", "/v1/jobs", {
      body: {
        target: card.state.eid,
        work: { kind: "script", tar: "000001", apdus: ["80CA00FE02DFB5"] },
        request: { link: "none-such" },
      },
    });
    const waited = opened(made.body.token, `/v1/jobs/${job.id}?wait=60000`).then(
      () => "answered",
      () => "cut",
    );
    await stream.ended;
    expect(await waited).toBe("cut");
  });

  it("are as many as the limits say, for each client and in all, and free their place", async () => {
    const first = await bench.token("first", ["read"]);
    const four = await Promise.all([1, 2, 3, 4].map(() => opened(first)));
    const refused = await bench.call("GET", "/v1/events", { token: first });
    expect([refused.status, refused.body.type, refused.body.facts]).toEqual([429, "api.busy", { limit: 4 }]);
    expect((await bench.call("GET", "/v1/traces/live", { token: first })).status).toBe(429);
    expect((await bench.call("GET", "/v1/jobs", { token: first })).status).toBe(200);
    const others = [];
    for (const name of ["second", "third"]) {
      const token = await bench.token(name, ["read"]);
      others.push(...(await Promise.all([1, 2, 3].map(() => opened(token)))));
    }
    const last = await bench.token("last", ["read"]);
    expect((await bench.call("GET", "/v1/events", { token: last })).body.facts).toEqual({ limit: 10 });
    await close([...four, ...others]);
    await bench.until(async () => {
      const again = await opened(last);
      const { statusCode } = again.response;
      await close([again]);
      return statusCode === 200;
    });
  });

  it("all get all events, at whatever place they begin", async () => {
    const { store } = bench.daemon;
    await store.write(async (r) => {
      for (let at = 0; at < 450; at++)
        await r.events.append({ at, type: "job.unproven-answer", data: { why: String(at) } });
    });
    const end = await store.read((r) => r.events.last());
    const token = await bench.token("reader", ["read"]);
    const read = async (after: number) => {
      const { response, ended } = await opened(token, `/v1/events?after=${after}`);
      const seen: number[] = [];
      response.setEncoding("utf8");
      let left = "";
      response.on("data", (piece: string) => {
        const lines = `${left}${piece}`.split("\n");
        left = lines.pop() ?? "";
        for (const line of lines) {
          if (line.startsWith("data: ")) seen.push(JSON.parse(line.slice(6)).seq);
        }
        if (seen.at(-1) === end + 1) response.destroy();
      });
      return { seen, ended };
    };
    const places = [end - 450, end - 333, end - 100, end];
    const readers = await Promise.all(places.map(read));
    await store.write(async (r) => void (await r.events.append({ at: 1, type: "session.triggered", data: {} })));
    await Promise.all(readers.map(({ ended }) => ended));
    for (const [index, { seen }] of readers.entries()) {
      const from = places[index] ?? 0;
      expect(seen).toEqual(Array.from({ length: end + 1 - from }, (_, at) => from + 1 + at));
    }
  });
});

describe("the audit log under a flood of strangers", () => {
  it("still has the refusal of a client that is known", async () => {
    const token = await bench.token("known", ["read"]);
    const flood = Array.from({ length: 60 }, () => bench.call("GET", "/v1/jobs", { token: "otg_bad" }));
    const answer = await bench.call("POST", "/v1/tokens", { token, body: { name: "more", scopes: ["admin"] } });
    await Promise.all(flood);
    expect(answer.status).toBe(403);
    const { items } = (await bench.call("GET", "/v1/audit?client=known")).body;
    expect(items).toMatchObject([{ operation: "createToken", status: 403, error: "api.forbidden" }]);
  });
});

describe("a body that is nested too deep", () => {
  it.each([
    ["POST", "/v1/targets", (deep: string) => `{"iccid":"8944000000000000017","x":${deep}}`],
    [
      "POST",
      "/v1/targets/import",
      (deep: string) => `{"format":"json","items":[{"iccid":"8944000000000000017","x":${deep}}]}`,
    ],
    ["POST", "/v1/jobs", (deep: string) => `{"target":"x","work":${deep}}`],
    ["PATCH", "/v1/targets/x", (deep: string) => `{"settings":${deep}}`],
    ["POST", "/v1/campaigns", (deep: string) => `{"targets":${deep}}`],
    ["POST", "/v1/tokens", (deep: string) => deep],
  ])("is the client's mistake, with the place: %s %s", async (method, path, wrap) => {
    for (const levels of [100, 5_000, 100_000]) {
      for (const deep of ["[".repeat(levels) + "]".repeat(levels), `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`]) {
        const { status, body } = await bench.call(method, path, { raw: wrap(deep) });
        expect([status, body.type, body.facts.field]).toEqual([400, "api.usage", "body"]);
        expect(body.detail).toMatch(/nested deeper than 64 levels \(offset \d+\)/);
      }
    }
  });
});
