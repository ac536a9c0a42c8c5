import { afterEach, describe, expect, test } from "vitest";
import { csim } from "../../../src/codec/at/card-commands.ts";
import { model, operator, pinState, plain, signalQuality } from "../../../src/codec/at/general-commands.ts";
import { sendMessage } from "../../../src/codec/at/sms-commands.ts";
import { parseStored, type Urc } from "../../../src/codec/at/urc.ts";
import type { AtEngine } from "../../../src/link/modem/at/at-engine.ts";
import { CardAccess } from "../../../src/link/modem/card-access.ts";
import { readCard, readEid } from "../../../src/link/modem/card-facts.ts";
import { identify } from "../../../src/link/modem/modem-startup.ts";
import { engineOver, FakeModem, profiles, turn } from "./fake-modem.ts";
import { ScriptedPort, VirtualTimers } from "./transcript-player.ts";

/** What engineers write down of modems: lines as they came, on time that stands still. */
describe("lines as modems send them", () => {
  let engine: AtEngine;
  let port: ScriptedPort;
  let timers: VirtualTimers;
  let urcs: Urc[];
  afterEach(() => engine[Symbol.asyncDispose]());

  function start(profileName = "generic-3gpp"): void {
    port = new ScriptedPort();
    timers = new VirtualTimers();
    urcs = [];
    engine = engineOver(port, { profileName, timers });
    engine.onUrc((urc) => urcs.push(urc));
  }
  const say = async (...texts: string[]) => {
    for (const text of texts) {
      port.feed(Buffer.from(text, "latin1"));
      await turn();
    }
  };
  const send = (line: string) => engine.send({ line, timeoutMs: 5_000 });

  describe("a text of several lines", () => {
    const cusd = '\r\n+CUSD: 1,"Menu\r\n1 Balance\r\nOK\r\nERROR\r\n0 back",15\r\n';

    test("an OK inside the +CUSD answer does not end the command", async () => {
      start();
      const answer = send('AT+CUSD=1,"*100#"');
      await turn();
      await say(`${cusd}\r\nOK\r\n`);
      expect(await answer).toMatchObject({
        final: { kind: "ok" },
        info: [{ text: '+CUSD: 1,"Menu\n1 Balance\nOK\nERROR\n0 back",15' }],
      });
    });

    test.each([1, 7, 40])("nor one in a +CUSD notice amid another command, in pieces of %d octets", async (size) => {
      start();
      const answer = engine.run(signalQuality, undefined);
      await turn();
      const all = `AT+CSQ\r${cusd}\r\n+CSQ: 20,99\r\n\r\nOK\r\n`;
      for (let at = 0; at < all.length; at += size) await say(all.slice(at, at + size));
      expect(await answer).toEqual({ rssiDbm: -73 });
      expect(urcs.map(({ text }) => text)).toEqual(['+CUSD: 1,"Menu\n1 Balance\nOK\nERROR\n0 back",15']);
    });

    test("a quote that noise left open holds nothing up for longer than a moment", async () => {
      start();
      const answer = send("AT+COPS?");
      await turn();
      await say('\r\n+COPS: 0,0,"Vodaf\r\n\r\nOK\r\n');
      await timers.advance(600);
      expect(await answer).toMatchObject({ final: { kind: "ok" } });
      const next = engine.run(signalQuality, undefined);
      await turn();
      await say("\r\n+CSQ: 3,99\r\n\r\nOK\r\n");
      expect(await next).toEqual({ rssiDbm: -107 });
    });

    test("a notice left open before a command does not swallow its answer", async () => {
      start();
      await say('\r\n+CREG: 2,"1A\r\n');
      await timers.advance(600);
      const answer = engine.run(signalQuality, undefined);
      await turn();
      await say("\r\n+CSQ: 3,99\r\n\r\nOK\r\n");
      expect(await answer).toEqual({ rssiDbm: -107 });
    });
  });

  describe("an echo cut by a notice", () => {
    test.each([
      ["AT+CG", "MM"],
      ["A", "T+CGMM"],
      ["AT", "+CGMM"],
      ["AT+CGM", "M"],
    ])("%s … %s: no piece of it is information", async (one, two) => {
      start();
      const answer = engine.run(model, undefined);
      await turn();
      await say(`${one}\r\n+CMTI: "SM",3\r\n${two}\r\r\nEC25\r\n\r\nOK\r\n`);
      expect(await answer).toBe("EC25");
      expect(urcs.map(({ event }) => event)).toEqual(["sms-stored"]);
    });

    test("twice in one echo, and in that of a PDU", async () => {
      start();
      const body = "0011000B915155100070F70004AA0B0102030405060708090A0B";
      const sent = engine.run(sendMessage, {
        serviceCentre: new Uint8Array(),
        tpdu: Buffer.from(body.slice(2), "hex"),
      });
      await turn();
      await say("AT+C\r\n+CREG: 1\r\nMGS\r\n+CREG: 5\r\n=25\r\r\n> ");
      expect(port.takeWritten()).toContain("\x1a");
      await say(`${body.slice(0, 20)}\r\n+CREG: 1\r\n${body.slice(20)}\x1a\r\n+CMGS: 9\r\n\r\nOK\r\n`);
      expect(await sent).toEqual({ reference: 9 });
    });
  });

  describe("NUL octets", () => {
    test.each(["\0> ", "\0\0> ", "\0>\0 ", "\xff\0> ", "\r\n\0> ", "\r\n>\0", "\0\r\n> "])(
      "%j is a prompt",
      async (prompt) => {
        start();
        const sent = engine.run(sendMessage, { serviceCentre: new Uint8Array(), tpdu: Uint8Array.of(1, 2, 3) });
        await turn();
        port.takeWritten();
        await say(prompt);
        await timers.advance(100);
        expect(port.takeWritten()).toBe("00010203\x1a");
        await say("\r\n+CMGS: 4\r\n\r\nOK\r\n");
        expect(await sent).toEqual({ reference: 4 });
      },
    );

    test("inside and around lines they are nothing", async () => {
      start();
      const answer = engine.run(signalQuality, undefined);
      await turn();
      await say("\0\r\n+CSQ: 2\x000,99\r\n\r\nO\0K\0\r\n");
      expect(await answer).toEqual({ rssiDbm: -73 });
    });
  });

  describe("a final result that does not come", () => {
    test("+CPIN: READY without OK is an answer, and the line goes on", async () => {
      start();
      const pin = engine.run(pinState, undefined);
      const next = engine.run(signalQuality, undefined);
      await turn();
      port.takeWritten();
      await say("\r\n+CPIN: READY\r\n");
      await timers.advance(1_600);
      expect(await pin).toBe("READY");
      expect(port.takeWritten()).toBe("AT\r");
      await say("\r\nOK\r\n");
      await timers.advance(1_100);
      expect(port.takeWritten()).toBe("AT+CSQ\r");
      await say("\r\n+CSQ: 20,99\r\n\r\nOK\r\n");
      expect(await next).toEqual({ rssiDbm: -73 });
    });

    test("+CPIN: READY whose OK is late: the OK is not taken for the next command's", async () => {
      start();
      const pin = engine.run(pinState, undefined);
      const next = engine.run(signalQuality, undefined);
      await turn();
      await say("\r\n+CPIN: READY\r\n");
      await timers.advance(1_600);
      expect(await pin).toBe("READY");
      await say("\r\nOK\r\n", "\r\nOK\r\n");
      await timers.advance(1_100);
      await say("\r\n+CSQ: 20,99\r\n\r\nOK\r\n");
      expect(await next).toEqual({ rssiDbm: -73 });
    });

    test("what the card answered counts though the OK behind it was lost", async () => {
      start();
      const answer = engine.run(csim, Uint8Array.of(0x00, 0xa4, 0x00, 0x04, 0x02, 0x3f, 0x00), { timeoutMs: 2_000 });
      await turn();
      await say('\r\n+CSIM: 4,"9000"\r\n\r\nO\r\n');
      await timers.advance(2_100);
      expect(await answer).toEqual(Uint8Array.of(0x90, 0x00));
    });

    test("a message that got its reference was sent, also without the OK", async () => {
      start();
      const sent = engine.run(sendMessage, { serviceCentre: new Uint8Array(), tpdu: Uint8Array.of(1, 2, 3) });
      await turn();
      await say("\r\n> ");
      await say("\r\n+CMGS: 77\r\n");
      await timers.advance(160_000);
      expect(await sent).toEqual({ reference: 77 });
    });
  });

  describe("words that belong to nobody", () => {
    test.each(["NO CARRIER", "BUSY", "RING", "CONNECT 150000000", "NO ANSWER"])(
      "a stray %s does not end a command for the card",
      async (word) => {
        start();
        const answer = engine.run(csim, Uint8Array.of(0x80, 0xf2, 0x00, 0x00, 0x00));
        await turn();
        await say(`\r\n${word}\r\n`, '\r\n+CSIM: 4,"9000"\r\n\r\nOK\r\n');
        expect(await answer).toEqual(Uint8Array.of(0x90, 0x00));
      },
    );

    test("it ends a call", async () => {
      start();
      const dialled = send("ATD123;");
      await turn();
      await say("\r\nNO CARRIER\r\n");
      expect(await dialled).toMatchObject({ final: { kind: "call" } });
    });
  });

  test("lines that end in CR alone", async () => {
    start();
    const answer = engine.run(signalQuality, undefined);
    await turn();
    await say("AT+CSQ\r+CSQ: 20,99\rOK\r");
    expect(await answer).toEqual({ rssiDbm: -73 });
  });

  test.each([
    ["+CME ERROR: SIM busy", { code: "modem.cme", detail: { cme: 14 } }],
    ["+CME ERROR: SIM not inserted", { detail: { cme: 10 } }],
    ["+CME ERROR: operation not allowed", { detail: { cme: 3 } }],
    ["+CMS ERROR: memory full", { detail: { cms: 322 } }],
    ["COMMAND NOT SUPPORT", { code: "modem.refused" }],
  ])("%s in words is the number it stands for", async (words, expected) => {
    start();
    const answer = engine.run(plain, "AT+X").catch((error: unknown) => error);
    await turn();
    await say(`\r\n${words}\r\n`);
    expect(await answer).toMatchObject(expected);
  });

  test("+CSQ: 99,99 is no signal, not a strong one", async () => {
    start();
    const answer = engine.run(signalQuality, undefined);
    await turn();
    await say("\r\n+CSQ: 99,99\r\n\r\nOK\r\n");
    expect(await answer).toEqual({});
  });

  test.each([
    ['0,0,"0056006F006400610066006F006E0065",7', "Vodafone"],
    ['0,0,"566F6461666F6E65",7', "Vodafone"],
    ['0,2,"00300030003100300031",7', "00101"],
    ['0,2,"3030313031"', "00101"],
    ['0,2,"310410",7', "310410"],
    ['0,0,"vodafone P",7', "vodafone P"],
    ['0,0,"BEEFACED",7', "BEEFACED"],
  ])("+COPS: %s, from a modem left in UCS2 or HEX, is %s", async (words, name) => {
    start();
    const answer = engine.run(operator, undefined);
    await turn();
    await say(`\r\n+COPS: ${words}\r\n\r\nOK\r\n`);
    expect(await answer).toMatchObject({ operator: name });
  });

  test("a memory named in UCS2 is the memory", () => {
    expect(parseStored('+CMTI: "0053004D",4')).toEqual({ memory: "SM", index: 4 });
    expect(parseStored('+CMTI: "SM",4')).toEqual({ memory: "SM", index: 4 });
  });
});

test.each(["UCS2", "HEX", "0055004300530032", "8859-1", "UTF-8"])("+CSCS left at %s is set back", async (set) => {
  const modem = new FakeModem().on("AT+CSCS?", [`+CSCS: "${set}"`, "OK"]).on('AT+CSCS="GSM"', "ERROR");
  await using engine = engineOver(modem);
  await identify(engine);
  expect(modem.heard).toContain('AT+CSCS="IRA"');
});

describe("who the card is, as modems answer", () => {
  const crsm = "AT+CRSM=176,12258,0,0,10";
  async function cardOf(answers: Readonly<Record<string, readonly string[]>>, profileName = "generic-3gpp") {
    const modem = new FakeModem().on(/^AT/, "ERROR");
    for (const [line, answer] of Object.entries(answers)) modem.on(line, answer);
    await using engine = engineOver(modem, { profileName });
    return { ...(await readCard(engine)), eid: await readEid(engine, "m") };
  }

  test.each([
    ['+CRSM: 144,0,"9868005B000000000071"', "898600B5000000000017"],
    ['+CRSM: 144,0,"9868005b000000000071"', "898600B5000000000017"],
    ['+CRSM: 145,32,"98001032547698103214"', "89000123456789012341"],
    ['+CRSM: 146,0, "980010325476981032F1"', "8900012345678901231"],
    ["+CRSM:144,0,980010325476981032FF", "890001234567890123"],
    ['+CRSM: 144,0,"89000123456789012341"', "89000123456789012341"],
  ])("%s is %s", async (line, iccid) => {
    expect(await cardOf({ [crsm]: [line, "OK"] })).toMatchObject({ iccid });
  });

  test.each([
    "+CCID: 898600B5000000000017",
    '+CCID: "898600b5000000000017"',
    "898600B5000000000017",
    "+ICCID:898600B5000000000017FF",
    "+ICCID: 898600B5000000000017F",
    "+CCID: 898600B5000000000017,89049032123451234512345678901235",
    "+CCID: EID: 89049032123451234512345678901235, ICCID: 898600B5000000000017",
  ])("AT+CCID answered %s", async (line) => {
    const card = await cardOf({ "AT+CCID": [line, "OK"] });
    expect(card.iccid).toBe("898600B5000000000017");
    expect(card.eid).toBe(line.includes("8904") ? "89049032123451234512345678901235" : undefined);
  });

  test.each([
    ["quectel-ec25", "AT+QCCID", "+QCCID: 898600B5000000000017"],
    ["huawei-me909s", "AT^ICCID?", "^ICCID: 98680B50000000007100"],
    ["nordic-nrf91", "AT%XICCID", "%XICCID: 8901234567012345678F"],
    ["telit-le910c", "AT#CCID", "#CCID: 898600B5000000000017"],
    ["sequans-gm02s", "AT+SQNCCID?", '+SQNCCID: "898600B5000000000017",""'],
    ["sierra-em74xx", "AT!ICCID?", "!ICCID: 898600B5000000000017"],
    ["simcom-sim7600", "AT+CICCID", "+ICCID: 898600B5000000000017"],
    ["cinterion-els61", "AT^SCID", '^SCID: "898600B5000000000017"'],
  ])("%s: %s", async (name, command, line) => {
    expect((await cardOf({ [command]: [line, "OK"] }, name)).iccid).toMatch(/^89[0-9A-E]{17,18}$/);
  });

  const eid = "89049032123451234512345678901235";
  const aid = "A0000005591010FFFFFFFF8900000200";
  test("EID over +CCHO and +CGLA where +CSIM is refused; the session is closed", async () => {
    const modem = new FakeModem().on(/^AT\+C(SIM|CID|RSM)/, "+CME ERROR: 4").on(`AT+CCHO="${aid}"`, ["+CCHO: 2", "OK"]);
    modem.on(/^AT\+CGLA=2,42,/, ['+CGLA: 4,"9000"', "OK"]);
    modem.on('AT+CGLA=2,10,"80CA005A00"', [`+CGLA: 40,"5A10${eid}9000"`, "OK"]);
    await using engine = engineOver(modem);
    expect(await readEid(engine, "m")).toBe(eid);
    expect(modem.heard.at(-1)).toBe("AT+CCHC=2");
  });

  test("EID over +CCHO of a modem that lets nobody select again on that session", async () => {
    const modem = new FakeModem().on(/^AT\+C(SIM|CID|RSM)/, "ERROR").on(`AT+CCHO="${aid}"`, ["+CCHO: 1", "OK"]);
    modem.on(/^AT\+CGLA=1,42,/, "+CME ERROR: 3").on('AT+CGLA=1,10,"80CA005A00"', [`+CGLA: 40,"5A10${eid}9000"`, "OK"]);
    await using engine = engineOver(modem);
    expect(await readEid(engine, "m")).toBe(eid);
  });

  test("EID over a channel above 3, which is closed; where a modem wants five octets, it gets them", async () => {
    const modem = new FakeModem().on('AT+CSIM=10,"0070000001"', ['+CSIM: 6,"059000"', "OK"]);
    modem.on(/^AT\+CSIM=42,"41A40400/, ['+CSIM: 4,"6121"', "OK"]).on(/^AT\+CSIM=10,"41C0/, ['+CSIM: 4,"9000"', "OK"]);
    modem.on('AT+CSIM=10,"C1CA005A00"', ['+CSIM: 4,"6C12"', "OK"]);
    modem.on('AT+CSIM=10,"C1CA005A12"', [`+CSIM: 40,"5A10${eid}9000"`, "OK"]);
    modem.on('AT+CSIM=8,"00708005"', "+CME ERROR: 50").on('AT+CSIM=10,"0070800500"', ['+CSIM: 4,"9000"', "OK"]);
    await using engine = engineOver(modem);
    expect(await readEid(engine, "m")).toBe(eid);
    expect(modem.heard.slice(-2)).toEqual(['AT+CSIM=8,"00708005"', 'AT+CSIM=10,"0070800500"']);
  });

  test("a channel is closed with a case 1 command where the modem takes that", async () => {
    const modem = new FakeModem().on('AT+CSIM=10,"0070000001"', ['+CSIM: 6,"019000"', "OK"]);
    modem.on(/^AT\+CSIM=42/, ['+CSIM: 4,"6A82"', "OK"]).on('AT+CSIM=8,"00708001"', ['+CSIM: 4,"9000"', "OK"]);
    await using engine = engineOver(modem);
    expect(await readEid(engine, "m")).toBeUndefined();
    expect(modem.heard.at(-1)).toBe('AT+CSIM=8,"00708001"');
  });

  test("EID of a Telit: by its own command, or between the lock lines of +CSIM", async () => {
    const own = await cardOf({ "AT#EID": [`#EID: ${eid}`, "OK"] }, "telit-le910c");
    expect(own.eid).toBe(eid);
    const modem = new FakeModem().on(/^AT(#EID|\+CCID)/, "ERROR").on(/^AT\+CSIM=8/, ['+CSIM: 4,"9000"', "OK"]);
    modem.on('AT+CSIM=10,"0070000001"', ['+CSIM: 6,"019000"', "OK"]).on(/^AT\+CSIM=42/, ['+CSIM: 4,"9000"', "OK"]);
    modem.on('AT+CSIM=10,"81CA005A00"', [`+CSIM: 40,"5A10${eid}9000"`, "OK"]);
    await using engine = engineOver(modem, { profileName: "telit-le910c" });
    expect(await readEid(engine, "m")).toBe(eid);
    expect(modem.heard.filter((line) => line === "AT+CSIM=1")).toHaveLength(4);
    expect(modem.heard.at(-1)).toBe("AT+CSIM=0");
  });

  test.each(["+CME ERROR: 100", "+CME ERROR: unknown", "+CME ERROR: 3", "ERROR", "+CME ERROR: strange words"])(
    "+CCHO answered %s: the card is reached over +CSIM",
    async (refusal) => {
      const modem = new FakeModem().on(/^AT\+CCHO/, refusal).on('AT+CSIM=10,"0070000001"', ['+CSIM: 6,"019000"', "OK"]);
      modem.on(/^AT\+CSIM=42/, ['+CSIM: 4,"9000"', "OK"]);
      await using engine = engineOver(modem);
      const access = new CardAccess(engine, "m", new Set());
      const limits = { timeoutMs: 2_000 };
      expect(await access.transmit(Uint8Array.of(0, 0x70, 0, 0, 1), limits)).toEqual(Uint8Array.of(1, 0x90, 0));
      const select = Uint8Array.of(1, 0xa4, 4, 0, 16, ...Buffer.from(aid, "hex"));
      expect(await access.transmit(select, limits)).toEqual(Uint8Array.of(0x90, 0x00));
      expect(access.way).toBe("csim");
    },
  );

  test("SIM busy (14) is waited out", async () => {
    let busy = 2;
    const modem = new FakeModem().on(/^AT\+CSIM/, () => (busy-- > 0 ? "+CME ERROR: 14" : ['+CSIM: 4,"9000"', "OK"]));
    await using engine = engineOver(modem);
    const access = new CardAccess(engine, "m", new Set());
    expect(await access.transmit(Uint8Array.of(0x80, 0xf2, 0, 0), { timeoutMs: 2_000 })).toEqual(
      Uint8Array.of(0x90, 0),
    );
  });

  test.each([
    ['+CGMM: "EC25","EG25-G"', "EC25, EG25-G", "quectel-ec25"],
    ['"GSM900","EG25-G"', "GSM900, EG25-G", "quectel-ec25"],
    ['"EG25-G"', "EG25-G", "quectel-ec25"],
    ["+CGMM: EG25-G", "EG25-G", "quectel-ec25"],
  ])("a model told as %s", async (line, name, profile) => {
    const modem = new FakeModem().on("AT+CGMI", ["Quectel", "OK"]).on("AT+CGMM", [line, "OK"]);
    await using engine = engineOver(modem);
    const identity = await identify(engine);
    expect(identity.model).toBe(name);
    expect(profiles.match(identity).name).toBe(profile);
  });
});
