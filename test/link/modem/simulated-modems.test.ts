import { afterEach, describe, expect, test, vi } from "vitest";
import { memoryLine } from "../../../simulators/memory-line.ts";
import { SimulatedModem } from "../../../simulators/modem/modem.ts";
import { PlainCard } from "../../../simulators/modem/plain-card.ts";
import { SimulatedNetwork } from "../../../simulators/network/network.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { fromHex } from "../../../src/base/hex.ts";
import { silentLog } from "../../../src/link/driver.ts";
import { ModemLink } from "../../../src/link/modem/modem-link.ts";
import type { ModemProfile } from "../../../src/link/modem/profile/profile.ts";
import type { InboundItem, OutboundSms } from "../../../src/link/sms-bearer.ts";
import { testRandom } from "../../seed.ts";
import { profiles } from "./fake-modem.ts";

const numbers = { "001010000000001": "+15550100001", "001010000000002": "+15550100002" } as const;
const sms: OutboundSms = {
  reference: "r1",
  to: "+15550100002",
  userData: fromHex("02700000160D00000000000001000000000100B0F24000024F0000"),
  userDataHeader: true,
  protocolId: 0,
  dataCoding: 4,
  moreToCome: false,
  receipt: true,
};

/** The simulator's modems are written from the standards by other hands than the engine. */
describe("modems of every hardware profile, simulated", () => {
  const cleanup: AsyncDisposable[] = [];
  afterEach(async () => {
    for (const one of cleanup.splice(0).reverse()) await one[Symbol.asyncDispose]();
  });

  async function plug(
    network: SimulatedNetwork,
    profile: ModemProfile,
    imsi: string,
    iccid: string,
  ): Promise<ModemLink> {
    const modem = new SimulatedModem({ network, profile: profile.file, card: new PlainCard({ imsi, iccid }) });
    await modem.powerOn();
    const openPort = async () => {
      const { line, port } = memoryLine();
      modem.attachLine(line);
      return port;
    };
    const link = new ModemLink({
      id: `modem-${imsi.at(-1)}`,
      openPort,
      profiles,
      clock: systemClock,
      random: testRandom(),
      log: silentLog,
      settings: { settleMs: 50 },
    });
    cleanup.push(modem, link);
    link.start();
    return link;
  }

  test.each(profiles.list().map((profile) => [profile.name, profile] as const))(
    "%s: starts, sends, receives, reports",
    async (name, profile) => {
      const subscribers = Object.entries(numbers).map(([imsi, msisdn]) => ({ imsi, msisdn }));
      const network = new SimulatedNetwork({ subscribers, attachMs: 5 });
      const a = await plug(network, profile, "001010000000001", "89000123456789012341");
      const b = await plug(network, profile, "001010000000002", "89000123456789012358");
      const inbound: InboundItem[] = [];
      const receipts: InboundItem[] = [];
      b.bearer.onInbound(async (item) => void inbound.push(item));
      a.bearer.onInbound(async (item) => void receipts.push(item));
      await vi.waitFor(() => expect([a.bearer.state, b.bearer.state]).toEqual([{ up: true }, { up: true }]), {
        timeout: 4_000,
      });
      expect(a.state.profile).toBe(name);
      expect(a.state).toMatchObject({ iccid: "89000123456789012341", imsi: "001010000000001" });
      expect(await a.bearer.submit(sms, AbortSignal.timeout(8_000))).toMatchObject({ at: "accepted" });
      await vi.waitFor(() => expect(inbound).toHaveLength(1), { timeout: 4_000 });
      expect(inbound[0]).toMatchObject({
        kind: "message",
        from: "+15550100001",
        userData: sms.userData,
        userDataHeader: true,
      });
      const setting = a.bearer.inbox?.setting ?? "";
      if (setting.split(",")[3] !== "0") {
        await vi.waitFor(
          () => expect(receipts).toMatchObject([{ kind: "receipt", reference: "r1", state: "delivered" }]),
          { timeout: 4_000 },
        );
      }
    },
    20_000,
  );
});
