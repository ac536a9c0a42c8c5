import { porWords } from "../../codec/ota/por-status.ts";
import { unchecked } from "../../face/api/client.ts";
import type { ShownLink } from "../../face/cli/commands/reader.ts";
import { jobText, type ShownJob } from "../../face/cli/job-view.ts";
import type { DemoBench } from "./demo-bench.ts";
import type { DemoStep } from "./demo-step.ts";
import { until } from "./until.ts";

/** First step: ES5 over SCP80 in ENVELOPE (SMS-PP DOWNLOAD), the switch, the notification and its confirmation. */
export const envelopeStep: DemoStep = async (bench, reporter) => {
  const { api, eis, context } = bench;
  reporter.heading("ES5 over SCP80 to an eUICC in a reader");
  reporter.note(`A simulated eUICC sits ${bench.where}. Its EIS is imported:`);
  const { target } = await api.v1.targets.import({ body: unchecked(eis) });
  reporter.check(`target ${eis.eid} has ${target.esimProfiles.length} profiles`, target.esimProfiles.length >= 2);
  const first = await card(bench, (link) => link.card !== undefined);
  reporter.check(
    `reader ${first.id} holds ICCID ${first.card?.iccid}, IMSI ${first.card?.imsi}`,
    first.target === target.id,
  );

  reporter.note("\nThe card is audited (GET STATUS, GET DATA):");
  for (const fn of ["auditStatus", "auditResources"]) {
    const job = await run(bench, fn, {});
    reporter.note(jobText(context.terminal, job));
    reporter.check(
      `${fn}: ${job.result?.por?.name ?? job.error?.message}`,
      job.state === "done" && job.result?.por?.status === 0,
    );
  }

  const [fallback, second] = target.esimProfiles;
  reporter.note(`\nThe second profile is enabled (${second?.iccid}):`);
  await switchTo(bench, reporter, "enableProfile", second?.aid ?? "", second?.iccid, first);
  reporter.note("\nThe second profile is disabled; the card enables the fall-back profile:");
  const now = await card(bench, (link) => link.card !== undefined);
  await switchTo(bench, reporter, "disableProfile", second?.aid ?? "", fallback?.iccid, now);
};

async function switchTo(
  bench: DemoBench,
  reporter: Parameters<DemoStep>[1],
  fn: string,
  aid: string,
  iccid: string | undefined,
  before: ShownLink,
): Promise<void> {
  const { api, eis, context } = bench;
  const { items: earlier } = await api.v1.notifications.list({
    query: {
      target: eis.eid,
      limit: 1,
    },
  });
  const job = await run(bench, fn, { aid });
  reporter.note(jobText(context.terminal, job));
  reporter.check(
    `${fn}: ${porWords(job.result?.por?.name ?? job.error?.message ?? "without a status")}, ${job.result?.commands[0]?.sw}`,
    job.state === "done" && job.result?.commands[0]?.sw === "9000",
  );
  const done = await until(async () => {
    const one = await api.v1.jobs.get({ params: { id: job.id } });
    return one.switch?.endedAt === undefined ? undefined : one;
  });
  const after = await card(bench, (link) => link.card?.iccid !== undefined && link.card.iccid !== before.card?.iccid);
  reporter.check(`REFRESH and reset: ICCID ${before.card?.iccid} -> ${after.card?.iccid}`, after.card?.iccid === iccid);
  reporter.check(
    `IMSI ${before.card?.imsi} -> ${after.card?.imsi}`,
    after.card?.imsi !== undefined && after.card.imsi !== before.card?.imsi,
  );
  const { items } = await api.v1.notifications.list({ query: { target: eis.eid, limit: 10 } });
  const notified = items.find((one) => one.seq > (earlier[0]?.seq ?? 0));
  reporter.check(
    `notification ${notified?.sequence}: ${notified?.text}, checksum ${notified?.verified ? "good" : "missing"}`,
    notified?.verified === true,
  );
  reporter.check(
    `the notification is ${notified?.confirmation}, the switch is ${done?.switch?.at}`,
    notified?.confirmation === "confirmed" && done?.switch?.at === "confirmed",
  );
}

/** Queues an ES5 function and waits for its end. */
async function run(
  { api, eis }: DemoBench,
  name: string,
  params: Readonly<Record<string, unknown>>,
): Promise<ShownJob> {
  const { id } = await api.v1.jobs.submit({
    body: {
      target: eis.eid,
      work: { kind: "es5", function: name, params },
      request: { bearer: "envelope" },
    },
  });
  const done = await until(async () => {
    const job = await api.v1.jobs.get({ params: { id }, query: { wait: 1000 } });
    return job.endedAt === undefined ? undefined : job;
  });
  return done ?? api.v1.jobs.get({ params: { id } });
}

/** The reader with the demonstration's card, once it has the expected state. */
async function card({ api }: DemoBench, wanted: (link: ShownLink) => boolean): Promise<ShownLink> {
  const read = async () => (await api.v1.links.list({ query: { kind: "reader" } })).items;
  const found = await until(async () => (await read()).find(wanted));
  return found ?? (await read())[0] ?? { id: "none", kind: "reader", up: false, facts: {} };
}
