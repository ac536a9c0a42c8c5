import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { ApduChannel } from "../../../src/link/card/channel.ts";
import type { CardConnection } from "../../../src/link/card-reader.ts";
import type { AtEngine } from "../../../src/link/modem/at/at-engine.ts";
import { ModemCardReader } from "../../../src/link/modem/modem-card-reader.ts";
import { engineOver, FakeModem, turn } from "./fake-modem.ts";

const isdR = "A0000005591010FFFFFFFF8900000100";
const select = `00A4040010${isdR}`;

describe("the card inside a modem", () => {
  let modem: FakeModem;
  let engine: AtEngine;
  let reader: ModemCardReader;

  function start(profileName: string): void {
    engine = engineOver(modem, { profileName });
    reader = new ModemCardReader({ name: "modem-1", engine: () => engine });
  }

  async function exchange(card: CardConnection, apdu: string): Promise<string> {
    return toHex(await card.transmit(fromHex(apdu), { timeoutMs: 5_000 }));
  }

  beforeEach(() => {
    modem = new FakeModem().on("AT+CPIN?", ["+CPIN: READY", "OK"]);
  });
  afterEach(() => engine[Symbol.asyncDispose]());

  test("sends the basic channel over +CSIM", async () => {
    start("quectel-ec25");
    modem.on('AT+CSIM=14,"00A40004023F00"', ['+CSIM: 4,"912e"', "OK"]);
    await using card = await reader.connect({ timeoutMs: 5_000 });
    expect(await exchange(card, "00A40004023F00")).toBe("912E");
  });

  test("opens an application with +CCHO, talks by +CGLA on channel 0 and closes with +CCHC", async () => {
    start("quectel-ec25");
    modem.on(`AT+CCHO="${isdR}"`, ["+CCHO: 1", "OK"]);
    modem.on(`AT+CGLA=1,42,"${select}"`, ['+CGLA: 4,"6110"', "OK"]);
    modem.on('AT+CGLA=1,10,"80CA005A00"', ['+CGLA:4,"9000"', "OK"]);
    {
      await using card = await reader.connect({ timeoutMs: 5_000 });
      expect(await exchange(card, "0070000001")).toBe("019000");
      expect(await exchange(card, `01${select.slice(2)}`)).toBe("6110");
      expect(await exchange(card, "81CA005A00")).toBe("9000");
      expect(await exchange(card, "82CA005A00")).toBe("6881");
    }
    expect(modem.heard.at(-1)).toBe("AT+CCHC=1");
  });

  test("falls back to MANAGE CHANNEL over +CSIM where +CCHO is missing", async () => {
    start("generic-3gpp");
    modem.on(/^AT\+CCHO/, "ERROR").on('AT+CSIM=10,"0070000001"', ['+CSIM: 6,"029000"', "OK"]);
    modem.on(`AT+CSIM=42,"02${select.slice(2)}"`, ['+CSIM: 4,"9000"', "OK"]);
    modem.on('AT+CSIM=8,"00708002"', ['+CSIM: 4,"9000"', "OK"]);
    {
      await using card = await reader.connect({ timeoutMs: 5_000 });
      expect(await exchange(card, "0070000001")).toBe("019000");
      expect(await exchange(card, `01${select.slice(2)}`)).toBe("9000");
      modem.on('AT+CSIM=10,"0070000001"', ['+CSIM: 6,"019000"', "OK"]);
      expect(await exchange(card, "0070000001")).toBe("029000");
      modem.on('AT+CSIM=10,"81CA005A00"', ['+CSIM: 4,"6A88"', "OK"]);
      expect(await exchange(card, "82CA005A00")).toBe("6A88");
    }
    expect(modem.heard.slice(-2)).toEqual(['AT+CSIM=8,"00708002"', 'AT+CSIM=8,"00708001"']);
  });

  test("works under the one APDU channel of the card layer", async () => {
    start("quectel-ec25");
    modem.on(`AT+CCHO="${isdR}"`, ["+CCHO: 2", "OK"]);
    modem.on(`AT+CGLA=2,42,"${select}"`, ['+CGLA: 4,"6103"', "OK"]);
    modem.on('AT+CGLA=2,10,"00C0000003"', ['+CGLA: 10,"6F01849000"', "OK"]);
    await using card = await reader.connect({ timeoutMs: 5_000 });
    const channel = new ApduChannel({ connection: card, link: "modem-1", clock: systemClock });
    await using logical = await channel.openChannel();
    const answer = await logical.transmit(fromHex(`${select}00`));
    expect(toHex(answer.data)).toBe("6F0184");
    expect(answer.sw).toBe(0x9000);
  });

  test("closes leaked channels when the card has none left", async () => {
    start("quectel-ec25");
    modem.on(`AT+CCHO="${isdR}"`, () => (modem.heard.includes("AT+CCHC=2") ? ["+CCHO: 1", "OK"] : "+CME ERROR: 20"));
    modem.on(/^AT\+CGLA=1,/, ['+CGLA: 4,"9000"', "OK"]);
    await using card = await reader.connect({ timeoutMs: 5_000 });
    await exchange(card, "0070000001");
    expect(await exchange(card, `01${select.slice(2)}`)).toBe("9000");
    expect(modem.heard.filter((line) => line.startsWith("AT+CCHC"))).toEqual(["AT+CCHC=1", "AT+CCHC=2", "AT+CCHC=3"]);
  });

  test("an application that is not there is 6A82", async () => {
    start("quectel-ec25");
    modem.on(/^AT\+CCHO/, "+CME ERROR: 22");
    await using card = await reader.connect({ timeoutMs: 5_000 });
    await exchange(card, "0070000001");
    expect(await exchange(card, `01${select.slice(2)}`)).toBe("6A82");
  });

  test("takes hexadecimal session identifiers and a modem without +CCHC", async () => {
    start("sierra-em74xx");
    modem.on(/^AT\+CCHO/, ["+CCHO: 00000000038aa32f", "OK"]).on(/^AT\+CCHC/, "+CME ERROR: operation not supported");
    modem.on(/^AT\+CGLA=00000000038aa32f,/, ['+CGLA: 4,"9000"', "OK"]);
    await using card = await reader.connect({ timeoutMs: 5_000 });
    await exchange(card, "0070000001");
    expect(await exchange(card, `01${select.slice(2)}`)).toBe("9000");
    expect(await exchange(card, "00708001")).toBe("9000");
  });

  test("brackets +CSIM with its lock where the module requires it, and always unlocks", async () => {
    start("telit-me910");
    modem.on('AT+CSIM=10,"80F2000000"', "+CME ERROR: 50");
    await using card = await reader.connect({ timeoutMs: 5_000 });
    await expect(exchange(card, "80F2000000")).rejects.toMatchObject({ code: "card.protocol", detail: { cme: 50 } });
    expect(modem.heard.slice(1)).toEqual(["AT+CSIM=1", 'AT+CSIM=10,"80F2000000"', "AT+CSIM=0"]);
  });

  test.each([
    ["+CME ERROR: 10", "card.absent"],
    ["+CME ERROR: 14", "card.busy"],
    ["+CME ERROR: 13", "card.unresponsive"],
    ["+CME ERROR: 3", "card.protocol"],
    ["RDY", "card.reset"],
    ['+CSIM: 4,"90"', "card.protocol"],
  ])("%s becomes %s", async (answer, code) => {
    start("quectel-ec25");
    modem.on(/^AT\+CSIM/, answer.startsWith("+CSIM") ? [answer, "OK"] : answer);
    await using card = await reader.connect({ timeoutMs: 5_000 });
    await expect(exchange(card, "80F2000000")).rejects.toMatchObject({ code });
  });

  test("an absent card, a card in use and a modem that is gone are distinguished", async () => {
    start("quectel-ec25");
    const card = await reader.connect({ timeoutMs: 5_000 });
    await expect(reader.connect({ timeoutMs: 5_000 })).rejects.toMatchObject({ code: "link.busy" });
    await card[Symbol.asyncDispose]();
    modem.on("AT+CPIN?", "+CME ERROR: 10");
    await expect(reader.connect({ timeoutMs: 5_000 })).rejects.toMatchObject({ code: "card.absent" });
    const gone = new ModemCardReader({ name: "x", engine: () => undefined });
    await expect(gone.connect({ timeoutMs: 5_000 })).rejects.toMatchObject({ code: "link.unavailable" });
  });

  test("a reset by the modem is reported once, then channels are reopened", async () => {
    start("quectel-ec25");
    modem.on(/^AT\+CCHO/, ["+CCHO: 1", "OK"]).on(/^AT\+CGLA/, ['+CGLA: 4,"9000"', "OK"]);
    await using card = await reader.connect({ timeoutMs: 5_000 });
    await exchange(card, "0070000001");
    await exchange(card, `01${select.slice(2)}`);
    reader.cardWasReset();
    await expect(exchange(card, "81CA005A00")).rejects.toMatchObject({ code: "card.reset" });
    expect(await exchange(card, "81CA005A00")).toBe("6881");
    await card.reset("warm", { timeoutMs: 5_000 });
    await turn();
    expect(modem.heard.slice(-2)).toEqual(["AT+CFUN=0", "AT+CFUN=1"]);
  });
});
