import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportEis } from "../../../simulators/euicc/eis.ts";
import { SimulatedEuicc } from "../../../simulators/euicc/euicc.ts";
import { createEuiccState } from "../../../simulators/euicc/fixture.ts";
import { HotPlug } from "../../../simulators/modem/hot-plug.ts";
import { SimulatedModem } from "../../../simulators/modem/modem.ts";
import { PlainCard } from "../../../simulators/modem/plain-card.ts";
import { SimulatedNetwork } from "../../../simulators/network/network.ts";
import { Cleanup } from "../../base/cleanup.ts";
import { porWords } from "../../codec/ota/por-status.ts";
import { unchecked } from "../../face/api/client.ts";
import { ApiClient } from "../../face/cli/client.ts";
import { jobText } from "../../face/cli/job-view.ts";
import { loadProfiles } from "../../link/modem/profile/profile-files.ts";
import type { DemoStep } from "./demo-step.ts";
import { until } from "./until.ts";

const senderNumber = "+15550000001";
/** IMSI of the plain card in the sending modem. */
const senderImsi = "001010000000001";

/** Third step: the eUICC in modem B is switched by SMS that modem A sends; it answers by MO SMS. */
export const modemStep: DemoStep = async ({ context, startDaemon }, reporter) => {
  reporter.heading("The eUICC inside a modem, switched by SMS over another modem");
  await using cleanup = new Cleanup();
  const folder = mkdtempSync(join(tmpdir(), "otagate-demo-modem-"));
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }));
  const card = new SimulatedEuicc({ state: createEuiccState({ seed: "demo modem", smsrAddress: senderNumber }) });
  const bench = await modems(card, cleanup);
  reporter.note(`Modem A (a plain SIM, ${senderNumber}) at ${bench.a}; modem B holds the eUICC, at ${bench.b}.`);
  const config = {
    readers: { enabled: false },
    scp81: { enabled: false },
    modems: [
      { name: "A", port: `tty:${bench.a}` },
      { name: "B", port: `tty:${bench.b}` },
    ],
    sms: { originator: senderNumber, answerTimeoutMs: 20_000 },
  };
  const daemon = cleanup.use(await startDaemon(config, join(folder, "state"), process.env));
  const api = new ApiClient({ socketPath: daemon.socketPath });
  const eis = exportEis(card.state);
  await api.v1.targets.import({ body: unchecked(eis) });
  const ready = await until(async () => {
    const { items } = await api.v1.links.list({ query: { kind: "modem" } });
    return items.length === 2 && items.every((link) => link.up && link.facts.registered === true) ? items : undefined;
  }, 40_000);
  reporter.check(
    `both modems are identified and registered (${ready?.map((link) => `${link.id}: ${String(link.facts.profile)}`).join(", ")})`,
    ready !== undefined,
  );
  const b = ready?.find((link) => link.id === "modem:B");
  reporter.check(
    `modem B holds EID ${b?.card?.eid ?? "?"}, ICCID ${b?.card?.iccid}`,
    b?.card?.iccid === eis.profiles[0]?.iccid,
  );

  const second = eis.profiles[1];
  const order = {
    target: eis.eid,
    work: { kind: "es5" as const, function: "enableProfile", params: { aid: second?.aid } },
    request: { bearer: "sms" as const },
  };
  const { id } = await api.v1.jobs.submit({ body: order });
  const done = await until(async () => {
    const job = await api.v1.jobs.get({ params: { id }, query: { wait: 1000 } });
    return job.endedAt === undefined ? undefined : job;
  }, 30_000);
  if (done !== undefined) reporter.note(jobText(context.terminal, done));
  reporter.check(
    `enableProfile over ${done?.chosen?.link}: ${porWords(done?.result?.por?.name ?? done?.error?.message ?? "without a status")}`,
    done?.state === "done" && done.chosen?.link === "modem:A",
  );
  const confirmed = await until(async () => {
    const job = await api.v1.jobs.get({ params: { id } });
    return job.switch?.endedAt === undefined ? undefined : job;
  }, 60_000);
  reporter.check(
    `the notification came as MO SMS, the switch is ${confirmed?.switch?.at}`,
    confirmed?.switch?.at === "confirmed",
  );
  const record = await until(async () => {
    const { items } = await api.v1.events.list({ query: { limit: 1000 } });
    return items.find((event) => event.type === "modem.switch")?.data;
  }, 40_000);
  reporter.check(
    `modem B attached with ICCID ${record?.toIccid} after ${record?.attachMs} ms`,
    record?.outcome === "attached" && record.toIccid === second?.iccid,
  );
};

/** Two modems of different make on pseudo-terminals, on one small network. */
async function modems(card: SimulatedEuicc, cleanup: Cleanup): Promise<{ a: string; b: string }> {
  const subscribers = [
    { imsi: senderImsi, msisdn: senderNumber },
    ...card.state.profiles.map(({ imsi, msisdn }) => ({ imsi, msisdn })),
  ];
  const network = new SimulatedNetwork({ subscribers, attachMs: 300, smsRetryMs: 1000 });
  cleanup.defer(() => network.close());
  const profiles = loadProfiles();
  const open = async (profile: string, softCard: SimulatedEuicc | PlainCard, imei: string): Promise<string> => {
    const modem = cleanup.use(
      new SimulatedModem({ network, card: softCard, profile: profiles.get(profile).file, identity: { imei } }),
    );
    return cleanup.use(new HotPlug(modem, { at: "pty" })).plugIn();
  };
  const a = await open("quectel-ec25", new PlainCard({ imsi: senderImsi }), "350000000000014");
  const b = await open("telit-le910c", card, "350000000000022");
  return { a, b };
}
