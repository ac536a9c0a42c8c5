import { describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { withoutUndefined } from "../../../src/base/defined.ts";
import { emptyFraming, frame } from "../../../src/codec/smpp/framer.ts";
import { accepted, congestion, type Rate, startRate, takeToken, throttle } from "../../../src/link/smpp/rate.ts";
import { ReceiptMatcher } from "../../../src/link/smpp/receipt-matcher.ts";
import { reconnectDelayMs, reconnectTimes } from "../../../src/link/smpp/reconnect.ts";
import { lastSequence, nextSequence } from "../../../src/link/smpp/sequence.ts";
import {
  type SessionEvent,
  type SessionState,
  sessionTimes,
  stepSession,
} from "../../../src/link/smpp/session-state.ts";
import { raw } from "./raw-peer.ts";

describe("sequence numbers", () => {
  it("start at 1, wrap to 1 and skip those in flight", () => {
    expect(nextSequence(0, new Set())).toBe(1);
    expect(nextSequence(lastSequence, new Set())).toBe(1);
    expect(nextSequence(lastSequence, new Set([1, 2]))).toBe(3);
    expect(nextSequence(lastSequence - 1, new Set([lastSequence, 1]))).toBe(2);
  });
});

describe("the framer", () => {
  const pdus = [raw(0x15, 1), raw(4, 2, Buffer.alloc(300)), raw(0x15, 3)].map((one) => new Uint8Array(one));
  const stream = new Uint8Array(Buffer.concat(pdus));

  it.each([1, 2, 3, 5, 16, 17, 100, 1_000])("finds the same PDUs in chunks of %i octets", (size) => {
    let framing = emptyFraming;
    const found: Uint8Array[] = [];
    for (let at = 0; at < stream.length; at += size) {
      const next = frame(framing, stream.slice(at, at + size));
      framing = next.rest;
      found.push(...next.pdus);
    }
    expect(found).toEqual(pdus);
    expect(framing.octets).toBe(0);
  });

  it("is a value: the same chunk after the same framing gives the same answer", () => {
    const { rest } = frame(emptyFraming, stream.slice(0, 20));
    expect(frame(rest, stream.slice(20)).pdus).toEqual(frame(rest, stream.slice(20)).pdus);
  });

  it("gives what came before a bad length, and no more", () => {
    const bad = new Uint8Array(Buffer.concat([raw(0x15, 1), raw(0x15, 2, "", 0, 15)]));
    const { pdus: found, error } = frame(emptyFraming, bad);
    expect(found).toHaveLength(1);
    expect(error).toMatchObject({ code: "codec.length", detail: { offset: 16, length: 15 } });
  });
});

describe("a session's state", () => {
  const run = (events: readonly SessionEvent[], start: SessionState = { at: "open", since: 0 }) => {
    const actions: string[] = [];
    let state = start;
    for (const event of events) {
      const next = stepSession(state, event, sessionTimes);
      state = next.state;
      if (next.action !== undefined) actions.push(next.action.do === "close" ? next.action.why : next.action.do);
    }
    return { at: state.at, actions };
  };
  const tick = (now: number, receivedAt = 0): SessionEvent => ({ on: "tick", now, receivedAt });

  it.each([
    ["waits for a bind, not for ever", [tick(9_999), tick(10_000)], "closed", ["no-bind"]],
    [
      "waits for the bind's answer, not for ever",
      [{ on: "bind-sent", now: 5_000 }, tick(14_999), tick(15_000)],
      "closed",
      ["no-bind-answer"],
    ],
    ["asks after silence only", [{ on: "bound", mode: "trx" }, tick(29_999), tick(30_000)], "bound", ["enquire"]],
    ["does not ask while it hears", [{ on: "bound", mode: "trx" }, tick(40_000, 39_000)], "bound", []],
    [
      "closes after two missed answers",
      [{ on: "bound", mode: "trx" }, tick(30_000), tick(40_000), tick(50_000)],
      "closed",
      ["enquire", "enquire", "no-enquire-answer"],
    ],
    [
      "forgives one missed answer",
      [{ on: "bound", mode: "trx" }, tick(30_000), tick(40_000), tick(45_000, 44_000), tick(73_999, 44_000)],
      "bound",
      ["enquire", "enquire"],
    ],
    ["closes when unbind is not answered", [{ on: "unbinding", now: 0 }, tick(5_000)], "closed", ["unbound"]],
    ["stays closed", [{ on: "closed" }, { on: "bound", mode: "tx" }], "closed", []],
  ] satisfies [string, SessionEvent[], string, string[]][])("%s", (_, events, at, actions) => {
    expect(run(events)).toEqual({ at, actions });
  });
});

describe("the rate of a link", () => {
  /** Messages that go in a time, asking each millisecond. */
  const sendFor = (rate: Rate, from: number, ms: number) => {
    let now = rate;
    let sent = 0;
    for (let at = from; at < from + ms; at++) {
      for (let token = takeToken(now, at); ; token = takeToken(now, at)) {
        now = token.rate;
        if (token.waitMs > 0) break;
        sent += 1;
      }
    }
    return { rate: now, sent };
  };

  it("keeps to its limit", () => {
    const { sent } = sendFor(startRate(50, 0), 0, 10_000);
    expect(sent).toBeGreaterThan(495);
    expect(sent).toBeLessThan(510);
  });

  it("halves and pauses when throttled, longer each time, and recovers a tenth per ten seconds", () => {
    let rate = sendFor(startRate(100, 0), 0, 3_000).rate;
    rate = throttle(rate, 3_000);
    expect(rate.current).toBeCloseTo(50, 0);
    expect(takeToken(rate, 3_500).waitMs).toBe(500);
    expect(throttle(rate, 3_100)).toBe(rate);
    const again = throttle(rate, 4_000);
    expect(again.pausedUntil - 4_000).toBe(2_000);
    let worst = again;
    for (let at = 6_000; at < 400_000; at = worst.pausedUntil) worst = throttle(worst, at);
    expect(worst.pauseMs).toBe(30_000);
    const { rate: calm } = takeToken(rate, 4_000 + 10_000);
    expect(calm.current).toBeCloseTo(rate.current * 1.1);
    expect(takeToken(rate, 4_000 + 200_000).rate.current).toBe(100);
    expect(accepted({ ...rate, pausedUntil: 0 }, 9_000).pauseMs).toBe(0);
  });

  it("of an account without limit comes from what was sent, and the limit goes again after a long calm", () => {
    let rate = startRate(Infinity, 0);
    for (let i = 0; i < 40; i++) rate = takeToken(rate, i * 10).rate;
    const slowed = throttle(rate, 500);
    expect(slowed.current).toBe(20);
    expect(takeToken(slowed, 1_500 + 300_000).rate.current).toBe(Infinity);
  });

  it("yields to congestion above 80, gently", () => {
    let rate = startRate(Infinity, 0);
    for (let i = 0; i < 100; i++) rate = takeToken(rate, 1_000 + i).rate;
    expect(congestion(rate, 80, 2_000)).toBe(rate);
    expect(congestion(rate, 95, 2_500).current).toBeCloseTo(90);
  });
});

describe("the time before the next bind", () => {
  it.each([
    [undefined, 0, 1_000],
    [undefined, 3, 8_000],
    [undefined, 20, 60_000],
    [0x05, 0, 5_000],
    [0x05, 9, 30_000],
    [0x0e, 0, 60_000],
    [0x0f, 5, 60_000],
    [0x08, 1, 2_000],
  ])("after status %s, try %i: %i ms, give or take a fifth", (status, attempt, ms) => {
    expect(reconnectDelayMs(status, attempt, reconnectTimes, 0.5)).toBe(ms);
    expect(reconnectDelayMs(status, attempt, reconnectTimes, 0)).toBe(ms * 0.8);
    expect(reconnectDelayMs(status, attempt, reconnectTimes, 0.999_999)).toBeCloseTo(ms * 1.2, -1);
  });
});

describe("the receipt book", () => {
  const receipt = (id: string | undefined, more = {}) => ({
    state: "delivered" as const,
    intermediate: false,
    ...withoutUndefined({ id }),
    ...more,
  });
  const book = () => new ReceiptMatcher("auto", 50, systemClock);

  it("learns how an SMSC spells its ids, and then trusts nothing else", async () => {
    const known = book();
    for (const [reference, id] of [
      ["a", "1A"],
      ["b", "10"],
      ["c", "A"],
    ] as const) {
      known.leaving(reference, "49171");
      known.accepted(reference, id);
    }
    expect(await known.find(receipt("26"), "49171")).toBe("a");
    expect(known.form).toBe("resp-hex");
    expect(await known.find(receipt("10"), "49171")).toBe("c");
    expect(await known.find(receipt("16"), "49171")).toBe("b");
  });

  it("does not guess across destinations", async () => {
    const known = book();
    known.leaving("a", "49171");
    known.accepted("a", "1A");
    expect(await known.find(receipt("26"), "49172")).toBeUndefined();
  });

  it("keeps a message until its final receipt, which may come again", async () => {
    const known = book();
    known.leaving("a", "49171");
    known.accepted("a", "7");
    expect(await known.find(receipt("7", { intermediate: true }), "")).toBe("a");
    expect(await known.find({ ...receipt("7"), state: "enroute" }, "")).toBe("a");
    expect(await known.find(receipt("7"), "")).toBe("a");
    expect(await known.find(receipt("7"), "")).toBe("a");
    expect(await known.find(receipt("8"), "")).toBeUndefined();
  });

  it("never takes a receipt that comes again for one of another message with a like reference", async () => {
    const known = book();
    known.leaving("lost", "49171", 0x0134);
    known.failed("lost", false);
    known.leaving("a", "49171", 0x0234);
    known.accepted("a", "17");
    const again = receipt("17", { userMessageReference: 0x0234 });
    expect(await known.find(again, "49171")).toBe("a");
    expect(await known.find(again, "49171")).toBe("a");
    expect(await known.find(receipt("99", { userMessageReference: 0x0334 }), "49171")).toBeUndefined();
    known.leaving("also lost", "49171", 0x0534);
    known.failed("also lost", false);
    expect(await known.find(receipt("97", { userMessageReference: 0x34 }), "49171")).toBeUndefined();
    expect(await known.find(receipt("98", { userMessageReference: 0x0134 }), "49171")).toBe("lost");
    expect(await known.find(receipt("97", { userMessageReference: 0x34 }), "49171")).toBe("also lost");
  });

  it("recognizes a message of unknown fate by its echoed reference, also modulo 256", async () => {
    const known = book();
    known.leaving("a", "+49171", 0x1234);
    known.failed("a", false);
    expect(await known.find(receipt("00000000", { userMessageReference: 0x34 }), "49171")).toBe("a");
    known.leaving("b", "49171", 0x1235);
    known.failed("b", true);
    expect(await known.find(receipt(undefined, { userMessageReference: 0x1235 }), "49171")).toBeUndefined();
  });

  it("distinguishes messages with the same id by their destination, and does not guess when that fails", async () => {
    const known = book();
    for (const [reference, to] of [
      ["a", "491"],
      ["b", "492"],
      ["c", "493"],
    ] as const) {
      known.leaving(reference, to);
      known.accepted(reference, "SAME");
    }
    expect(await known.find(receipt("same"), "494")).toBeUndefined();
    expect(await known.find(receipt("same"), "492")).toBe("b");
    expect(await known.find(receipt("same"), "491")).toBe("a");
  });

  it("does not grow for ever when receipts never come", () => {
    const known = book();
    for (let i = 0; i < 200_000; i++) {
      known.leaving(`r${i}`, "1", i & 0xffff);
      known.accepted(`r${i}`, String(i));
    }
    expect(process.memoryUsage().heapUsed).toBeLessThan(400 << 20);
  });
});
