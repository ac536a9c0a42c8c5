import { describe, expect, it } from "vitest";
import { SimulatedModem } from "../../../simulators/modem/modem.ts";
import { PlainCard } from "../../../simulators/modem/plain-card.ts";
import { SimulatedNetwork } from "../../../simulators/network/network.ts";
import { joinNetwork, serveNetwork } from "../../../simulators/network/service.ts";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import { Bench, connectHost } from "../modem/host.ts";

const a = { imsi: "001010000000001", msisdn: "+15551000001" };
const b = { imsi: "001010000000002", msisdn: "+15551000002" };
const toB = fromHex("21 00 0B915155010000F2 00 04 05 68656C6C6F");
const until = async (done: () => boolean, ms = 3000): Promise<void> => {
  const end = Date.now() + ms;
  while (!done()) {
    if (Date.now() > end) throw new Error("not in time");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
};

describe("simulated network", () => {
  it("registers by rule: allowed, refused with a cause, roaming", async () => {
    const rules = [
      { imsi: "00102", allow: false, cause: 13 },
      { imsi: "00103", allow: true, roaming: true },
    ];
    await using bench = new Bench(new SimulatedNetwork({ attachMs: 1, rules }));
    const refused = await bench.modem({ imsi: "001020000000001" });
    await refused.host.ask("AT+CEREG=3");
    expect(await refused.host.ask("AT+CEREG?")).toContain("+CEREG: 3,3,,,,0,13");
    expect(await refused.host.ask("AT+CEER")).toContain("Roaming not allowed");
    const abroad = await bench.modem({ imsi: "001030000000001" });
    expect(await abroad.host.ask("AT+CREG?")).toContain("+CREG: 0,5");
    expect(await abroad.host.ask("AT+COPS?")).toContain('+COPS: 0,0,"Test PLMN 1-1",7');
    expect(await abroad.host.ask("AT+COPS=?")).toContain('(2,"Test PLMN 1-1","Test","00101",7)');
  });

  it("loses phones with the coverage and finds them again", async () => {
    await using bench = new Bench(new SimulatedNetwork({ attachMs: 1 }));
    const { host } = await bench.modem(a, { timings: { searchMs: 10 } });
    await host.ask("AT+CREG=1");
    bench.network.setCoverage(false);
    await host.until(/\+CREG: 2\r\n/);
    bench.network.setCoverage(true);
    await host.until(/\+CREG: 1\r\n/);
  });

  it("stores for a phone that is away, and delivers when it comes back", async () => {
    await using bench = new Bench();
    const one = await bench.modem(a);
    await one.modem.submit(toB);
    expect(bench.network.sms.waiting(b.msisdn)).toBe(1);
    const two = await bench.modem(b);
    await until(() => two.modem.stores.ME.used === 1);
    expect(bench.network.sms.waiting()).toBe(0);
  });

  it("gives up after the validity period and reports that", async () => {
    await using bench = new Bench(new SimulatedNetwork({ attachMs: 1, smsRetryMs: 10, smsValidityMs: 30 }));
    const { modem, host } = await bench.modem(a);
    await host.ask("AT+CNMI=2,1,0,1,0");
    await modem.submit(toB);
    expect(await host.until(/\+CDS: 25\r\n[0-9A-F]+\r\n/)).toMatch(/46\r\n$/);
  });

  it("lets hooks take, refuse or pass what phones send", async () => {
    await using bench = new Bench();
    const { modem } = await bench.modem(a);
    const end = bench.network.sms.onMo(({ to }) => (to === "+15551000002" ? 38 : "taken"));
    expect((await modem.submit(toB)).answer).toEqual({ ack: false, cause: 38 });
    expect((await modem.submit(fromHex("0100048121430004026869"))).answer).toEqual({ ack: true });
    end();
    expect((await modem.submit(toB)).answer).toEqual({ ack: true });
  });

  it("opens packet contexts by access point name", async () => {
    await using bench = new Bench(new SimulatedNetwork({ attachMs: 1, apns: ["internet"] }));
    const { host } = await bench.modem(a);
    await host.ask('AT+CGDCONT=1,"IP","internet";+CGDCONT=2,"IPV4V6","wrong"');
    await host.ask("AT+CGACT=1,1");
    expect(await host.ask("AT+CGPADDR=1")).toContain('+CGPADDR: 1,"10.45.0.1"');
    expect(await host.ask("AT+CGACT=1,2")).toBe("\r\n+CME ERROR: 133\r\n");
    expect(await host.ask("AT+CGACT?")).toContain("+CGACT: 1,1\r\n+CGACT: 2,0");
  });

  it("serves modems of other processes like its own", async () => {
    const network = new SimulatedNetwork({ attachMs: 1 });
    await using service = await serveNetwork(network, { port: 0 });
    await using far = await joinNetwork({ port: service.port });
    const card = new PlainCard({ ...b, onEnvelope: () => fromHex("0271000001AA") });
    await using two = new SimulatedModem({ network: far, card });
    await using host = connectHost(two);
    await two.powerOn();
    expect(two.registration.state.stat).toBe(1);
    await using bench = new Bench(network);
    const one = await bench.modem(a);
    await host.ask("ATE0+CNMI=2,1,0,0,0");
    await one.modem.submit(toB);
    await host.until(/\+CMTI: "ME",0\r\n/);
    const push = await network.sms.deliver(b.msisdn, fromHex("44 0B915155010000F1 7F F6 62102001020340 03 027000"));
    expect(push.at === "delivered" && toHex(push.report ?? new Uint8Array(0))).toBe("40077FF6060271000001AA");
    expect((await two.submit(fromHex("01 00 0B915155010000F1 00 04 02 6869"))).answer).toEqual({ ack: true });
    await until(() => one.modem.stores.ME.used === 1);
    network.setCoverage(false);
    await until(() => two.registration.state.stat === 2);
  });

  it("says when no network of another process is there", async () => {
    await expect(joinNetwork({ path: "/nonexistent/network" })).rejects.toMatchObject({ code: "link.unavailable" });
  });
});
