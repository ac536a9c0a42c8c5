import { type Aid, euiccAid, isdRTar } from "../../codec/euicc/aid.ts";
import type { JobWork } from "../model/job.ts";
import { scriptCommands } from "./script-body.ts";
import { objectsOf } from "./script-parts.ts";

type Script = Exclude<JobWork, { kind: "packet" }>;

/** AID of the application that a job's script is for; absent = the ISD-R. */
export function targetedApplication(work: Script): Aid | undefined {
  if (work.aid !== undefined) return work.aid;
  if (work.tar === isdRTar) return undefined;
  return euiccAid(work.tar);
}

/** Whether a script begins a secure channel of its own, continues in one, or is outside any. SGP.02 §4.1.3.3, §7.2 */
export function channelUse(work: Script): "begins" | "continues" | "none" {
  const body = work.kind === "body" ? objectsOf(work.body) : undefined;
  const tags = (body ?? []).map((object) => object.tag);
  const apdus = scriptCommands(work);
  if (tags.includes(0x84) || apdus.some((apdu) => apdu[1] === 0x50 && ((apdu[0] ?? 0) & 0x80) !== 0)) return "begins";
  if (tags.some((tag) => tag >= 0x85 && tag <= 0x88)) return "continues";
  return apdus.some(isSecured) ? "continues" : "none";
}

/**
 * EXTERNAL AUTHENTICATE, and commands whose class byte indicates that they are secured. GP Card Specification §11.1.4
 */
function isSecured([cla = 0, ins]: Uint8Array): boolean {
  if (ins === 0x82 && (cla & 0x80) !== 0) return true;
  return (cla & 0x40) === 0 ? (cla & 0x80) !== 0 && cla < 0xa0 && (cla & 0x0c) !== 0 : (cla & 0x20) !== 0;
}
