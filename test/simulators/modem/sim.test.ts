import { describe, expect, it } from "vitest";
import { PlainCard } from "../../../simulators/modem/plain-card.ts";
import { Bench } from "./host.ts";

describe("card access over AT", () => {
  it("passes APDUs through +CSIM with the lengths of TS 27.007", async () => {
    await using bench = new Bench();
    const { host } = await bench.modem();
    expect(await host.ask('AT+CSIM=14,"00A40004022FE2"')).toMatch(/\+CSIM: 4,"61[0-9A-F]{2}"/);
    expect(await host.ask('AT+CSIM=10,"00B000000A"')).toContain('+CSIM: 24,"980010325476981032149000"');
    expect(await host.ask('AT+CSIM=12,"00B000000A"')).toBe("\r\n+CME ERROR: 50\r\n");
    expect(await host.ask('AT+CSIM=10,"0020000100"')).toContain('+CSIM: 4,"9000"');
  });

  it("opens, uses and closes logical channels, and says when there is none left", async () => {
    await using bench = new Bench();
    const { host } = await bench.modem();
    const aid = '"A0000000871002"';
    for (const channel of [1, 2, 3]) expect(await host.ask(`AT+CCHO=${aid}`)).toContain(`+CCHO: ${channel}`);
    expect(await host.ask(`AT+CCHO=${aid}`)).toBe("\r\n+CME ERROR: 20\r\n");
    expect(await host.ask('AT+CGLA=2,14,"00A40004026F07"')).toMatch(/\+CGLA: 4,"61/);
    expect(await host.ask("AT+CCHC=2")).toBe("\r\nOK\r\n");
    expect(await host.ask('AT+CGLA=2,10,"00B0000009"')).toBe("\r\n+CME ERROR: 21\r\n");
    expect(await host.ask('AT+CCHO="A0000005591010FFFFFFFF8900000100"')).toBe("\r\n+CME ERROR: 22\r\n");
    expect(await host.ask(`AT+CCHO=${aid}`)).toContain("+CCHO: 2");
  });

  it("reads files with +CRSM and tells the card's own error", async () => {
    await using bench = new Bench();
    const { host } = await bench.modem();
    expect(await host.ask("AT+CRSM=176,12258,0,0,10")).toContain('+CRSM: 144,0,"98001032547698103214"');
    expect(await host.ask("AT+CRSM=192,28423")).toMatch(/\+CRSM: 144,0,"62/);
    expect(await host.ask("AT+CRSM=176,28672,0,0,0")).toContain("+CRSM: 106,130");
  });

  it("asks for the PIN, counts tries, and registers only after it", async () => {
    await using bench = new Bench();
    const { modem, host } = await bench.modem({ pin: "1234" });
    expect(await host.ask("AT+CPIN?")).toContain("+CPIN: SIM PIN");
    expect(modem.registration.registered).toBe(false);
    expect(await host.ask("AT+CIMI")).toBe("\r\n+CME ERROR: 11\r\n");
    expect(await host.ask("AT+CPIN=9999")).toBe("\r\n+CME ERROR: 16\r\n");
    expect(await host.ask("AT+CPINR")).toContain("+CPINR: SIM PIN,2,3");
    await host.ask('AT+CREG=1;+CPIN="1234"');
    await host.until(/\+CREG: 1\r\n/);
    expect(await host.ask('AT+CLCK="SC",2')).toContain("+CLCK: 1");
    await host.ask('AT+CLCK="SC",0,"1234"');
    expect(await host.ask('AT+CLCK="SC",2')).toContain("+CLCK: 0");
  });

  it("shows an empty slot, a pulled card and a new one", async () => {
    await using bench = new Bench();
    const { modem, host, card } = await bench.modem();
    await modem.exchangeCard(undefined);
    await host.until(/NOT INSERTED\r\n/);
    expect(await host.ask("AT+CPIN?")).toBe("\r\n+CME ERROR: 10\r\n");
    expect(await host.ask("AT+CMGL=4")).toBe("\r\n+CMS ERROR: 310\r\n");
    await modem.exchangeCard(card);
    await host.until(/CPIN: READY\r\n/);
    expect(await host.ask("AT+CIMI")).toContain("001010123456789");
  });

  it("is not held up by a mute card: pulling it ends the command, another one works", async () => {
    await using bench = new Bench();
    const { modem, host } = await bench.modem();
    const mute = new PlainCard();
    const answer = mute.transmit.bind(mute);
    await modem.exchangeCard(mute);
    mute.transmit = (command) => (command[1] === 0x84 ? new Promise(() => {}) : answer(command));
    await host.until(/CPIN: READY\r\n/);
    await host.write('AT+CSIM=10,"0084000008"\r');
    await new Promise((resolve) => setTimeout(resolve, 20));
    await modem.exchangeCard(undefined);
    expect(await host.until(/ERROR[^\n]*\n/)).toContain("+CME ERROR: 13");
    await modem.exchangeCard(new PlainCard({ imsi: "001010000000777" }));
    expect(await host.ask("AT+CIMI")).toContain("001010000000777");
  });
});
