import { z } from "zod";
import { withoutUndefined } from "../../../base/defined.ts";
import type { Aid } from "../aid.ts";
import { aidText, iccidText } from "../identity-shapes.ts";
import type { ProfileLookup } from "./record.ts";
import { usage } from "./usage.ts";

/** Octets in hexadecimal. */
export const hex = z.string().regex(/^([0-9a-fA-F]{2})*$/, "must be hexadecimal octets");

const tag = z.string().regex(/^[0-9a-fA-F]{2,4}$/, "must be a tag: 2 or 4 hexadecimal digits");

/** Tags of a tag list (5C). */
export const tagTexts = z.array(tag);

/** The ICCID of a profile. */
export const iccid = iccidText;

/** A profile by its ISD-P AID or, if the EIS has it, its ICCID. */
export const named = {
  aid: aidText.optional().describe("AID of the ISD-P"),
  isdP: aidText.optional().describe("The same as `aid`"),
  iccid: iccid.optional().describe("ICCID of the profile, if it is in the EIS"),
};

/** No parameters. */
export const none = z.strictObject({});

/** How parameters name a profile. */
interface NamedProfile {
  readonly aid?: Aid | undefined;
  /** Another name of `aid`. */
  readonly isdP?: Aid | undefined;
  readonly iccid?: string | undefined;
}

/** The AID that parameters name, if they name one. @throws api.usage when they name two */
export function namedAid({ aid: one, isdP: other }: NamedProfile): Aid | undefined {
  if (one !== undefined && other !== undefined && one !== other)
    throw usage("params.isdP", "selects a different profile than aid: use one of them");
  return one ?? other;
}

/** The ISD-P that parameters name. @throws target.invalid, api.usage */
export function namedIsdP(params: NamedProfile, eis: ProfileLookup): Aid {
  const given = namedAid(params);
  if (given !== undefined) return given;
  if (params.iccid === undefined) throw usage("params.aid", "is required without an ICCID");
  return eis.isdPOf(params.iccid);
}

/** Tags as numbers. */
export function tagNumbers({ tags }: { readonly tags?: string[] | undefined }): { tags?: number[] } {
  return withoutUndefined({ tags: tags?.map((one) => Number.parseInt(one, 16)) });
}
