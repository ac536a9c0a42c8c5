import { describe, expect, it, vi } from "vitest";
import { SoftReader, SoftReaders } from "../../simulators/reader.ts";
import { fromHex, toHex } from "../../src/base/hex.ts";
import type { ReaderEvent } from "../../src/link/card-reader.ts";
import { ScriptedCard } from "./scripted-card.ts";

const quick = { timeoutMs: 500 };
const status = fromHex("80F2000C00");

describe("a reader in this process", () => {
  it("powers its card, exchanges, resets and lets go", async () => {
    const card = new ScriptedCard();
    const reader = new SoftReader("bench", card);
    {
      await using connection = await reader.connect(quick);
      expect(reader.state).toMatchObject({ at: "present", inUse: true });
      expect(toHex(await connection.transmit(status, quick))).toBe("9000");
      await connection.reset("warm", quick);
      await connection.reset("cold", quick);
      await expect(reader.connect(quick)).rejects.toMatchObject({ code: "link.busy" });
    }
    expect(card.life).toEqual(["on", "reset", "off", "on", "off"]);
    expect(reader.state).toMatchObject({ at: "present", inUse: false });
  });

  it("distinguishes no card, a mute card, and a card that does not start", async () => {
    await expect(new SoftReader("bench").connect(quick)).rejects.toMatchObject({ code: "card.absent" });
    const mute = new SoftReader("bench", new ScriptedCard(""));
    expect(mute.state).toEqual({ at: "mute" });
    await expect(mute.connect(quick)).rejects.toMatchObject({ code: "card.unresponsive" });
  });

  it("gives up on a mute card in time; the connection is over then", async () => {
    const card = new ScriptedCard();
    card.answer = () => undefined;
    const reader = new SoftReader("bench", card);
    const connection = await reader.connect(quick);
    await expect(connection.transmit(status, { timeoutMs: 20 })).rejects.toMatchObject({ code: "card.mute" });
    await expect(connection.transmit(status, quick)).rejects.toMatchObject({ code: "card.mute" });
    await connection[Symbol.asyncDispose]();
    expect(card.life).toEqual(["on", "off"]);
    card.answer = () => "9000";
    await using again = await reader.connect(quick);
    expect(toHex(await again.transmit(status, quick))).toBe("9000");
  });

  it.each(["", "90"])("an answer of too few octets (%s) is a card that left", async (answer) => {
    const card = new ScriptedCard();
    card.answer = () => answer;
    await using connection = await new SoftReader("bench", card).connect(quick);
    await expect(connection.transmit(status, quick)).rejects.toMatchObject({ code: "card.removed" });
  });

  it("an exchange that ends at once has no timer and no listener", async () => {
    await using connection = await new SoftReader("bench", new ScriptedCard()).connect(quick);
    const { signal } = new AbortController();
    const timers = vi.spyOn(globalThis, "setTimeout");
    const listeners = vi.spyOn(EventTarget.prototype, "addEventListener");
    try {
      for (let i = 0; i < 8; i++) expect(toHex(await connection.transmit(status, { ...quick, signal }))).toBe("9000");
      expect(timers).not.toHaveBeenCalled();
      expect(listeners).not.toHaveBeenCalled();
    } finally {
      vi.restoreAllMocks();
    }
  });

  it.each(["9000", undefined])("an abort in the turn of the exchange ends it (answer %s)", async (answer) => {
    const card = new ScriptedCard();
    card.answer = () => answer;
    const connection = await new SoftReader("bench", card).connect(quick);
    const stop = new AbortController();
    const failed = connection.transmit(status, { ...quick, signal: stop.signal });
    stop.abort(new Error("no longer wanted"));
    await expect(failed).rejects.toThrow("no longer wanted");
    await expect(connection.transmit(status, quick)).rejects.toThrow("no longer wanted");
    await connection[Symbol.asyncDispose]();
  });

  it("a card pulled in the turn in which it answers gives no answer", async () => {
    const reader = new SoftReader("bench", new ScriptedCard());
    const connection = await reader.connect(quick);
    const failed = connection.transmit(status, quick);
    reader.eject();
    await expect(failed).rejects.toMatchObject({ code: "card.removed" });
    await connection[Symbol.asyncDispose]();
  });

  it("a card pulled in the middle of an exchange ends it, and is powered off once", async () => {
    const card = new ScriptedCard();
    card.answer = () => undefined;
    const reader = new SoftReader("bench", card);
    const connection = await reader.connect(quick);
    const failed = connection.transmit(status, quick);
    reader.eject();
    await expect(failed).rejects.toMatchObject({ code: "card.removed" });
    await connection[Symbol.asyncDispose]();
    expect(card.life).toEqual(["on", "off"]);
    reader.insert(new ScriptedCard());
    await using _again = await reader.connect(quick);
  });
});

describe("the readers of this process", () => {
  it("tell what comes and goes, starting with what there is", async () => {
    const readers = new SoftReaders();
    const first = readers.add(new SoftReader("a"));
    const stop = new AbortController();
    const seen: ReaderEvent[] = [];
    const ended = (async () => {
      for await (const event of readers.watch(stop.signal)) {
        seen.push(event);
        if (seen.length === 5) stop.abort();
      }
    })();
    first.insert(new ScriptedCard());
    first.eject();
    readers.add(new SoftReader("b"));
    readers.remove("a");
    await ended;
    expect(seen.map(({ kind }) => kind)).toEqual([
      "reader-added",
      "card-inserted",
      "card-removed",
      "reader-added",
      "reader-removed",
    ]);
  });
});
