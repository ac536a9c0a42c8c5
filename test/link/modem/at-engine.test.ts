import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { pinState, registration, scanOperators, signalQuality } from "../../../src/codec/at/general-commands.ts";
import { acknowledge, sendMessage } from "../../../src/codec/at/sms-commands.ts";
import type { Urc } from "../../../src/codec/at/urc.ts";
import type { AtEngine } from "../../../src/link/modem/at/at-engine.ts";
import { type Frame, onFrame } from "../../../src/link/trace.ts";
import { engineOver, FakeModem, turn } from "./fake-modem.ts";
import { VirtualTimers } from "./transcript-player.ts";

const pdu = {
  serviceCentre: new Uint8Array(),
  tpdu: Uint8Array.of(0x11, 0x00, 0x00, 0x81, 0x00, 0x04, 0x00, 0x01, 0xaa),
};

describe("AT engine", () => {
  let modem: FakeModem;
  let timers: VirtualTimers;
  let engine: AtEngine;
  const urcs: Urc[] = [];

  beforeEach(() => {
    urcs.length = 0;
    modem = new FakeModem();
    timers = new VirtualTimers();
    engine = engineOver(modem, { timers });
    engine.onUrc((urc) => urcs.push(urc));
  });
  afterEach(() => engine[Symbol.asyncDispose]());

  test("keeps one command in flight and answers in order", async () => {
    modem.on("AT+CSQ", ["+CSQ: 20,99", "OK"]).on("AT+CPIN?", ["+CPIN: READY", "OK"]);
    const both = Promise.all([engine.run(signalQuality, undefined), engine.run(pinState, undefined)]);
    await turn(1);
    expect(modem.heard.length).toBeLessThan(2);
    expect(await both).toEqual([{ rssiDbm: -73 }, "READY"]);
    expect(modem.heard).toEqual(["AT+CSQ", "AT+CPIN?"]);
  });

  test("puts acknowledgements before work that waits", async () => {
    const done = Promise.all([
      engine.run(signalQuality, undefined).catch(() => undefined),
      engine.run(pinState, undefined).catch(() => undefined),
      engine.run(acknowledge, 1, { urgency: "urgent" }),
    ]);
    await done;
    expect(modem.heard).toEqual(["AT+CSQ", "AT+CNMA=1", "AT+CPIN?"]);
  });

  test("lets only the start-up through while it is held", async () => {
    engine.hold();
    const later = engine.run(acknowledge, 1, { urgency: "urgent" });
    await engine.send({ line: "ATE0", timeoutMs: 1_000 }, { urgency: "init" });
    await turn();
    expect(modem.heard).toEqual(["ATE0"]);
    engine.resume();
    await later;
  });

  test("reads numeric results of a modem in V0", async () => {
    const sent = engine.send({ line: "ATV1", timeoutMs: 5_000 });
    modem.on("ATV1", undefined);
    await turn();
    modem.raw("0\r");
    await turn();
    await timers.advance(100);
    expect((await sent).final).toEqual({ kind: "ok", text: "OK" });
  });

  test("takes a bare number with a line end as information, not as a result", async () => {
    modem.on('AT+CCHO="A0"', undefined);
    const sent = engine.send({ line: 'AT+CCHO="A0"', timeoutMs: 5_000 });
    await turn();
    modem.raw("\r\n1\r");
    await turn();
    modem.raw("\n\r\nOK\r\n");
    expect((await sent).info).toEqual([{ text: "1" }]);
  });

  test("survives LF-only lines, doubled CR and a prompt that ends in CR LF", async () => {
    modem.on("AT+CSQ", undefined);
    const first = engine.run(signalQuality, undefined);
    await turn();
    modem.raw("+CSQ: 31,0\nOK\n");
    expect(await first).toEqual({ rssiDbm: -51 });
    modem.on(/^AT\+CMGS=\d+$/, undefined);
    const second = engine.run(sendMessage, pdu);
    await turn();
    modem.raw("\r\r\n> \r\n");
    await turn();
    modem.raw("\r\r\n+CMGS: 7\r\r\n\r\r\nOK\r\r\n");
    expect(await second).toEqual({ reference: 7 });
  });

  test("takes a prompt without its space after a pause", async () => {
    modem.on(/^AT\+CMGS=\d+$/, undefined);
    const sent = engine.run(sendMessage, pdu);
    await turn();
    modem.raw("\r\n>");
    await turn();
    expect(modem.heard).toHaveLength(1);
    await timers.advance(100);
    modem.raw(" ");
    await turn();
    modem.raw("\r\n+CMGS: 8\r\n\r\nOK\r\n");
    expect(await sent).toEqual({ reference: 8 });
  });

  test("distinguishes a registration notice from the answer to its query", async () => {
    modem.on("AT+CEREG?", ["+CEREG: 2", '+CEREG: 5,"1A2B","00C3D4E5",7', '+CEREG: 2,1,"1A2B","00C3D4E5",7', "OK"]);
    expect(await engine.run(registration, "CEREG")).toMatchObject({ state: "home", solicited: true, area: 0x1a2b });
    expect(urcs.map(({ text }) => text)).toEqual(["+CEREG: 2", '+CEREG: 5,"1A2B","00C3D4E5",7']);
  });

  test("gives two-line notices whole, even around a header and its PDU", async () => {
    modem.on("AT+CMGR=3", undefined);
    const sent = engine.send({ line: "AT+CMGR=3", timeoutMs: 5_000 });
    await turn();
    modem.raw('\r\n+CMGR: 0,,3\r\n\r\n+CMT: ,4\r\n00AABBCCDD\r\n00112233\r\n\r\n+CMTI: "ME",2\r\n\r\nOK\r\n');
    expect((await sent).info).toEqual([{ text: "+CMGR: 0,,3", data: "00112233" }]);
    expect(urcs).toEqual([
      { event: "sms-direct", text: "+CMT: ,4", data: "00AABBCCDD" },
      { event: "sms-stored", text: '+CMTI: "ME",2' },
    ]);
  });

  test("recognizes an unsolicited +CMS ERROR", async () => {
    modem.on("AT+CSQ", ["+CMS ERROR: 524", "+CSQ: 1,0", "OK"]);
    expect(await engine.run(signalQuality, undefined)).toEqual({ rssiDbm: -111 });
    expect(urcs).toEqual([{ event: "cms-async", text: "+CMS ERROR: 524" }]);
  });

  test("fails with the number, its name and its retry class", async () => {
    modem.on("AT+CPIN?", "+CME ERROR: SIM busy");
    await expect(engine.run(pinState, undefined)).rejects.toMatchObject({
      code: "modem.cme",
      retry: "later",
      detail: { cme: 14, name: "SIM busy" },
    });
    modem.on("AT+CPIN?", "+CME ERROR: 4");
    await expect(engine.run(pinState, undefined)).rejects.toMatchObject({
      code: "modem.cme-permanent",
      retry: "never",
    });
  });

  test("a refusal before the body says that nothing was sent", async () => {
    modem.on(/^AT\+CMGS=\d+$/, "+CMS ERROR: 302");
    await expect(engine.run(sendMessage, pdu)).rejects.toMatchObject({ fate: "not-sent", detail: { cms: 302 } });
  });

  test("after a timeout it finds its step again and drops what comes late", async () => {
    modem.on("AT+CSQ", undefined).on("AT", undefined).on("AT+CPIN?", ["+CPIN: READY", "OK"]);
    const lost = engine.run(signalQuality, undefined);
    const next = engine.run(pinState, undefined);
    await turn();
    const refused = expect(lost).rejects.toMatchObject({ code: "modem.timeout", fate: "not-sent" });
    await timers.advance(5_000);
    await refused;
    expect(modem.heard).toEqual(["AT+CSQ", "AT"]);
    modem.say("+CSQ: 9,9", "OK", '+CMTI: "ME",1', "OK");
    expect(await next).toBe("READY");
    expect(urcs.map(({ text }) => text)).toEqual(['+CMTI: "ME",1']);
  });

  test("a single answer is trusted only after a quiet second", async () => {
    modem.on("AT+CSQ", undefined);
    const lost = engine.run(signalQuality, undefined).catch(() => undefined);
    const next = engine.run(pinState, undefined).catch(() => undefined);
    await turn();
    await timers.advance(5_000);
    await lost;
    await turn();
    expect(modem.heard).toEqual(["AT+CSQ", "AT"]);
    await timers.advance(1_000);
    await next;
    expect(modem.heard).toEqual(["AT+CSQ", "AT", "AT+CPIN?"]);
  });

  test("leaves the data entry before it knocks when no prompt came", async () => {
    modem.on(/^AT\+CMGS=\d+$/, undefined);
    const lost = expect(engine.run(sendMessage, pdu)).rejects.toMatchObject({
      code: "modem.timeout",
      fate: "not-sent",
      detail: { stage: "sent" },
    });
    await turn();
    await timers.advance(10_000);
    await lost;
    await timers.advance(2_000);
    await turn();
    expect(modem.heard).toEqual([`AT+CMGS=${pdu.tpdu.length}`, "ESC", "AT"]);
  });

  test("takes the late result of a message that was sent", async () => {
    modem
      .on(/^AT\+CMGS=\d+$/, ">")
      .on(/^AT\+CMGS=\d+ /, undefined)
      .on("AT", undefined);
    const sent = engine.run(sendMessage, pdu);
    await turn(8);
    await timers.advance(150_000);
    modem.say("+CMGS: 61", "OK", "OK");
    expect(await sent).toEqual({ reference: 61 });
  });

  test("says that the fate of a message is unknown when its result is lost", async () => {
    modem.on(/^AT\+CMGS=\d+$/, ">").on(/^AT\+CMGS=\d+ /, undefined);
    const lost = expect(engine.run(sendMessage, pdu)).rejects.toMatchObject({
      code: "modem.timeout",
      fate: "unknown",
    });
    await turn(8);
    await timers.advance(150_000);
    await turn();
    await timers.advance(1_100);
    await lost;
  });

  test.each(["RDY", "APP RDY", "^SYSSTART", "^SYSSTART AIRPLANE MODE", "+SYSSTART", "+AT: READY", "Ready"])(
    "%s in mid-command fails it at once and leaves the line usable",
    async (banner) => {
      modem.on("AT+CSQ", banner);
      await expect(engine.run(signalQuality, undefined)).rejects.toMatchObject({
        code: "modem.reset",
        detail: { banner },
      });
      modem.on("AT+CPIN?", ["+CPIN: READY", "OK"]);
      await timers.advance(1);
      const next = engine.run(pinState, undefined);
      await timers.advance(1);
      expect(await next).toBe("READY");
    },
  );

  test("+CFUN: 1 counts as a start only when the command stays unanswered", async () => {
    modem.on("AT+CSQ", ["+CFUN: 1", "+CSQ: 3,3", "OK"]);
    await engine.run(signalQuality, undefined);
    modem.on("AT+CSQ", "+CFUN: 1");
    const lost = expect(engine.run(signalQuality, undefined)).rejects.toMatchObject({ code: "modem.reset" });
    await turn();
    await timers.advance(3_000);
    await lost;
  });

  test("ends an abortable command with one character, and waits for the end of others", async () => {
    modem.on("AT+COPS=?", undefined).on("AT+CPIN?", ["+CPIN: READY", "OK"]);
    const abort = new AbortController();
    const written = vi.spyOn(modem, "write");
    const scan = expect(engine.run(scanOperators, undefined, { signal: abort.signal })).rejects.toMatchObject({
      code: "modem.aborted",
    });
    await turn();
    abort.abort();
    await scan;
    expect(Buffer.from(written.mock.lastCall?.[0] ?? []).toString()).toBe("\r");
    const next = engine.run(pinState, undefined);
    await turn();
    expect(modem.heard).toEqual(["AT+COPS=?"]);
    modem.say("ABORTED");
    expect(await next).toBe("READY");
  });

  test("an unplug fails what runs and what waits, each with its fate", async () => {
    modem.on(/^AT\+CMGS=\d+$/, ">").on(/^AT\+CMGS=\d+ /, undefined);
    const outcomes = Promise.allSettled([engine.run(sendMessage, pdu), engine.run(signalQuality, undefined)]);
    await turn(8);
    modem.unplug();
    expect(await outcomes).toMatchObject([
      { reason: { code: "link.lost", fate: "unknown" } },
      { reason: { code: "link.lost", fate: "not-sent" } },
    ]);
    expect((await engine.done).code).toBe("link.lost");
    await expect(engine.run(signalQuality, undefined)).rejects.toMatchObject({ code: "link.lost" });
  });

  test("gives up on a modem that answers nothing any more", async () => {
    modem.on("AT+CSQ", undefined).on("AT", undefined);
    const lost = engine.run(signalQuality, undefined).catch(() => undefined);
    await turn();
    await timers.advance(200_000);
    await lost;
    expect(await engine.done).toMatchObject({ code: "modem.timeout" });
  });

  test("traces every line once, and no PIN", async () => {
    const frames: Frame[] = [];
    const stop = onFrame((frame) => frames.push(frame));
    modem.on('AT+CPIN="1234"', ['AT+CPIN="1234"', "OK"]);
    await engine.send({ line: 'AT+CPIN="1234"', timeoutMs: 5_000 });
    await engine.send({ line: 'AT+CSIM=26,"0020000108313233343FFFFFFF"', timeoutMs: 5_000 }).catch(() => undefined);
    stop();
    const shown = frames.map(({ dir, text }) => `${dir} ${text}`);
    expect(shown.slice(0, 3)).toEqual(["out AT+CPIN=***", "in AT+CPIN=***", "in OK"]);
    expect(JSON.stringify(frames)).not.toMatch(/1234|31323334/);
  });
});
