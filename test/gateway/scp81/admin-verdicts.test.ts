import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AdminBench, type Card } from "./admin-bench.ts";

let bench: AdminBench;
let cards: Card[];
let used = 0;
beforeAll(async () => {
  bench = await AdminBench.open();
  cards = await bench.cards(40, "verdicts");
});
afterAll(() => bench[Symbol.asyncDispose]());

function card(): Card {
  const one = cards[used++];
  if (one === undefined) throw new Error("no card left");
  return one;
}

const start = "/gsma/adminagent";
const begin = "AE80840A3000001122334455667785113300112233445566778899AABBCCDDEEFF0000";
const begun = `AF808420${"00".repeat(10)}300370${"A1".repeat(19)}85000000`;
const block = (n: number) => `AE808610${n.toString(16).padStart(2, "0").repeat(16)}0000`;
const taken = "AF8086000000";
const isdP = "A0000005591010FFFFFFFF8900001300";
const ended = { code: "job.channel-ended", executed: false, detail: { why: "secure-channel-lost" } };
const getEid = "80CA005A00";
const ok = "AF80230290000000";

describe("a secure channel", () => {
  it.each([
    ["refused by the card", (it: Card) => it.answer("AF809F4601020000"), "job.script"],
    ["refused with a status word", (it: Card) => it.answer("AF80230269820000"), "job.script"],
    ["answered by nothing", (it: Card) => it.answer("AF800000"), "job.script"],
    ["answered by no script", (it: Card) => it.answer("00"), "scp81.protocol"],
    ["given to nobody", (it: Card) => it.answer("", "unknown-application"), "scp81.rejected"],
    ["not checked", (it: Card) => it.answer("", "security-error"), "scp81.rejected"],
    ["lost with the link before it ran", (it: Card) => it.resume(it.uris.at(-2) ?? ""), "packet.no-answer"],
    ["lost with the link after it ran", (it: Card) => it.resume(it.next), "packet.answer-lost"],
    [
      "lost with a new session",
      (it: Card) => {
        it.cut();
        return it.begin();
      },
      "packet.no-answer",
    ],
  ])("whose script is %s is over: the rest is not sent", async (_, happens, code) => {
    const it = card();
    const jobs: string[] = [];
    for (const body of [begin, block(1), block(2), block(3)])
      jobs.push(await bench.submit(it, body, { moreToCome: true }, isdP));
    const other = await bench.submit(it, [getEid]);
    await it.begin();
    await it.answer(begun);
    const heard = await happens(it);
    expect(it.got.map((body) => body.slice(4, 8))).toEqual(["840A", "8610", "2205"]);
    expect(heard).toMatchObject({ status: 200 });
    const [first = "", refused = "", ...rest] = jobs;
    expect((await bench.job(first)).state).toBe("done");
    expect(await bench.job(refused)).toMatchObject({ state: "failed", error: { code } });
    for (const id of rest) expect(await bench.job(id)).toMatchObject({ state: "failed", attempts: 0, error: ended });
    await it.answer(ok);
    expect((await bench.job(other)).state).toBe("done");
  });

  it("that is lost takes along what is queued later, until one begins anew, under the same name too", async () => {
    for (const request of [{}, { secureChannel: "download" }]) {
      const it = card();
      const more = { moreToCome: true, ...request };
      const first = await bench.submit(it, begin, more, isdP);
      await it.begin();
      await it.answer("AF809F4401030000");
      const late = await bench.submit(it, block(1), more, isdP);
      await it.post();
      expect((await bench.job(first)).error?.message).toMatch(/INITIALIZE UPDATE error: referenced data not found/);
      expect(await bench.job(late)).toMatchObject({ state: "failed", attempts: 0, error: ended });
      const again = await bench.submit(it, begin, more, isdP);
      const next = await bench.submit(it, block(1), more, isdP);
      await it.post();
      await it.answer(begun);
      await it.answer(taken);
      expect((await bench.job(again)).state).toBe("done");
      expect((await bench.job(next)).state).toBe("done");
    }
  });

  it("of one application is not that of another with the same name", async () => {
    const it = card();
    const more = { moreToCome: true, secureChannel: "c" };
    const lost = await bench.submit(it, begin, more, isdP);
    const other = "A0000005591010FFFFFFFF8900001400";
    const begins = await bench.submit(it, begin, more, other);
    const goesOn = await bench.submit(it, block(1), more, other);
    await it.begin();
    await it.answer("AF809F4401030000");
    await it.answer(begun);
    await it.answer(taken);
    expect((await bench.job(lost)).state).toBe("failed");
    expect((await bench.job(begins)).state).toBe("done");
    expect((await bench.job(goesOn)).state).toBe("done");
  });

  it("does not outlive a link that broke while something else was under way", async () => {
    const it = card();
    const more = { moreToCome: true };
    await bench.submit(it, begin, more, isdP);
    const between = await bench.submit(it, [getEid], more);
    const late = await bench.submit(it, block(1), more, isdP);
    await it.begin();
    await it.answer(begun);
    await it.resume(it.uris[0] ?? "");
    expect(it.got).toHaveLength(3);
    await it.answer(ok);
    expect((await bench.job(between)).state).toBe("done");
    expect(await bench.job(late)).toMatchObject({ state: "failed", attempts: 0, error: ended });
  });

  it("is never sent twice, whatever was asked for", async () => {
    const it = card();
    const id = await bench.submit(it, begin, { onAnswerLost: "repeat" }, isdP);
    await it.begin();
    await it.resume(it.next);
    expect(await bench.job(id)).toMatchObject({ state: "failed", error: { code: "packet.answer-lost" } });
    expect(it.got).toHaveLength(1);
  });
});

describe("a script that was withdrawn while the card had it", () => {
  it.each([
    ["at the first URI", () => start],
    ["at the URI before", (it: Card) => it.uris.at(-2) ?? ""],
  ])("is not handed out again to a card that resumes %s", async (where, uri) => {
    const it = card();
    if (where !== "at the first URI") {
      await bench.submit(it, [getEid], { moreToCome: true });
      await it.begin();
    }
    const withdrawn = await bench.submit(it, ["80CA00E000"]);
    const next = await bench.submit(it, ["80CAFF2100"]);
    if (where === "at the first URI") await it.begin();
    else await it.answer(ok);
    expect(it.got.at(-1)).toContain("80CA00E000");
    await bench.bench.gateway.jobs.cancel(withdrawn);
    await it.resume(uri(it));
    expect(it.got.at(-1)).toContain("80CAFF2100");
    await it.answer(ok);
    expect(await bench.job(withdrawn)).toMatchObject({
      state: "cancelled",
      error: { executed: "unknown" },
    });
    expect(await bench.job(next)).toMatchObject({ result: { commands: [{ sw: "9000" }] } });
  });

  it("leaves nothing behind when nothing else waits", async () => {
    const it = card();
    const withdrawn = await bench.submit(it, [getEid]);
    await it.begin();
    await bench.bench.gateway.jobs.cancel(withdrawn);
    expect(await it.resume(start)).toMatchObject({ status: 204, end: true });
    expect(await it.begin()).toMatchObject({ status: 204, end: true });
  });

  it("does not give its answer to another job", async () => {
    const it = card();
    const withdrawn = await bench.submit(it, [getEid]);
    const next = await bench.submit(it, ["80CAFF2100"]);
    await it.begin();
    await bench.bench.gateway.jobs.cancel(withdrawn);
    await it.answer("AF80230269850000");
    expect((await bench.job(next)).state).toBe("waiting");
    await it.answer(ok);
    expect(await bench.job(next)).toMatchObject({ state: "done" });
  });
});
