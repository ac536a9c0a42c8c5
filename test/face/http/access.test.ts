import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseConfig } from "../../../src/app/config/config.ts";
import { ApiBench } from "./api-bench.ts";

let bench: ApiBench;

beforeAll(async () => {
  bench = await ApiBench.open();
});

afterAll(() => bench[Symbol.asyncDispose]());

describe("access to the API over TCP", () => {
  it("requires a token for everything except health", async () => {
    for (const path of ["/v1", "/v1/jobs", "/v1/targets", "/metrics", "/v1/nothing", "/v1/audit"]) {
      const answer = await bench.call("GET", path, { token: null });
      expect([path, answer.status]).toEqual([path, 401]);
      expect(answer.headers.get("www-authenticate")).toContain("Bearer");
      expect(answer.headers.get("content-type")).toContain("application/problem+json");
      expect(answer.body).toMatchObject({ type: "api.unauthorized", facts: { field: "Authorization" } });
    }
    for (const path of ["/healthz", "/readyz", "/v1/openapi.json"])
      expect((await bench.call("GET", path, { token: null })).status).toBe(200);
  });

  it("refuses tokens that are wrong, malformed or revoked", async () => {
    const token = await bench.token("short-lived", ["read"]);
    expect((await bench.call("GET", "/v1", { token })).status).toBe(200);
    const wrong = `${token.slice(0, -1)}${token.endsWith("A") ? "B" : "A"}`;
    for (const bad of [wrong, "otg_x", "x", "otg_00000000000000000000000000_".padEnd(74, "A")])
      expect((await bench.call("GET", "/v1", { token: bad })).status).toBe(401);
    expect((await bench.call("GET", "/v1", { token: null, headers: { authorization: "Basic eDp5" } })).status).toBe(
      401,
    );
    expect((await bench.call("DELETE", "/v1/tokens/short-lived")).status).toBe(204);
    expect((await bench.call("GET", "/v1", { token })).status).toBe(401);
    expect((await bench.call("DELETE", "/v1/tokens/short-lived")).status).toBe(404);
  });

  it("ends a token with its validity", async () => {
    const made = await bench.call("POST", "/v1/tokens", { body: { name: "brief", scopes: ["read"], validMs: 40 } });
    expect(made.status).toBe(201);
    await new Promise((resolve) => setTimeout(resolve, 80));
    expect((await bench.call("GET", "/v1", { token: made.body.token })).status).toBe(401);
  });

  it("allows a token what its scopes permit", async () => {
    const may: Record<string, Record<string, number>> = {
      read: { "GET /v1/jobs": 200, "POST /v1/jobs": 403, "POST /v1/targets": 403, "GET /v1/audit": 403 },
      jobs: { "GET /v1/jobs": 200, "POST /v1/jobs": 404, "POST /v1/targets": 403, "POST /v1/links/x/apdu": 403 },
      targets: { "GET /v1/targets": 200, "POST /v1/targets": 422, "POST /v1/jobs": 403, "POST /v1/tokens": 403 },
      cards: {
        "GET /v1/links": 200,
        "POST /v1/links/x/apdu": 404,
        "POST /v1/links/x/reset": 404,
        "POST /v1/jobs": 403,
      },
    };
    const bodies: Record<string, unknown> = {
      "POST /v1/jobs": { target: "none", work: { kind: "script", apdus: ["80CA000000"] } },
      "POST /v1/targets": { name: "no names" },
      "POST /v1/links/x/apdu": { apdus: ["00A4040000"] },
      "POST /v1/links/x/reset": {},
      "POST /v1/tokens": { name: "more", scopes: ["admin"] },
    };
    for (const [scope, requests] of Object.entries(may)) {
      const token = await bench.token(`only-${scope}`, [scope === "read" ? "read" : (scope as "jobs")]);
      for (const [request, status] of Object.entries(requests)) {
        const [method = "", path = ""] = request.split(" ");
        const answer = await bench.call(method, path, { token, body: bodies[request] });
        expect([scope, request, answer.status]).toEqual([scope, request, status]);
      }
    }
  });

  it("shows a token once and keeps nothing of it but a hash", async () => {
    const made = await bench.call("POST", "/v1/tokens", { body: { name: "kept", scopes: ["read"] } });
    const text = String(made.body.token);
    expect(made.headers.get("cache-control")).toBe("no-store");
    expect(JSON.stringify((await bench.call("GET", "/v1/tokens")).body)).not.toContain(text);
    const secret = text.slice(-43);
    for (const file of ["otagate.db", "otagate.db-wal"])
      expect(readFileSync(join(bench.folder, "state", file)).includes(secret)).toBe(false);
    const again = await bench.call("POST", "/v1/tokens", { body: { name: "kept", scopes: ["read"] } });
    expect([again.status, again.body.type]).toEqual([409, "token.exists"]);
  });

  it("writes down who changed what, and who was refused", async () => {
    // Only so many refusals a second are written down, and the tests before had theirs.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const token = await bench.token("writer", ["targets"]);
    await bench.call("DELETE", "/v1/targets/nobody", { token });
    await bench.call("DELETE", "/v1/tokens/bench", { token });
    const written = async () => (await bench.call("GET", "/v1/audit?client=writer")).body.items;
    await bench.until(async () => (await written())[1]?.status !== undefined);
    const items = await written();
    expect(items).toMatchObject([
      { operation: "revokeToken", status: 403, error: "api.forbidden", how: "token", remote: "127.0.0.1" },
      { operation: "removeTarget", status: 404, error: "target.unknown", path: "/v1/targets/nobody" },
    ]);
    const local = (await bench.call("GET", "/v1/audit?client=local&operation=createToken&limit=1")).body;
    expect(local.items[0]).toMatchObject({ how: "socket", status: 201 });
    expect(local.cursor).toBeDefined();
    const next = await bench.call("GET", `/v1/audit?client=local&limit=1&cursor=${local.cursor}`);
    expect(next.body.items[0].seq).toBeLessThan(local.items[0].seq);
  });

  it("contains the outcome of a request as soon as its answer is there", async () => {
    for (let round = 0; round < 40; round++) {
      const path = `/v1/targets/nobody-${round}`;
      await bench.call("DELETE", path);
      const { items } = (await bench.call("GET", "/v1/audit?limit=1")).body;
      expect(items).toMatchObject([{ operation: "removeTarget", path, status: 404, error: "target.unknown" }]);
    }
  });

  it("keeps a stranger's refusals from filling the disk", async () => {
    await Promise.all(Array.from({ length: 120 }, () => bench.call("GET", "/v1/jobs", { token: "otg_bad" })));
    const { items } = (await bench.call("GET", "/v1/audit?operation=listJobs&limit=1000")).body;
    expect(items.length).toBeLessThan(110);
  });

  it("does not open to others than this machine without TLS", () => {
    expect(() => parseConfig({ api: { host: "0.0.0.0", port: 1 } })).toThrow(/api\.tls/);
    expect(() => parseConfig({ api: { host: "0.0.0.0", port: 1, allowPlain: true } })).not.toThrow();
    expect(() => parseConfig({ api: { port: 1, clientCa: "x" } })).toThrow(/api\.clientCa/);
    expect(() => parseConfig({ api: { prot: 1 } })).toThrow(/api\.prot.*did you mean 'port'/);
  });
});
