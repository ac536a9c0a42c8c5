import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { octetText } from "../../../src/base/octet-text.ts";
import { feedJob } from "../../../src/gateway/job-effects.ts";
import { cancelJobIn, expireJob } from "../../../src/gateway/jobs/stop-job.ts";
import { AdminBench, type Card } from "./admin-bench.ts";

let bench: AdminBench;
let cards: Card[];
let used = 0;
beforeAll(async () => {
  bench = await AdminBench.open();
  cards = await bench.cards(30, "parts", { scp81Buffer: 12 });
});
afterAll(() => bench[Symbol.asyncDispose]());

function card(): Card {
  const one = cards[used++];
  if (one === undefined) throw new Error("no card left");
  return one;
}

const commands = ["80CA00A100", "80CA00A200", "80CA00A300"];
const said = (octet: string) => `AF802303${octet}90000000`;
const sent = (agent: Card) => agent.got.map((body) => body.slice(12, 16));

describe("a script in parts", () => {
  it("has the answers of all its parts, as they came", async () => {
    const agent = card();
    const id = await bench.submit(agent, commands);
    await agent.begin();
    await agent.answer(said("11"));
    expect(octetText(await bench.job(id))).toMatchObject({
      state: "waiting",
      result: { executed: 1, data: said("11") },
    });
    await agent.answer(said("22"));
    expect(await agent.answer(said("33"))).toMatchObject({ status: 204 });
    expect(octetText(await bench.job(id))).toMatchObject({
      state: "done",
      attempts: 1,
      result: {
        data: `${said("11")}${said("22")}${said("33")}`,
        executed: 3,
        commands: [
          { data: "11", sw: "9000" },
          { data: "22", sw: "9000" },
          { data: "33", sw: "9000" },
        ],
      },
    });
    expect(sent(agent)).toEqual(["00A1", "00A2", "00A3"]);
  });

  it.each([
    [
      "refused",
      (agent: Card) => agent.answer("AF80230269850000"),
      "job.script",
      { command: 2, sw: "6985", commands: 3 },
    ],
    ["cut short", (agent: Card) => agent.answer("AF800000"), "job.script", { commands: 3 }],
    ["unreadable", (agent: Card) => agent.answer("6985"), "scp81.protocol", {}],
    ["given to nobody", (agent: Card) => agent.answer("", "unknown-application"), "scp81.rejected", {}],
    ["not checked", (agent: Card) => agent.answer("", "security-error"), "scp81.rejected", {}],
    ["lost after it ran", (agent: Card) => agent.resume(agent.next), "packet.answer-lost", {}],
    [
      "lost with a new session",
      (agent: Card) => {
        agent.cut();
        return agent.begin();
      },
      "packet.no-answer",
      {},
    ],
  ])("whose second part is %s ran partly, and keeps what came", async (_, happens, code, detail) => {
    const agent = card();
    const id = await bench.submit(agent, commands);
    await agent.begin();
    await agent.answer(said("11"));
    await happens(agent);
    const job = await bench.job(id);
    expect(octetText(job)).toMatchObject({
      state: "failed",
      error: { code, executed: "partly", executedCommands: 1, detail: { ...detail } },
      result: {
        data: expect.stringContaining(said("11")),
        commands: [{ data: "11", sw: "9000" }, ...(code === "job.script" && "sw" in detail ? [{ sw: "6985" }] : [])],
      },
    });
    expect(sent(agent)).toEqual(["00A1", "00A2"]);
  });

  it.each(["after it ran", "with a new session"])("repeats only the open part when that is lost %s", async (how) => {
    const agent = card();
    const id = await bench.submit(agent, commands, { onAnswerLost: "repeat" });
    await agent.begin();
    await agent.answer(said("11"));
    if (how === "after it ran") await agent.resume(agent.next);
    else {
      agent.cut();
      await agent.begin();
    }
    await agent.answer(said("22"));
    await agent.answer(said("33"));
    expect(sent(agent)).toEqual(["00A1", "00A2", "00A2", "00A3"]);
    expect(octetText(await bench.job(id))).toMatchObject({
      state: "done",
      attempts: 2,
      result: { data: `${said("11")}${said("22")}${said("33")}`, executed: 3 },
    });
  });

  it("gives up the open part after as many tries as it may have, and keeps the others", async () => {
    const agent = card();
    const id = await bench.submit(agent, commands, { onAnswerLost: "repeat", maxPackets: 2 });
    await agent.begin();
    await agent.answer(said("11"));
    await agent.resume(agent.next);
    await agent.resume(agent.next);
    expect(octetText(await bench.job(id))).toMatchObject({
      state: "failed",
      error: { code: "packet.answer-lost", executed: "partly", executedCommands: 1 },
      result: { data: said("11") },
    });
  });

  it("sends only the part at hand again when the link broke before it ran", async () => {
    const agent = card();
    const id = await bench.submit(agent, commands);
    await agent.begin();
    await agent.answer(said("11"));
    await agent.resume(agent.uris[0] ?? "");
    await agent.answer(said("22"));
    await agent.answer(said("33"));
    expect(sent(agent)).toEqual(["00A1", "00A2", "00A2", "00A3"]);
    expect(octetText(await bench.job(id))).toMatchObject({ state: "done", attempts: 1 });
  });

  it("goes on where it was after a restart, in the session that resumes", async () => {
    const agent = card();
    const id = await bench.submit(agent, commands);
    await agent.begin();
    await agent.answer(said("11"));
    bench.forget();
    await agent.resume(agent.uris[0] ?? "");
    await agent.answer(said("22"));
    bench.forget();
    await agent.resume(agent.uris[1] ?? "");
    await agent.answer(said("33"));
    expect(sent(agent)).toEqual(["00A1", "00A2", "00A2", "00A3", "00A3"]);
    expect(octetText(await bench.job(id))).toMatchObject({ state: "done", result: { executed: 3 } });
  });

  it.each(["cancelled", "expired"])("that is %s between two parts ran partly", async (how) => {
    const agent = card();
    const id = await bench.submit(agent, commands);
    await agent.begin();
    await agent.answer(said("11"));
    if (how === "cancelled") await bench.bench.gateway.jobs.cancel(id);
    else {
      await expireJob(feedJob, bench.bench.store, id, Date.now());
    }
    expect(octetText(await bench.job(id))).toMatchObject({
      state: how,
      error: { executed: "partly", executedCommands: 1 },
      result: { data: said("11"), commands: [{ data: "11" }] },
    });
    expect(await agent.answer(said("22"))).toMatchObject({ status: 204 });
    expect(sent(agent)).toEqual(["00A1", "00A2"]);
  });

  it.each([
    [
      "link is gone",
      { why: "the target goes", how: "the target goes: cancelled after the card executed the first command" },
    ],
    ["link is gone", { how: "cancelled after the card executed the first command" }],
  ])("that is withdrawn while its %s ran partly, and counts as sent", async (_, { how, ...why }) => {
    const agent = card();
    const id = await bench.submit(agent, commands);
    await agent.begin();
    await agent.answer(said("11"));
    agent.cut();
    const { store } = bench.bench;
    expect(await store.write((r) => cancelJobIn(feedJob, r, id, Date.now(), { ...why, unsentOnly: true }))).toBe(
      "sent",
    );
    expect(await store.write((r) => cancelJobIn(feedJob, r, id, Date.now(), why))).toBe("cancelled");
    expect(octetText(await bench.job(id))).toMatchObject({
      state: "cancelled",
      error: { message: how, executed: "partly", executedCommands: 1 },
      result: { data: said("11"), commands: [{ data: "11" }] },
    });
    await agent.begin();
    expect(sent(agent)).toEqual(["00A1", "00A2"]);
  });

  it("is not disturbed by a job of the gateway in between", async () => {
    const agent = card();
    const id = await bench.submit(agent, commands);
    await agent.begin();
    const between = await bench.system(agent, ["80CA00B000"]);
    await agent.answer(said("11"));
    await agent.answer(said("44"));
    await agent.answer(said("22"));
    await agent.answer(said("33"));
    expect(sent(agent)).toEqual(["00A1", "00B0", "00A2", "00A3"]);
    expect(octetText(await bench.job(id))).toMatchObject({ state: "done", result: { executed: 3 } });
    expect(await bench.job(between)).toMatchObject({ state: "done" });
  });
});
