import type { Clock } from "../base/clock.ts";
import { fromHex, toHex } from "../base/hex.ts";
import { looksLikeNotification, Notification } from "../codec/euicc/notification.ts";
import { decode } from "../codec/kit/codec.ts";
import type {
  AdminRecord,
  AdminScript,
  AdminStep,
  AdminStore,
  AdminVerdict,
  Offer,
} from "../link/scp81/admin-store.ts";
import type { AdminDialogRecord } from "./admin-dialog.ts";
import {
  adminScript,
  channelUse,
  jobOfScript,
  scriptParts,
  storedBodies,
  targetedApplication,
} from "./admin-scripts.ts";
import { endJobIn, endOpenJob, type JobEnd } from "./end-job.ts";
import type { FailureDetail, JobFailure } from "./failure.ts";
import { type CommandResult, endStates, type Job } from "./job.ts";
import type { NotificationDesk } from "./notification-desk.ts";
import { switchIsOpen } from "./procedure.ts";
import { readScriptResult, scriptCommands } from "./script-body.ts";
import type { Repositories, Store } from "./store.ts";
import { judgeCommands } from "./verdict.ts";

export interface Scp81StoreDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly desk: NotificationDesk;
  /** How long a session is held open for an upstream that announced more. */
  readonly holdOpenMs: number;
  /** The target may have become free for its next job. */
  readonly wake: (target: string) => void;
}

const fresh: AdminDialogRecord = { record: {}, channels: {}, moreUntil: 0 };

/** The durable side of administration sessions over the gateway's jobs: a step is one unit of work. */
export class Scp81Store implements AdminStore {
  readonly #deps: Scp81StoreDeps;

  constructor(deps: Scp81StoreDeps) {
    this.#deps = deps;
  }

  async load(target: string): Promise<AdminRecord> {
    return (await this.#deps.store.read((r) => r.adminDialogs.get(target)))?.record ?? {};
  }

  async advance(target: string, step: AdminStep): Promise<Offer> {
    const woken = new Set<string>();
    const offer = await this.#deps.store.write(async (r) => {
      woken.clear();
      let dialog = (await r.adminDialogs.get(target)) ?? fresh;
      for (const { script, verdict } of step.settled) dialog = await this.#settle(r, dialog, script, verdict);
      if (step.position !== undefined) dialog = { ...dialog, record: { ...dialog.record, position: step.position } };
      if (step.notification !== undefined) {
        await this.#notified(r, step.notification, (id) => woken.add(id));
        await this.#confirmHere(r, target);
      }
      const [next, made] = await this.#next(r, target, dialog, step.next);
      await r.adminDialogs.put(target, next);
      return made;
    });
    if (step.settled.length > 0) woken.add(target);
    for (const id of woken) this.#deps.wake(id);
    return offer;
  }

  async #notified(r: Repositories, tlv: Uint8Array, wake: (target: string) => void): Promise<void> {
    if (!looksLikeNotification(tlv)) return;
    const receivedAt = this.#deps.clock.now();
    await this.#deps.desk.record(
      r,
      { value: decode(Notification, tlv), raw: tlv, verified: true, via: "https", link: "scp81", receivedAt },
      wake,
    );
  }

  /** The card expects the confirmation in the session in which it notified. SGP.02 §3.15.2 */
  async #confirmHere(r: Repositories, target: string): Promise<void> {
    for (const job of await r.jobs.list({ target, state: ["queued"], origin: "system" }, undefined, 20)) {
      const { work, request } = job;
      if (work.kind !== "script" || work.function?.name !== "confirmNotification") continue;
      if (job.attempts > 0 || request.bearer !== "auto" || request.link !== undefined) continue;
      const why = "the notification came in this session";
      await r.jobs.patch(job.id, { state: "waiting", chosen: { bearer: "https", link: "scp81", why } });
    }
  }

  async #settle(
    r: Repositories,
    dialog: AdminDialogRecord,
    script: string,
    verdict: AdminVerdict,
  ): Promise<AdminDialogRecord> {
    const { outstanding, ...others } = dialog.record;
    const cleared = outstanding?.script.id === script ? { ...dialog, record: others } : dialog;
    const job = await r.jobs.get(jobOfScript(script));
    if (job === undefined || endStates.includes(job.state)) return withoutSplit(cleared, job?.id);
    const split = cleared.split?.job === job.id ? cleared.split : undefined;
    const end = endOf(job, verdict, split?.results);
    const moreParts = split !== undefined && split.left.length > 0;
    if (end.state === "done" && moreParts) {
      return { ...cleared, split: { ...split, results: end.result?.commands ?? [] } };
    }
    const lost = end.error?.code === "packet.answer-lost" || end.error?.code === "packet.no-answer";
    if (lost && job.request.onAnswerLost === "repeat" && job.attempts < job.request.maxPackets) {
      await r.jobs.patch(job.id, { state: "waiting", note: `${end.error?.message}; asking again` });
    } else {
      await endOpenJob(r, this.#deps.clock.now(), job, end);
    }
    return withoutSplit(cleared, job.id);
  }

  async #next(
    r: Repositories,
    target: string,
    dialog: AdminDialogRecord,
    next: AdminStep["next"],
  ): Promise<[AdminDialogRecord, Offer]> {
    if (next.do === "stop") return [dialog, { kind: "none" }];
    if (next.do === "redeliver") {
      const { outstanding } = dialog.record;
      if (outstanding === undefined || outstanding.script.id !== next.script) return [dialog, { kind: "none" }];
      const job = await r.jobs.get(jobOfScript(next.script));
      if (job !== undefined && !endStates.includes(job.state)) {
        const again = {
          ...outstanding,
          deliveries: next.deliveries,
          ...(next.after === undefined ? {} : { after: next.after }),
        };
        return [
          { ...dialog, record: { ...dialog.record, outstanding: again } },
          { kind: "script", script: outstanding.script },
        ];
      }
      const { outstanding: _, ...withdrawn } = dialog.record;
      return this.#offer(
        r,
        target,
        { ...dialog, record: withdrawn },
        { do: "offer", uri: outstanding.uri, ...(next.after === undefined ? {} : { after: next.after }) },
      );
    }
    return this.#offer(r, target, dialog, next);
  }

  async #offer(
    r: Repositories,
    target: string,
    before: AdminDialogRecord,
    next: Extract<AdminStep["next"], { do: "offer" }>,
  ): Promise<[AdminDialogRecord, Offer]> {
    let dialog = withLost(before, next.lostChannel);
    const now = this.#deps.clock.now();
    const owner = await r.targets.get(target);
    if (owner === undefined) return [dialog, { kind: "none" }];
    const held = await switchIsOpen(r, target, now);
    for await (const job of waitingJobs(r, target)) {
      const { work } = job;
      if (work.kind === "packet" || now >= job.validUntil) continue;
      // Behind an unconfirmed switch only the gateway's own jobs go.
      if (held && job.lane === "normal") continue;
      const application = targetedApplication(work) ?? "";
      const running = dialog.split?.job === job.id ? dialog.split : undefined;
      const attempts = running === undefined ? job.attempts + 1 : job.attempts;
      const channel = job.request.secureChannel ?? channelOf(dialog, { ...job, attempts }, application);
      if (channel !== undefined && dialog.lostChannels?.includes(channel) === true) {
        await endJobIn(r, now, job.id, { state: "failed", error: lostChannel() });
        continue;
      }
      const all = running === undefined ? scriptParts(work, owner) : running.left.map(fromHex);
      const [body, ...left] = all;
      if (body === undefined) continue;
      const index = running === undefined ? 0 : running.results.length + 1;
      const script = adminScript({ ...job, attempts }, work, { body, left: left.length, index }, channel);
      await r.jobs.patch(job.id, {
        attempts,
        note: "delivered to the card",
        ...(job.startedAt === undefined ? { startedAt: now } : {}),
      });
      await r.events.append({
        at: now,
        type: "job.sending",
        target,
        job: job.id,
        data: { bearer: "https", octets: body.length, part: index, partsLeft: left.length },
      });
      dialog = {
        ...(dialog.lostChannels === undefined ? {} : { lostChannels: dialog.lostChannels }),
        record: {
          ...dialog.record,
          outstanding: {
            script,
            uri: next.uri,
            deliveries: 1,
            ...(next.after === undefined ? {} : { after: next.after }),
          },
        },
        channels: channel === undefined ? dialog.channels : { ...dialog.channels, [application]: channel },
        moreUntil: job.request.moreToCome === true ? now + this.#deps.holdOpenMs : 0,
        ...(left.length > 0 || running !== undefined
          ? { split: { job: job.id, left: storedBodies(left), results: running?.results ?? [] } }
          : {}),
      };
      return [dialog, { kind: "script", script }];
    }
    return [dialog, { kind: dialog.moreUntil > now ? "more" : "none" }];
  }
}

/** Jobs that wait for the session, in order; mostly the first one will do. */
async function* waitingJobs(r: Repositories, target: string): AsyncGenerator<Job> {
  const seen = new Set<string>();
  for (const limit of [1, 1000]) {
    const jobs = await r.jobs.waitingForSession(target, limit);
    for (const job of jobs) if (!seen.has(job.id)) yield job;
    for (const { id } of jobs) seen.add(id);
    if (jobs.length < limit) return;
  }
}

/** The secure channel a job's script is in, named by the job that began it. */
function channelOf(dialog: AdminDialogRecord, job: Job, application: string): string | undefined {
  if (job.work.kind === "packet") return undefined;
  switch (channelUse(job.work)) {
    case "begins":
      return `${job.id}.${job.attempts}`;
    case "continues":
      return dialog.channels[application] ?? job.id;
    case "none":
      return undefined;
  }
}

/** Notes that a channel is lost: its other scripts may not even be queued yet. */
function withLost(dialog: AdminDialogRecord, channel: string | undefined): AdminDialogRecord {
  if (channel === undefined) return dialog;
  return { ...dialog, lostChannels: [...(dialog.lostChannels ?? []), channel].slice(-mostLostChannels) };
}

const mostLostChannels = 16;

function withoutSplit(dialog: AdminDialogRecord, job: string | undefined): AdminDialogRecord {
  if (dialog.split === undefined || dialog.split.job !== job) return dialog;
  const { split: _, ...rest } = dialog;
  return rest;
}

function lostChannel(): JobFailure {
  return {
    code: "job.channel-ended",
    message: "the link broke and with it the secure channel this script belongs to; it was not sent",
    detail: { executed: false },
  };
}

/** How a job ends by the verdict on its script; `earlier` = what its first parts answered, if it went in parts. */
function endOf(job: Job, verdict: AdminVerdict, earlier: readonly CommandResult[] | undefined): JobEnd {
  const failed = (code: string, message: string, detail: FailureDetail): JobEnd => ({
    state: "failed",
    error: { code, message, detail },
  });
  switch (verdict.state) {
    case "answered": {
      const { result, fault } = readScriptResult(verdict.response);
      const inParts = earlier !== undefined;
      const commands = [...(earlier ?? []), ...result.commands];
      const script = scriptCommands(job.work);
      const all = { ...result, commands, ...(inParts && { executed: commands.length }), scriptStatus: "ok" };
      const judged = judgeCommands(all, fault, inParts ? script.slice(0, commands.length) : script);
      return judged.at === "done"
        ? { state: "done", result: judged.result }
        : { state: "failed", error: judged.error, result: all };
    }
    case "answered-unparseable":
      return {
        ...failed("scp81.protocol", "the card processed the script; its answer is not a response script", {
          executed: "unknown",
        }),
        result: { commands: [], data: toHex(verdict.response) },
      };
    case "rejected":
      return failed("scp81.rejected", `the card did not run the script: ${verdict.scriptStatus}`, {
        scriptStatus: verdict.scriptStatus,
        executed: verdict.scriptStatus === "security-error" ? "unknown" : false,
      });
    case "executed-response-lost":
      // A card that refused the script comes back in the same way as one that ran it.
      return failed(
        "packet.answer-lost",
        "the card processed the script and the link broke before its answer arrived: whether it ran it is unknown",
        { executed: "unknown" },
      );
    case "not-delivered":
      return failed("packet.no-answer", `the card did not process the script to its end: ${verdict.why}`, {
        executed: "unknown",
        why: verdict.why,
      });
    case "fate-unknown":
      return failed("packet.no-answer", "the card began another session without a word on this script", {
        executed: "unknown",
      });
  }
}

export type { AdminScript };
