import { withoutUndefined } from "../base/defined.ts";
import { newId } from "../base/id.ts";
import { isdRTar } from "../codec/euicc/aid.ts";
import { es5Commands } from "../codec/euicc/es5/functions.ts";
import { readIccid } from "../codec/euicc/iccid.ts";
import { sequenceText } from "../codec/euicc/notification.ts";
import { profileDifferences } from "./eis/card-audit.ts";
import { deletesItself, profileName } from "./eis/policy.ts";
import { type FeedJob, jobFeed } from "./jobs/feed-job.ts";
import { channelEndsWith } from "./jobs/secure-channels.ts";
import type { Job } from "./model/job.ts";
import type { JobEnd, JobEndEffect } from "./model/job-end.ts";
import { defaultSwitchMs, type ProfileSwitch, stepProfileSwitch } from "./model/profile-switch.ts";
import type { Repositories } from "./model/store.ts";
import { enabledProfile, type Target } from "./model/target.ts";
import { type ExecutedCommand, executedCommands } from "./scripts/executed-commands.ts";
import { messageEnded } from "./smsc/settle.ts";
import { applyCommand } from "./targets/eis.ts";
import { afterHandover } from "./targets/handover.ts";
import { saveTarget } from "./targets/target-lookup.ts";

/** How long the deletion of a profile that POL2 requires may wait for its card. */
const autoDeleteValidityMs = 7 * 24 * 3_600_000;

/** A job that did not succeed leaves its secure channel behind in an unknown state. */
async function endSecureChannel(r: Repositories, job: Job, end: JobEnd, at: number): Promise<void> {
  if (end.state === "done" || job.attempts === 0) return;
  if (end.state === "failed" || end.error?.executed !== false) await channelEndsWith(r, job, at);
}

/** Updates the records about the card: the EIS, the profile switch that began, the notification that was confirmed. */
async function followCard(r: Repositories, job: Job, end: JobEnd, at: number): Promise<void> {
  const commands = end.result === undefined ? [] : executedCommands(job.work, end.result.commands);
  const confirms =
    (job.work.kind !== "packet" && job.work.function?.name === "confirmNotification") ||
    commands.some((command) => command.function.name === "confirmNotification");
  if (confirms) await adoptConfirmation(r, job, commands);
  const confirmed = confirms ? await confirmationEnded(r, job, end, at) : undefined;
  await takeIntoEis(r, job, commands, at);
  if (confirmed !== undefined && job.origin.face === "system") await autoDelete(r, confirmed, at);
}

/** The effects of every job's end, in this order. */
const jobEndEffects: readonly JobEndEffect[] = [endSecureChannel, followCard, messageEnded];

/** Applies events to jobs, with all effects of their end. */
export const feedJob: FeedJob = jobFeed(jobEndEffects);

async function takeIntoEis(r: Repositories, job: Job, all: readonly ExecutedCommand[], at: number): Promise<void> {
  const executed = all.filter((command) => command.succeeded || alreadyGone(command));
  if (executed.length === 0) return;
  const target = await r.targets.get(job.target);
  if (target === undefined) return;
  for (const command of executed) {
    if (command.succeeded) await switchAccepted(r, job, target, command, at);
    if (command.succeeded && command.function.name === "finaliseISDRhandover")
      await afterHandover(r, job.target, command.function.keep, job.id, at);
    await auditHeard(r, job, target, command, at);
  }
  const call = job.work.kind === "packet" ? undefined : job.work.function;
  const iccid = call?.params.iccid;
  const facts = typeof iccid === "string" ? withoutUndefined({ iccid: readIccid(iccid) }) : {};
  const adopted = executed.filter(({ function: fn }) => fn.name !== "auditStatus" || job.request.keepEis !== true);
  const changed = adopted.reduce((now, command) => applyCommand(now, command.function, command.answer, facts), target);
  if (changed !== target) {
    await saveTarget(r, changed, at, `${adopted.map((command) => command.function.name).join(", ")} was executed`);
  }
}

/** The card does not have the profile to be deleted, so it was removed before. */
function alreadyGone({ function: fn, sw }: ExecutedCommand): boolean {
  return (fn.name === "deleteProfile" || fn.name === "masterDelete") && sw === "6A88";
}

/** An audit that differs from the EIS is reported, whether it is adopted or not. */
async function auditHeard(
  r: Repositories,
  job: Job,
  target: Target,
  command: ExecutedCommand,
  at: number,
): Promise<void> {
  if (command.function.name !== "auditStatus" || command.answer?.kind !== "domains") return;
  const complete = command.function.isdP === undefined && command.function.next !== true && command.sw === "9000";
  const differences = profileDifferences(target, command.answer.domains, complete);
  if (differences.length === 0) return;
  await r.events.append({
    at,
    type: "target.differs",
    target: target.id,
    job: job.id,
    data: { differences, adopted: job.request.keepEis !== true },
  });
}

/**
 * POL2 requires the previous profile to be deleted: the SM-SR's job, once the switch is confirmed and not after a
 * fall-back. The card may have done it on its own by POL1. SGP.02 §3.6.3
 */
async function autoDelete(r: Repositories, profileSwitch: ProfileSwitch, at: number): Promise<void> {
  const target = await r.targets.get(profileSwitch.target);
  const left = target?.esimProfiles.find((profile) => profile.aid === profileSwitch.from);
  if (target === undefined || left === undefined || left.state !== "disabled" || left.fallback) return;
  if (!deletesItself(left)) return;
  const fn = { name: "deleteProfile", isdP: left.aid } as const;
  const { job } = await r.jobs.insert({
    id: newId("job", at),
    target: target.id,
    state: "queued",
    lane: "normal",
    work: {
      kind: "script",
      tar: isdRTar,
      apdus: es5Commands(fn),
      function: { name: fn.name, params: { aid: left.aid, reason: "POL2 Auto-Delete" } },
    },
    request: { bearer: "auto", maxPackets: 4, onAnswerLost: "repeat", tolerate: ["6A88"] },
    origin: { face: "system", reference: profileSwitch.id },
    attempts: 0,
    notBefore: at,
    validUntil: at + autoDeleteValidityMs,
    createdAt: at,
  });
  await r.events.append({
    at,
    type: "job.queued",
    target: target.id,
    job: job.id,
    data: { origin: job.origin, reason: `POL2 of profile ${profileName(left)}: Auto-Delete` },
  });
}

async function switchAccepted(
  r: Repositories,
  job: Job,
  target: Target,
  command: ExecutedCommand,
  at: number,
): Promise<void> {
  const fn = command.function;
  if (fn.name !== "enableProfile" && fn.name !== "disableProfile") return;
  // The card's notification may have arrived before its answer.
  if ((await r.profileSwitches.ofJob(job.id)) !== undefined) return;
  const from = enabledProfile(target)?.aid;
  await r.profileSwitches.put({
    id: newId("prc", at),
    target: job.target,
    job: job.id,
    kind: fn.name === "disableProfile" ? "disable" : "enable",
    aid: fn.isdP,
    ...withoutUndefined({ from }),
    at: "accepted",
    acceptedAt: at,
    holdUntil: at + (job.request.switchTimeoutMs ?? defaultSwitchMs),
  });
  await r.events.append({
    at,
    type: "switch.accepted",
    target: job.target,
    job: job.id,
    data: { function: fn.name, aid: fn.isdP },
  });
}

/**
 * A confirmation ordered by another party (the upstream, a client) belongs to the notification with its sequence
 * number.
 */
async function adoptConfirmation(r: Repositories, job: Job, commands: readonly ExecutedCommand[]): Promise<void> {
  if (job.origin.face === "system") return;
  for (const { function: fn, succeeded } of commands) {
    if (fn.name !== "confirmNotification" || !succeeded) continue;
    const sequence = sequenceText(fn.sequence);
    const recent = await r.notifications.list(job.target, undefined, 20);
    const meant = recent.find((one) => one.sequence === sequence && one.confirmation !== "none");
    if (meant !== undefined && meant.confirmation !== "confirmed")
      await r.notifications.patch(meant.id, { confirmJob: job.id });
  }
}

/** Notes the outcome of a confirmation; returns the profile switch that it confirmed, if it did. */
async function confirmationEnded(
  r: Repositories,
  job: Job,
  end: JobEnd,
  at: number,
): Promise<ProfileSwitch | undefined> {
  const notification = await r.notifications.byConfirmJob(job.id);
  if (notification === undefined) return undefined;
  const confirmed = end.state === "done";
  if (!confirmed && notification.confirmedAt !== undefined) {
    // The card acknowledged an earlier confirmation: a failed repetition does not change that.
    await r.notifications.patch(notification.id, { confirmation: "confirmed" });
    return undefined;
  }
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
  const profileSwitch = await r.profileSwitches.latest(job.target);
  // Only a notification of the change itself confirms it; others are confirmed too.
  const ofSwitch = notification.type === 2 || notification.type === 5;
  if (profileSwitch === undefined || !confirmed || !ofSwitch) return undefined;
  const next = stepProfileSwitch(profileSwitch, { kind: "confirmed", at });
  if (next === profileSwitch) return undefined;
  await r.profileSwitches.put(next);
  await r.events.append({
    at,
    type: "switch.confirmed",
    target: job.target,
    job: next.job,
    data: { aid: next.aid, tookMs: at - next.acceptedAt },
  });
  return notification.type === 2 ? next : undefined;
}
