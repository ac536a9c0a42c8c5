import { fromHex, toHex } from "../../base/hex.ts";
import { type Aid, euiccAid, parseTar } from "../../codec/euicc/aid.ts";
import { classifyCommand, switchesProfile } from "../../codec/euicc/es5-classify.ts";
import { capduObject, expandedScript, isCapdu, parseScript, type ScriptObject } from "../../codec/ota/script.ts";
import type { AdminScript } from "../../link/scp81/admin-store.ts";
import { scriptCommands, workBody } from "../jobs/script-body.ts";
import { askedByBody } from "../jobs/script-verdict.ts";
import type { Job, JobWork } from "../model/job.ts";
import type { Target } from "../model/target.ts";

type Script = Exclude<JobWork, { kind: "packet" }>;

/** AID of the application that a job's script is for; absent = the ISD-R. */
export function targetedApplication(work: Script): string | undefined {
  if (work.aid !== undefined) return work.aid.toUpperCase();
  if (work.tar === "000001") return undefined;
  const aid: Aid = euiccAid(parseTar(work.tar));
  return aid;
}

/**
 * The bodies a job's script takes: one, or several cut at command boundaries when it is larger than the card's buffer.
 * A ready body of the upstream is cut only where the card could not take it whole.
 */
export function scriptParts(work: Script, target: Target): Uint8Array[] {
  const whole = workBody(work, target, "expanded-indefinite");
  const limit = target.settings.scp81Buffer;
  if (limit === undefined || whole.length <= limit) return [whole];
  const objects = work.kind === "script" ? work.apdus.map((apdu) => capduObject(fromHex(apdu))) : objectsOf(whole);
  if (objects === undefined || objects.length < 2) return [whole];
  const parts: Uint8Array[] = [];
  let open: ScriptObject[] = [];
  for (const object of objects) {
    const grown = expandedScript([...open, object], "expanded-indefinite");
    if (grown.length > limit && open.length > 0) {
      parts.push(expandedScript(open, "expanded-indefinite"));
      open = [];
    }
    open.push(object);
  }
  if (open.length > 0) parts.push(expandedScript(open, "expanded-indefinite"));
  return parts;
}

function objectsOf(body: Uint8Array): readonly ScriptObject[] | undefined {
  try {
    const script = parseScript(body);
    return script.format === "compact" ? undefined : script.objects;
  } catch {
    return undefined;
  }
}

/** Whether a script begins a secure channel of its own, goes on in one, or is outside any. SGP.02 §4.1.3.3, §7.2 */
export function channelUse(work: Script): "begins" | "continues" | "none" {
  const body = work.kind === "body" ? objectsOf(fromHex(work.body)) : undefined;
  const tags = (body ?? []).map((object) => object.tag);
  const apdus = scriptCommands(work);
  if (tags.includes(0x84) || apdus.some((apdu) => apdu[1] === 0x50 && ((apdu[0] ?? 0) & 0x80) !== 0)) return "begins";
  if (tags.some((tag) => tag >= 0x85 && tag <= 0x88)) return "continues";
  return apdus.some(isSecured) ? "continues" : "none";
}

/** EXTERNAL AUTHENTICATE, and commands whose class byte says that they are secured. GP Card Specification §11.1.4 */
function isSecured([cla = 0, ins]: Uint8Array): boolean {
  if (ins === 0x82 && (cla & 0x80) !== 0) return true;
  return (cla & 0x40) === 0 ? (cla & 0x80) !== 0 && cla < 0xa0 && (cla & 0x0c) !== 0 : (cla & 0x20) !== 0;
}

/** One part of a job as the administration dialog carries it. */
export function adminScript(
  job: Job,
  work: Script,
  part: { readonly body: Uint8Array; readonly index: number },
  channel: string | undefined,
): AdminScript {
  const aid = targetedApplication(work);
  const { commands } = askedByBody(part.body);
  const last = commands.some(({ tag, value }) => isCapdu(tag) && switchesProfile(classifyCommand(value)));
  return {
    id: `${job.id}.${job.attempts}.${part.index}`,
    kind: "gp",
    body: part.body,
    ...(aid === undefined ? {} : { target: aid }),
    ...(job.request.budgetMs === undefined ? {} : { budgetMs: job.request.budgetMs }),
    ...(last ? { last } : {}),
    ...(channel === undefined ? {} : { secureChannel: channel }),
  };
}

/** The job that a script of {@link adminScript} belongs to. */
export function jobOfScript(id: string): string {
  return id.split(".")[0] ?? id;
}

/** Bodies as they are stored. */
export const storedBodies = (bodies: readonly Uint8Array[]): string[] => bodies.map(toHex);
