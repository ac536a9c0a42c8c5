import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SimulatedEuicc } from "../../../simulators/euicc/euicc.ts";
import { ApiBench } from "./api-bench.ts";

let bench: ApiBench;
let card: SimulatedEuicc;
let eid: string;

beforeAll(async () => {
  bench = await ApiBench.open();
  card = await bench.card("reader-1");
  eid = card.state.eid;
});

afterAll(() => bench[Symbol.asyncDispose]());

const audit = () => ({ target: eid, work: { kind: "es5", function: "auditStatus" } });

describe("jobs over the API", () => {
  it("accepts a job, shows what came of it, and lists it", async () => {
    const made = await bench.call("POST", "/v1/jobs", { body: { ...audit(), reference: "order 7" } });
    expect(made.status).toBe(202);
    expect(made.headers.get("location")).toBe(`/v1/jobs/${made.body.id}`);
    const { body: job } = await bench.call("GET", `/v1/jobs/${made.body.id}?wait=10000`);
    expect(job).toMatchObject({
      state: "done",
      origin: { face: "api", client: "bench", reference: "order 7" },
      result: { por: { status: 0 }, commands: [{ sw: "9000" }] },
    });
    expect(job.packets[0].response.length).toBeGreaterThan(0);
    const listed = await bench.call("GET", `/v1/jobs?target=${eid}&state=done,failed`);
    expect(listed.body.items.map((one: { id: string }) => one.id)).toContain(job.id);
  });

  it("names the command line as the face of what it sends, by its User-Agent", async () => {
    const { body } = await bench.call("POST", "/v1/jobs", { body: audit(), headers: { "user-agent": "otagate-cli" } });
    expect(body.origin).toEqual({ face: "cli", client: "bench" });
  });

  it("states the size of a command in octets", async () => {
    const order = { target: eid, work: { kind: "script", apdus: ["00A4"] } };
    const { body } = await bench.call("POST", "/v1/jobs", { body: order });
    expect(body.detail).toBe("work.apdus.0: must have at least 4 octets");
  });

  it("answers the same order under the same key with the first job, and refuses another order", async () => {
    const headers = { "idempotency-key": "k-1" };
    const first = await bench.call("POST", "/v1/jobs", { body: audit(), headers });
    const again = await bench.call("POST", "/v1/jobs", {
      raw: JSON.stringify({ work: { function: "auditStatus", kind: "es5" }, target: eid }),
      headers,
    });
    expect([first.status, again.status]).toEqual([202, 200]);
    expect(again.body.id).toBe(first.body.id);
    const other = await bench.call("POST", "/v1/jobs", { body: { ...audit(), reference: "another" }, headers });
    expect([other.status, other.body.type]).toEqual([422, "api.idempotency"]);
    expect(other.body.facts).toEqual({ field: "Idempotency-Key", job: first.body.id });
    const stranger = await bench.token("stranger", ["jobs"]);
    const theirs = await bench.call("POST", "/v1/jobs", { body: audit(), headers, token: stranger });
    expect(theirs.status).toBe(202);
    expect(theirs.body.id).not.toBe(first.body.id);
  });

  it("accepts one job however many send it under one key at the same time", async () => {
    const headers = { "idempotency-key": "crowd" };
    const answers = await Promise.all(
      Array.from({ length: 25 }, () => bench.call("POST", "/v1/jobs", { body: audit(), headers })),
    );
    expect(new Set(answers.map((one) => one.body.id)).size).toBe(1);
    expect(answers.filter((one) => one.status === 202)).toHaveLength(1);
  });

  it("carries packets and scripts of the client octet for octet", async () => {
    const body = "AA0A220880F24002024F0000";
    const script = await bench.call("POST", "/v1/jobs", {
      body: { target: eid, work: { kind: "body", body: body.toLowerCase() } },
    });
    const { body: done } = await bench.call("GET", `/v1/jobs/${script.body.id}?wait=10000`);
    expect(done).toMatchObject({ state: "done", work: { kind: "body", body } });
    const [packet] = done.packets;
    // The same packet once more, as a client with keys of its own would send it: the card has seen its counter.
    const secured = await bench.call("POST", "/v1/jobs", {
      body: { target: eid, work: { kind: "packet", userData: packet.userData } },
    });
    const { body: sent } = await bench.call("GET", `/v1/jobs/${secured.body.id}?wait=10000`);
    expect(sent.packets[0].userData).toEqual(packet.userData);
    expect(sent.packets[0].response?.[0]).toMatch(/^027100/);
  });

  it("pages through all jobs without gap or repetition, and refuses foreign cursors", async () => {
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await bench.call("GET", `/v1/jobs?limit=3${cursor === undefined ? "" : `&cursor=${cursor}`}`);
      seen.push(...page.body.items.map((one: { id: string }) => one.id));
      cursor = page.body.cursor;
    } while (cursor !== undefined);
    expect(new Set(seen).size).toBe(seen.length);
    const all = await bench.call("GET", "/v1/jobs?limit=1000");
    expect(seen).toEqual(all.body.items.map((one: { id: string }) => one.id));
    const lists = ["jobs", "notifications", "messages", "audit", "events/log", "targets", "tokens", "sessions"];
    for (const list of lists) {
      for (const bad of ["NaN", "-1", "0x10", "1e3", "", "' OR 1", "9".repeat(40)]) {
        const answer = await bench.call("GET", `/v1/${list}?cursor=${encodeURIComponent(bad)}`);
        expect([list, bad, answer.status]).toEqual([list, bad, 400]);
        expect(answer.body.facts.field).toBe("cursor");
      }
    }
  });

  it("refuses unknown fields and states by name, in query and body", async () => {
    const cases = [
      ["GET", "/v1/jobs?stat=done", undefined, "stat"],
      ["GET", "/v1/jobs?state=done,finished", undefined, "state"],
      ["GET", "/v1/jobs?limit=0", undefined, "limit"],
      ["GET", "/v1/jobs?limit=1&limit=2", undefined, "limit"],
      ["POST", "/v1/jobs", { ...audit(), priority: 1 }, "priority"],
      ["POST", "/v1/jobs", { ...audit(), request: { bearer: "pigeon" } }, "request.bearer"],
      ["POST", "/v1/jobs", { target: eid, work: { kind: "script", apdus: ["80F2"] } }, "work.apdus.0"],
      ["POST", "/v1/jobs", { target: eid, work: { kind: "magic" } }, "work.kind"],
      ["POST", "/v1/jobs", undefined, "body"],
      ["GET", "/v1/events/log?after=-1", undefined, "after"],
    ] as const;
    for (const [method, path, body, field] of cases) {
      const answer = await bench.call(method, path, { body });
      expect([path, answer.status, answer.body.facts?.field]).toEqual([path, 400, field]);
      expect(answer.body.detail.startsWith(`${field}:`)).toBe(true);
    }
  });
});

describe("targets over the API", () => {
  it("changes a target only in the version that was seen", async () => {
    const seen = await bench.call("GET", `/v1/targets/${eid}`);
    const etag = String(seen.headers.get("etag"));
    const changed = await bench.call("PATCH", `/v1/targets/${eid}`, {
      body: { name: "one" },
      headers: { "if-match": etag },
    });
    expect(changed.status).toBe(200);
    const late = await bench.call("PATCH", `/v1/targets/${eid}`, {
      body: { name: "two" },
      headers: { "if-match": etag },
    });
    expect([late.status, late.body.type, late.body.facts.field]).toEqual([412, "api.precondition", "If-Match"]);
    for (const bad of ["3", "W/x", '"a"'])
      expect((await bench.call("DELETE", `/v1/targets/${eid}`, { headers: { "if-match": bad } })).status).toBe(400);
    expect((await bench.call("DELETE", `/v1/targets/${eid}`, { headers: { "if-match": etag } })).status).toBe(412);
  });

  it("takes keys and never gives them back; counters never go down", async () => {
    const key = "5EC2E75EC2E75EC2E75EC2E75EC2E75E";
    const set = {
      kvn: 9,
      type: "SCP80",
      tars: ["b00010"],
      cntr: 40,
      keys: [1, 2, 3].map((id) => ({ id, value: key })),
    };
    const put = await bench.call("PUT", `/v1/targets/${eid}/keys`, { body: { keySets: [set] } });
    expect(put.status).toBe(200);
    const lower = await bench.call("PUT", `/v1/targets/${eid}/keys`, { body: { keySets: [{ ...set, cntr: 1 }] } });
    const stored = lower.body.keySets.find((one: { kvn: number }) => one.kvn === 9);
    expect(stored).toMatchObject({ cntr: 40, tars: ["B00010"], algorithm: "AES" });
    for (const path of [`/v1/targets/${eid}`, `/v1/targets/${eid}/keys`, "/v1/events/log?limit=1000", "/v1/audit"])
      expect(JSON.stringify((await bench.call("GET", path)).body)).not.toContain(key);
    const short = await bench.call("PUT", `/v1/targets/${eid}/keys`, {
      body: { keySets: [{ ...set, keys: set.keys.map((one) => ({ ...one, value: key.slice(0, 20) })) }] },
    });
    expect([short.status, short.body.facts.field]).toEqual([422, "keySets.0.keys"]);
    expect(JSON.stringify(short.body)).not.toContain(key.slice(0, 20));
    expect((await bench.call("DELETE", `/v1/targets/${eid}/keys/${stored.id}`)).status).toBe(204);
    expect((await bench.call("DELETE", `/v1/targets/${eid}/keys/${stored.id}`)).status).toBe(404);
  });
});

describe("raw access to a card", () => {
  const select = "00A40004023F00";

  it("keeps everybody else out while a lease is held, and lets jobs go on behind it", async () => {
    const link = (await bench.call("GET", "/v1/links?kind=reader")).body.items[0];
    const path = `/v1/links/${encodeURIComponent(link.id)}`;
    const { status, body: lease } = await bench.call("POST", `${path}/lease`, { body: { idleMs: 5000 } });
    expect(status).toBe(201);
    expect((await bench.call("GET", path)).body.lease.client).toBe("bench");
    const other = await bench.call("POST", `${path}/apdu`, { body: { apdus: [select] } });
    expect([other.status, other.body.type]).toEqual([409, "link.busy"]);
    expect((await bench.call("POST", `${path}/lease`, { body: {} })).status).toBe(409);
    expect((await bench.call("POST", `${path}/reset`, { body: {} })).status).toBe(409);
    const job = await bench.call("POST", "/v1/jobs", { body: audit() });
    for (let round = 0; round < 3; round++) {
      const answer = await bench.call("POST", `${path}/apdu`, { body: { apdus: [select], lease: lease.id } });
      expect(answer.body.responses[0].sw).toMatch(/^(9000|61|91)/);
    }
    expect((await bench.call("GET", `/v1/jobs/${job.body.id}?wait=300`)).body.state).not.toBe("done");
    expect((await bench.call("DELETE", `${path}/lease/${lease.id}`)).status).toBe(204);
    expect((await bench.call("GET", `/v1/jobs/${job.body.id}?wait=10000`)).body.state).toBe("done");
    const gone = await bench.call("POST", `${path}/apdu`, { body: { apdus: [select], lease: lease.id } });
    expect([gone.status, gone.body.type]).toEqual([404, "link.lease"]);
  });

  it("ends a lease whose card stays idle", async () => {
    const path = "/v1/links/reader-1";
    const { body: lease } = await bench.call("POST", `${path}/lease`, { body: { idleMs: 1000 } });
    await bench.until(async () => (await bench.call("GET", path)).body.lease === undefined, 5000);
    expect((await bench.call("DELETE", `${path}/lease/${lease.id}`)).status).toBe(404);
    expect((await bench.call("POST", `${path}/apdu`, { body: { apdus: [select] } })).status).toBe(200);
  });

  it("answers raw commands without their PINs and keys", async () => {
    const pin = "0020000108313233340102FFFF";
    const key = `80D80181140188105EC2E7${"5A".repeat(14)}00`;
    const { body } = await bench.call("POST", "/v1/links/reader-1/apdu", { body: { apdus: [pin, key, select] } });
    expect(body).toMatchObject({ responses: [{}, {}, {}] });
    expect(body.responses.map((one: { apdu: string }) => one.apdu)).toEqual([
      `0020000108${"00".repeat(8)}`,
      `80D8018114${"00".repeat(key.length / 2 - 5)}`,
      select,
    ]);
  });

  it("takes identifiers of other systems as references, also those that look like octets", async () => {
    for (const reference of ["8988247173645685641", "0af7651916cd43dd8448eb211c80319c"]) {
      const { status, body } = await bench.call("POST", "/v1/jobs", { body: { ...audit(), reference } });
      expect([status, body.origin.reference]).toEqual([202, reference]);
    }
  });

  it("resets a leased card for the holder of the lease, which then ends", async () => {
    const path = "/v1/links/reader-1";
    const { body: lease } = await bench.call("POST", `${path}/lease`, { body: {} });
    expect((await bench.call("POST", `${path}/reset`, { body: { kind: "warm", lease: lease.id } })).status).toBe(200);
    await bench.until(async () => (await bench.call("GET", path)).body.up);
    expect((await bench.call("GET", path)).body.lease).toBeUndefined();
  });
});

/** What comes back to octets of our own making, until the daemon closes or enough is here. */
function exchanged(text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(Number(new URL(bench.url).port), "127.0.0.1", () => socket.write(text));
    socket.on("data", (chunk) => {
      answer += chunk.toString();
      if (answer.includes("}")) socket.destroy();
    });
    socket.on("close", () => resolve(answer));
  });
}

describe("HTTP manners", () => {
  it("lists the supported methods and content types of a resource", async () => {
    const method = await bench.call("PUT", "/v1/jobs");
    expect([method.status, method.body.type, method.headers.get("allow")]).toEqual([
      405,
      "api.method",
      "GET, HEAD, POST",
    ]);
    expect((await bench.call("GET", "/v1/nothing")).body.type).toBe("api.not-found");
    const plain = await bench.call("POST", "/v1/jobs", { raw: "x", headers: { "content-type": "text/plain" } });
    expect([plain.status, plain.body.type]).toEqual([415, "api.media-type"]);
    const broken = await bench.call("POST", "/v1/jobs", { raw: '{"target":"MARK' });
    expect([broken.status, JSON.stringify(broken.body).includes("MARK")]).toEqual([400, false]);
    for (const raw of ['{"constructor":{"prototype":{"x":1}}}', '{"target":{"__proto__":{"x":1}}}']) {
      const proto = await bench.call("POST", "/v1/jobs", { raw });
      expect([proto.status, proto.body.detail]).toEqual([
        400,
        "body: must not have a field `__proto__` or `constructor.prototype`",
      ]);
    }
    const patch = { "content-type": "Application/Merge-Patch+JSON" };
    expect((await bench.call("POST", "/v1/jobs", { raw: "{}", headers: patch })).status).toBe(415);
    const token = await bench.token("large", ["jobs"]);
    const fields = `Host: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 9000000`;
    const large = await exchanged(`POST /v1/jobs HTTP/1.1\r\n${fields}\r\n\r\n{`);
    expect(large).toMatch(/^HTTP\/1\.1 413 [\s\S]*"api\.too-large"/);
    const head = await bench.call("HEAD", "/v1/jobs");
    expect([head.status, head.body]).toEqual([200, ""]);
    expect((await bench.call("HEAD", "/v1/events")).status).toBe(405);
  });

  it("answers what is no HTTP, and goes on", async () => {
    const answer = await exchanged("\u0016\u0003\u0001 nonsense\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 400 [\s\S]*application\/problem\+json/);
    expect((await bench.call("GET", "/healthz")).status).toBe(200);
  });

  it.each([
    ["/v1/jobs", "work", { target: "TARGET", work: { kind: "es5", function: "auditStatos" } }],
    [
      "/v1/campaigns",
      "action",
      { name: "a", targets: { kind: "all" }, action: { kind: "es5", function: "auditStatos" } },
    ],
  ])("POST %s names the field of an unknown function and the nearest one", async (path, field, body) => {
    const answer = await bench.call("POST", path, { raw: JSON.stringify(body).replace("TARGET", eid) });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({
      detail: `${field}.function: unknown ES5 function 'auditStatos'; did you mean 'auditStatus'?`,
    });
  });

  it("serves the committed document", async () => {
    const { openApiText } = await import("../../../scripts/openapi.ts");
    const { readFileSync } = await import("node:fs");
    const { packageRoot } = await import("../../../src/app/version.ts");
    const committed = readFileSync(`${packageRoot}/docs/openapi.json`, "utf8");
    expect(await openApiText()).toBe(committed);
    expect((await bench.call("GET", "/v1/openapi.json")).body).toEqual(JSON.parse(committed));
  });

  it("describes every operation: id, words, scope, problems", async () => {
    const { body: document } = await bench.call("GET", "/v1/openapi.json");
    expect(document.openapi).toBe("3.1.0");
    const ids = new Set<string>();
    for (const [path, methods] of Object.entries<Record<string, Record<string, unknown>>>(document.paths)) {
      for (const operation of Object.values(methods)) {
        const { operationId, summary, description, responses } = operation;
        expect([path, typeof operationId, typeof summary, typeof description]).toEqual([
          path,
          "string",
          "string",
          "string",
        ]);
        expect(Object.keys(responses as object)).toEqual(expect.arrayContaining(["4XX", "5XX"]));
        expect(operation["x-scope"]).toBeDefined();
        expect(ids.has(String(operationId))).toBe(false);
        ids.add(String(operationId));
      }
    }
    expect(ids.size).toBeGreaterThan(35);
  });

  it("counts for Prometheus with labels of closed sets", async () => {
    const { body, headers } = await bench.call("GET", "/metrics");
    expect(headers.get("content-type")).toContain("text/plain");
    for (const name of [
      "jobs",
      "links",
      "http_request_seconds_bucket",
      "events_total",
      "frames_total",
      "job_seconds_sum",
    ])
      expect(body).toContain(`otagate_${name}`);
    expect(body).toMatch(/otagate_jobs\{state="done"\} [1-9]/);
    expect(body).not.toContain(eid);
    expect(body).not.toMatch(/(job|tgt)_[0-9a-z]{26}/);
  });
});

/** Reads an event stream until `enough` says so, or for so long. */
function events(
  path: string,
  headers: Record<string, string>,
  enough: (ids: number[]) => boolean,
  ms = 8000,
): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const ids: number[] = [];
    const request = httpRequest(`${bench.url}${path}`, { headers }, (response) => {
      let rest = "";
      response.on("data", (chunk: Buffer) => {
        rest += chunk.toString();
        const blocks = rest.split("\n\n");
        rest = blocks.pop() ?? "";
        for (const block of blocks) if (block.includes("\ndata: ")) ids.push(Number(/^id: (\d+)/m.exec(block)?.[1]));
        if (enough(ids)) request.destroy();
      });
      response.on("close", () => resolve(ids));
      response.on("error", () => {});
    });
    request.on("error", reject).end();
    setTimeout(() => request.destroy(), ms);
  });
}

describe("the event stream", () => {
  it("resumes at Last-Event-ID: nothing is lost, nothing comes twice, under load", async () => {
    const token = await bench.token("watcher", ["read"]);
    const authorization = `Bearer ${token}`;
    const last = () => bench.daemon.store.read((r) => r.events.last());
    const from = await last();
    const all: number[] = [];
    let at = from;
    const load = (async () => {
      for (let round = 0; round < 40; round++) {
        await bench.call("PATCH", `/v1/targets/${eid}`, { body: { name: `n${round}` } });
      }
    })();
    while (all.length < 40) {
      const got = await events("/v1/events", { authorization, "last-event-id": String(at) }, (ids) => ids.length >= 8);
      all.push(...got);
      at = all.at(-1) ?? at;
    }
    await load;
    const stored = await bench.daemon.store.read((r) => r.events.after(from, 1000));
    expect(all).toEqual(stored.slice(0, all.length).map((event) => event.seq));
  });

  it("refuses invalid positions and positions of another log", async () => {
    for (const bad of ["x", "-1", "1.5", "0x1", "999999999999"]) {
      const answer = await bench.call("GET", "/v1/events", { headers: { "last-event-id": bad } });
      expect([bad, answer.status, answer.body.facts.field]).toEqual([bad, 400, "Last-Event-ID"]);
    }
    expect((await bench.call("GET", "/v1/events?after=x")).body.facts.field).toBe("after");
  });

  it("does not buffer for a reader that does not read", async () => {
    const token = await bench.token("sleeper", ["read"]);
    const { store } = bench.daemon;
    const from = await store.read((r) => r.events.last());
    const port = Number(new URL(bench.url).port);
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(`GET /v1/events?after=${from} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`);
      socket.pause();
    });
    const text = "x".repeat(20_000);
    const before = process.memoryUsage().external + process.memoryUsage().heapUsed;
    for (let round = 0; round < 60; round++)
      await store.write(async (r) => {
        for (let one = 0; one < 20; one++)
          await r.events.append({ at: 1, type: "job.unproven-answer", data: { why: text } });
      });
    await new Promise((resolve) => setTimeout(resolve, 500));
    const grown = process.memoryUsage().external + process.memoryUsage().heapUsed - before;
    expect(grown).toBeLessThan(120 * 1024 * 1024);
    let octets = 0;
    socket.on("data", (chunk) => {
      octets += chunk.length;
    });
    socket.resume();
    await bench.until(() => octets > 1200 * 20_000, 15_000);
    socket.destroy();
  });
});
