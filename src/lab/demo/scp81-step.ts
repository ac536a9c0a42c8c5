import { EuiccAgent } from "../../../simulators/scp81/euicc-agent.ts";
import { systemClock } from "../../base/clock.ts";
import type { EventAnswer } from "../../face/api/events.ts";
import type { ShownLink } from "../../face/cli/commands/reader.ts";
import { jobText, type ShownJob } from "../../face/cli/job-view.ts";
import type { DemoBench } from "./demo-bench.ts";
import type { DemoReporter } from "./demo-reporter.ts";
import type { DemoStep } from "./demo-step.ts";
import { until } from "./until.ts";

/**
 * Second step: a short message makes the card open a session over BIP; a profile is created, audited and enabled over
 * HTTPS, and the card notifies over HTTPS.
 */
export const scp81Step: DemoStep = async (bench, reporter) => {
  const { api, card, eis } = bench;
  reporter.heading("The same card over HTTPS (SCP81): its TLS session comes through the reader, by BIP");
  new EuiccAgent(card, { reach: { by: "bip" }, clock: systemClock });
  card.state.settings.notificationBearer = "https";
  const { facts } = await api.v1.daemon.get();
  const at = typeof facts.scp81 === "object" ? facts.scp81 : undefined;
  if (!reporter.check(`the SCP81 server listens at ${at?.host}:${at?.port}`, at !== undefined)) return;
  const since = (await eventsAfter(bench, 0)).at(-1)?.seq ?? 0;
  const before = await heldCard(bench, (link) => link.card?.iccid !== undefined);
  const [, second] = eis.profiles;

  reporter.note(
    "\nA profile is created. The card is triggered to open a session by an SCP80 short message (ENVELOPE):",
  );
  const created = await run(bench, reporter, "createISDP", {}, true);
  const trigger = (await api.v1.jobs.list({ query: { target: eis.eid, limit: 50 } })).items.find(
    (job) => job.work.kind !== "packet" && job.work.function?.name === "triggerSession",
  );
  reporter.check(
    `the trigger was sent by ${trigger?.chosen?.bearer} over ${trigger?.chosen?.link}`,
    trigger?.state === "done" && trigger.chosen?.bearer === "envelope",
  );
  const target = await api.v1.targets.get({ params: { ref: eis.eid } });
  const fresh = target.esimProfiles.find((profile) => eis.profiles.every(({ aid }) => aid !== profile.aid));
  reporter.check(`createISDP: ${outcome(created)}, ISD-P ${fresh?.aid}`, good(created) && fresh?.state === "created");

  reporter.note("\nIn the same session the card is audited:");
  const audited = await run(bench, reporter, "auditStatus", {}, true);
  reporter.check(`auditStatus: ${outcome(audited)}; the new ISD-P is in its answer`, lists(audited, fresh?.aid));

  reporter.note(`\nThe second profile is enabled (${second?.iccid}); this ends the session:`);
  const enabled = await run(bench, reporter, "enableProfile", { aid: second?.aid }, false);
  reporter.check(`enableProfile: ${outcome(enabled)}`, good(enabled));
  const opened = (await eventsAfter(bench, since)).filter(({ type }) => type === "session.opened");
  reporter.check("all three scripts were carried by one session", opened.length === 1);

  const after = await heldCard(
    bench,
    (link) => link.card?.iccid !== undefined && link.card.iccid !== before.card?.iccid,
  );
  reporter.check(
    `channel closed, REFRESH and reset: ICCID ${before.card?.iccid} -> ${after.card?.iccid}`,
    after.card?.iccid === second?.iccid,
  );
  await notified(bench, reporter, enabled.id, since);
};

/** The card opens a session to notify, and its notification is confirmed in that session. */
async function notified({ api, eis }: DemoBench, reporter: DemoReporter, job: string, since: number): Promise<void> {
  const done = await until(async () => {
    const one = await api.v1.jobs.get({ params: { id: job } });
    return one.switch?.endedAt === undefined ? undefined : one;
  });
  const { items } = await api.v1.notifications.list({ query: { target: eis.eid, limit: 1 } });
  const [notified] = items;
  reporter.check(
    `notification ${notified?.sequence} was received by ${notified?.via} (${notified?.text}) and is ${notified?.confirmation}`,
    notified?.via === "https" && notified.confirmation === "confirmed",
  );
  const events = (await api.v1.events.list({ query: { after: since, limit: 1000 } })).items;
  const sessions = events.filter(({ type }) => type === "session.opened").length;
  const triggers = events.filter(({ type }) => type === "session.triggered").length;
  reporter.check(`${sessions} sessions, ${triggers} of them triggered`, sessions === 2 && triggers === 1);
  reporter.check(`the switch is ${done?.switch?.at}`, done?.switch?.at === "confirmed");
}

/** Queues an ES5 function for the session and waits for its end. */
async function run(
  { api, eis, context }: DemoBench,
  reporter: DemoReporter,
  name: string,
  params: Readonly<Record<string, unknown>>,
  moreToCome: boolean,
): Promise<ShownJob> {
  const { id } = await api.v1.jobs.submit({
    body: {
      target: eis.eid,
      work: { kind: "es5", function: name, params },
      request: { bearer: "https", moreToCome },
    },
  });
  const done = await until(async () => {
    const job = await api.v1.jobs.get({ params: { id }, query: { wait: 1000 } });
    return job.endedAt === undefined ? undefined : job;
  });
  const job = done ?? (await api.v1.jobs.get({ params: { id } }));
  reporter.note(jobText(context.terminal, job));
  return job;
}

function good(job: ShownJob): boolean {
  return job.state === "done" && job.chosen?.bearer === "https" && job.result?.commands.at(-1)?.sw === "9000";
}

function outcome(job: ShownJob): string {
  return job.error === undefined
    ? `${job.state}, ${job.result?.commands.at(-1)?.sw} (${job.chosen?.why})`
    : `${job.error.code}: ${job.error.message}`;
}

function lists(job: ShownJob, aid: string | undefined): boolean {
  return good(job) && aid !== undefined && job.result?.commands.some(({ data }) => data.includes(aid)) === true;
}

async function eventsAfter({ api }: DemoBench, after: number): Promise<readonly EventAnswer[]> {
  return (await api.v1.events.list({ query: { after, limit: 1000 } })).items;
}

/** The reader with the demonstration's card, once it has the expected state. */
async function heldCard({ api }: DemoBench, wanted: (link: ShownLink) => boolean): Promise<ShownLink> {
  const read = async () => (await api.v1.links.list({ query: { kind: "reader" } })).items;
  const found = await until(async () => (await read()).find(wanted));
  return found ?? (await read())[0] ?? { id: "none", kind: "reader", up: false, facts: {} };
}
