import { describe, expect, it } from "vitest";
import { Bench } from "./host.ts";

const a = { imsi: "001010000000001", msisdn: "+15551000001" };
const b = { imsi: "001010000000002", msisdn: "+15551000002" };

/** SMS-SUBMIT to +15551000002: first octet, PID, DCS, TP-UDL and TP-UD in hexadecimal. */
const submit = (first: string, pid: string, dcs: string, userData: string) => {
  const tpdu = `${first}000B915155010000F2${pid}${dcs}${userData}`;
  return { length: tpdu.length / 2, pdu: `00${tpdu}` };
};
const hello = submit("01", "00", "04", "0568656C6C6F");

describe("messages between simulated modems", () => {
  it("delivers a PDU of one to the memory of the other, with +CMTI", async () => {
    await using bench = new Bench();
    const [one, two] = [await bench.modem(a), await bench.modem(b)];
    await two.host.ask("AT+CNMI=2,1,0,0,0");
    await one.host.write(`AT+CMGS=${hello.length}\r`);
    await one.host.until(/> $/);
    await one.host.write(`${hello.pdu}\u001a`);
    expect(await one.host.until(/OK\r\n/)).toBe("\r\n+CMGS: 0\r\n\r\nOK\r\n");
    expect(await two.host.until(/\+CMTI: "ME",0\r\n/)).toBe('\r\n+CMTI: "ME",0\r\n');
    const read = await two.host.ask("AT+CMGR=0");
    expect(read).toMatch(/\+CMGR: 0,,24\r\n07915155010000F0040B915155010000F10004[0-9A-F]{14}0568656C6C6F\r\n/);
    expect(await two.host.ask("AT+CMGL=4")).toContain("+CMGL: 0,1,,24");
    expect(await two.host.ask("AT+CMGD=0")).toBe("\r\nOK\r\n");
    expect(await two.host.ask("AT+CMGR=0")).toBe("\r\n+CMS ERROR: 321\r\n");
  });

  it("sends and shows text mode, with details and in UCS2", async () => {
    await using bench = new Bench();
    const [one, two] = [await bench.modem(a), await bench.modem(b)];
    await two.host.ask("AT+CMGF=1;+CNMI=2,2,0,0,0");
    await one.host.ask('AT+CMGF=1;+CSCS="IRA"');
    await one.host.write('AT+CMGS="+15551000002"\r');
    await one.host.until(/> $/);
    await one.host.write("Hello [World]\u001a");
    expect(await one.host.until(/OK\r\n/)).toContain("+CMGS: 0");
    const direct = await two.host.until(/World\]\r\n/);
    expect(direct).toMatch(
      /^\r\n\+CMT: "\+15551000001",,"\d\d\/\d\d\/\d\d,\d\d:\d\d:\d\d\+00"\r\nHello \[World\]\r\n$/,
    );
    await two.host.ask('AT+CSDH=1;+CNMI=2,1,0,0,0;+CSCS="UCS2"');
    await one.host.write('AT+CMGS="+15551000002"\r');
    await one.host.until(/> $/);
    await one.host.write("ab\u001a");
    await two.host.until(/CMTI[^\n]*\n/);
    expect(await two.host.ask("AT+CMGR=0")).toMatch(
      /\+CMGR: "REC UNREAD","002B00310035003500350031003000300030003000300031",,"[^"]+",145,\d+,0,0,"[0-9A-F]+",145,2\r\n00610062\r\n/,
    );
  });

  it("requires +CNMA in phase 2+, once, and gives up direct delivery without it", async () => {
    await using bench = new Bench();
    const [one, two] = [await bench.modem(a), await bench.modem(b, { timings: { acknowledgeMs: 60 } })];
    await two.host.ask("AT+CSMS=1;+CNMI=2,2,0,1,0");
    await one.modem.submit(Buffer.from(hello.pdu.slice(2), "hex"));
    await two.host.until(/\+CMT: ,24\r\n[0-9A-F]+\r\n/);
    expect(await two.host.ask("AT+CNMA=1")).toBe("\r\nOK\r\n");
    expect(await two.host.ask("AT+CNMA=1")).toBe("\r\n+CMS ERROR: 340\r\n");
    await one.modem.submit(Buffer.from(hello.pdu.slice(2), "hex"));
    await two.host.until(/\+CMT: [^\n]*\n[^\n]*\n/);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await two.host.ask("AT+CNMI?")).toContain("+CNMI: 2,0,0,0,0");
  });

  it("reports the delivery to the sender, direct or stored", async () => {
    await using bench = new Bench();
    const [one] = [await bench.modem(a), await bench.modem(b)];
    const asking = submit("21", "00", "04", "0568656C6C6F");
    await one.host.ask("AT+CNMI=2,1,0,1,0");
    await one.modem.submit(Buffer.from(asking.pdu.slice(2), "hex"));
    expect(await one.host.until(/\+CDS: 25\r\n[0-9A-F]+\r\n/)).toMatch(/06000B915155010000F2[0-9A-F]{28}00\r\n$/);
    await one.host.ask("AT+CNMI=2,1,0,2,0");
    await one.modem.submit(Buffer.from(asking.pdu.slice(2), "hex"));
    await one.host.until(/\+CDSI: "ME",0\r\n/);
    expect(await one.host.ask("AT+CMGR=0")).toContain("06010B91");
  });

  it("keeps class 2 on the card, shows it nowhere else, and drops type 0", async () => {
    await using bench = new Bench();
    const [one, two] = [await bench.modem(a), await bench.modem(b)];
    await two.host.ask("AT+CNMI=2,2,0,0,0");
    await one.modem.submit(Buffer.from(submit("01", "40", "04", "0161").pdu.slice(2), "hex"));
    await one.modem.submit(Buffer.from(submit("01", "00", "F6", "0162").pdu.slice(2), "hex"));
    expect(await two.host.until(/\r\n\+CMTI: "SM",1\r\n/)).toBe('\r\n+CMTI: "SM",1\r\n');
    expect(two.modem.stores.ME.used).toBe(0);
  });

  it("waits for a full memory and delivers when there is room again", async () => {
    await using bench = new Bench();
    const [one, two] = [await bench.modem(a), await bench.modem(b, { memory: { ME: 1 } })];
    await two.host.ask("AT+CNMI=2,1,0,0,0");
    for (let i = 0; i < 2; i++) await one.modem.submit(Buffer.from(hello.pdu.slice(2), "hex"));
    await two.host.until(/CMTI[^\n]*\n/);
    expect(bench.network.sms.waiting("15551000002")).toBe(1);
    await two.host.write("AT+CMGD=0\r");
    await two.host.until(/CMTI[^\n]*\n/);
    expect(bench.network.sms.waiting()).toBe(0);
  });

  it("stores, sends from the store and deletes by state", async () => {
    await using bench = new Bench();
    const [one, two] = [await bench.modem(a), await bench.modem(b)];
    await two.host.ask("AT+CNMI=2,1,0,0,0");
    await one.host.write(`AT+CMGW=${hello.length}\r`);
    await one.host.until(/> $/);
    await one.host.write(`${hello.pdu}\u001a`);
    expect(await one.host.until(/OK\r\n/)).toContain("+CMGW: 0");
    expect(await one.host.ask("AT+CMSS=0")).toContain("+CMSS: 0");
    await two.host.until(/CMTI[^\n]*\n/);
    expect(await one.host.ask("AT+CMGL=3")).toContain("+CMGL: 0,3,,");
    await one.host.ask("AT+CMGD=1,2");
    expect(await one.host.ask("AT+CPMS?")).toContain('+CPMS: "ME",0,50,"ME",0,50,"ME",0,50');
  });

  it("refuses what a real modem refuses", async () => {
    await using bench = new Bench();
    const { host } = await bench.modem(a);
    await host.write(`AT+CMGS=${hello.length + 1}\r`);
    await host.until(/> $/);
    await host.write(`${hello.pdu}\u001a`);
    expect(await host.until(/\r\n\+CMS[^\n]*\n/)).toBe("\r\n+CMS ERROR: 304\r\n");
    bench.network.setCoverage(false);
    await host.write(`AT+CMGS=${hello.length}\r`);
    await host.until(/> $/);
    await host.write(`${hello.pdu}\u001a`);
    expect(await host.until(/\r\n\+CMS[^\n]*\n/)).toBe("\r\n+CMS ERROR: 331\r\n");
  });
});
