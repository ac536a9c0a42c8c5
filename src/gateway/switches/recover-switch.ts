import { withoutUndefined } from "../../base/defined.ts";
import { newId } from "../../base/id.ts";
import { classifyCommand } from "../../codec/euicc/es5/classify.ts";
import type { Notification } from "../../codec/euicc/notification.ts";
import type { Job } from "../model/job.ts";
import { mayHaveLeft } from "../model/packet.ts";
import { defaultSwitchMs } from "../model/profile-switch.ts";
import type { Repositories } from "../model/store.ts";
import { enabledProfile, type Target } from "../model/target.ts";
import { scriptCommands } from "../scripts/script-body.ts";

/**
 * A notification of a switch whose command was never answered (its PoR was lost, or comes later) proves that the card
 * accepted it: from here on the switch is followed. SGP.02 §3.2
 */
export async function recoverSwitch(r: Repositories, target: Target, value: Notification, at: number): Promise<void> {
  if (value.type !== 2 && value.type !== 3) return;
  const latest = await r.profileSwitches.latest(target.id);
  if (latest?.at === "accepted" || latest?.at === "switched") return;
  for (const job of await r.jobs.list({ target: target.id }, undefined, 5)) {
    const fn = (await mayHaveRun(r, job)) ? switchOf(job) : undefined;
    if (fn === undefined || (latest !== undefined && job.createdAt <= latest.acceptedAt)) continue;
    if (value.type === 2 && fn.name === "enableProfile" && fn.isdP !== value.isdP) continue;
    if ((await r.profileSwitches.ofJob(job.id)) !== undefined) continue;
    const from = enabledProfile(target)?.aid;
    const acceptedAt = job.startedAt ?? job.createdAt;
    await r.profileSwitches.put({
      id: newId("prc", at),
      target: target.id,
      job: job.id,
      kind: fn.name === "disableProfile" ? "disable" : "enable",
      aid: fn.isdP,
      ...withoutUndefined({ from }),
      at: "accepted",
      acceptedAt,
      holdUntil: at + (job.request.switchTimeoutMs ?? defaultSwitchMs),
    });
    const data = { function: fn.name, aid: fn.isdP, by: "notification" } as const;
    await r.events.append({ at, type: "switch.accepted", target: target.id, job: job.id, data });
    return;
  }
}

async function mayHaveRun(r: Repositories, job: Job): Promise<boolean> {
  if (job.state === "running" || job.state === "waiting") return true;
  // Sent before a crash or a loss of the link, and about to be sent again.
  if (job.state === "queued") return mayHaveLeft(await r.packets.ofJob(job.id));
  if (job.state === "done" || job.error === undefined) return false;
  const { code, executed } = job.error;
  // A job of which parts ran may have ended with the switch under way, unless the card itself reported its progress.
  if (executed === "partly") return code !== "job.script";
  return executed !== false;
}

function switchOf(job: Job) {
  for (const apdu of scriptCommands(job.work)) {
    const fn = classifyCommand(apdu).function;
    if (fn.name === "enableProfile" || fn.name === "disableProfile") return fn;
  }
  return undefined;
}
