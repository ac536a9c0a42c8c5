import { expect, it } from "vitest";
import { exportEis } from "../../../simulators/euicc/eis.ts";
import { SimulatedModem } from "../../../simulators/modem/modem.ts";
import { SimulatedNetwork } from "../../../simulators/network/network.ts";
import { joinSmsc } from "../../../simulators/network/smsc-bridge.ts";
import { SimulatedSmsc } from "../../../simulators/smsc/smsc.ts";
import { SmppFaceConfig } from "../../../src/app/config/smpp-face.ts";
import { driverRegistry } from "../../../src/app/driver-registry.ts";
import { SmppService } from "../../../src/app/smpp-service.ts";
import { Cleanup } from "../../../src/base/cleanup.ts";
import { systemClock } from "../../../src/base/clock.ts";
import type { LinkTestReport } from "../../../src/gateway/links/link-test-report.ts";
import { silentLog } from "../../../src/link/driver.ts";
import { testRandom } from "../../seed.ts";
import { Bench, euicc } from "../bench.ts";

/** A card in a simulated phone, behind a simulated SMSC that maps data_coding so. */
async function trial(dataCodings: Readonly<Record<string, number | "refuse" | "destroy">>): Promise<LinkTestReport> {
  await using bench = await Bench.open();
  await bench.gateway.start();
  await using cleanup = new Cleanup();
  const card = euicc({ smsrAddress: "+447700900000" });
  const eis = exportEis(card.state);
  await bench.targets.import(eis);
  const subscribers = card.state.profiles.map(({ imsi, msisdn }) => ({ imsi, msisdn }));
  const radio = new SimulatedNetwork({ subscribers, attachMs: 20, smsRetryMs: 200 });
  cleanup.defer(() => radio.close());
  const smsc = cleanup.use(await SimulatedSmsc.open({ behaviour: { dataCodings } }));
  cleanup.defer(joinSmsc(radio, smsc));
  const phone = cleanup.use(new SimulatedModem({ network: radio, card, timings: { bootMs: 5, simRestartMs: 20 } }));
  await phone.powerOn();
  const service = cleanup.use(
    new SmppService({
      smsc: [{ name: "operator", address: `smpp://otagate@127.0.0.1:${smsc.port}` }],
      face: SmppFaceConfig.parse({}),
      store: bench.store,
      gateway: bench.gateway,
      registry: driverRegistry(),
      driverDeps: { clock: systemClock, random: testRandom(), log: silentLog },
      env: {},
    }),
  );
  await service.start();
  const link = bench.gateway.links.get("operator");
  await bench.until(async () => (link.state.up && radio.registered.length > 0 ? true : undefined));
  const test = { target: eis.eid, waitMs: 1_500, exhaustive: false, origin: { face: "cli" } } as const;
  const report = await link.test?.(test, new AbortController().signal);
  if (report === undefined) throw new Error("the account has no self-test");
  const { now, total } = link.numbers?.() ?? {};
  expect(now).toMatchObject({ bindsUp: 1, window: 10, queued: 0, paused: 0 });
  expect(total).toMatchObject({ sent: report.tries.length, throttled: 0, unknown: 0 });
  return report;
}

it("an SMSC account proves with a card behind it that class-2 binary arrives", { timeout: 20_000 }, async () => {
  const report = await trial({});
  expect(report.tries).toMatchObject([{ variant: { dataCoding: 0xf6 }, verdict: "answered" }]);
  expect(report).toMatchObject({ passed: true, works: { dataCoding: 0xf6 } });
});

it("an account whose coding does not reach the card learns which does", { timeout: 30_000 }, async () => {
  const report = await trial({ "246": "refuse", "4": 0x04, "2": 0xf6 });
  expect(report.tries.map(({ verdict }) => verdict)).toEqual(["refused", "silent", "answered"]);
  expect(report).toMatchObject({ passed: false, works: { dataCoding: 0x02 } });
});
