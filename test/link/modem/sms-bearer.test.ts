import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { parsePdu } from "../../../src/codec/at/sms-commands.ts";
import { parseTpdu } from "../../../src/codec/sms/tpdu.ts";
import { silentLog } from "../../../src/link/driver.ts";
import type { AtEngine } from "../../../src/link/modem/at/at-engine.ts";
import { ModemSmsBearer } from "../../../src/link/modem/messages/sms-bearer.ts";
import type { InboundItem, OutboundSms } from "../../../src/link/sms-bearer.ts";
import { engineOver, FakeModem, turn } from "./fake-modem.ts";
import { VirtualTimers } from "./transcript-player.ts";

const deliver =
  "07915155100000F0440B915155100070F70004621020010203401902710000140A00000100000000010000AB0780010123029000";
const report = "07915155100000F006390B915155100070F7621020010203406210200102534000";
const packet = fromHex("02700000160D00000000000001000000000100 80F24000024F0000");
const sms: OutboundSms = {
  reference: "pkt_1/1/0",
  to: "15550100077",
  userData: packet,
  userDataHeader: true,
  protocolId: 0x7f,
  dataCoding: 0xf6,
  moreToCome: false,
  validityMinutes: 60,
  receipt: true,
};
const never = new AbortController().signal;

describe("short messages over a modem", () => {
  let modem: FakeModem;
  let engine: AtEngine;
  let timers: VirtualTimers;
  let bearer: ModemSmsBearer;
  const inbound: InboundItem[] = [];

  async function attach(profileName = "quectel-ec25"): Promise<void> {
    engine = engineOver(modem, { timers, profileName });
    await bearer.attach(engine);
    await turn(20);
    modem.heard.length = 0;
  }

  beforeEach(() => {
    inbound.length = 0;
    timers = new VirtualTimers();
    modem = new FakeModem();
    modem.on(/^AT\+CPMS=/, ["+CPMS: 0,50,0,50,0,50", "OK"]).on("AT+CSMS=1", ["+CSMS: 1,1,1", "OK"]);
    modem.on(/^AT\+CMGS=\d+$/, ">").on(/^AT\+CMGS=\d+ /, ["+CMGS: 57", "OK"]);
    bearer = new ModemSmsBearer({ id: "modem-1", clock: systemClock, log: silentLog, queueLimit: 2 });
    bearer.onInbound(async (item) => void inbound.push(item));
  });
  afterEach(async () => {
    await engine[Symbol.asyncDispose]();
    await bearer[Symbol.asyncDispose]();
  });

  test("sends SMS-SUBMIT with the target's international number, PID, DCS, validity and report request", async () => {
    await attach();
    expect(await bearer.submit(sms, never)).toEqual({ at: "accepted", networkReference: "57" });
    const [command = "", body = ""] = modem.heard;
    const { serviceCentre, tpdu } = parsePdu(body);
    expect(command).toBe(`AT+CMGS=${tpdu.length}`);
    expect(serviceCentre).toHaveLength(0);
    expect(parseTpdu(tpdu, "SMS-SUBMIT")).toMatchObject({
      statusReport: true,
      userDataHeader: true,
      destination: { toa: 0x91, number: "15550100077" },
      pid: 0x7f,
      dcs: 0xf6,
      validity: { format: "relative", value: 11 },
      userData: { octets: packet },
    });
  });

  test("keeps the link up while more segments follow, and no longer asks a modem that refuses", async () => {
    await attach();
    await bearer.submit({ ...sms, moreToCome: true }, never);
    await bearer.submit(sms, never);
    expect(modem.heard.filter((line) => line.includes("CMMS"))).toEqual(["AT+CMMS=1"]);
    modem.on("AT+CMMS=1", "+CMS ERROR: 303");
    await bearer.submit({ ...sms, moreToCome: true }, never);
    await bearer.submit({ ...sms, moreToCome: true }, never);
    expect(modem.heard.filter((line) => line.includes("CMMS"))).toHaveLength(2);
  });

  test("finds the message that a status report speaks of", async () => {
    await attach();
    await bearer.submit({ ...sms, to: "+15550100077" }, never);
    modem.raw(`\r\n+CDS: 25\r\n${report}\r\n`);
    await turn(20);
    expect(inbound).toEqual([
      { kind: "receipt", reference: "pkt_1/1/0", networkReference: "57", state: "delivered", networkStatus: 0 },
    ]);
    expect(modem.heard.at(-1)).toBe("AT+CNMA=1");
  });

  test("acknowledges +CMT only after it is durable, and refuses it when that fails", async () => {
    await attach();
    let finish = () => {};
    bearer.onInbound(() => new Promise((resolve) => (finish = resolve)));
    modem.raw(`\r\n+CMT: "",44\r\n${deliver}\r\n`);
    await turn(20);
    expect(modem.heard).toEqual([]);
    finish();
    await turn(20);
    expect(modem.heard).toEqual(["AT+CNMA=1"]);
    bearer.onInbound(() => Promise.reject(new Error("disk full")));
    modem.on("AT+CNMI?", ["+CNMI: 2,1,0,1,0", "OK"]);
    modem.raw(`\r\n+CMT: "",44\r\n${deliver.replace(/00$/, "01")}\r\n`);
    await turn(30);
    expect(modem.heard).toEqual(["AT+CNMA=1", "AT+CNMA=2", "AT+CNMI?"]);
  });

  test("hands a message on with its originator, user data and TPDU", async () => {
    await attach();
    modem.raw(`\r\n+CMT: "",44\r\n${deliver}\r\n`);
    await turn(20);
    expect(inbound).toEqual([
      {
        kind: "message",
        from: "+15550100077",
        userData: fromHex("02710000140A00000100000000010000AB0780010123029000"),
        userDataHeader: true,
        protocolId: 0,
        dataCoding: 4,
        tpdu: fromHex(deliver.slice(16)),
      },
    ]);
  });

  const taken = expect.objectContaining({ kind: "message", tpdu: fromHex(deliver.slice(16)) });

  test.each([
    ["+CMT", 44, `${deliver}FFFFFF`],
    ["+CMT announced with them", 46, `${deliver}0000`],
    ["+CMT in lower case", 44, `${deliver.toLowerCase()}ff`],
  ])("cuts octets behind the TPDU of %s, and acknowledges it", async (_, length, pdu) => {
    await attach();
    modem.raw(`\r\n+CMT: "",${length}\r\n${pdu}\r\n`);
    await turn(20);
    expect(inbound).toEqual([taken]);
    expect(modem.heard).toEqual(["AT+CNMA=1"]);
  });

  test("never refuses a message without a word: what cannot be read is logged with its reason", async () => {
    const warned: unknown[] = [];
    const log = { ...silentLog, warn: (facts: unknown) => void warned.push(facts) };
    bearer = new ModemSmsBearer({ id: "modem-1", clock: systemClock, log });
    modem.on("AT+CNMI?", ["+CNMI: 2,1,0,1,0", "OK"]);
    await attach();
    modem.raw(`\r\n+CMT: "",44\r\n${deliver.slice(0, -8)}\r\n`);
    await turn(20);
    expect(modem.heard[0]).toBe("AT+CNMA=2");
    expect(warned).toContainEqual(
      expect.objectContaining({ octets: 48, error: expect.objectContaining({ code: "codec.truncated" }) }),
    );
  });

  test("keeps TP-UDL of a text, so that 8n-1 characters get no @ behind them", async () => {
    await attach();
    modem.raw('\r\n+CMT: "",26\r\n07915155100000F0040B915155100070F700006210200102034007E8329BFD46CB00\r\n');
    await turn(20);
    expect(inbound).toMatchObject([{ userDataLength: 7, dataCoding: 0 }]);
    await bearer.submit(
      { ...sms, userData: fromHex("E8329BFD46CB00"), userDataLength: 7, userDataHeader: false, dataCoding: 0 },
      never,
    );
    const [, body = ""] = modem.heard.filter((line) => !line.includes("CNMA"));
    expect(parseTpdu(parsePdu(body).tpdu, "SMS-SUBMIT").userData.length).toBe(7);
  });

  const one = [`+CMGL: 3,1,,44`, deliver];
  test.each([
    ["one name only", /^AT\+CPMS="\w\w"$/, ["+CPMS: 1,50", "OK"]],
    ["three names only", /^AT\+CPMS="\w\w","\w\w","\w\w"$/, ["+CPMS: 1,50,1,50,1,50", "OK"]],
    ["two names only", /^AT\+CPMS="\w\w","\w\w"$/, ["+CPMS: 1,50,1,50", "OK"]],
    ["one name, answered with a bare OK", /^AT\+CPMS="\w\w"$/, ["OK"]],
    ["three names, answered with a bare OK", /^AT\+CPMS="\w\w","\w\w","\w\w"$/, ["OK"]],
    ["nothing at all", /^never$/, ["OK"]],
  ] as const)("reads the memories of a modem whose +CPMS takes %s", async (_, form, answer) => {
    modem
      .on(/^AT\+CPMS=/, "+CMS ERROR: 302")
      .on(form, answer)
      .on("AT+CPMS?", "ERROR");
    modem.on("AT+CMGL=4", [...one, "OK"]).on("AT+CMGD=3", () => {
      modem.on("AT+CMGL=4", "OK");
      return "OK";
    });
    engine = engineOver(modem, { timers, profileName: "quectel-ec25" });
    await bearer.attach(engine);
    await turn(60);
    expect(inbound).toEqual([taken]);
    expect(modem.heard).toContain("AT+CMGD=3");
    modem.on("AT+CMGR=7", ["+CMGR: 1,,44", deliver.replace(/00$/, "07"), "OK"]);
    modem.say('+CMTI: "SM",7');
    await turn(40);
    expect(inbound).toHaveLength(2);
  });

  test("leaves messages alone whose state, in words, is sent or unsent", async () => {
    modem.on(/^AT\+CPMS=/, ["+CPMS: 3,50", "OK"]);
    modem.on("AT+CMGL=4", ['+CMGL: 1,"STO SENT",,44', deliver, '+CMGL: 2,"REC UNREAD",,44', deliver, "OK"]);
    engine = engineOver(modem, { timers, profileName: "quectel-ec25" });
    await bearer.attach(engine);
    await turn(60);
    expect(inbound).toEqual([taken]);
    expect(modem.heard).not.toContain("AT+CMGD=1");
  });

  test("follows a storm of +CMTI with one look into the memories", async () => {
    await attach();
    modem.on(/^AT\+CMGR=/, "+CMS ERROR: 321");
    modem.say(...Array.from({ length: 300 }, (_, index) => `+CMTI: "ME",${index % 50}`));
    await turn(120);
    const asked = modem.heard.filter((line) => line.startsWith("AT+CMGR")).length;
    expect(asked).toBeGreaterThan(0);
    expect(asked).toBeLessThan(20);
    expect(modem.heard.at(-1)).toBe('AT+CPMS="SM"');
  });

  test("takes a message once, though the network repeats it and the memory holds it too", async () => {
    await attach();
    modem.raw(`\r\n+CMT: "",44\r\n${deliver}\r\n`);
    await turn(20);
    modem.raw(`\r\n+CMT: "",44\r\n${deliver}\r\n`);
    await turn(20);
    modem.on("AT+CMGR=3", ['+CMGR: 0,"",44', deliver, "OK"]);
    modem.say('+CMTI: "SM",3');
    await turn(40);
    expect(inbound).toHaveLength(1);
    expect(modem.heard.slice(-3)).toEqual(['AT+CPMS="SM"', "AT+CMGR=3", "AT+CMGD=3"]);
  });

  test("deletes a stored message only after it is durable", async () => {
    await attach();
    bearer.onInbound(() => Promise.reject(new Error("disk full")));
    modem.on("AT+CMGR=0", ['+CMGR: 0,"",44', deliver, "OK"]);
    modem.say('+CMTI: "SM",0');
    await turn(40);
    expect(modem.heard).toEqual(['AT+CPMS="SM"', "AT+CMGR=0"]);
  });

  test("polls both memories for what does not announce itself", async () => {
    await attach();
    modem.on('AT+CPMS="SM"', ["+CPMS: 1,10,0,50,0,50", "OK"]);
    modem.on("AT+CMGL=4", ['+CMGL: 5,1,"",44', deliver, "OK"]);
    await bearer.inbox?.poll();
    expect(modem.heard).toEqual(['AT+CPMS="ME"', 'AT+CPMS="SM"', "AT+CMGL=4", "AT+CMGD=5"]);
    expect(inbound).toHaveLength(1);
  });

  test("reads slot by slot where the modem cannot list", async () => {
    await attach("generic-3gpp");
    modem.on('AT+CPMS="ME"', ["+CPMS: 1,3,0,3,0,3", "OK"]).on(/^AT\+CMGR=[01]$/, "+CMS ERROR: 321");
    modem.on("AT+CMGR=2", ["+CMGR: 0,,44", deliver, "OK"]);
    const { sms: shipped, ...file } = engine.profile.file;
    engine.use({ ...engine.profile, file: { ...file, sms: { ...shipped, list: false, storages: ["ME"] } } });
    await bearer.inbox?.poll();
    expect(modem.heard).toEqual(['AT+CPMS="ME"', "AT+CMGR=0", "AT+CMGR=1", "AT+CMGR=2", "AT+CMGD=2"]);
  });

  test("keeps a full memory from staying full", async () => {
    await attach();
    modem.on('AT+CPMS="ME"', ["+CPMS: 10,10,0,50,0,50", "OK"]);
    modem.on("AT+CMGL=4", ["+CMGL: 1,3,,44", deliver, "+CMGL: 2,1,,4", "0000", "+CMGL: 3,2,,44", deliver, "OK"]);
    modem.on("AT+CMGR=2", ["+CMGR: 1,,4", "0000", "OK"]);
    modem.say('+QIND: "smsfull","ME"');
    await turn(60);
    expect(modem.heard.filter((line) => line.startsWith("AT+CMGD"))).toEqual(["AT+CMGD=1", "AT+CMGD=2"]);
  });

  test("does not delete what only the line spoilt, however full the memory is", async () => {
    await attach();
    modem.on('AT+CPMS="ME"', ["+CPMS: 10,10,0,50,0,50", "OK"]);
    modem.on("AT+CMGL=4", ["+CMGL: 2,1,,44", deliver.slice(0, 40), "OK"]);
    modem.on("AT+CMGR=2", ["+CMGR: 1,,44", deliver, "OK"]);
    modem.say('+QIND: "smsfull","ME"');
    await turn(60);
    expect(modem.heard.filter((line) => line.startsWith("AT+CMGD"))).toEqual([]);
  });

  test("tries +CNMI settings in order and sets the accepted one again when the modem dropped it", async () => {
    modem.on("AT+CNMI=2,1,0,1,0", "+CMS ERROR: 303").on("AT+CNMI=2,1,0,2,0", "OK");
    await attach();
    expect(bearer.inbox?.setting).toBe("2,1,0,2,0");
    modem.on("AT+CNMI?", ["+CNMI: 2,0,0,0,0", "OK"]);
    expect(await bearer.inbox?.checkIndications()).toBe(false);
    expect(modem.heard).toEqual(["AT+CNMI?", "AT+CNMI=2,1,0,2,0"]);
    modem.on("AT+CNMI?", ["+CNMI: 2,1,0,2,0", "OK"]);
    expect(await bearer.inbox?.checkIndications()).toBe(true);
  });

  test.each([
    ["+CMS ERROR: 38", "modem.cms", "later", "not-sent"],
    ["+CMS ERROR: 21", "modem.cms-permanent", "never", "not-sent"],
    ["+CMS ERROR: 332", "modem.cms", "later", "unknown"],
    ["ERROR", "modem.message-refused", "later", "not-sent"],
  ])("%s is %s, retried %s, %s", async (answer, code, retry, fate) => {
    await attach();
    modem.on(/^AT\+CMGS=\d+ /, answer);
    await expect(bearer.submit(sms, never)).rejects.toMatchObject({ code, retry, fate });
  });

  test("a message whose result is lost may have left", async () => {
    await attach();
    modem.on(/^AT\+CMGS=\d+ /, "RDY");
    await expect(bearer.submit(sms, never)).rejects.toMatchObject({ code: "modem.reset", fate: "unknown" });
  });

  test("an OK without a reference is an acceptance, an OK without a prompt is none", async () => {
    await attach();
    modem.on(/^AT\+CMGS=\d+ /, "OK");
    expect(await bearer.submit(sms, never)).toEqual({ at: "accepted" });
    modem.on(/^AT\+CMGS=\d+$/, "OK");
    await expect(bearer.submit(sms, never)).rejects.toMatchObject({
      code: "modem.message-refused",
      fate: "not-sent",
    });
  });

  test("puts a modem that refuses a message without a reason into PDU mode again", async () => {
    await attach();
    modem.on(/^AT\+CMGS=\d+$/, "ERROR");
    await expect(bearer.submit(sms, never)).rejects.toMatchObject({ code: "modem.message-refused", retry: "later" });
    expect(modem.heard.slice(-2)).toEqual([expect.stringMatching(/^AT\+CMGS=/), "AT+CMGF=0"]);
  });

  test("says when it is full, and when it is down", async () => {
    await attach();
    modem.on(/^AT\+CMGS=\d+ /, undefined);
    const waiting = [bearer.submit(sms, never), bearer.submit(sms, never)].map((one) => one.catch((error) => error));
    await expect(bearer.submit(sms, never)).rejects.toMatchObject({
      code: "link.queue-full",
      fate: "not-sent",
    });
    bearer.detach("unplugged");
    expect(bearer.state).toEqual({ up: false, reason: "unplugged" });
    await expect(bearer.submit(sms, never)).rejects.toMatchObject({
      code: "link.unavailable",
      fate: "not-sent",
    });
    modem.unplug();
    await Promise.all(waiting);
  });

  test("sends no more in a minute than the profile allows", async () => {
    const sleep = vi.fn(() => Promise.reject(new Error("would wait")));
    let now = 1_000;
    const clock = { now: () => now, monotonic: () => now, sleep };
    bearer = new ModemSmsBearer({ id: "modem-1", clock, log: silentLog });
    await attach();
    for (let i = 0; i < 30; i++) await bearer.submit(sms, never);
    await expect(bearer.submit(sms, never)).rejects.toThrow("would wait");
    expect(sleep).toHaveBeenCalledWith(60_000, never);
    now += 60_001;
    expect(await bearer.submit(sms, never)).toMatchObject({ at: "accepted" });
  });

  test("gives a PDU and its TPDU back as they were", () => {
    const { serviceCentre, tpdu } = parsePdu(deliver);
    expect(toHex(serviceCentre)).toBe("915155100000F0");
    expect(toHex(tpdu)).toBe(deliver.slice(16));
    expect(() => parsePdu("0F00")).toThrow(expect.objectContaining({ code: "codec.length" }));
  });
});
