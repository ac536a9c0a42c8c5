import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Answer, ApiBench } from "./api-bench.ts";

let bench: ApiBench;
const eids: string[] = [];

beforeAll(async () => {
  bench = await ApiBench.open();
  for (const n of [1, 2]) eids.push((await bench.card(`reader-${n}`, `campaign ${n}`)).state.eid);
}, 30_000);
afterAll(() => bench[Symbol.asyncDispose]());

const audit = (more: object = {}) => ({
  name: "audit",
  targets: { kind: "list", references: [...eids] },
  action: { kind: "es5", function: "auditStatus" },
  ...more,
});
const post = (path: string, options: Parameters<ApiBench["call"]>[2] = {}) => bench.call("POST", path, options);

/** A campaign on targets without a card: it stays as it is. */
async function waiting(more: object = {}): Promise<string> {
  const keySets = [{ kvn: 1, keys: [1, 2].map((id) => ({ id, value: "01".repeat(16) })) }];
  for (const n of [0, 1, 2])
    await post("/v1/targets", { body: { iccid: `890100000000000010${n}`, tags: ["absent"], keySets } });
  const order = {
    name: "waits",
    targets: { kind: "tag", tag: "absent" },
    action: { kind: "script", apdus: ["80F24002024F0000"] },
    concurrency: 1,
  };
  const { body } = await post("/v1/campaigns", { body: { ...order, ...more } });
  return body.id;
}

async function ended(id: string): Promise<Answer["body"]> {
  await bench.until(async () => (await bench.call("GET", `/v1/campaigns/${id}`)).body.endedAt !== undefined);
  return (await bench.call("GET", `/v1/campaigns/${id}`)).body;
}

describe("campaigns over the API", () => {
  it("are started, shown, and reported target by target", async () => {
    const { status, headers, body } = await post("/v1/campaigns", { body: audit() });
    expect(status).toBe(201);
    expect(headers.get("location")).toBe(`/v1/campaigns/${body.id}`);
    expect(body).toMatchObject({ name: "audit", state: "running", progress: { total: 2 }, order: { concurrency: 10 } });
    expect(await ended(body.id)).toMatchObject({ state: "done", progress: { counts: { succeeded: 2, failed: 0 } } });
    const listed = (await bench.call("GET", "/v1/campaigns?limit=1")).body.items[0];
    for (const { progress } of [body, listed])
      expect(progress).toMatchObject({ stage: "all", activeMs: expect.any(Number) });
    const items = await bench.call("GET", `/v1/campaigns/${body.id}/items`);
    expect(items.body.items).toMatchObject(
      eids.map((label, position) => ({
        position,
        label,
        state: "succeeded",
        jobs: [expect.any(String)],
        card: { executed: true },
      })),
    );
    expect((await bench.call("GET", `/v1/campaigns/${body.id}/items?state=failed`)).body.items).toEqual([]);
    const first = await bench.call("GET", `/v1/campaigns/${body.id}/items?limit=1`);
    const second = await bench.call("GET", `/v1/campaigns/${body.id}/items?limit=1&cursor=${first.body.cursor}`);
    expect([first, second].map((one) => one.body.items[0].label)).toEqual(eids);
  });

  it("are listed in pages, newest first", async () => {
    const made: string[] = [];
    for (let n = 0; n < 3; n++) made.unshift((await post("/v1/campaigns", { body: audit({ name: `n${n}` }) })).body.id);
    const one = await bench.call("GET", "/v1/campaigns?limit=2");
    const two = await bench.call("GET", `/v1/campaigns?limit=1&cursor=${one.body.cursor}`);
    expect([...one.body.items, ...two.body.items].map(({ id }: { id: string }) => id)).toEqual(made);
    const bad = await bench.call("GET", "/v1/campaigns?cursor=3");
    expect([bad.status, bad.body.facts.field]).toEqual([400, "cursor"]);
    for (const id of made) await ended(id);
  });

  it("show no key, PIN or password of their order in any answer", async () => {
    const key = "C0DEC0DEC0DEC0DEC0DEC0DEC0DEC0DE";
    const apdus = [`80D8018117028810${key}03AABBCC`, "0020000A08C0DEC0DEC0DEC0DE", `80E2880013811310${key}`];
    const token = await bench.token("reader", ["read"]);
    const id = await waiting({ action: { kind: "script", apdus } });
    const paths = ["", "/items", "/report", "/report?format=csv", "/report?format=junit"];
    for (const path of [...paths.map((end) => `/v1/campaigns/${id}${end}`), "/v1/campaigns", "/v1/jobs"]) {
      const { status, body } = await bench.call("GET", path, { token });
      expect(status, path).toBe(200);
      expect(JSON.stringify(body), path).not.toContain("C0DE");
    }
    for (const path of ["/v1/audit?limit=1000", "/v1/events/log?limit=1000"])
      expect(JSON.stringify((await bench.call("GET", path)).body), path).not.toContain("C0DE");
    expect(JSON.stringify((await post(`/v1/campaigns/${id}/cancel`)).body)).not.toContain("C0DE");
  });

  it("are the same under the same key of the same client, and refused for another order", async () => {
    const headers = { "idempotency-key": "tonight" };
    const crowd = await Promise.all(Array.from({ length: 8 }, () => post("/v1/campaigns", { body: audit(), headers })));
    expect(new Set(crowd.map(({ body }) => body.id)).size).toBe(1);
    expect(crowd.map(({ status }) => status).sort()).toEqual([...Array<number>(7).fill(200), 201]);
    const id = crowd[0]?.body.id;
    await ended(id);
    const late = await post("/v1/campaigns", { body: audit({ concurrency: 10 }), headers });
    expect([late.status, late.body.id]).toEqual([200, id]);
    const other = await post("/v1/campaigns", { body: audit({ canary: 1 }), headers });
    expect([other.status, other.body.type]).toEqual([422, "api.idempotency"]);
    expect(other.body.facts).toEqual({ field: "Idempotency-Key", campaign: id });
    const token = await bench.token("stranger", ["jobs"]);
    const theirs = await post("/v1/campaigns", { body: audit(), headers, token });
    expect(theirs.status).toBe(201);
    expect(theirs.body.id).not.toBe(id);
    await ended(theirs.body.id);
    expect((await post("/v1/campaigns", { body: audit(), headers: { "idempotency-key": "a b" } })).status).toBe(400);
    const report = await bench.call("GET", `/v1/campaigns/${id}/report`);
    expect(JSON.stringify(report.body)).not.toContain("tonight");
    const jobs = await bench.call("GET", `/v1/campaigns/${id}/items`);
    expect(jobs.body.items.map((item: { jobs: string[] }) => item.jobs.length)).toEqual([1, 1]);
  });

  it("take a target once however often and by whatever name it is listed", async () => {
    const [eid = ""] = eids;
    const { body: target } = await bench.call("GET", `/v1/targets/${eid}`);
    const references = [eid, eid, target.id, target.esimProfiles[0].iccid];
    const { body } = await post("/v1/campaigns", { body: audit({ targets: { kind: "list", references } }) });
    expect(await ended(body.id)).toMatchObject({ progress: { total: 1, counts: { succeeded: 1 } } });
  });

  it.each([
    ["an unknown target", { targets: { kind: "list", references: ["nobody"] } }, 404, "target.unknown", undefined],
    ["a tag of nobody", { targets: { kind: "tag", tag: "nobody's" } }, 422, "campaign.invalid", "targets"],
    ["an empty tag", { targets: { kind: "tag", tag: "" } }, 400, "api.usage", "targets.tag"],
    ["an empty list", { targets: { kind: "list", references: [] } }, 400, "api.usage", "targets.references"],
    [
      "a function about no profile",
      { action: { kind: "es5", function: "enableProfile" } },
      422,
      "campaign.invalid",
      "action.profile",
    ],
    [
      "a parameter that does not exist",
      { action: { kind: "es5", function: "auditEid", params: { speed: 1 } } },
      422,
      "campaign.invalid",
      "action.params.speed",
    ],
    ["an unknown field", { speed: 1 }, 400, "api.usage", "speed"],
  ])("are refused with %s, and nothing is begun", async (_, more, status, type, field) => {
    const before = (await bench.call("GET", "/v1/campaigns?limit=1")).body.items[0]?.id;
    const answer = await post("/v1/campaigns", { body: audit(more) });
    expect([answer.status, answer.body.type, answer.body.facts?.field]).toEqual([status, type, field]);
    expect((await bench.call("GET", "/v1/campaigns?limit=1")).body.items[0]?.id).toBe(before);
  });

  it("pause, resume and cancel, where their state allows it", async () => {
    const id = await waiting();
    const act = async (verb: string) => {
      const { status, body } = await post(`/v1/campaigns/${id}/${verb}`);
      return status === 200 ? body.state : [status, body.type];
    };
    expect(await act("resume")).toEqual([409, "campaign.state"]);
    expect(await act("pause")).toBe("paused");
    expect(await act("pause")).toEqual([409, "campaign.state"]);
    expect(await act("resume")).toBe("running");
    expect(await act("pause")).toBe("paused");
    expect(await act("cancel")).toBe("cancelled");
    const over = await ended(id);
    expect(over).toMatchObject({ reason: "cancelled by the operator", progress: { counts: { cancelled: 3 } } });
    const { body } = await bench.call("GET", `/v1/campaigns/${id}/items`);
    for (const item of body.items) expect(item).toMatchObject({ state: "cancelled", card: { executed: false } });
    expect(await act("cancel")).toEqual([409, "campaign.state"]);
    for (const [method, path] of [
      ["GET", ""],
      ["GET", "/items"],
      ["GET", "/report"],
      ["POST", "/pause"],
      ["POST", "/resume"],
      ["POST", "/cancel"],
    ])
      expect((await bench.call(method ?? "", `/v1/campaigns/cmp_none${path}`)).body.type).toBe("campaign.unknown");
  });

  it("need the scope to order jobs, but only a reader's to look", async () => {
    const token = await bench.token("reader", ["read"]);
    expect((await post("/v1/campaigns", { body: audit(), token })).status).toBe(403);
    expect((await bench.call("GET", "/v1/campaigns", { token })).status).toBe(200);
  });

  it("are reported as JSON, CSV and JUnit; what is not over has not passed", async () => {
    const id = await waiting({ name: 'a "quoted" <name>' });
    await bench.until(async () => (await bench.call("GET", `/v1/campaigns/${id}`)).body.progress.counts.running === 1);
    const open = (await bench.call("GET", `/v1/campaigns/${id}/report?format=junit`)).body;
    expect(open).toContain('tests="3" failures="0" errors="0" skipped="3"');
    expect(open).toContain('name="a &quot;quoted&quot; &lt;name&gt;"');
    await post(`/v1/campaigns/${id}/cancel`);
    await ended(id);
    const json = await bench.call("GET", `/v1/campaigns/${id}/report`);
    expect(json.headers.get("content-type")).toContain("application/json");
    expect(json.body).toMatchObject({ campaign: { id }, failures: {}, items: { length: 3 } });
    const csv = await bench.call("GET", `/v1/campaigns/${id}/report?format=csv`);
    expect(csv.headers.get("content-type")).toBe("text/csv; charset=utf-8");
    const [head, ...lines] = csv.body.trimEnd().split("\r\n");
    expect(head).toBe(
      "position,target,label,outcome,executed,enabled,step,code,message,note,started,ended,duration_ms,jobs",
    );
    expect(lines).toHaveLength(3);
    expect((await bench.call("GET", `/v1/campaigns/${id}/report?format=pdf`)).body.facts.field).toBe("format");
  });
});
