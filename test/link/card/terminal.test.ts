import { describe, expect, test } from "vitest";
import { GatewayError } from "../../../src/base/gateway-error.ts";
import { fromHex } from "../../../src/base/hex.ts";
import type { CardSms } from "../../../src/link/card/terminal/terminal-commands.ts";
import { bench } from "./terminal-bench.ts";

const command = (type: string, qualifier: string, destination = "82", objects = "") => {
  const body = `810301${type}${qualifier}820281${destination}${objects.replace(/\s/g, "")}`;
  const length = body.length / 2;
  return `D0${length < 0x80 ? "" : "81"}${length.toString(16).padStart(2, "0")}${body}`.toUpperCase();
};
const response = (type: string, qualifier: string, rest: string) => `810301${type}${qualifier}82028281${rest}`;
const eventList = (codes: string) =>
  command("05", "00", "82", `99${(codes.length / 2).toString(16).padStart(2, "0")}${codes}`);
const sendSms = "D027810301130082028183860891947115325476F88B12410005A11032F47FF6080271000003000102";

describe("activation", () => {
  test("profile, first commands, identity, then location status for a card that asked for it", async () => {
    const seen: unknown[] = [];
    const { card, terminal } = bench({
      card: (rig) => rig.start.push(eventList("03090A"), "D009810301260182028182"),
      hooks: { onIdentity: (now) => seen.push(now) },
    });
    expect(await terminal.activate()).toEqual({ iccid: "8988211000000000015", imsi: "001010123456789" });
    expect(card.faults).toEqual([]);
    const order = card.log.map((hex) => hex.slice(2, 4));
    expect(order.indexOf("10")).toBeLessThan(order.indexOf("12"));
    expect(order.lastIndexOf("14")).toBeLessThan(order.indexOf("B0"));
    expect(card.responses).toEqual([
      response("05", "00", "830100"),
      response("26", "01", "83010094080A40990901460000"),
    ]);
    expect(card.envelopes).toEqual(["D613990103820282811B0100130700F11000010001"]);
    expect(seen).toHaveLength(1);
    expect(terminal.describe()).toMatchObject({
      active: true,
      proactive: true,
      session: { at: "idle" },
      events: ["locationStatus", "dataAvailable", "channelStatus"],
    });
  });

  test("without channels no channel is claimed; a card without toolkit is left in peace", async () => {
    const { card, clock, terminal } = bench({ card: (rig) => Object.assign(rig, { profileAnswer: "6D00" }) });
    await terminal.activate();
    const profile = card.log.find((hex) => hex.startsWith("8010"));
    expect(profile).toBe(
      "8010000022" + "3301E842110000078800000000600000" + "00400000000100000000000000000000" + "0020",
    );
    expect(terminal.describe().proactive).toBe(false);
    const before = card.log.length;
    await clock.advance(120_000);
    expect(card.log.length).toBe(before);
  });

  test("TERMINAL CAPABILITY when configured", async () => {
    const { card, terminal } = bench({ settings: { terminalCapability: "always" } });
    await terminal.activate();
    expect(card.log.indexOf("80AA000004A9028100")).toBe(0);
  });
});

describe("proactive commands", () => {
  test.each([
    ["02", "00", "", "830100"],
    ["35", "01", "2D02656E", "830100"],
    ["26", "00", "", "830100930700F11000010001"],
    ["26", "03", "", "830100A60762112280000000"],
    ["26", "04", "", "830100AD02656E"],
    ["26", "06", "", "8301003F0108"],
    ["26", "08", "", "830100E2090340990901460000F1"],
    ["26", "02", "", "830130"],
    ["21", "80", "8D03044869", "830130"],
    ["21", "80", "", "830136"],
    ["22", "00", "8D03044869", "830130"],
    ["24", "00", "", "830130"],
    ["25", "00", "", "830130"],
    ["10", "00", "86029110", "830130"],
    ["11", "00", "8903911011", "830130"],
    ["12", "00", "8A020F00", "830130"],
    ["20", "00", "", "830130"],
    ["28", "00", "", "830130"],
    ["34", "00", "A8024154", "830130"],
    ["40", "01", "", "830130"],
    ["45", "00", "", "830130"],
    ["74", "00", "", "830130"],
    ["99", "00", "", "830131"],
    ["81", "00", "", "830131"],
    ["05", "00", "", "830136"],
    ["03", "00", "", "830136"],
    ["03", "00", "8402011E", "8301008402011E"],
    ["03", "00", "84020205", "83010084020101"],
    ["03", "00", "84020901", "830132"],
    ["04", "00", "", "830100"],
    // An unknown object: ignored without comprehension flag, refused with it.
    ["02", "00", "4E0101", "830101"],
    ["02", "00", "CE0101", "830132"],
  ])("type %s qualifier %s with '%s' is answered %s", async (type, qualifier, objects, rest) => {
    const { card, terminal, say } = bench();
    await terminal.activate();
    await say(command(type, qualifier, "82", objects));
    expect(card.responses).toEqual([response(type, qualifier, rest)]);
    expect(card.faults).toEqual([]);
    expect(terminal.describe().session).toEqual({ at: "idle" });
  });

  test("a command that does not decode is refused with what could be seen of it", async () => {
    const { card, terminal, say } = bench();
    await terminal.activate();
    await say("D00981030121808202", "D0078203", "FFFF");
    expect(card.responses).toEqual([
      response("21", "80", "830132"),
      "810300000082028281830132",
      "810300000082028281830132",
    ]);
  });

  test("a 256 octet command is fetched with P3 00; several commands follow each other", async () => {
    const { card, terminal, say } = bench();
    await terminal.activate();
    const long = command("21", "00", "82", `8D81F104${"41".repeat(240)}`);
    expect(long.length / 2).toBe(256);
    await say(long, "D009810301020082028182");
    expect(card.log).toContain("8012000000");
    expect(card.responses).toHaveLength(2);
    expect(card.faults).toEqual([]);
  });

  test("texts reach the listener", async () => {
    const texts: string[] = [];
    const { terminal, say, card } = bench({
      settings: { display: true },
      hooks: { onText: (text) => texts.push(text) },
    });
    await terminal.activate();
    await say(command("21", "80", "02", "8D03044869"));
    expect(texts).toEqual(["Hi"]);
    expect(card.responses).toEqual([response("21", "80", "830100")]);
  });
});

describe("SEND SHORT MESSAGE", () => {
  test("is answered only when the handler has made it durable", async () => {
    let durable: () => void = () => undefined;
    const taken: CardSms[] = [];
    const { card, terminal, say } = bench({
      hooks: {
        onSms: (sms) => {
          taken.push(sms);
          return new Promise((resolve) => {
            durable = resolve;
          });
        },
      },
    });
    await terminal.activate();
    await say(sendSms);
    expect(taken).toEqual([
      {
        tpdu: fromHex("410005A11032F47FF6080271000003000102"),
        serviceCentre: { tonNpi: 0x91, digits: "4917512345678" },
      },
    ]);
    expect(card.responses).toEqual([]);
    durable();
    await terminal.settled();
    expect(card.responses).toEqual([response("13", "00", "830100")]);
  });

  test("a handler that fails means try later, or an RP-ERROR with its cause", async () => {
    const errors = [new Error("disk full"), new GatewayError("smsc.status", "no", { detail: { rpCause: 0x15 } })];
    const { card, terminal, say } = bench({ hooks: { onSms: () => Promise.reject(errors.shift()) } });
    await terminal.activate();
    await say(sendSms, sendSms, "D009810301130082028183");
    expect(card.responses).toEqual([
      response("13", "00", "83022100"),
      response("13", "00", "83023515"),
      response("13", "00", "830136"),
    ]);
  });

  test("8-bit text is packed when the card asks for it", async () => {
    const taken: CardSms[] = [];
    const { terminal, say } = bench({ hooks: { onSms: async (sms) => void taken.push(sms) } });
    await terminal.activate();
    await say(command("13", "01", "83", "8B0E 01 00 04 81 2143 00 F4 05 68656C6C6F"));
    expect(taken[0]?.tpdu).toEqual(fromHex("0100 048121430 0F0 05 E8329BFD06"));
  });
});

describe("timers", () => {
  const timer = (qualifier: string, objects: string) => command("27", qualifier, "82", objects);

  test("start, expiry with the elapsed time, and what a timer has left", async () => {
    const { card, clock, terminal, say } = bench();
    await terminal.activate();
    await say(timer("00", "A40101 A503000001"), timer("00", "A40108 A503000003"));
    await clock.advance(4_000);
    await say(timer("02", "A40101"));
    await clock.advance(6_000);
    expect(card.envelopes).toEqual(["D70C82028281A40101A503000001"]);
    await say(timer("01", "A40108"), timer("01", "A40108"), timer("02", "A40101"), timer("00", "A40109 A503000001"));
    expect(card.responses).toEqual([
      response("27", "00", "830100A40101"),
      response("27", "00", "830100A40108"),
      response("27", "02", "830100A40101A503000060"),
      response("27", "01", "830100A40108A503000002"),
      response("27", "01", "830124A40108"),
      response("27", "02", "830124A40101"),
      response("27", "00", "830132"),
    ]);
    expect(terminal.describe().timers).toEqual([]);
  });

  test("an expiry that finds the card busy is told again", async () => {
    const { card, clock, terminal, say } = bench({ card: (rig) => rig.envelopeAnswers.push("9300", "9300") });
    await terminal.activate();
    await say(timer("00", "A40102 A503000020"));
    await clock.advance(2_000);
    expect(card.envelopes).toHaveLength(1);
    await clock.advance(3_000);
    expect(card.envelopes).toEqual([
      "D70C82028281A40102A503000020",
      "D70C82028281A40102A503000030",
      "D70C82028281A40102A503000040",
    ]);
  });
});

describe("polling", () => {
  const polls = (log: readonly string[]) => log.filter((hex) => hex.startsWith("80F2000C")).length;

  test("on idle time only, at the interval the card asked for, faster while a job is open", async () => {
    const { card, channel, clock, terminal, say } = bench();
    await terminal.activate();
    await clock.advance(29_000);
    expect(polls(card.log)).toBe(0);
    await channel.transmit(fromHex("00A40004023F0000"));
    await clock.advance(29_000);
    expect(polls(card.log)).toBe(0);
    await clock.advance(1_000);
    expect(polls(card.log)).toBe(1);
    await say(command("03", "00", "82", "84020105"));
    await clock.advance(10_000);
    expect(polls(card.log)).toBe(4);
    const job = terminal.openJob();
    await clock.advance(6_000);
    expect(polls(card.log)).toBe(8);
    job[Symbol.dispose]();
    await say(command("04", "00"));
    const off = polls(card.log);
    await clock.advance(600_000);
    expect(polls(card.log)).toBe(off);
  });

  test("a pending command of the card is fetched at the next poll", async () => {
    const { card, clock, terminal } = bench();
    await terminal.activate();
    card.pending.push("D009810301020082028182");
    await clock.advance(30_000);
    expect(card.responses).toHaveLength(1);
  });

  test("a mute card stops the terminal and is reported once", async () => {
    const failures: unknown[] = [];
    const { card, clock, terminal } = bench({ hooks: { onFailure: (error) => failures.push(error) } });
    await terminal.activate();
    card.mute = true;
    await clock.advance(100_000);
    expect(failures).toHaveLength(1);
    expect(terminal.describe().active).toBe(false);
    await expect(terminal.deliver(fromHex("00"))).rejects.toMatchObject({
      code: "card.mute",
      fate: "not-sent",
    });
  });
});

describe("REFRESH", () => {
  const refresh = (mode: string, objects = "") => command("01", mode, "82", objects);

  test("UICC reset has no response: a cold reset, a new profile download and the new identity", async () => {
    const identities: unknown[] = [];
    const { card, terminal, say } = bench({
      card: (rig) => rig.start.push(eventList("03")),
      hooks: { onIdentity: (now, before) => identities.push([before?.iccid, now.iccid]) },
    });
    await terminal.activate();
    const first = terminal.describe().identity?.iccid;
    card.iccid = "988812010000000020F5";
    await say(refresh("04"));
    await terminal.settled();
    expect(card.resets).toBe(1);
    expect(card.responses.filter((body) => body.startsWith("81030101"))).toEqual([]);
    const after = card.log.slice(card.log.indexOf("reset cold"));
    expect(after.map((hex) => hex.slice(2, 4)).slice(0, 6)).toEqual(["se", "A4", "10", "12", "14", "A4"]);
    expect(identities).toEqual([
      [undefined, first],
      [first, terminal.describe().identity?.iccid],
    ]);
    expect(card.envelopes).toHaveLength(2);
    expect(card.faults).toEqual([]);
  });

  test("profile state change is answered first, then everything begins anew", async () => {
    const { card, terminal, say } = bench();
    await terminal.activate();
    await say(refresh("09"));
    await terminal.settled();
    expect(card.responses).toEqual([response("01", "09", "830100")]);
    expect(card.log.findIndex((hex) => hex.startsWith("8014"))).toBeLessThan(card.log.indexOf("reset cold"));
  });

  test.each(["00", "02", "03", "05", "06"])(
    "mode %s initialises again, reports service, then answers",
    async (mode) => {
      const { card, terminal, say } = bench({ card: (rig) => rig.start.push(eventList("03")) });
      await terminal.activate();
      const before = card.log.length;
      await say(refresh(mode));
      expect(card.resets).toBe(0);
      expect(card.responses.at(-1)).toBe(response("01", mode, "830100"));
      expect(card.log.slice(before)).toContain("80F2010C");
      expect(card.envelopes).toHaveLength(2);
    },
  );

  test("file change reads the identity again when its files are named", async () => {
    const { card, terminal, say } = bench();
    await terminal.activate();
    const reads = () => card.log.filter((hex) => hex.startsWith("00B0")).length;
    await say(refresh("01", "9205013F006F05"));
    expect(reads()).toBe(2);
    await say("D0108103010101820281829205013F002FE2");
    expect(reads()).toBe(4);
    await say(refresh("07"), refresh("0A"), refresh("0B"));
    expect(card.responses.map((body) => body.slice(-6))).toEqual(["830100", "830100", "830100", "830100", "830132"]);
  });

  test("UICC reset is answered first for a card that waits for it", async () => {
    const { card, terminal, say } = bench({ settings: { answerReset: true } });
    await terminal.activate();
    await say(refresh("04"));
    await terminal.settled();
    expect(card.responses).toEqual([response("01", "04", "830100")]);
    expect(card.resets).toBe(1);
  });

  test("may be put off", async () => {
    const { card, terminal, say } = bench({ hooks: { mayRefresh: () => false } });
    await terminal.activate();
    await say(refresh("04"));
    expect(card.responses).toEqual([response("01", "04", "83022000")]);
    expect(card.resets).toBe(0);
  });
});

describe("SMS-PP download", () => {
  const tpdu = fromHex("4405A11032F47FF6621122800000000402700000");

  test("answer data are the report; a command announced with it is served", async () => {
    const { card, terminal } = bench();
    await terminal.activate();
    card.envelopeAnswers.push("027100000B0A9109");
    card.pending.push("D009810301020082028182");
    const outcome = await terminal.deliver(tpdu, { serviceCentre: { tonNpi: 0x91, digits: "447700011" } });
    expect(outcome).toEqual({ at: "delivered", report: fromHex("027100000B0A") });
    expect(card.envelopes[0]).toBe("D12282028381060691447700" + "10F18B144405A11032F47FF6621122800000000402700000");
    await terminal.settled();
    expect(card.responses).toHaveLength(1);
  });

  test.each([
    ["9000", false, { at: "delivered" }],
    ["9200", false, { at: "delivered" }],
    ["0271006200", false, { at: "refused", cause: 0xd5, sw: 0x6200, report: fromHex("027100") }],
    ["0271006300", true, { at: "delivered", report: fromHex("027100") }],
    ["6F00", false, { at: "refused", cause: 0xd5, sw: 0x6f00 }],
    ["6F00", true, { at: "delivered" }],
    ["6985", true, { at: "refused", cause: 0xd5, sw: 0x6985 }],
  ])("a card's %s (Release 18: %s)", async (answer, release18, outcome) => {
    const { card, terminal } = bench({ settings: { release18 } });
    await terminal.activate();
    card.envelopeAnswers.push(answer);
    expect(await terminal.deliver(tpdu)).toEqual(outcome);
  });

  test("a busy card is offered it again, and refused as busy in the end", async () => {
    const { card, clock, terminal } = bench({ settings: { busyMs: 3_000 } });
    await terminal.activate();
    card.envelopeAnswers.push("9300");
    const first = terminal.deliver(tpdu);
    await clock.advance(1_500);
    expect(await first).toEqual({ at: "delivered" });
    card.envelopeAnswers.push(...new Array<string>(20).fill("9300"));
    const second = terminal.deliver(tpdu);
    await clock.advance(10_000);
    expect(await second).toEqual({ at: "refused", cause: 0xd4, sw: 0x9300 });
  });

  test("waits for a command in hand; an abort before its turn takes it back", async () => {
    let finish: () => void = () => undefined;
    const { card, terminal, say } = bench({
      hooks: {
        onSms: () =>
          new Promise((resolve) => {
            finish = resolve;
          }),
      },
    });
    await terminal.activate();
    await say(sendSms);
    const stop = new AbortController();
    const delivery = terminal.deliver(tpdu);
    const takenBack = terminal.deliver(tpdu, { signal: stop.signal });
    stop.abort(new Error("cancelled"));
    await expect(takenBack).rejects.toThrow("cancelled");
    expect(card.envelopes).toEqual([]);
    finish();
    expect(await delivery).toEqual({ at: "delivered" });
    await terminal.settled();
    expect(card.envelopes).toHaveLength(1);
    expect(card.faults).toEqual([]);
  });

  test("a card that never stops commanding still gets it", async () => {
    const { card, terminal } = bench();
    await terminal.activate();
    const again = () => {
      if (card.envelopes.length > 0) return;
      card.pending.push("D009810301020082028182");
      card.onResponse.push(again);
    };
    again();
    expect(await terminal.deliver(tpdu)).toEqual({ at: "delivered" });
    await terminal.settled();
    expect(card.faults).toEqual([]);
  });

  test("63F2 announces a command without its length: it is asked for", async () => {
    const { card, terminal } = bench();
    await terminal.activate();
    card.pending.push("D009810301020082028182");
    card.envelopeAnswers.push("63F2");
    await terminal.deliver(tpdu);
    await terminal.settled();
    expect(card.responses).toHaveLength(1);
    expect(card.faults).toEqual([]);
  });

  test("a card that goes mute leaves the fate unknown", async () => {
    const { card, terminal } = bench();
    await terminal.activate();
    card.mute = true;
    await expect(terminal.deliver(tpdu)).rejects.toMatchObject({ code: "card.mute", fate: "unknown" });
  });
});
