import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ApiBench } from "./api-bench.ts";
import { authority, type Certified } from "./certificates.ts";

const folder = mkdtempSync(join(tmpdir(), "otagate-mtls-"));
const ours = authority("Our CA");
const theirs = authority("Their CA");
const server = ours.issue("gateway");
let bench: ApiBench;

beforeAll(async () => {
  const file = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  bench = await ApiBench.open({
    config: {
      api: {
        port: 0,
        tls: { cert: file("cert.pem", server.cert), key: file("key.pem", server.key) },
        clientCa: file("ca.pem", ours.cert),
        certificates: [
          { subject: "CN=smsr, O=Example", scopes: ["jobs"] },
          { subject: "O=Watchers", scopes: ["read"] },
        ],
      },
    },
  });
});

afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

function call(method: string, path: string, client: Certified | undefined, token?: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(
      `${bench.url.replace("http:", "https:")}${path}`,
      {
        method,
        ca: ours.cert,
        agent: false,
        ...(client ?? {}),
        headers: {
          "content-type": "application/json",
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
      },
      (response) => {
        response.resume();
        response.on("end", () => resolve(response.statusCode ?? 0));
      },
    );
    sent.on("error", reject);
    sent.end(
      method === "POST" ? JSON.stringify({ target: "x", work: { kind: "script", apdus: ["80CA0000"] } }) : undefined,
    );
  });
}

it("gives holders of client certificates the scopes of their subject", async () => {
  const smsr = ours.issue("smsr");
  expect(await call("GET", "/v1/jobs", smsr)).toBe(200);
  expect(await call("POST", "/v1/jobs", smsr)).toBe(404);
  expect(await call("GET", "/v1/tokens", smsr)).toBe(403);
  const watcher = ours.issue("anybody", "Watchers");
  expect(await call("GET", "/v1/jobs", watcher)).toBe(200);
  expect(await call("POST", "/v1/jobs", watcher)).toBe(403);
});

it("counts certificates of others, or of nobody, for nothing; a token still counts", async () => {
  expect(await call("GET", "/v1/jobs", theirs.issue("smsr"))).toBe(401);
  expect(await call("GET", "/v1/jobs", ours.issue("smsr", "Elsewhere"))).toBe(401);
  expect(await call("GET", "/v1/jobs", undefined)).toBe(401);
  const token = await bench.token("both", ["read"]);
  expect(await call("GET", "/v1/jobs", theirs.issue("smsr"), token)).toBe(200);
});

it("names the certificate in jobs and in the audit log", async () => {
  await call("POST", "/v1/jobs", ours.issue("smsr"));
  const { items } = await bench.daemon.store.read(async (r) => ({
    items: await r.audit.list({}, undefined, 5),
  }));
  expect(items.find((one) => one.operation === "createJob")).toMatchObject({ client: "cert:smsr", how: "certificate" });
});
