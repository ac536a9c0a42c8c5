import type { Es5Answer } from "./answer.ts";
import { auditCounter } from "./functions/audit-counter.ts";
import { auditEid } from "./functions/audit-eid.ts";
import { auditForwarded } from "./functions/audit-forwarded.ts";
import { auditKeys } from "./functions/audit-keys.ts";
import { auditResources } from "./functions/audit-resources.ts";
import { auditStatus } from "./functions/audit-status.ts";
import { confirmNotification } from "./functions/confirm-notification.ts";
import { createIsdP } from "./functions/create-isdp.ts";
import { deleteProfile } from "./functions/delete-profile.ts";
import { disableProfile } from "./functions/disable-profile.ts";
import { enableProfile } from "./functions/enable-profile.ts";
import { establishIsdRKeySet } from "./functions/establish-isdr-key-set.ts";
import { finaliseIsdRHandover } from "./functions/finalise-isdr-handover.ts";
import { installForPersonalization } from "./functions/install-for-personalization.ts";
import { masterDelete } from "./functions/master-delete.ts";
import { setEmergencyProfileAttribute } from "./functions/set-emergency-profile-attribute.ts";
import { setFallbackAttribute } from "./functions/set-fallback-attribute.ts";
import { unsetEmergencyProfileAttribute } from "./functions/unset-emergency-profile-attribute.ts";
import { updateConnectivityParameters } from "./functions/update-connectivity-parameters.ts";
import { updatePol1 } from "./functions/update-pol1.ts";
import { updateSmsrAddressingParameters } from "./functions/update-smsr-addressing-parameters.ts";
import type { Es5Record } from "./record.ts";

/** Every function, in the order of help texts: the only list of them. */
const records = [
  createIsdP,
  enableProfile,
  disableProfile,
  deleteProfile,
  setFallbackAttribute,
  setEmergencyProfileAttribute,
  unsetEmergencyProfileAttribute,
  masterDelete,
  auditStatus,
  auditResources,
  auditEid,
  auditKeys,
  auditCounter,
  auditForwarded,
  establishIsdRKeySet,
  finaliseIsdRHandover,
  updateSmsrAddressingParameters,
  updateConnectivityParameters,
  updatePol1,
  confirmNotification,
  installForPersonalization,
] as const;

type FunctionOf<R> = R extends Es5Record<infer F> ? F : never;

/** A function of interface ES5 (or one that travels with it), by the names of SGP.02 §4.1.1 and §4.1.3. */
export type Es5Function = FunctionOf<(typeof records)[number]>;

export type Es5Name = Es5Function["name"];

/** The records of all functions, in the order of help texts. */
export const es5Functions: readonly Es5Record<Es5Function>[] = records;

const byName: ReadonlyMap<string, Es5Record<Es5Function>> = new Map(es5Functions.map((one) => [one.name, one]));

/** The record of a function; undefined for a name that is none. */
export function es5Function(name: string): Es5Record<Es5Function> | undefined {
  return byName.get(name);
}

/** Whether a command of a script is a function of this list. */
export function isEs5Function<C extends { readonly name: string }>(command: C): command is Extract<C, Es5Function> {
  return byName.has(command.name);
}

/** The C-APDUs of a function, in their order. @throws codec.* for values that do not fit */
export function es5Commands(fn: Es5Function): readonly Uint8Array[] {
  return byName.get(fn.name)?.commands(fn) ?? [];
}

/**
 * What a function's answer data mean (without the status word). An empty answer is `done`: a card asked without Le
 * gives none. @throws codec.*
 */
export function es5Answer(name: Es5Name, data: Uint8Array, offset = 0): Es5Answer {
  if (data.length === 0 && name !== "confirmNotification") return { kind: "done", data };
  return byName.get(name)?.answer?.(data, offset) ?? { kind: "done", data };
}
