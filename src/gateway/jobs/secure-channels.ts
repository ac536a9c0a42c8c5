import { type AdminDialogRecord, freshDialog, type LostChannel } from "../model/admin-dialog.ts";
import type { JobFailure } from "../model/failure.ts";
import type { Job } from "../model/job.ts";
import type { Repositories } from "../model/store.ts";
import { channelUse, targetedApplication } from "../scripts/secure-channel-use.ts";

/** Why a secure channel has ended, as text that follows "the secure channel ended". */
const channelEnds = {
  link: "with its link",
  script: "with a script that did not succeed",
} as const;

const maxLost = 16;

/** A script's place in the secure channels of its target: the channel, or why it must not be sent. */
type ChannelEntry =
  | { readonly at: "free"; readonly dialog: AdminDialogRecord; readonly channel?: string }
  | { readonly at: "lost"; readonly error: JobFailure };

/**
 * The secure channel (SCP03, SCP03t) of a job's script, named by its client or derived from the script. A script that
 * begins a channel makes the name valid again; any other script of a lost channel is refused, since its MAC cannot
 * verify.
 */
export function enterChannel(dialog: AdminDialogRecord, job: Job, attempts: number): ChannelEntry {
  const channel = channelName(dialog, job, attempts);
  if (channel === undefined) return { at: "free", dialog };
  const lost = dialog.lost?.find(({ name }) => name === channel);
  if (lost !== undefined && !mayBeginChannel(job, lost)) return { at: "lost", error: notSent(lost) };
  const rest = (dialog.lost ?? []).filter(({ name }) => name !== channel);
  const channels = { ...dialog.channels, [applicationOf(job)]: channel };
  return { at: "free", channel, dialog: { ...dialog, channels, lost: rest } };
}

/** {@link enterChannel} for a job outside administration sessions: the entry is stored. */
export async function enterStoredChannel(r: Repositories, job: Job, attempts: number): Promise<JobFailure | undefined> {
  if (isOutsideChannels(job)) return undefined;
  const stored = (await r.adminDialogs.get(job.target)) ?? freshDialog;
  const entry = enterChannel(stored, job, attempts);
  if (entry.at === "lost") return entry.error;
  if (entry.channel !== undefined) await r.adminDialogs.put(job.target, entry.dialog);
  return undefined;
}

/** Records that channels have ended: other scripts of these channels may not be queued yet. */
function withLost(dialog: AdminDialogRecord, names: readonly string[], at: number, why: string): AdminDialogRecord {
  const before = dialog.lost ?? [];
  const fresh = [...new Set(names)].filter((name) => !before.some((one) => one.name === name));
  if (fresh.length === 0) return dialog;
  return { ...dialog, lost: [...before, ...fresh.map((name) => ({ name, at, why }))].slice(-maxLost) };
}

/** A link that broke ends all secure channels of its card, regardless of the order. */
export function withLostLink(dialog: AdminDialogRecord, channel: string | undefined, at: number): AdminDialogRecord {
  if (channel === undefined) return dialog;
  return withLost(dialog, [channel, ...Object.values(dialog.channels)], at, channelEnds.link);
}

/** A job that did not succeed ends the secure channel of its script, unless no part of it was sent. */
export async function channelEndsWith(r: Repositories, job: Job, at: number): Promise<void> {
  const before = (await r.adminDialogs.get(job.target)) ?? freshDialog;
  const channel = channelName(before, job, Math.max(job.attempts, 1));
  if (channel === undefined) return;
  const channels = { ...before.channels, [applicationOf(job)]: channel };
  await r.adminDialogs.put(job.target, withLost({ ...before, channels }, [channel], at, channelEnds.script));
}

/** Whether a job's script is in no secure channel, regardless of the open ones. */
function isOutsideChannels({ work, request }: Job): boolean {
  return work.kind === "packet" || (request.secureChannel === undefined && channelUse(work) === "none");
}

function applicationOf(job: Job): string {
  return job.work.kind === "packet" ? "" : (targetedApplication(job.work) ?? "");
}

function channelName(dialog: AdminDialogRecord, job: Job, attempts: number): string | undefined {
  if (job.work.kind === "packet") return undefined;
  const application = applicationOf(job);
  // Two clients, or one client with two applications, may choose the same name.
  if (job.request.secureChannel !== undefined) return `${application}/${job.request.secureChannel}`;
  switch (channelUse(job.work)) {
    case "begins":
      return `${job.id}.${attempts}`;
    case "continues":
      return dialog.channels[application] ?? job.id;
    case "none":
      return undefined;
  }
}

/**
 * A script that only its client can read may also begin a channel, once the client knows that the last one has ended.
 */
function mayBeginChannel(job: Job, lost: LostChannel): boolean {
  if (job.work.kind === "packet") return false;
  const use = channelUse(job.work);
  return use === "begins" || (use === "none" && job.createdAt > lost.at);
}

function notSent({ why }: LostChannel): JobFailure {
  return {
    code: "job.channel-ended",
    message: `the secure channel of this script ended ${why}; the script was not sent`,
    executed: false,
    detail: { why: "secure-channel-lost" },
  };
}
