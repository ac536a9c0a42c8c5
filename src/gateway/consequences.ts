import { newId } from "../base/id.ts";
import { applyCommand } from "./eis.ts";
import type { JobEnd } from "./end-job.ts";
import { type ExecutedCommand, executedCommands } from "./executed.ts";
import type { Job } from "./job.ts";
import { stepProcedure } from "./procedure.ts";
import { messageEnded } from "./smsc-desk.ts";
import type { Repositories } from "./store.ts";
import { saveTarget } from "./targets.ts";

/** How long other jobs of a target wait for an accepted profile switch to end. */
const switchHoldMs = 120_000;

/** What the end of a job changes elsewhere: the EIS, the profile switch it started, the notification it confirmed. */
export async function afterEnd(r: Repositories, job: Job, end: JobEnd, at: number): Promise<void> {
  await confirmationEnded(r, job, end, at);
  await messageEnded(r, job, end, at);
  if (end.result === undefined) return;
  const executed = executedCommands(job.work, end.result.commands).filter((command) => command.succeeded);
  if (executed.length === 0) return;
  for (const command of executed) await switchAccepted(r, job, command, at);
  const target = await r.targets.get(job.target);
  if (target === undefined) return;
  const call = job.work.kind === "packet" ? undefined : job.work.function;
  const iccid = call?.params.iccid;
  const facts = typeof iccid === "string" ? { iccid } : {};
  const changed = executed.reduce((now, command) => applyCommand(now, command.function, command.answer, facts), target);
  if (changed !== target) {
    await saveTarget(r, changed, at, `${executed.map((command) => command.function.name).join(", ")} was executed`);
  }
}

async function switchAccepted(r: Repositories, job: Job, command: ExecutedCommand, at: number): Promise<void> {
  const fn = command.function;
  if (fn.name !== "enableProfile" && fn.name !== "disableProfile") return;
  await r.procedures.put({
    id: newId("prc", at),
    target: job.target,
    job: job.id,
    kind: fn.name === "disableProfile" ? "disable" : "enable",
    aid: fn.isdP,
    at: "accepted",
    acceptedAt: at,
    holdUntil: at + switchHoldMs,
  });
  await r.events.append({
    at,
    type: "procedure.accepted",
    target: job.target,
    job: job.id,
    data: { function: fn.name, aid: fn.isdP },
  });
}

async function confirmationEnded(r: Repositories, job: Job, end: JobEnd, at: number): Promise<void> {
  const notification = await r.notifications.byConfirmJob(job.id);
  if (notification === undefined) return;
  const confirmed = end.state === "done";
  await r.notifications.patch(
    notification.id,
    confirmed ? { confirmation: "confirmed", confirmedAt: at } : { confirmation: "failed" },
  );
  await r.events.append({
    at,
    type: confirmed ? "notification.confirmed" : "notification.unconfirmed",
    target: job.target,
    job: job.id,
    data: { notification: notification.id, type: notification.type, sequence: notification.sequence },
  });
  const procedure = await r.procedures.latest(job.target);
  if (procedure === undefined || !confirmed) return;
  const next = stepProcedure(procedure, { kind: "confirmed", at });
  if (next === procedure) return;
  await r.procedures.put(next);
  await r.events.append({
    at,
    type: `procedure.${next.at}`,
    target: job.target,
    job: next.job,
    data: { aid: next.aid, tookMs: at - next.acceptedAt },
  });
}
