import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ApiBench } from "../face/http/api-bench.ts";
import { SmsrStandIn } from "../gateway/upstream/stand-in.ts";
import { killedAt, unpackEarlierStore } from "../store/earlier-store.ts";

interface ShownJob {
  readonly id: string;
  readonly state: string;
  readonly target: string;
  readonly request: { readonly bearer: string };
}

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "otagate-earlier-"));
  unpackEarlierStore(join(folder, "state"));
  // A second after the earlier daemon was killed: its jobs are still valid.
  const now = Date.now.bind(Date);
  const behind = now() - killedAt - 1000;
  vi.spyOn(Date, "now").mockImplementation(() => now() - behind);
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

function open(smsr: SmsrStandIn): Promise<ApiBench> {
  const webhook = { url: `http://127.0.0.1:${smsr.port}/events` };
  return ApiBench.open({
    folder,
    config: {
      notifications: "relay",
      // The cards that were behind a network, or nowhere, are in readers now.
      simulate: { euiccs: ["present", "switching", "far", "absent"].map((seed) => `card-${seed}.json`) },
      sms: { answerTimeoutMs: 1000 },
      upstream: [{ name: "smsr", webhook, events: ["*"], firstRetryMs: 20 }],
    },
  });
}

async function all<T>(bench: ApiBench, path: string): Promise<T[]> {
  return (await bench.call("GET", path)).body.items;
}

const ends = /^job\.(done|failed|expired|cancelled)$/;

it("a store that an earlier version left with everything open goes on: each job ends once, no counter comes twice", async () => {
  await using smsr = await SmsrStandIn.open();
  {
    await using bench = await open(smsr);
    const before = await all<ShownJob>(bench, "/v1/jobs?limit=100");
    expect(before).toHaveLength(15);
    // The switch holds the queue of its target until the SM-SR has the notification confirmed.
    const [notification] = await all<{ id: string; confirmation: string }>(bench, "/v1/notifications");
    expect(notification).toMatchObject({ confirmation: "upstream", sequence: "0001" });
    expect(await all(bench, "/v1/switches")).toMatchObject([{ at: "switched", kind: "enable" }]);
    const confirming = await bench.call("POST", `/v1/notifications/${notification?.id}/confirm`);
    expect(confirming.status).toBeLessThan(300);
    await bench.until(async () => (await all<{ at: string }>(bench, "/v1/switches"))[0]?.at === "confirmed");
    // It waits for a session that the card does not open.
    const [session] = before.filter(({ request }) => request.bearer === "https");
    expect(session).toMatchObject({ state: "waiting" });
    expect((await bench.call("POST", `/v1/jobs/${session?.id}/cancel`)).status).toBeLessThan(300);
    await bench.until(async () => (await all(bench, "/v1/jobs?state=queued,running,waiting")).length === 0, 60_000);
    await bench.until(async () => (await all<{ state: string }>(bench, "/v1/campaigns"))[0]?.state === "done", 60_000);
    const [campaign] = await all(bench, "/v1/campaigns");
    expect(campaign).toMatchObject({ name: "tonight", progress: { counts: { succeeded: 4, failed: 0 } } });
  }
  // Once more, as the new version left it.
  await using bench = await open(smsr);
  const jobs = await all<ShownJob>(bench, "/v1/jobs?limit=100");
  expect(jobs.filter(({ state }) => state !== "done").map(({ state }) => state)).toEqual(["cancelled", "failed"]);
  const events = await all<{ seq: number; type: string; job?: string }>(bench, "/v1/events/log?limit=1000");
  const ended = events.filter(({ type }) => ends.test(type)).map(({ job }) => job);
  expect(ended.sort()).toEqual(jobs.map(({ id }) => id).sort());
  expect(events.filter(({ type }) => type.startsWith("procedure."))).toEqual([]);
  expect(events.map(({ type }) => type)).toEqual(
    expect.arrayContaining(["switch.accepted", "switch.switched", "switch.confirmed"]),
  );
  const counters: string[] = [];
  for (const { id, target } of jobs)
    for (const { cntr } of (await bench.call("GET", `/v1/jobs/${id}`)).body.packets)
      if (cntr !== undefined) counters.push(`${target} ${cntr}`);
  expect(counters.length).toBeGreaterThan(8);
  expect(new Set(counters).size).toBe(counters.length);
  expect(await all(bench, "/v1/tokens")).toEqual(
    expect.arrayContaining([expect.objectContaining({ name: "platform", scopes: ["jobs"] })]),
  );
  // What no upstream took from the earlier version comes first, and nothing is left out.
  await bench.until(() => new Set(smsr.events().map(({ id }) => id)).size >= events.length, 60_000);
  const numbers = new Set(smsr.events().map(({ id }) => Number(id.split("_").at(-1))));
  expect(events.map(({ seq }) => seq).filter((seq) => !numbers.has(seq))).toEqual([]);
}, 300_000);
