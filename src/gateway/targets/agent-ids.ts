import { GatewayError } from "../../base/gateway-error.ts";
import { concatBytes } from "../../base/hex.ts";
import { StoredSessionParameters } from "../../codec/gp/session-parameters.ts";
import { SessionTrigger } from "../../codec/gp/trigger.ts";
import { readTlvs, type Tlv } from "../../codec/kit/ber.ts";
import { decode } from "../../codec/kit/codec.ts";
import type { JobWork } from "../model/job.ts";
import type { Repositories } from "../model/store.ts";
import type { Target } from "../model/target.ts";
import { scriptCommands } from "../scripts/script-body.ts";
import { addressingOf } from "./eis.ts";
import { saveTarget } from "./target-lookup.ts";

const maxKept = 4;

/**
 * Names that the card of a target may use in `X-Admin-From` besides its EID and the agent ids of its settings: its
 * ICCIDs, and the agent id written into it. GP Amendment B §3.4.1, §3.8.5
 */
export function agentIdsOf(target: Target): string[] {
  const { iccid, esimProfiles, agentIds = [] } = target;
  const told = addressingOf(target).A5;
  const stored = told === undefined ? undefined : quietly(() => agentIdOf(told));
  const all = [iccid, ...esimProfiles.map((profile) => profile.iccid), stored, ...agentIds];
  return [...new Set(all.filter((one) => one !== undefined))];
}

/** Stores the agent id that a script is about to write into the card, in the unit of work that releases the script. */
export async function noteAgentId(r: Repositories, target: Target, work: JobWork, at: number): Promise<void> {
  const written = agentIdWritten(work);
  if (written === undefined || agentIdsOf(target).includes(written)) return;
  const agentIds = [...(target.agentIds ?? []), written].slice(-maxKept);
  await saveTarget(r, { ...target, agentIds }, at, "an agent id is sent to the card");
}

/** The agent id (tag 8B) that a session trigger or a STORE DATA of session parameters writes into the card. */
export function agentIdWritten(work: JobWork): string | undefined {
  if (work.kind === "packet") return undefined;
  if (work.kind === "body" && work.body[0] === 0x81) {
    return quietly(() => decode(SessionTrigger, work.body).session?.http?.agentId);
  }
  const data = scriptCommands(work).filter(isStoreData).map(commandData);
  if (data.length === 0) return undefined;
  // A set may span several blocks.
  const whole = concatBytes(...data);
  return quietly(() => inSets(readTlvs(whole))) ?? quietly(() => inAddressing(whole));
}

function isStoreData([cla = 0, ins]: Uint8Array): boolean {
  return ins === 0xe2 && (cla & 0x80) !== 0;
}

function commandData(apdu: Uint8Array): Uint8Array {
  return apdu.subarray(5, 5 + (apdu[4] ?? 0));
}

/** In `85` or `A5` of GP Amendment B. */
function inSets(sets: readonly Tlv[]): string | undefined {
  for (const { tag, value } of sets) {
    const found = tag === 0x85 || tag === 0xa5 ? quietly(() => agentIdOf(value)) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** In the data grouping `3A07` of SGP.02 §4.1.1.10. */
function inAddressing(data: Uint8Array): string | undefined {
  return data[0] === 0x3a && data[1] === 0x07 ? inSets(readTlvs(data.subarray(data[2] === 0xff ? 5 : 3))) : undefined;
}

function agentIdOf(parameters: Uint8Array): string | undefined {
  return decode(StoredSessionParameters, parameters).http?.agentId;
}

/** Data that cannot be decoded do not identify a card. */
function quietly<T>(read: () => T | undefined): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}
