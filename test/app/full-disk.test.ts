import { request } from "node:http";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { exportEis } from "../../simulators/euicc/eis.ts";
import { SimulatedEuicc } from "../../simulators/euicc/euicc.ts";
import { createEuiccState } from "../../simulators/euicc/fixture.ts";
import { parseConfig } from "../../src/app/config/config.ts";
import { Daemon } from "../../src/app/daemon.ts";
import { silentLog } from "../../src/link/driver.ts";
import { noDiskReason, SmallDisk } from "../store/small-disk.ts";

const reason = noDiskReason();
if (reason !== undefined) console.warn(`the daemon on a full disk is left out: ${reason}`);

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: { readonly type?: string; readonly status?: string; readonly id?: string; readonly state?: string };
}

function call(socketPath: string, method: string, path: string, body?: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { "content-type": "application/json" };
    const asked = request({ socketPath, method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        const type = String(response.headers["content-type"]);
        resolve({ status: response.statusCode ?? 0, type, body: type.includes("json") ? JSON.parse(text) : {} });
      });
    });
    asked.on("error", reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

describe.skipIf(reason !== undefined)("a daemon whose disk is full", () => {
  it("answers 503 with a problem that names it, is not ready, goes on reading, and works again once there is room", async () => {
    using disk = new SmallDisk(8000);
    const config = parseConfig({ readers: { enabled: false } });
    const lost: string[] = [];
    const log = { ...silentLog, error: (_facts: object, text: string) => void lost.push(text) };
    const start = () => Daemon.start({ config, state: join(disk.folder, "s"), env: {}, log });
    const daemon = await start();
    const card = new SimulatedEuicc({ state: createEuiccState() });
    daemon.simulate("euicc", card);
    const ask = (method: string, path: string, body?: object) => call(daemon.socketPath, method, path, body);
    const eis = exportEis(card.state);
    const order = { target: card.state.eid, work: { kind: "script", tar: "000001", apdus: ["80F24002024F0000"] } };
    expect((await ask("POST", "/v1/targets", eis)).status).toBeLessThan(300);
    expect((await ask("GET", "/readyz")).status).toBe(200);
    disk.fill();
    // The log has room that it made before.
    await vi.waitFor(
      async () => expect((await ask("POST", "/v1/jobs", order)).body).toMatchObject({ type: "store.full" }),
      { timeout: 20_000, interval: 0 },
    );
    const changes: [string, string, object?][] = [
      ["POST", "/v1/jobs", order],
      ["POST", "/v1/tokens", { name: "one", scopes: ["read"] }],
      ["DELETE", `/v1/targets/${card.state.eid}`],
      ["POST", "/v1/links/reader:euicc/reset"],
      ["POST", "/v1/store/prunes", {}],
    ];
    for (const [method, path, body] of changes) {
      const answer = await ask(method, path, body);
      expect(answer, `${method} ${path}`).toMatchObject({
        status: 503,
        type: expect.stringContaining("application/problem+json"),
        body: { type: "store.full" },
      });
    }
    expect(await ask("GET", "/readyz")).toMatchObject({ status: 503, body: { type: "store.full" } });
    expect((await ask("GET", "/healthz")).status).toBe(200);
    expect((await ask("GET", `/v1/targets/${card.state.eid}`)).status).toBe(200);
    expect((await ask("GET", "/v1/jobs")).status).toBe(200);
    expect(lost).toContain("failed to write the audit log");
    disk.free();
    await vi.waitFor(async () => expect((await ask("GET", "/readyz")).status).toBe(200), { timeout: 20_000 });
    const { body } = await ask("POST", "/v1/jobs", order);
    await vi.waitFor(async () => expect((await ask("GET", `/v1/jobs/${body.id}`)).body.state).toBe("done"), {
      timeout: 60_000,
    });
    await daemon[Symbol.asyncDispose]();
    const again = await start();
    expect((await call(again.socketPath, "GET", `/v1/jobs/${body.id}`)).body.state).toBe("done");
    await again[Symbol.asyncDispose]();
  });
});
