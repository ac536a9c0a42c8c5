import { afterEach, describe, expect, test, vi } from "vitest";
import { memoryLine } from "../../../simulators/memory-line.ts";
import type { Misbehaviour } from "../../../simulators/modem/misbehaviour.ts";
import { SimulatedModem } from "../../../simulators/modem/modem.ts";
import { PlainCard } from "../../../simulators/modem/plain-card.ts";
import { SimulatedNetwork } from "../../../simulators/network/network.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { fromHex } from "../../../src/base/hex.ts";
import { silentLog } from "../../../src/link/driver.ts";
import { ModemLink } from "../../../src/link/modem/modem-link.ts";
import { ProfileSet } from "../../../src/link/modem/profile/profile.ts";
import { profileContents } from "../../../src/link/modem/profile/profile-files.ts";
import type { OutboundSms } from "../../../src/link/sms-bearer.ts";
import { testRandom } from "../../seed.ts";

/** The generic profile with a tester's patience. */
const hasty = {
  name: "hasty",
  title: "hasty",
  extends: "3gpp",
  match: { model: "^hasty" },
  timeoutsMs: {
    quick: 500,
    pin: 500,
    card: 500,
    store: 500,
    list: 500,
    power: 500,
    prompt: 400,
    send: 500,
    resync: 500,
  },
  startup: { probes: 2 },
  sms: { perMinute: 600 },
  sources: [],
  verified: [],
};
const profiles = new ProfileSet([...profileContents(), { source: "hasty", content: hasty }]);

const sms: OutboundSms = {
  reference: "r",
  to: "+15550100001",
  userData: fromHex("02700000160D00000000000001000000000100B0F24000024F0000"),
  userDataHeader: true,
  protocolId: 0,
  dataCoding: 4,
  moreToCome: false,
  receipt: false,
};

describe("a modem that misbehaves", () => {
  const cleanup: AsyncDisposable[] = [];
  afterEach(async () => {
    for (const one of cleanup.splice(0).reverse()) await one[Symbol.asyncDispose]();
  });

  async function plug(misbehaviour: Partial<Misbehaviour> = {}): Promise<{ modem: SimulatedModem; link: ModemLink }> {
    const network = new SimulatedNetwork({
      subscribers: [{ imsi: "001010000000001", msisdn: "+15550100001" }],
      attachMs: 5,
    });
    const card = new PlainCard({ imsi: "001010000000001", iccid: "89000123456789012341" });
    const modem = new SimulatedModem({ network, card, misbehaviour, random: testRandom(1) });
    await modem.powerOn();
    const openPort = async () => {
      const { line, port } = memoryLine();
      modem.attachLine(line);
      return port;
    };
    const deps = { clock: systemClock, random: testRandom(2), log: silentLog };
    const link = new ModemLink({
      id: "m",
      openPort,
      profiles,
      profile: "hasty",
      ...deps,
      settings: { settleMs: 50, watchEveryMs: 300 },
    });
    cleanup.push(modem, link);
    link.bearer.onInbound(async () => {});
    link.start();
    await vi.waitFor(() => expect(link.bearer.state).toEqual({ up: true }), { timeout: 15_000 });
    return { modem, link };
  }

  const outcome = async (link: ModemLink) => {
    try {
      return (await link.bearer.submit(sms, AbortSignal.timeout(10_000))).at;
    } catch (error) {
      return error;
    }
  };

  test.each<Partial<Misbehaviour>>([{ urcStorm: 200 }, { chunk: 3, urcStorm: 10 }])(
    "%j: messages go through",
    async (misbehaviour) => {
      const { link } = await plug(misbehaviour);
      for (let i = 0; i < 5; i++) expect(await outcome(link)).toBe("accepted");
      expect(link.state.phase).toEqual({ at: "ready" });
    },
    30_000,
  );

  test.each<Partial<Misbehaviour>>([
    { refuse: ["+COPS", "+CESQ", "+CSQ", "+CNMI", "+CMEE", "+CREG", "+CGREG", "+CSMS", "+CMMS", "+CGMI", "+CGMR"] },
    { refuse: ["+CPMS"] },
    { bareOk: ["+CPMS", "+CNMI", "+COPS", "+CESQ", "+CSMS"] },
    { noFinal: ["+CPIN"] },
    { nulPrompt: true },
    { cutEcho: true },
    { pduTail: 3 },
    { refuse: ["+CSIM"] },
    { refuse: ["+CCHO", "+CGLA"] },
    { cutEcho: true, nulPrompt: true, pduTail: 1, noFinal: ["+CPIN"], bareOk: ["+CPMS"], chunk: 7 },
  ])(
    "%j: it is brought up, its card is known, messages go out and come in",
    async (misbehaviour) => {
      const { link } = await plug(misbehaviour);
      const inbound: unknown[] = [];
      link.bearer.onInbound(async (item) => void inbound.push(item));
      expect(link.state).toMatchObject({ iccid: "89000123456789012341", failures: 0 });
      expect(await outcome(link)).toBe("accepted");
      await vi.waitFor(
        () => expect(inbound).toContainEqual(expect.objectContaining({ kind: "message", userData: sms.userData })),
        { timeout: 15_000 },
      );
    },
    40_000,
  );

  test("loses the result of a message that left: its fate is unknown, the line is usable again", async () => {
    const { modem, link } = await plug();
    modem.misbehave({ loseSendResult: 1 });
    expect(await outcome(link)).toMatchObject({ code: "modem.timeout", fate: "unknown" });
    modem.misbehave({ loseSendResult: 0 });
    expect(await outcome(link)).toBe("accepted");
  }, 30_000);

  test("answers late: results are not taken for those of the next command", async () => {
    const { modem, link } = await plug();
    modem.misbehave({ lateMs: 650 });
    const first = await outcome(link);
    expect(["accepted", "modem.timeout"]).toContain(first === "accepted" ? first : (first as { code?: string }).code);
    modem.misbehave({ lateMs: 0 });
    await vi.waitFor(async () => expect(await outcome(link)).toBe("accepted"), { timeout: 10_000 });
    expect(link.state.imsi).toBe("001010000000001");
  }, 30_000);

  test("restarts in mid-command: it is set up again, by itself", async () => {
    const { modem, link } = await plug();
    modem.misbehave({ reboot: 1 });
    const error = await outcome(link);
    expect(error).toMatchObject({ fate: expect.stringMatching(/not-sent|unknown/) });
    modem.misbehave({ reboot: 0 });
    await vi.waitFor(() => expect(link.bearer.state).toEqual({ up: true }), { timeout: 15_000 });
    expect(await outcome(link)).toBe("accepted");
  }, 40_000);

  test("is silent for a while: it is reopened and recovers", async () => {
    const { modem, link } = await plug();
    modem.misbehave({ mute: 1 });
    expect(await outcome(link)).toMatchObject({ fate: "not-sent" });
    await vi.waitFor(() => expect(link.state.failures).toBeGreaterThan(0), { timeout: 20_000 });
    modem.misbehave({ mute: 0 });
    await vi.waitFor(() => expect(link.bearer.state).toEqual({ up: true }), { timeout: 30_000 });
    expect(await outcome(link)).toBe("accepted");
  }, 60_000);

  test("garbles its lines now and then: every message ends in an outcome that says what is known", async () => {
    const { modem, link } = await plug();
    modem.misbehave({ garbage: 0.05, truncate: 0.05 });
    for (let i = 0; i < 12; i++) {
      const result = await outcome(link);
      if (result !== "accepted") expect(result).toMatchObject({ fate: expect.stringMatching(/not-sent|unknown/) });
    }
    modem.misbehave({ garbage: 0, truncate: 0 });
    await vi.waitFor(async () => expect(await outcome(link)).toBe("accepted"), { timeout: 20_000 });
  }, 90_000);
});
