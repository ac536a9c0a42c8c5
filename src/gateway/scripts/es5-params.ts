import { z } from "zod";
import { GatewayError } from "../../base/gateway-error.ts";
import { safeName } from "../../base/key-like.ts";
import { nearest } from "../../base/nearest.ts";
import { type Aid, euiccAid, isdPLoadFileAid, tarFromOctets } from "../../codec/euicc/aid.ts";
import { type Es5Function, es5Function, es5Functions } from "../../codec/euicc/es5/functions.ts";
import type { ProfileLookup } from "../../codec/euicc/es5/record.ts";
import { sameIccid } from "../../codec/euicc/iccid.ts";
import type { Target } from "../model/target.ts";

/** Parameters of every function that can be called by name. Octets are hexadecimal. SGP.02 §4.1.1, §4.1.3 */
export const es5Params: Readonly<Record<string, z.ZodObject>> = Object.fromEntries(
  es5Functions.flatMap(({ name, call }) => (call === undefined ? [] : [[name, call.params]])),
);

/** The parameters of each function, for the description of the API: JSON Schema on an object with both. */
export function es5ParamsSchema(): { readonly allOf: readonly object[] } {
  return {
    allOf: Object.entries(es5Params).map(([name, shape]) => {
      const { $schema: _, ...params } = z.toJSONSchema(shape, { io: "input" });
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      return { if: { properties: { function: { const: name } } }, then: { properties: { params } } };
    }),
  };
}

/** Whether a name is that of a function that can be called. */
export function isEs5Call(name: string): boolean {
  return Object.hasOwn(es5Params, name);
}

/** The text about a name that no function has, with the nearest that one has. */
export function unknownEs5Function(name: string): string {
  const shown = safeName(name);
  const hint = shown === name ? nearest(name, Object.keys(es5Params)) : undefined;
  return `unknown ES5 function '${shown}'${hint === undefined ? "" : `; did you mean '${hint}'?`}`;
}

/**
 * A function call as a typed ES5 function, completed from the target's EIS.
 * @throws api.usage naming the parameter, target.invalid for a profile that is not in the EIS
 */
export function es5FromParams(name: string, raw: unknown, target: Target): Es5Function {
  const call = es5Function(name)?.call;
  if (call === undefined) {
    throw new GatewayError("api.usage", `work.function: ${unknownEs5Function(name)}`, {
      detail: { field: "work.function", functions: Object.keys(es5Params) },
    });
  }
  return call.resolve(raw, profilesOf(target));
}

function profilesOf(target: Target): ProfileLookup {
  return {
    isdPOf: (iccid) => {
      const wanted = sameIccid(iccid);
      const found = target.esimProfiles.find((one) => one.iccid !== undefined && sameIccid(one.iccid) === wanted);
      if (found !== undefined) return found.aid;
      const message = `the EIS of ${target.eid ?? target.id} has no profile with ICCID ${iccid}`;
      throw new GatewayError("target.invalid", message, { detail: { field: "params.iccid", iccid } });
    },
    freeIsdP: () => freeIsdP(target),
  };
}

/** The lowest ISD-P AID that the EIS does not contain. SGP.02 §2.2.3 @throws target.invalid */
export function freeIsdP(target: Target): Aid {
  const taken = new Set(target.esimProfiles.map((one) => one.aid));
  for (let tar = 0x10; tar <= 0xffff; tar++) {
    const candidate = euiccAid(tarFromOctets(Uint8Array.of(0, tar >> 8, tar & 0xff)));
    if (!taken.has(candidate) && candidate !== isdPLoadFileAid) return candidate;
  }
  throw new GatewayError("target.invalid", "no ISD-P AID is free", { detail: { field: "params.aid" } });
}
