import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { formatPdu } from "../../../src/codec/at/sms-commands.ts";
import { tpduBytes } from "../../../src/codec/sms/tpdu.ts";
import { silentLog } from "../../../src/link/driver.ts";
import type { AtEngine } from "../../../src/link/modem/at/at-engine.ts";
import { ModemSmsBearer } from "../../../src/link/modem/messages/sms-bearer.ts";
import type { InboundItem } from "../../../src/link/sms-bearer.ts";
import { engineOver, FakeModem, turn } from "./fake-modem.ts";

const serviceCentre = fromHex("915155100000F0");
const command = "02700000160D00000000000001000000000100";

function stored(userData: string, pid = 0x7f, dcs = 0xf6): string {
  const octets = fromHex(userData);
  const tpdu = tpduBytes({
    type: "SMS-DELIVER",
    noMoreMessages: true,
    loopPrevention: false,
    statusReport: false,
    userDataHeader: true,
    replyPath: false,
    originator: { toa: 0x91, number: "15550100099" },
    pid,
    dcs,
    scts: "2026-01-02T10:20:30+01:00",
    userData: { length: octets.length, octets },
  });
  return formatPdu({ serviceCentre, tpdu });
}

describe("messages for the card inside that the modem stored", () => {
  let modem: FakeModem;
  let engine: AtEngine;
  let bearer: ModemSmsBearer;
  let takesPackets = true;
  const inbound: InboundItem[] = [];

  async function holds(pdu: string, used = 1): Promise<void> {
    modem.on('AT+CPMS="SM"', [`+CPMS: ${used},20,0,20,0,20`, "OK"]);
    modem.on("AT+CMGL=4", [`+CMGL: 3,0,,${pdu.length / 2 - 8}`, pdu, "OK"]);
    engine = engineOver(modem, { profileName: "quectel-ec25" });
    await bearer.attach(engine);
    await turn(60);
  }

  beforeEach(() => {
    inbound.length = 0;
    takesPackets = true;
    modem = new FakeModem().on(/^AT\+CPMS=/, ["+CPMS: 0,50,0,50,0,50", "OK"]);
    bearer = new ModemSmsBearer({
      id: "modem-1",
      clock: systemClock,
      log: silentLog,
      cardTakesPackets: () => takesPackets,
    });
    bearer.onInbound(async (item) => void inbound.push(item));
  });
  afterEach(async () => {
    await engine[Symbol.asyncDispose]();
    await bearer[Symbol.asyncDispose]();
  });
  const envelopes = () => modem.heard.filter((line) => line.startsWith("AT+CSIM"));

  test("go to the card as ENVELOPE, with the service centre they came through, and are deleted then", async () => {
    modem.on(/^AT\+CSIM=/, ['+CSIM: 4,"9000"', "OK"]);
    const pdu = stored(command);
    await holds(pdu);
    const tpdu = pdu.slice(16);
    const length = (octets: number) => octets.toString(16).toUpperCase().padStart(2, "0");
    const body = `820283810607${toHex(serviceCentre)}8B${length(tpdu.length / 2)}${tpdu}`;
    const apdu = `80C20000${length(body.length / 2 + 2)}D1${length(body.length / 2)}${body}00`;
    expect(envelopes()).toEqual([`AT+CSIM=${apdu.length},"${apdu}"`]);
    expect(modem.heard).toContain("AT+CMGD=3");
    expect(inbound).toEqual([]);
  });

  test("stay where they are when the card does not get them", async () => {
    modem.on(/^AT\+CSIM=/, "+CME ERROR: 3");
    await holds(stored(command));
    expect(envelopes()).toHaveLength(1);
    expect(modem.heard.filter((line) => line.startsWith("AT+CMGD"))).toEqual([]);
    expect(inbound).toEqual([]);
  });

  test("are kept by the gateway when the memory is crowded and the card does not get them", async () => {
    modem.on(/^AT\+CSIM=/, "+CME ERROR: 3");
    await holds(stored(command), 18);
    expect(inbound).toMatchObject([{ kind: "message", protocolId: 0x7f, userData: fromHex(command) }]);
    expect(modem.heard).toContain("AT+CMGD=3");
  });

  test.each([
    ["a response packet", stored("027100000B0A00000100000000010000")],
    ["a message that is not for SIM data download", stored(command, 0x00)],
    ["a message of another class", stored(command, 0x7f, 0xf5)],
  ])("%s is the gateway's", async (_what, pdu) => {
    await holds(pdu);
    expect(envelopes()).toEqual([]);
    expect(inbound).toHaveLength(1);
    expect(modem.heard).toContain("AT+CMGD=3");
  });

  test("everything is the gateway's when the card inside takes no packets", async () => {
    takesPackets = false;
    await holds(stored(command));
    expect(envelopes()).toEqual([]);
    expect(inbound).toHaveLength(1);
  });
});
