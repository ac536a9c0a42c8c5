import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JobId } from "../../../src/base/id.ts";
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
    ["refused by the card", (rig: Card) => rig.answer("AF809F4601020000"), "job.script"],
    ["refused with a status word", (rig: Card) => rig.answer("AF80230269820000"), "job.script"],
    ["answered by nothing", (rig: Card) => rig.answer("AF800000"), "job.script"],
    ["answered by no script", (rig: Card) => rig.answer("00"), "scp81.protocol"],
    ["given to nobody", (rig: Card) => rig.answer("", "unknown-application"), "scp81.rejected"],
    ["not checked", (rig: Card) => rig.answer("", "security-error"), "scp81.rejected"],
    ["lost with the link before it ran", (rig: Card) => rig.resume(rig.uris.at(-2) ?? ""), "packet.no-answer"],
    ["lost with the link after it ran", (rig: Card) => rig.resume(rig.next), "packet.answer-lost"],
    [
      "lost with a new session",
      (rig: Card) => {
        rig.cut();
        return rig.begin();
      },
      "packet.no-answer",
    ],
  ])("whose script is %s is over: the rest is not sent", async (_, happens, code) => {
    const rig = card();
    const jobs: JobId[] = [];
    for (const body of [begin, block(1), block(2), block(3)])
      jobs.push(await bench.submit(rig, body, { moreToCome: true }, isdP));
    const other = await bench.submit(rig, [getEid]);
    await rig.begin();
    await rig.answer(begun);
    const heard = await happens(rig);
    expect(rig.got.map((body) => body.slice(4, 8))).toEqual(["840A", "8610", "2205"]);
    expect(heard).toMatchObject({ status: 200 });
    const [first = "job_", refused = "job_", ...rest] = jobs;
    expect((await bench.job(first)).state).toBe("done");
    expect(await bench.job(refused)).toMatchObject({ state: "failed", error: { code } });
    for (const id of rest) expect(await bench.job(id)).toMatchObject({ state: "failed", attempts: 0, error: ended });
    await rig.answer(ok);
    expect((await bench.job(other)).state).toBe("done");
  });

  it("that is lost takes along what is queued later, until one begins anew, under the same name too", async () => {
    for (const request of [{}, { secureChannel: "download" }]) {
      const rig = card();
      const more = { moreToCome: true, ...request };
      const first = await bench.submit(rig, begin, more, isdP);
      await rig.begin();
      await rig.answer("AF809F4401030000");
      const late = await bench.submit(rig, block(1), more, isdP);
      await rig.post();
      expect((await bench.job(first)).error?.message).toMatch(/INITIALIZE UPDATE error: referenced data not found/);
      expect(await bench.job(late)).toMatchObject({ state: "failed", attempts: 0, error: ended });
      const again = await bench.submit(rig, begin, more, isdP);
      const next = await bench.submit(rig, block(1), more, isdP);
      await rig.post();
      await rig.answer(begun);
      await rig.answer(taken);
      expect((await bench.job(again)).state).toBe("done");
      expect((await bench.job(next)).state).toBe("done");
    }
  });

  it("of one application is not that of another with the same name", async () => {
    const rig = card();
    const more = { moreToCome: true, secureChannel: "c" };
    const lost = await bench.submit(rig, begin, more, isdP);
    const other = "A0000005591010FFFFFFFF8900001400";
    const begins = await bench.submit(rig, begin, more, other);
    const goesOn = await bench.submit(rig, block(1), more, other);
    await rig.begin();
    await rig.answer("AF809F4401030000");
    await rig.answer(begun);
    await rig.answer(taken);
    expect((await bench.job(lost)).state).toBe("failed");
    expect((await bench.job(begins)).state).toBe("done");
    expect((await bench.job(goesOn)).state).toBe("done");
  });

  it("does not outlive a link that broke while something else was under way", async () => {
    const rig = card();
    const more = { moreToCome: true };
    await bench.submit(rig, begin, more, isdP);
    const between = await bench.submit(rig, [getEid], more);
    const late = await bench.submit(rig, block(1), more, isdP);
    await rig.begin();
    await rig.answer(begun);
    await rig.resume(rig.uris[0] ?? "");
    expect(rig.got).toHaveLength(3);
    await rig.answer(ok);
    expect((await bench.job(between)).state).toBe("done");
    expect(await bench.job(late)).toMatchObject({ state: "failed", attempts: 0, error: ended });
  });

  it("is never sent twice, whatever was asked for", async () => {
    const rig = card();
    const id = await bench.submit(rig, begin, { onAnswerLost: "repeat" }, isdP);
    await rig.begin();
    await rig.resume(rig.next);
    expect(await bench.job(id)).toMatchObject({ state: "failed", error: { code: "packet.answer-lost" } });
    expect(rig.got).toHaveLength(1);
  });
});

describe("a script that was withdrawn while the card had it", () => {
  it.each([
    ["at the first URI", () => start],
    ["at the URI before", (rig: Card) => rig.uris.at(-2) ?? ""],
  ])("is not handed out again to a card that resumes %s", async (where, uri) => {
    const rig = card();
    if (where !== "at the first URI") {
      await bench.submit(rig, [getEid], { moreToCome: true });
      await rig.begin();
    }
    const withdrawn = await bench.submit(rig, ["80CA00E000"]);
    const next = await bench.submit(rig, ["80CAFF2100"]);
    if (where === "at the first URI") await rig.begin();
    else await rig.answer(ok);
    expect(rig.got.at(-1)).toContain("80CA00E000");
    await bench.bench.gateway.jobs.cancel(withdrawn);
    await rig.resume(uri(rig));
    expect(rig.got.at(-1)).toContain("80CAFF2100");
    await rig.answer(ok);
    expect(await bench.job(withdrawn)).toMatchObject({
      state: "cancelled",
      error: { executed: "unknown" },
    });
    expect(await bench.job(next)).toMatchObject({ result: { commands: [{ sw: "9000" }] } });
  });

  it("leaves nothing behind when nothing else waits", async () => {
    const rig = card();
    const withdrawn = await bench.submit(rig, [getEid]);
    await rig.begin();
    await bench.bench.gateway.jobs.cancel(withdrawn);
    expect(await rig.resume(start)).toMatchObject({ status: 204, end: true });
    expect(await rig.begin()).toMatchObject({ status: 204, end: true });
  });

  it("does not give its answer to another job", async () => {
    const rig = card();
    const withdrawn = await bench.submit(rig, [getEid]);
    const next = await bench.submit(rig, ["80CAFF2100"]);
    await rig.begin();
    await bench.bench.gateway.jobs.cancel(withdrawn);
    await rig.answer("AF80230269850000");
    expect((await bench.job(next)).state).toBe("waiting");
    await rig.answer(ok);
    expect(await bench.job(next)).toMatchObject({ state: "done" });
  });
});
