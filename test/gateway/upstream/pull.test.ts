import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ApiBench } from "../../face/http/api-bench.ts";
import { SmsrStandIn } from "./stand-in.ts";

interface Item {
  readonly id: string;
  readonly order?: unknown;
  readonly cancel?: string;
}

let smsr: SmsrStandIn;
let bench: ApiBench;
let work: Item[];
/** Receipts by the id of the work, repetitions included. */
let receipts: { id: string; job?: string; problem?: { type: string; detail: string } }[];
let loseAcknowledgements = 0;

beforeEach(async () => {
  smsr = await SmsrStandIn.open();
  work = [];
  receipts = [];
  loseAcknowledgements = 0;
  smsr.serve = async (got, response) => {
    if (got.path.startsWith("/bench/work?")) {
      for (let waited = 0; work.length === 0 && waited < 3000 && !response.destroyed; waited += 20)
        await new Promise((resolve) => setTimeout(resolve, 20));
      if (response.destroyed) return undefined;
      if (work.length === 0) return 204;
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ work }));
      return undefined;
    }
    if (got.path === "/bench/work/ack") {
      if (loseAcknowledgements-- > 0) return 500;
      const told = JSON.parse(got.body.toString()).receipts as typeof receipts;
      receipts.push(...told);
      work = work.filter((item) => !told.some((receipt) => receipt.id === item.id));
      return 204;
    }
    return got.path === "/bench/results" ? 204 : 404;
  };
  bench = await ApiBench.open({
    config: {
      upstream: [
        {
          name: "smsr",
          pull: { url: `http://127.0.0.1:${smsr.port}/bench`, waitSeconds: 3 },
          events: ["job.*"],
          timeoutMs: 2000,
          firstRetryMs: 20,
          maxRetryMs: 50,
        },
      ],
    },
  });
});

afterEach(async () => {
  await bench[Symbol.asyncDispose]();
  await smsr[Symbol.asyncDispose]();
});

const audit = (eid: string, reference = "r") => ({
  target: eid,
  work: { kind: "es5", function: "auditStatus" },
  reference,
});

describe("work pulled from an upstream", () => {
  it("becomes jobs whose results go back, over one connection at a time", async () => {
    const card = await bench.card("reader-1");
    work = [{ id: "w-1", order: audit(card.state.eid) }];
    await bench.until(() => smsr.events("/bench/results").some((event) => event.type === "otagate.job.done"));
    expect(receipts).toMatchObject([{ id: "w-1", job: expect.stringMatching(/^job_/) }]);
    const done = smsr.events("/bench/results").at(-1);
    expect(done?.data.job).toMatchObject({
      id: receipts[0]?.job,
      origin: { face: "upstream", client: "upstream:smsr", reference: "r" },
      result: { commands: [{ sw: "9000" }] },
    });
    expect(smsr.maxAtOnce).toBe(1);
  });

  it("is done once however often it is handed out", async () => {
    const card = await bench.card("reader-1");
    loseAcknowledgements = 3;
    work = [1, 2, 3].map((n) => ({ id: `w-${n}`, order: audit(card.state.eid, `r-${n}`) }));
    await bench.until(() => receipts.length === 3);
    const { items } = (await bench.call("GET", "/v1/jobs?limit=100")).body;
    const mine = items.filter((job: { origin: { face: string } }) => job.origin.face === "upstream");
    expect(mine).toHaveLength(3);
    expect(mine.map((job: { origin: { reference: string } }) => job.origin.reference)).toEqual(["r-3", "r-2", "r-1"]);
    expect(smsr.got.filter((got) => got.path.startsWith("/bench/work?")).length).toBeGreaterThan(3);
  });

  it("is refused item by item, by its field", async () => {
    const card = await bench.card("reader-1");
    work = [
      { id: "bad-1", order: { target: card.state.eid, work: { kind: "script", apdus: ["8"] } } },
      { id: "bad-2", order: audit("89000000000000000000000000000000") },
      { id: "bad-3" },
      { id: "bad-4", cancel: "job_00000000000000000000000000" },
      { id: "good", order: audit(card.state.eid) },
    ];
    await bench.until(() => receipts.length === 5);
    const of = (id: string) => receipts.find((receipt) => receipt.id === id);
    expect(of("bad-1")?.problem).toMatchObject({
      type: "api.usage",
      detail: expect.stringContaining("order.work.apdus.0:"),
    });
    expect(of("bad-2")?.problem?.type).toBe("target.unknown");
    expect(of("bad-3")?.problem).toMatchObject({ type: "api.usage", detail: expect.stringContaining("order:") });
    expect(of("bad-4")?.problem?.type).toBe("job.unknown");
    expect(of("good")?.job).toMatch(/^job_/);
  });

  it("cancels its own jobs and nobody else's", async () => {
    const card = await bench.card("reader-1");
    const { body: lease } = await bench.call("POST", "/v1/links/reader-1/lease", { body: {} });
    const theirs = await bench.call("POST", "/v1/jobs", { body: audit(card.state.eid) });
    work = [{ id: "w-1", order: audit(card.state.eid) }];
    await bench.until(() => receipts.length === 1);
    work = [
      { id: "c-1", cancel: String(receipts[0]?.job) },
      { id: "c-2", cancel: theirs.body.id },
    ];
    await bench.until(() => receipts.length === 3);
    expect(receipts[1]).toEqual({ id: "c-1", job: receipts[0]?.job });
    expect(receipts[2]?.problem?.type).toBe("job.unknown");
    expect((await bench.call("GET", `/v1/jobs/${receipts[0]?.job}`)).body.state).toBe("cancelled");
    await bench.call("DELETE", `/v1/links/reader-1/lease/${lease.id}`);
  });

  it("outlives answers that are no work", async () => {
    const card = await bench.card("reader-1");
    const serve = smsr.serve;
    const lies = ["nonsense", '{"work":7}', "[]", '{"work":[7,{"id":1},{"id":"two words"}]}', ""];
    smsr.serve = (got, response) => {
      if (!got.path.startsWith("/bench/work?")) return serve(got, response);
      const lie = lies.shift();
      if (lie === undefined) return serve(got, response);
      response.writeHead(200).end(lie);
      return undefined;
    };
    work = [{ id: "w-1", order: audit(card.state.eid) }];
    await bench.until(() => receipts.length === 1);
    expect(receipts[0]?.job).toMatch(/^job_/);
  });
});
