import { createServer } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { driver as tcp } from "../../../drivers/serial-tcp/driver.ts";
import { type Clock, systemClock } from "../../../src/base/clock.ts";
import { GatewayError } from "../../../src/base/gateway-error.ts";
import { silentLog } from "../../../src/link/driver.ts";
import { ModemLink, type ModemLinkDeps } from "../../../src/link/modem/modem-link.ts";
import { testRandom } from "../../seed.ts";
import { FakeModem, profiles } from "./fake-modem.ts";

const iccidA = '+CRSM: 144,0,"98001032547698103214"';
const iccidB = '+CRSM: 144,0,"98882874000021436587"';
const fastClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now() * 100,
  sleep: (ms, signal) => systemClock.sleep(ms / 100, signal),
};
const fastTimers = {
  after: (ms: number, task: () => void) => {
    const timer = setTimeout(task, ms / 20);
    return () => clearTimeout(timer);
  },
};

function bench(maker = "Nobody", model = "X1"): FakeModem {
  return new FakeModem()
    .on("AT+CGMI", [maker, "OK"])
    .on("AT+CGMM", [model, "OK"])
    .on("AT+CPIN?", ["+CPIN: READY", "OK"])
    .on("AT+CRSM=176,12258,0,0,10", [iccidA, "OK"])
    .on("AT+CIMI", ["001010123456789", "OK"])
    .on("AT+CEREG?", ["+CEREG: 3,1", "OK"])
    .on("AT+CNMI?", ["+CNMI: 2,1,0,1,0", "OK"])
    .on(/^AT\+CPMS=/, ["+CPMS: 0,50,0,50,0,50", "OK"]);
}

describe("a modem that is absent, and one that answers wrongly", () => {
  let link: ModemLink;
  afterEach(() => link[Symbol.asyncDispose]());

  function start(openPort: ModemLinkDeps["openPort"], more: Partial<ModemLinkDeps> = {}): void {
    link = new ModemLink({
      id: "modem-1",
      openPort,
      profiles,
      clock: fastClock,
      timers: fastTimers,
      random: () => 0.5,
      log: silentLog,
      ...more,
    });
    link.start();
  }
  const wait = (check: () => void) => vi.waitFor(check, { timeout: 8_000, interval: 5 });
  const phase = (at: string) => wait(() => expect(link.state.phase.at).toBe(at));

  test.each(["link.unavailable", "link.timeout", "link.unknown", "link.busy", "link.driver"] as const)(
    "a port that fails to open with %s is tried for ever, never quarantined",
    async (code) => {
      let tries = 0;
      let there = false;
      const phases = new Set<string>();
      start(async () => {
        tries++;
        if (!there) throw new GatewayError(code, "not there");
        return bench();
      });
      link.onChange(({ phase: { at } }) => phases.add(at));
      await wait(() => expect(tries).toBeGreaterThan(10));
      expect(link.state.failures).toBe(0);
      there = true;
      await phase("ready");
      expect(phases).not.toContain("quarantined");
    },
  );

  test("a TCP port that nobody listens on, or that closes at once, is no failure of the modem", async () => {
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    let tries = 0;
    start((signal) => {
      tries++;
      return (
        tcp.openPort?.(`tcp://127.0.0.1:${port}`, { connectTimeoutMs: 1_000 }, driverDeps, signal) ?? Promise.reject()
      );
    });
    await wait(() => expect(tries).toBeGreaterThan(8));
    await new Promise((resolve) => server.close(resolve));
    const before = tries;
    await wait(() => expect(tries).toBeGreaterThan(before + 8));
    expect(link.state).toMatchObject({ failures: 0 });
    expect(link.state.phase.at).not.toBe("quarantined");
  });
  const driverDeps = { clock: systemClock, random: testRandom(), log: silentLog };

  test("a quarantine ends by time: a modem that answers again is taken, one that does not goes back after one try", async () => {
    let alive = false;
    let opened = 0;
    start(
      async () => {
        opened++;
        return alive ? bench() : new FakeModem().on("AT", undefined);
      },
      { settings: { quarantineMs: 20_000, quarantineAfter: 2 } },
    );
    await phase("quarantined");
    expect(link.state.phase).toMatchObject({ until: expect.any(Number) });
    const first = opened;
    await wait(() => expect(opened).toBe(first + 1));
    await phase("quarantined");
    alive = true;
    await phase("ready");
    expect(link.state.failures).toBe(0);
  });

  test("a modem that refuses PDU mode reaches its card all the same; the message service is tried again", async () => {
    const modem = bench().on("AT+CMGF=0", "ERROR").on("AT+CMGF?", "ERROR");
    start(async () => modem);
    await phase("ready");
    expect(link.state.iccid).toBe("89000123456789012341");
    expect(link.bearer.state).toMatchObject({ up: false, reason: expect.stringContaining("message service") });
    await using card = await link.reader.connect({ timeoutMs: 2_000 });
    expect(card).toBeDefined();
    modem.on("AT+CMGF=0", "OK");
    await wait(() => expect(link.bearer.state).toEqual({ up: true }));
  });

  test("a modem that knows PDU mode only may refuse to be told of it", async () => {
    start(async () => bench().on("AT+CMGF=0", "ERROR").on("AT+CMGF?", ["+CMGF: 0", "OK"]));
    await wait(() => expect(link.bearer.state).toEqual({ up: true }));
  });

  const refusals = ["ERROR", "+CME ERROR: 100", "+CMS ERROR: 302", undefined] as const;
  const harmless = [
    "AT+COPS?",
    "AT+COPS=3,2",
    "AT+CESQ",
    "AT+CSQ",
    "AT+CNMI?",
    "AT+CSMS=1",
    "AT+CGMR",
    "AT+CGSN",
    "AT+CIMI",
    "AT+CEREG=3",
    "AT+CMEE=1",
    "AT+CREG=2",
    "AT+CREG?",
    "AT+CGREG?",
  ];
  test.each(refusals)("questions that do not matter, all answered %s, never disable a modem", async (answer) => {
    const modem = bench();
    for (const line of harmless) modem.on(line, answer);
    start(async () => modem, { settings: { watchEveryMs: 2_000 } });
    await wait(() => expect(link.bearer.state).toEqual({ up: true }));
    const asked = modem.heard.length;
    await wait(() =>
      expect(modem.heard.slice(asked).filter((line) => line.startsWith("AT+CPMS")).length).toBeGreaterThan(2),
    );
    expect(link.state).toMatchObject({ phase: { at: "ready" }, failures: 0, iccid: "89000123456789012341" });
    expect(link.bearer.state).toEqual({ up: true });
  });

  test("a question that is not answered in time is not asked at every look", async () => {
    const modem = bench().on("AT+COPS?", undefined);
    start(async () => modem, { settings: { watchEveryMs: 1_000 } });
    await phase("ready");
    await wait(() => expect(modem.heard.filter((line) => line === "AT+CESQ").length).toBeGreaterThan(4));
    expect(modem.heard.filter((line) => line === "AT+COPS?")).toHaveLength(1);
  });

  test("announcements that are refused mean polling: messages and registration are looked at", async () => {
    const modem = bench()
      .on(/^AT\+CNMI=/, "+CMS ERROR: 303")
      .on(/^AT\+C[EG]*REG=/, "ERROR");
    modem.on("AT+CEREG?", ["+CEREG: 0,2", "OK"]);
    start(async () => modem);
    await phase("ready");
    expect(link.bearer.state.up).toBe(false);
    modem.on("AT+CEREG?", ["+CEREG: 0,1", "OK"]);
    await wait(() => expect(link.bearer.state).toEqual({ up: true }));
    const asked = modem.heard.length;
    await wait(() => expect(modem.heard.slice(asked)).toContain('AT+CPMS="ME"'));
  });

  test("a modem that answers for no registration domain is not said to be unregistered", async () => {
    start(async () => bench().on(/^AT\+C[EG]*REG\?/, "ERROR"));
    await wait(() => expect(link.bearer.state).toEqual({ up: true }));
  });

  describe("the card in it", () => {
    const families = [
      ["Quectel", "EG25-G", "+QSIMSTAT : 1,1", "+QSIMSTAT : 1,0"],
      ["huawei", "ME909s-120", "^SIMST:1", "^SIMST:255"],
      ["SIMCOM INCORPORATED", "SIM7600E-H", "+CPIN: READY", "+SIMCARD: NOT AVAILABLE"],
      ["Telit", "LE910C1-EUX", "#QSS: 2", "#QSS: 0"],
      ["u-blox", "SARA-R5", "+UUSIMSTAT:6", "+UUSIMSTAT:0"],
      ["Cinterion", "PLS8-E", "^SCKS: 1", "^SCKS: 0"],
      ["Fibocom", "L610", "+SIM: Inserted", "+SIM: Removed"],
      ["Nobody", "X1", "+CPIN: READY", "+CPIN: NOT INSERTED"],
      ["Nobody", "X1", "+SIM: INSERTED", "+SIM: REMOVED"],
    ] as const;

    test.each(families)("%s %s: arrives after the start with %s, leaves with %s", async (maker, model, came, left) => {
      const modem = bench(maker, model)
        .on("AT+CPIN?", "+CME ERROR: 10")
        .on(/^AT\+(CRSM|CIMI)/, "+CME ERROR: 10");
      const out = ["AT+CRSM=176,12258,0,0,10", "AT+CIMI"];
      for (const line of out) modem.on(line, "+CME ERROR: 10");
      start(async () => modem, { settings: { watchEveryMs: 600_000, cardPatienceMs: 1_000 } });
      await phase("ready");
      expect(link.state).not.toHaveProperty("iccid");
      modem.on("AT+CPIN?", ["+CPIN: READY", "OK"]).on("AT+CRSM=176,12258,0,0,10", [iccidA, "OK"]);
      modem.on("AT+CIMI", ["001010123456789", "OK"]);
      modem.say(came);
      await wait(() => expect(link.state).toMatchObject({ pin: "READY", iccid: "89000123456789012341" }));
      expect(link.state.imsi).toBe("001010123456789");
      modem.on("AT+CPIN?", "+CME ERROR: 10");
      for (const line of out) modem.on(line, "+CME ERROR: 10");
      modem.say(left);
      await wait(() => expect(link.state).not.toHaveProperty("iccid"));
      for (const fact of ["imsi", "eid"]) expect(link.state).not.toHaveProperty(fact);
      expect(link.state.pin).toBe("NOT INSERTED");
    });

    test("comes back after minutes as another card, unannounced; the message service is set up again", async () => {
      const modem = bench();
      start(async () => modem, { settings: { watchEveryMs: 5_000 } });
      await phase("ready");
      modem.on("AT+CPIN?", "+CME ERROR: 10");
      await wait(() => expect(link.state).not.toHaveProperty("iccid"));
      modem.heard.length = 0;
      modem.on("AT+CRSM=176,12258,0,0,10", [iccidB, "OK"]).on("AT+CIMI", ["001010987654321", "OK"]);
      modem.on("AT+CPIN?", ["+CPIN: READY", "OK"]);
      await wait(() => expect(link.state).toMatchObject({ iccid: "89888247000012345678", imsi: "001010987654321" }));
      await wait(() => expect(modem.heard).toContain("AT+CNMI=2,1,0,1,0"));
    });

    test("stays shown through a restart of its own, and is shown no more when it does not come back", async () => {
      const modem = bench();
      start(async () => modem, { settings: { watchEveryMs: 600_000 } });
      await phase("ready");
      modem.on("AT+CPIN?", "+CME ERROR: 14");
      modem.say("+CPIN: NOT READY");
      await systemClock.sleep(20);
      expect(link.state.iccid).toBe("89000123456789012341");
      await wait(() => expect(link.state).not.toHaveProperty("iccid"));
      expect(link.state.pin).toBe("NOT READY");
    });

    test("is read once its PIN was entered", async () => {
      const modem = bench().on("AT+CPIN?", ["+CPIN: SIM PIN", "OK"]);
      for (const line of ["AT+CRSM=176,12258,0,0,10", "AT+CIMI"]) modem.on(line, "+CME ERROR: 11");
      start(async () => modem);
      await phase("ready");
      expect(link.state.pin).toBe("SIM PIN");
      modem.on('AT+CPIN="1234"', () => {
        modem.on("AT+CPIN?", ["+CPIN: READY", "OK"]).on("AT+CRSM=176,12258,0,0,10", [iccidA, "OK"]);
        modem.on("AT+CIMI", ["001010123456789", "OK"]);
        return "OK";
      });
      await link.engine?.send({ line: 'AT+CPIN="1234"', timeoutMs: 1_000 });
      await wait(() => expect(link.state).toMatchObject({ pin: "READY", imsi: "001010123456789" }));
    });

    test.each(["SIM PIN2", "SIM PUK2"])("state %s asks for nothing that is used: the card is read", async (pin) => {
      start(async () => bench().on("AT+CPIN?", [`+CPIN: ${pin}`, "OK"]));
      await phase("ready");
      expect(link.state).toMatchObject({ pin, iccid: "89000123456789012341" });
    });

    test.each(["SIM PIN", "SIM PUK", "SIM PIN2", "PH-NET PIN"])(
      "state %s keeps the modem up, with that shown",
      async (pin) => {
        const modem = bench().on("AT+CPIN?", [`+CPIN: ${pin}`, "OK"]);
        start(async () => modem);
        await phase("ready");
        expect(link.state.pin).toBe(pin);
      },
    );
  });
});
