import { afterAll, beforeAll, expect, it } from "vitest";
import { ApiBench } from "./api-bench.ts";

const dayMs = 86_400_000;
const longAgo = () => Date.now() - 40 * dayMs;
let bench: ApiBench;

beforeAll(async () => {
  bench = await ApiBench.open({ config: { retention: { events: "30d" } } });
});

afterAll(async () => {
  await bench[Symbol.asyncDispose]();
});

/** Makes a log of events that are old enough to go and a young one behind them; the number of the young one. */
async function oldEvents(count: number): Promise<number> {
  const { store } = bench.daemon;
  await store.write(async (r) => {
    // What is young would hold back what is old behind it.
    const before = await r.events.after(0, 1000);
    await r.retention.remove(
      "events",
      before.map((event) => event.seq),
    );
    for (let one = 0; one < count; one++) await r.events.append({ at: longAgo(), type: "session.triggered", data: {} });
    await r.events.append({ at: Date.now(), type: "target.removed", data: {} });
  });
  return store.read((r) => r.events.last());
}

async function prune(body: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
  const begun = await bench.call("POST", "/v1/store/prunes", { body });
  expect(begun.status).toBe(202);
  let run = begun.body;
  await bench.until(async () => {
    run = (await bench.call("GET", `/v1/store/prunes/${run.id}`)).body;
    return run.state !== "running";
  });
  return run;
}

/** Blocks of an event stream until so many came. */
async function stream(query: string, headers: Record<string, string>, blocks: number): Promise<string[]> {
  const abort = new AbortController();
  const token = await bench.token("watcher", ["read"]);
  const response = await fetch(`${bench.url}/v1/events${query}`, {
    headers: { authorization: `Bearer ${token}`, ...headers },
    signal: abort.signal,
  });
  expect(response.status).toBe(200);
  let text = "";
  const found = () => text.split("\n\n").filter((block) => block.includes("data: "));
  const late = setTimeout(() => abort.abort(), 8000);
  try {
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      if (found().length >= blocks) break;
    }
  } finally {
    clearTimeout(late);
    abort.abort();
  }
  return found();
}

it("shows size, retention and the latest removal; the periods of the configuration are the default", async () => {
  const young = await oldEvents(5);
  const run = await prune();
  expect(run).toMatchObject({ state: "done", retention: { eventsMs: 30 * dayMs }, removed: { events: 5 } });
  const { body } = await bench.call("GET", "/v1/store");
  expect(body).toMatchObject({ retention: { eventsMs: 30 * dayMs }, run });
  expect(body.bytes).toBeGreaterThan(body.freeBytes);
  const { items } = (await bench.call("GET", "/v1/events/log?type=target.removed")).body;
  expect(items.map((event: { seq: number }) => event.seq)).toEqual([young]);
});

it("counts in a dry run and touches nothing; says in its metrics what was removed", async () => {
  await oldEvents(3);
  const before = String((await bench.call("GET", "/metrics")).body);
  const pruned = (text: string) => Number(/otagate_pruned_total\{kind="events"\} (\d+)/.exec(text)?.[1] ?? 0);
  expect(await prune({ dryRun: true })).toMatchObject({ dryRun: true, removed: { events: 3 } });
  expect(pruned(String((await bench.call("GET", "/metrics")).body))).toBe(pruned(before));
  await prune();
  const after = String((await bench.call("GET", "/metrics")).body);
  expect(pruned(after)).toBe(pruned(before) + 3);
  expect(after).toMatch(/otagate_store_bytes\{what="free"\} \d/);
});

it("is for admins, and refuses periods that are too short and unknown removals", async () => {
  const token = await bench.token("smsr", ["jobs", "targets", "cards"]);
  const refused = await bench.call("POST", "/v1/store/prunes", { body: {}, token });
  expect([refused.status, refused.body.type]).toEqual([403, "api.forbidden"]);
  expect((await bench.call("GET", "/v1/store", { token })).status).toBe(200);
  const short = await bench.call("POST", "/v1/store/prunes", { body: { jobsMs: 1000 } });
  expect([short.status, short.body.facts.field]).toEqual([400, "jobsMs"]);
  expect((await bench.call("GET", "/v1/store/prunes/prn_1")).status).toBe(404);
});

it("reports once to a stream client that events after its position were removed", async () => {
  const young = await oldEvents(4);
  const known = young - 4;
  await prune();
  const [gap = "", event = ""] = await stream("?type=target.removed", { "last-event-id": String(known) }, 2);
  expect(gap).toContain(`id: ${young - 1}\nevent: gap\n`);
  const told = JSON.parse(/^data: (.*)$/m.exec(gap)?.[1] ?? "{}");
  expect(told).toMatchObject({ seq: young - 1, type: "gap", data: { after: known, first: young } });
  expect(told.at).toBeGreaterThan(Date.now() - 60_000);
  expect(event).toContain(`id: ${young}\nevent: target.removed`);
  const [again = ""] = await stream("?type=target.removed", { "last-event-id": String(young - 1) }, 1);
  expect(again).toContain("event: target.removed");
});

it("reports a gap even if the log is empty, and continues with what follows", async () => {
  const { store } = bench.daemon;
  const last = await oldEvents(3);
  await store.write((r) => r.retention.remove("events", [last - 3, last - 2, last - 1, last]));
  expect(await store.read((r) => r.events.after(0, 10))).toEqual([]);
  // No reader has been at this position: what follows a position that was read lately is served from memory.
  const reading = stream("", { "last-event-id": String(last - 2) }, 2);
  await new Promise((resolve) => setTimeout(resolve, 200));
  await store.write((r) => r.events.append({ at: Date.now(), type: "session.triggered", data: {} }));
  const [gap = "", next = ""] = await reading;
  expect(gap).toContain(`"first":${last + 1}`);
  expect(next).toContain(`id: ${last + 1}\nevent: session.triggered`);
});

it("says in the pages of the log what is missing, but not to those who begin at the beginning", async () => {
  const young = await oldEvents(4);
  await prune();
  const page = async (query: string) => (await bench.call("GET", `/v1/events/log${query}`)).body;
  expect(await page(`?after=${young - 3}`)).toMatchObject({ gap: { after: young - 3, first: young } });
  expect(await page(`?after=${young - 1}`)).not.toHaveProperty("gap");
  expect(await page("")).not.toHaveProperty("gap");
  expect((await page("?last=1&limit=1")).items).toHaveLength(1);
  const refused = await bench.call("GET", "/v1/events/log?type=job.*,job.dnoe");
  expect(refused.status).toBe(400);
  expect(refused.body.detail).toBe("type: no event 'job.dnoe'; did you mean 'job.done'?");
});

it("keeps for a configured upstream what it has not taken from the log, and says so", async () => {
  const upstream = [{ name: "smsr", webhook: { url: "http://127.0.0.1:1/" } }];
  await using other = await ApiBench.open({ config: { upstream, retention: { events: "30d" } } });
  const { store } = other.daemon;
  const at = longAgo();
  await store.write((r) => r.events.append({ at, type: "session.triggered", data: {} }));
  const seq = await store.read((r) => r.events.last());
  await other.until(() => store.read(async (r) => (await r.outbox.cursor("smsr")) === seq));
  // Nothing wakes the relay without an event.
  await store.write((r) => r.outbox.moveCursor("smsr", seq - 1));
  const pruned = async () => {
    const { body } = await other.call("POST", "/v1/store/prunes", { body: {} });
    await other.until(async () => (await other.call("GET", `/v1/store/prunes/${body.id}`)).body.state === "done");
    return (await other.call("GET", `/v1/store/prunes/${body.id}`)).body;
  };
  expect(await pruned()).toMatchObject({ removed: {}, heldSince: at });
  await store.write((r) => r.outbox.moveCursor("smsr", seq));
  expect((await pruned()).removed).toEqual({ events: seq });
});
