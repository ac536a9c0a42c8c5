import { GatewayError, isGatewayError } from "../../base/gateway-error.ts";
import { sameIccid } from "../../codec/euicc/iccid.ts";
import { parseMsisdn } from "../../codec/euicc/subscriber.ts";
import type { Repositories } from "../model/store.ts";
import type { Target } from "../model/target.ts";

/** The target that a reference names. @throws target.unknown, also when it names several */
export async function findTarget(r: Repositories, reference: string): Promise<Target> {
  const found = await resolveTarget(r, reference);
  if (found === undefined)
    throw new GatewayError("target.unknown", `no target matches '${reference}'`, { detail: { target: reference } });
  return found;
}

/**
 * The target that a client's reference names: literally, otherwise as an EID, ICCID, IMSI or MSISDN written with
 * separators, in another case or with fillers.
 * @throws target.unknown when it names several
 */
export async function resolveTarget(r: Repositories, reference: string): Promise<Target | undefined> {
  const bare = reference.replace(/[\s().\-/]+/g, "");
  for (const form of new Set([reference, bare, sameIccid(bare)])) {
    const found = form === "" ? undefined : await r.targets.resolve(form);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The target with this number; a target with the number as its name does not match. */
export async function targetOfNumber(r: Repositories, number: string): Promise<Target | undefined> {
  try {
    return await r.targets.holding("msisdn", parseMsisdn(number));
  } catch (error) {
    // Originating addresses may be words and short codes.
    if (isGatewayError(error, "codec.text")) return undefined;
    throw error;
  }
}

/** Stores a changed target under its next version, with the reason of the change. */
export async function saveTarget(r: Repositories, target: Target, at: number, why: string): Promise<Target> {
  const next = { ...target, version: target.version + 1, updatedAt: at };
  await r.targets.update(next);
  await r.events.append({ at, type: "target.changed", target: target.id, data: { why, version: next.version } });
  return next;
}
