import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AdminBench, type Card } from "./admin-bench.ts";

let bench: AdminBench;
let cards: Card[];
beforeAll(async () => {
  bench = await AdminBench.open();
  cards = await bench.cards(12, "notifications");
});
afterAll(() => bench[Symbol.asyncDispose]());

describe("a notification that cannot be read", () => {
  it.each([
    ["no EID", "E1034C01FF"],
    ["another template", "E203010203"],
    ["a TLV that ends early", "E1224C10890010"],
    ["octets behind it", "E100FF"],
    ["an AID that is none", "E1204C10890010120123412340123456789012244D01024E0200012F0101"],
    ["a sequence number of one octet", "E1184C10890010120123412340123456789012244D01024E0101"],
    ["one octet", "00"],
  ])("(%s) is kept as it came, and the session is served", async (_, msg) => {
    const card = cards.shift();
    if (card === undefined) throw new Error("no card left");
    const id = await bench.submit(card, ["80CA005A00"]);
    expect(await card.begin(`?msg=${msg}`)).toMatchObject({ status: 200 });
    await card.answer("AF80230290000000");
    expect((await bench.job(id)).state).toBe("done");
    const [kept] = await bench.bench.store.read((r) => r.inbox.list(undefined, 1));
    expect(kept).toMatchObject({
      target: card.target,
      link: "scp81",
      state: "done",
      verdict: expect.stringMatching(/notification that cannot be read/),
      item: { userData: Uint8Array.from(Buffer.from(msg, "hex")) },
    });
    const events = await bench.bench.store.read((r) => r.events.after(0, 1000));
    expect(
      events.find(({ type, target }) => type === "notification.unreadable" && target === card.target)?.data,
    ).toMatchObject({
      raw: msg,
      message: kept?.id,
      error: { code: expect.stringMatching(/^codec\./) },
    });
    expect(await bench.bench.store.read((r) => r.notifications.list(card.target, undefined, 5))).toEqual([]);
  });
});
