import { afterEach, describe, expect, test, vi } from "vitest";
import { type Clock, systemClock } from "../../../src/base/clock.ts";
import { GatewayError } from "../../../src/base/gateway-error.ts";
import { silentLog } from "../../../src/link/driver.ts";
import { ModemLink, type ModemLinkDeps } from "../../../src/link/modem/modem-link.ts";
import { accessTechnology } from "../../../src/link/modem/modem-state.ts";
import type { PowerControl } from "../../../src/link/modem/power-control.ts";
import { FakeModem, profiles } from "./fake-modem.ts";

const iccidA = "98001032547698103214";
const iccidB = "98882874000021436587";

/** Time that runs a hundred times faster. */
const fastClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now() * 100,
  sleep: (ms, signal) => systemClock.sleep(ms / 100, signal),
};

function ec25(): FakeModem {
  return new FakeModem()
    .on("AT+CGMI", ["Quectel", "OK"])
    .on("AT+CGMM", ["EG25-G", "OK"])
    .on("AT+CGMR", ["EG25GGBR07A08M2G", "OK"])
    .on("AT+CGSN", ["867698041234567", "OK"])
    .on("AT+CPIN?", ["+CPIN: READY", "OK"])
    .on("AT+CRSM=176,12258,0,0,10", [`+CRSM: 144,0,"${iccidA}"`, "OK"])
    .on("AT+CIMI", ["001010123456789", "OK"])
    .on("AT+CEREG?", ['+CEREG: 3,1,"1A2B","00C3D4E5",7', "OK"])
    .on(/^AT\+C?GREG\?$|^AT\+CREG\?$/, "+CME ERROR: 4")
    .on("AT+COPS?", ['+COPS: 0,2,"00101",7', "OK"])
    .on("AT+CESQ", ["+CESQ: 99,99,255,255,20,50", "OK"])
    .on("AT+QSTK?", ["+QSTK: 1", "OK"])
    .on("AT+CNMI?", ["+CNMI: 2,1,0,1,0", "OK"])
    .on(/^AT\+CPMS=/, ["+CPMS: 0,50,0,50,0,50", "OK"])
    .on('AT+CSIM=10,"0070000001"', ['+CSIM: 6,"019000"', "OK"])
    .on(/^AT\+CSIM=42,"01A4/, ['+CSIM: 4,"9000"', "OK"])
    .on('AT+CSIM=10,"81CA005A00"', ['+CSIM: 40,"5A10890490321234512345123456789012359000"', "OK"])
    .on('AT+CSIM=8,"00708001"', ['+CSIM: 4,"9000"', "OK"]);
}

describe("the life of a modem", () => {
  let link: ModemLink;

  function start(openPort: ModemLinkDeps["openPort"], more: Partial<ModemLinkDeps> = {}): ModemLink {
    link = new ModemLink({
      id: "modem-1",
      openPort,
      profiles,
      clock: fastClock,
      random: () => 0.5,
      log: silentLog,
      ...more,
    });
    link.start();
    return link;
  }
  const phase = (at: string) => vi.waitFor(() => expect(link.state.phase.at).toBe(at), { timeout: 5_000, interval: 5 });

  afterEach(() => link[Symbol.asyncDispose]());

  test("is identified, set up and known in all its facts", async () => {
    const modem = ec25();
    start(async () => modem);
    await phase("ready");
    expect(link.state).toMatchObject({
      profile: "quectel-ec25",
      identity: { maker: "Quectel", model: "EG25-G", revision: "EG25GGBR07A08M2G" },
      imei: "867698041234567",
      iccid: "89000123456789012341",
      imsi: "001010123456789",
      eid: "89049032123451234512345678901235",
      registrations: { CEREG: { state: "home", accessTechnology: 7 } },
      operator: { operator: "00101" },
      signal: { rsrqDb: -10, rsrpDbm: -91 },
      toolkit: "on",
      failures: 0,
    });
    expect(accessTechnology(link.state)).toBe("E-UTRAN");
    expect(link.bearer.state).toEqual({ up: true });
    expect(modem.heard).toContain('AT+CSIM=8,"00708001"');
  });

  test("an unknown module runs on the generic profile", async () => {
    start(async () => ec25().on("AT+CGMM", ["X1", "OK"]).on("AT+CGMI", ["Nobody", "OK"]));
    await phase("ready");
    expect(link.state.profile).toBe("generic-3gpp");
  });

  test("comes back by itself after a restart of its own, with everything set up again", async () => {
    const modem = ec25();
    start(async () => modem);
    await phase("ready");
    modem.heard.length = 0;
    modem.say("RDY");
    await phase("starting");
    expect(link.bearer.state.up).toBe(false);
    await phase("ready");
    expect(modem.heard).toEqual(expect.arrayContaining(["ATE0", "AT+CMGF=0", "AT+CNMI=2,1,0,1,0", "AT+CEREG=3"]));
    expect(link.bearer.state.up).toBe(true);
  });

  test("opens a new port after an unplug", async () => {
    const modems = [ec25(), ec25()];
    const open = vi.fn(async () => modems.shift() ?? ec25());
    const first = modems[0];
    start(open);
    await phase("ready");
    const phases: string[] = [];
    link.onChange(({ phase: { at } }) => phases.at(-1) !== at && phases.push(at));
    first?.unplug();
    await vi.waitFor(() => expect(phases).toEqual(["absent", "starting", "ready"]), { interval: 5 });
    expect(open).toHaveBeenCalledTimes(2);
    expect(link.state.failures).toBe(0);
  });

  test("a modem that keeps failing has its power cycled, then is quarantined with the reason until released", async () => {
    const dead = () => new FakeModem().on("AT", undefined);
    let alive = false;
    const power: PowerControl = { how: "relay", cycle: vi.fn(async () => {}) };
    const timers = { after: (ms: number, task: () => void) => systemTimersFast(ms, task) };
    start(async () => (alive ? ec25() : dead()), { power, timers });
    await phase("quarantined");
    expect(link.state.phase).toMatchObject({ reason: expect.stringContaining("6 consecutive starts failed") });
    expect(power.cycle).toHaveBeenCalledTimes(2);
    expect(link.bearer.state.reason).toContain("quarantined");
    alive = true;
    link.release();
    await phase("ready");
    expect(link.state.failures).toBe(0);
  });

  test("no port is no failure: it waits", async () => {
    start(() => Promise.reject(new GatewayError("link.unknown", "no such port")));
    await phase("absent");
    await systemClock.sleep(60);
    expect(link.state).toMatchObject({ failures: 0, phase: { reason: "no such port" } });
  });

  test("without registration the bearer is down, and says why", async () => {
    const modem = ec25().on("AT+CEREG?", ["+CEREG: 3,2", "OK"]);
    start(async () => modem);
    await phase("ready");
    expect(link.bearer.state).toEqual({ up: false, reason: "not registered on a network" });
    modem.say('+CEREG: 5,"1A2B","00C3D4E5",7');
    await vi.waitFor(() => expect(link.bearer.state.up).toBe(true));
  });

  test("follows a profile switch: reads the card twice, sets the message service up again, times the attach", async () => {
    const modem = ec25();
    start(async () => modem);
    await phase("ready");
    const watched = link.watchSwitch({ expectedIccid: "89888247000012345678" });
    modem.on("AT+CEREG?", ["+CEREG: 3,2", "OK"]).on("AT+CRSM=176,12258,0,0,10", "+CME ERROR: 13");
    modem.on("AT+QCCID", "+CME ERROR: 13");
    modem.heard.length = 0;
    modem.say("+CEREG: 0", "+CPIN: NOT READY");
    await systemClock.sleep(60);
    modem.on("AT+CRSM=176,12258,0,0,10", [`+CRSM: 144,0,"${iccidB}"`, "OK"]).on("AT+CIMI", ["001010987654321", "OK"]);
    modem.say("+CPIN: READY", "+QUSIM: 1");
    await systemClock.sleep(80);
    modem.on("AT+CEREG?", ['+CEREG: 3,5,"8D83","0671F98A",7', "OK"]);
    const record = await watched;
    expect(record).toMatchObject({
      fromIccid: "89000123456789012341",
      toIccid: "89888247000012345678",
      outcome: "attached",
      remedies: [],
    });
    expect(record.attachMs).toBeGreaterThan(record.iccidMs ?? Infinity);
    expect(record.steps.map(({ what }) => what)).toEqual(
      expect.arrayContaining([
        "+CEREG: 0",
        "+CPIN: NOT READY",
        "+QUSIM: 1",
        "ICCID 89888247000012345678",
        "registered",
      ]),
    );
    expect(link.state).toMatchObject({ imsi: "001010987654321", iccid: "89888247000012345678" });
    expect(modem.heard).toContain("AT+CNMI=2,1,0,1,0");
  });

  test("helps a module that does not read its card again", async () => {
    const modem = ec25().on("AT+CGMM", ["X1", "OK"]);
    start(async () => modem);
    await phase("ready");
    modem.on("AT+CFUN=1", () => {
      modem.on("AT+CRSM=176,12258,0,0,10", [`+CRSM: 144,0,"${iccidB}"`, "OK"]);
      return "OK";
    });
    const record = await link.watchSwitch();
    expect(record).toMatchObject({ outcome: "attached", remedies: ["sim-reset"] });
  });

  test("an unexpected REFRESH without another ICCID is no switch", async () => {
    const modem = ec25();
    start(async () => modem);
    await phase("ready");
    modem.say("+QUSIM: 1");
    await vi.waitFor(() => expect(link.state.lastSwitch?.outcome).toBe("unchanged"), { timeout: 5_000 });
  });
});

function systemTimersFast(ms: number, task: () => void): () => void {
  const timer = setTimeout(task, ms / 100);
  return () => clearTimeout(timer);
}
