import { z } from "zod";
import { GatewayError } from "../../base/gateway-error.ts";
import { fromHex } from "../../base/hex.ts";
import { readCatTlvs } from "../../codec/cat/comprehension.ts";
import type { ConnectivityParameters, SmsrAddressing } from "../../codec/euicc/addressing.ts";
import { type Aid, euiccAid, isdPLoadFileAid, parseAid, parseTar } from "../../codec/euicc/aid.ts";
import type { Es5Function, KeyRange } from "../../codec/euicc/es5.ts";
import { sameIccid } from "../../codec/euicc/iccid.ts";
import { KeyEstablishment } from "../../codec/euicc/key-establishment.ts";
import { decode } from "../../codec/kit/codec.ts";
import { parseAddress } from "../../codec/sms/address.ts";
import { iccidText } from "../model/identity-shapes.ts";
import type { Target } from "../model/target.ts";

const hex = z.string().regex(/^([0-9a-fA-F]{2})*$/, "hexadecimal octets");
const anAid = z.string().regex(/^[0-9a-fA-F]{10,32}$/, "an AID of 5 to 16 octets");
const aid = anAid.describe("AID of the ISD-P");
const isdP = anAid.describe("The same as `aid`");
const iccid = iccidText;
const tag = z.string().regex(/^[0-9a-fA-F]{2,4}$/, "a tag");
const named = {
  aid: aid.optional(),
  isdP: isdP.optional(),
  iccid: iccid.optional().describe("ICCID of the profile, where the EIS knows it"),
};
/** A profile by its ISD-P AID or, if the EIS knows it, its ICCID. */
const profile = z.strictObject(named);
const none = z.strictObject({});

/** Parameters of every function that can be called by name. Octets are hexadecimal. SGP.02 §4.1.1, §4.1.3 */
export const es5Params = {
  createISDP: z.strictObject({
    aid: aid.optional().describe("AID of the new ISD-P; absent: the lowest that is free"),
    isdP: isdP.optional(),
    iccid: iccid.optional().describe("ICCID that the profile will have, for the EIS"),
    quota: z.number().int().min(0).max(0xffffffff).optional().describe("Octets of memory that it may take"),
  }),
  enableProfile: profile,
  disableProfile: profile,
  deleteProfile: profile,
  setFallbackAttribute: profile,
  setEmergencyProfileAttribute: profile,
  unsetEmergencyProfileAttribute: none,
  masterDelete: z.strictObject({
    ...named,
    token: hex.describe("Delete token (tag 9E)"),
    providerId: hex.describe("Tag 42 of the token's reference"),
    imageNumber: hex.describe("Tag 45"),
    applicationProviderId: hex.describe("Tag 5F20"),
    tokenId: hex.describe("Tag 93"),
  }),
  auditStatus: z.strictObject({
    ...named,
    tags: z.array(tag).optional().describe("What to tell of each security domain (tag list 5C)"),
    next: z.boolean().optional().describe("Go on where the last answer stopped (6310)"),
  }),
  auditResources: none,
  auditEid: none,
  auditKeys: none,
  auditCounter: none,
  auditForwarded: z.strictObject({ tags: z.array(tag).optional().describe("Which objects (tag list 5C)") }),
  establishISDRKeySet: z.strictObject({
    certificate: hex.optional().describe("First step: the certificate (7F21)"),
    block: hex.optional().describe("Second step: A6, 7F49 and 5F37"),
  }),
  finaliseISDRhandover: z.strictObject({
    keep: z
      .array(
        z.strictObject({
          kvn: z.number().int().min(1).max(127),
          first: z.number().int().min(0).max(127),
          last: z.number().int().min(0).max(127),
        }),
      )
      .min(1)
      .describe("Key ranges that stay"),
  }),
  updateSMSRAddressingParameters: z.strictObject({
    sms: z.string().optional().describe("Address of the SM-SR, digits with or without +"),
    catTp: hex.optional().describe("Value of A4"),
    https: hex.optional().describe("Value of A5: session parameters 84, 85, 86, 89"),
  }),
  updateConnectivityParameters: z.strictObject({
    serviceCentre: z.string().optional().describe("Address of the SMSC, digits with or without +"),
    catTp: hex.optional().describe("Value of A1: COMPREHENSION-TLVs"),
    https: hex.optional().describe("Value of A2: COMPREHENSION-TLVs"),
  }),
  updatePOL1: z.strictObject({
    disablingNotAllowed: z.boolean().default(false),
    deletionNotAllowed: z.boolean().default(false),
    deleteWhenDisabled: z.boolean().default(false),
    sd: anAid.optional().describe("Security domain of the profile that is changed"),
  }),
  confirmNotification: z.strictObject({
    sequence: z
      .union([z.number().int().min(0).max(0xffff), z.string().regex(/^[0-9a-fA-F]{4}$/)])
      .describe("Number of the notification, or its four hexadecimal digits"),
  }),
} as const;

export type Es5CallName = keyof typeof es5Params;

/** Which parameters belong to which function, for the API's description: JSON Schema on an object with both. */
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
export function isEs5Call(name: string): name is Es5CallName {
  return Object.hasOwn(es5Params, name);
}

/**
 * A function call as a typed ES5 function, with what the target's EIS knows filled in.
 * @throws api.usage naming the parameter, target.invalid for a profile the EIS does not know
 */
export function es5FromParams(name: string, raw: unknown, target: Target): Es5Function {
  if (!isEs5Call(name)) {
    throw new GatewayError("api.usage", `there is no ES5 function '${name}'`, {
      detail: { field: "function", functions: Object.keys(es5Params) },
    });
  }
  const isdPOf = (p: NamedProfile) => profileAid(target, p);
  switch (name) {
    case "createISDP": {
      const p = parsed(name, raw);
      return {
        name,
        isdP: aidOf(p) ?? freeIsdP(target),
        ...(p.quota === undefined ? {} : { quota: p.quota }),
      };
    }
    case "enableProfile":
    case "disableProfile":
    case "deleteProfile":
    case "setFallbackAttribute":
    case "setEmergencyProfileAttribute":
      return { name, isdP: isdPOf(parsed(name, raw)) };
    case "masterDelete": {
      const p = parsed(name, raw);
      const reference = {
        providerId: fromHex(p.providerId),
        imageNumber: fromHex(p.imageNumber),
        applicationProviderId: fromHex(p.applicationProviderId),
        tokenId: fromHex(p.tokenId),
      };
      return { name, isdP: isdPOf(p), reference, token: fromHex(p.token) };
    }
    case "auditStatus": {
      const p = parsed(name, raw);
      const one = p.aid === undefined && p.isdP === undefined && p.iccid === undefined ? {} : { isdP: isdPOf(p) };
      return { name, ...one, ...tagsOf(p), ...(p.next === undefined ? {} : { next: p.next }) };
    }
    case "auditForwarded":
      return { name, ...tagsOf(parsed(name, raw)) };
    case "unsetEmergencyProfileAttribute":
    case "auditResources":
    case "auditEid":
    case "auditKeys":
    case "auditCounter":
      parsed(name, raw);
      return { name };
    default:
      return otherFunction(name, raw);
  }
}

type Keyed =
  | "establishISDRKeySet"
  | "finaliseISDRhandover"
  | "updateSMSRAddressingParameters"
  | "updateConnectivityParameters"
  | "updatePOL1"
  | "confirmNotification";

function otherFunction(name: Keyed, raw: unknown): Es5Function {
  switch (name) {
    case "establishISDRKeySet": {
      const p = parsed(name, raw);
      if (p.certificate !== undefined && p.block === undefined)
        return { name, part: 1, certificate: fromHex(p.certificate) };
      if (p.block === undefined || p.certificate !== undefined)
        throw usage("certificate", "give the certificate (first step) or the block A6 7F49 5F37 (second step)");
      return { name, part: 2, ...decode(KeyEstablishment, fromHex(p.block)) };
    }
    case "finaliseISDRhandover": {
      const keep: readonly KeyRange[] = parsed(name, raw).keep;
      return { name, keep };
    }
    case "updateSMSRAddressingParameters": {
      const p = parsed(name, raw);
      const addressing: SmsrAddressing = {
        ...(p.sms === undefined ? {} : { sms: parseAddress(p.sms) }),
        ...(p.catTp === undefined ? {} : { catTp: fromHex(p.catTp) }),
        ...(p.https === undefined ? {} : { https: fromHex(p.https) }),
      };
      if (Object.keys(addressing).length === 0) throw usage("sms", "nothing to update");
      return { name, addressing };
    }
    case "updateConnectivityParameters": {
      const p = parsed(name, raw);
      const connectivity: ConnectivityParameters = {
        ...(p.serviceCentre === undefined ? {} : { sms: { serviceCentre: catAddress(p.serviceCentre) } }),
        ...(p.catTp === undefined ? {} : { catTp: readCatTlvs(fromHex(p.catTp)) }),
        ...(p.https === undefined ? {} : { https: readCatTlvs(fromHex(p.https)) }),
      };
      return { name, connectivity };
    }
    case "updatePOL1": {
      const { sd, ...pol1 } = parsed(name, raw);
      return { name, pol1, ...(sd === undefined ? {} : { sd: parseAid(sd) }) };
    }
    case "confirmNotification": {
      const { sequence } = parsed(name, raw);
      return { name, sequence: typeof sequence === "string" ? Number.parseInt(sequence, 16) : sequence };
    }
  }
}

/** An address as the toolkit writes it: TON/NPI and digits. */
function catAddress(text: string): { tonNpi: number; digits: string } {
  const digits = text.replace(/^\+/, "");
  return { tonNpi: text.startsWith("+") ? 0x91 : 0x81, digits };
}

function usage(field: string, message: string): GatewayError {
  return new GatewayError("api.usage", `${field}: ${message}`, { detail: { field } });
}

function parsed<N extends Es5CallName>(name: N, raw: unknown): z.infer<(typeof es5Params)[N]> {
  const schema: z.ZodType<z.infer<(typeof es5Params)[N]>> = es5Params[name] as never;
  const result = schema.safeParse(raw ?? {});
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = issue?.code === "unrecognized_keys" ? issue.keys.join() : (issue?.path.join(".") ?? "");
  throw usage(`params.${field}`, issue?.message ?? "not valid");
}

function tagsOf(p: { tags?: string[] | undefined }): { tags?: number[] } {
  return p.tags === undefined ? {} : { tags: p.tags.map((one) => Number.parseInt(one, 16)) };
}

/** How parameters name a profile. */
export interface NamedProfile {
  readonly aid?: string | undefined;
  /** Another name of `aid`. */
  readonly isdP?: string | undefined;
  readonly iccid?: string | undefined;
}

function aidOf({ aid: one, isdP: other }: NamedProfile): Aid | undefined {
  if (one !== undefined && other !== undefined && parseAid(one) !== parseAid(other))
    throw usage("params.isdP", "names another profile than aid: give one of the two");
  const text = one ?? other;
  return text === undefined ? undefined : parseAid(text);
}

/** The ISD-P that parameters name. @throws target.invalid, api.usage */
export function profileAid(target: Target, p: NamedProfile): Aid {
  const given = aidOf(p);
  if (given !== undefined) return given;
  if (p.iccid === undefined) throw usage("params.aid", "name the profile by aid or iccid");
  const wanted = sameIccid(p.iccid);
  const found = target.esimProfiles.find((one) => one.iccid !== undefined && sameIccid(one.iccid) === wanted);
  if (found === undefined) {
    throw new GatewayError(
      "target.invalid",
      `the EIS of ${target.eid ?? target.id} knows no profile with ICCID ${p.iccid}`,
      { detail: { field: "params.iccid", iccid: p.iccid } },
    );
  }
  return parseAid(found.aid);
}

/** The lowest ISD-P AID that no profile of the EIS has. SGP.02 §2.2.3 */
function freeIsdP(target: Target): Aid {
  const taken = new Set(target.esimProfiles.map((one) => one.aid));
  for (let tar = 0x10; tar <= 0xffff; tar++) {
    const candidate = euiccAid(parseTar(tar.toString(16).padStart(6, "0")));
    if (!taken.has(candidate) && candidate !== isdPLoadFileAid) return candidate;
  }
  throw new GatewayError("target.invalid", "no ISD-P AID is free", { detail: { field: "params.aid" } });
}
