import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { parseConfig } from "../../src/app/config/config.ts";
import { Daemon } from "../../src/app/daemon.ts";
import { ApiClient } from "../../src/face/cli/client.ts";
import { silentLog } from "../../src/link/driver.ts";

it("serves records without running a job, opening hardware or listening to the network", async () => {
  const folder = mkdtempSync(join(tmpdir(), "otagate-records-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const config = parseConfig({ version: 1, scp81: { port: 0 }, api: { port: 0 } });
  const start = () =>
    Daemon.start({ config, state: folder, log: silentLog, env: { PATH: process.env.PATH }, recordsOnly: true });
  interface Job {
    readonly id: string;
    readonly state: string;
    readonly note?: string;
    readonly attempts: number;
  }
  let id = "";
  {
    await using daemon = await start();
    const api = new ApiClient({ socketPath: daemon.socketPath });
    await api.post("/v1/targets", { iccid: "8944501234567890123", name: "card" });
    const order = { target: "card", work: { kind: "script", tar: "B00010", apdus: ["00A40004023F00"] } };
    ({ id } = await api.post<Job>("/v1/jobs", order));
    expect(daemon.address).toBeUndefined();
    expect((await api.get<{ items: unknown[] }>("/v1/links")).items).toEqual([]);
  }
  await using daemon = await start();
  const api = new ApiClient({ socketPath: daemon.socketPath });
  const job = await api.get<Job>(`/v1/jobs/${id}`, { wait: 300 });
  expect(job).toMatchObject({ state: "queued", attempts: 0 });
  expect(job.note).toBeUndefined();
  expect(await api.post<Job>(`/v1/jobs/${id}/cancel`, {})).toMatchObject({ state: "cancelled" });
});
