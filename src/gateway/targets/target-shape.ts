import { z } from "zod";
import { keyLike, namesSecret, safeName } from "../../base/key-like.ts";
import { octetsOf } from "../../base/octet-text.ts";
import { Secret } from "../../base/secret.ts";
import { strict } from "../../base/strict.ts";
import { eidText, iccidText, imsiText, msisdnText, tarText } from "../../codec/euicc/identity-shapes.ts";
import { catTemplateText, templateText } from "../../codec/euicc/templates.ts";
import { counterText } from "../../codec/ota/counter-text.ts";
import { spiText } from "../../codec/ota/spi-text.ts";
import { maxCounter } from "../model/key-set.ts";
import { notificationMode } from "../model/notification-mode.ts";

const hex = (octets: string) =>
  z
    .string()
    .regex(new RegExp(`^([0-9a-fA-F]{2}){${octets}}$`), `must be ${octets.replace(",", " to ")} hexadecimal octets`);
const keyValue = octetsOf(hex("8,64")).transform((octets) => new Secret(octets));
const cntr = z.union([z.number().int().min(0).max(maxCounter), counterText]);

/** Text that is stored and displayed in clear, and therefore must not be a possible key. */
function plain(maxLength: number) {
  return (
    z
      .string()
      .min(1, "must not be empty")
      // What follows costs work: it is done for texts of this length only.
      .max(maxLength, { error: `must have at most ${maxLength} characters`, abort: true })
      .superRefine((text, context) => {
        if (text.length > 0 && text.trim() === "")
          context.addIssue({ code: "custom", message: "must not consist of spaces only" });
        if (/\p{Cc}/u.test(text.replaceAll(/[\r\n\t]/g, "")))
          context.addIssue({ code: "custom", message: "must not contain control characters" });
      })
  );
}

const Key = strict({
  id: z.number().int().min(0).max(127),
  type: z.string().max(40).optional(),
  value: keyValue,
});

/** A key set as given from outside, values included. */
export const KeySetShape = strict({
  kvn: z.number().int().min(1).max(127),
  type: z.enum(["SCP80", "SCP81", "SCP03", "token", "receipt"]).default("SCP80"),
  algorithm: z.enum(["AES", "3DES", "DES", "PSK"]).optional(),
  keys: z.array(Key).min(1).max(128),
  cntr: cntr.default(0),
  ccLength: z.union([z.literal(4), z.literal(8)]).default(8),
  tars: z.array(tarText).max(64).prefault([]),
  pskIdentity: z
    .string()
    .min(1)
    .max(512)
    .regex(/^\P{Cc}+$/u, "must not contain control characters")
    .optional(),
});
export type KeySetShape = z.infer<typeof KeySetShape>;

const memory = z.number().int().min(0).max(0xffff_ffff);

export type ProfileShape = z.infer<typeof ProfileShape>;

/** A profile as given from outside. SGP.02 Annex E ProfileInfo */
export const ProfileShape = strict({
  aid: z.string().max(64),
  iccid: iccidText.optional(),
  imsi: imsiText.optional(),
  msisdn: msisdnText.optional(),
  state: z
    .string()
    .transform((text) => text.toLowerCase())
    .pipe(z.enum(["created", "disabled", "enabled"])),
  fallback: z.boolean().optional(),
  mnoId: plain(100).optional(),
  smdpId: plain(100).optional(),
  profileType: plain(100).optional(),
  allocatedMemory: memory.optional(),
  freeMemory: memory.optional(),
  pol1: z.number().int().min(0).max(255).optional(),
  connectivity: z.partialRecord(z.enum(["A0", "A1", "A2"]), catTemplateText).optional(),
  pol2: z
    .array(
      strict({
        action: z.enum(["ENABLE", "DISABLE", "DELETE"]),
        qualification: z.enum(["Not-Allowed", "Auto-Delete"]),
      }),
    )
    .max(32)
    .optional(),
});

const address = z
  .string()
  .regex(
    /^(\+?[0-9*#]{1,20}|[ -~]{1,11})$/,
    "must be an address: up to 20 digits with or without +, or up to 11 characters",
  );

/** {@link TargetSettings} as given from outside. */
export const TargetSettingsShape = strict({
  spi: spiText.optional(),
  scriptFormat: z.enum(["expanded-definite", "expanded-indefinite", "compact"]).optional(),
  originator: address.optional(),
  serviceCentre: address.optional(),
  answerTimeoutMs: z.number().int().positive().optional(),
  notifications: notificationMode.optional(),
  unsecuredNotifications: z.enum(["show", "accept"]).optional(),
  scp81Buffer: z.number().int().min(256).optional(),
  scp81Framing: z.enum(["chunked", "content-length"]).optional(),
  agentId: z
    .string()
    .regex(
      /^[\x21-\x7e](?:[\x20-\x7e]{0,254}[\x21-\x7e])?$/,
      "must be 1 to 256 printable ASCII characters without a space at either end",
    )
    .optional(),
});

const linkName = plain(300);

/** {@link Reach} as given from outside. */
export const ReachShape = strict({ smsLink: linkName.optional(), reader: linkName.optional() });

/** Name of a target. */
export const nameText = plain(100);
/** Tags of a target. */
export const tagList = z.array(plain(100)).max(100);

const date = z
  .string()
  .regex(
    /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?)?(Z|[+-]\d{2}:\d{2})?$/,
    "must be a date such as 2026-01-31T12:00:00Z",
  );
const aidHex = z.string().regex(/^[ADF][0-9a-fA-F]([0-9a-fA-F]{2}){4,15}$/i, "must be an AID of 5 to 16 octets");
const imageNumber = hex("0,16");
const capability = z.union([
  z.boolean(),
  z.string().regex(/^(true|false|[01]|\d{1,3}(\.\d{1,3}){0,3})?$/i, "must be true, false or a version such as 12.1.0"),
]);

/** The parts of an EIS that are kept for display and written back in an export. SGP.02 Annex E */
export const eisFactShapes = {
  eumId: plain(100).optional(),
  productionDate: date.optional(),
  platformType: plain(100).optional(),
  platformVersion: z
    .string()
    .regex(/^\d{1,5}(\.\d{1,5}){0,3}$/, "must be a version such as 1.0.0")
    .optional(),
  isdPLoadFileAid: aidHex.optional(),
  isdPModuleAid: aidHex.optional(),
  ecasd: strict({
    aid: aidHex.optional(),
    sin: imageNumber.optional(),
    sdin: imageNumber.optional(),
    certificate: z
      .string()
      .regex(/^7F21([0-9a-fA-F]{2}){20,4000}$/i, "must be a certificate (7F21) in hexadecimal")
      .optional(),
    caId: z
      .string()
      .regex(/^(\d+(\.\d+)*|([0-9a-fA-F]{2}){1,16})$/, "must be an OID or its octets in hexadecimal")
      .optional(),
  }).optional(),
  capabilities: strict({
    CattpSupport: capability.optional(),
    CattpVersion: capability.optional(),
    HttpSupport: capability.optional(),
    HttpVersion: capability.optional(),
    SecurePacketVersion: capability.optional(),
    RemoteProvisioningVersion: capability.optional(),
  }).optional(),
  remainingMemory: memory.optional(),
  availableMemoryForProfiles: memory.optional(),
  lastAuditDate: date.optional(),
  smsrId: plain(100).optional(),
  smsr: strict({
    addressing: z
      .record(z.string().regex(/^[0-9A-Fa-f]{2,4}$/, "must be a tag: 2 or 4 hexadecimal digits"), templateText)
      .optional(),
  }).optional(),
  additionalProperties: z
    .record(z.string().max(200), plain(500))
    .superRefine((properties, context) => {
      for (const name of Object.keys(properties)) {
        if (safeName(name) === name && !namesSecret(name)) continue;
        context.addIssue({
          code: "custom",
          path: [name],
          message: "has the name of a secret, which is not stored here",
        });
      }
    })
    .optional(),
} as const;

const domainFacts = { aid: aidHex.optional(), sin: imageNumber.optional(), sdin: imageNumber.optional() } as const;

/** The stored fields of the ISD-R besides its key sets. */
export const isdRFacts = strict(domainFacts);

/** A security domain as given from outside. */
const DomainShape = strict({
  ...domainFacts,
  keySets: z.array(KeySetShape).max(127).default([]),
});

/** Key sets as an export lists them, without their values; an import ignores them. */
const Withheld = strict({
  type: z.string().max(20),
  kvn: z.number(),
  cntr: z.number(),
  tars: z.array(hex("3")),
});

/**
 * One target as described by users and other systems: a plain JSON of its EIS, keys included. Other fields are refused.
 */
export const TargetShape = strict({
  eid: eidText.optional(),
  name: nameText.optional(),
  kind: z.enum(["euicc", "uicc"]).optional(),
  iccid: iccidText.optional(),
  imsi: imsiText.optional(),
  msisdn: msisdnText.optional(),
  tags: tagList.optional(),
  isdR: DomainShape.optional(),
  /** Key sets of a plain UICC, or of security domains besides the ISD-R; `tars` specifies what they serve. */
  keySets: z.array(KeySetShape).max(127).default([]),
  profiles: z.array(ProfileShape).max(1000).optional(),
  settings: TargetSettingsShape.optional(),
  reach: ReachShape.optional(),
  ...eisFactShapes,
  withheldKeySets: z.array(Withheld).max(1000).optional(),
});
export type TargetShape = z.infer<typeof TargetShape>;

/** Fields of free text: stored and displayed in clear, they must not contain a possible key. */
export const chosenTexts = [
  ...["name", "tags", "eumId", "platformType", "smsrId", "mnoId", "smdpId", "profileType"],
  ...["additionalProperties", "originator", "serviceCentre", "agentId", "smsLink", "reader", "caId"],
] as const;

/**
 * Fields with a form of their own that are displayed in clear: they must not repeat a key that is given along with
 * them.
 */
export const shownTexts: readonly string[] = ["sin", "sdin", "pskIdentity"];

const oid = /^[0-2](\.(0|[1-9]\d*))+$/;

const phoneNumber = /^\+?[0-9*#]{1,20}$/;
/** Parts of an agent id that name the card: EID, ICCID in either order of its digits, AID. SGP.02 §2.4.4 */
const agentParts =
  /\/\/se-?id\/eid\/89\d{30}(?!\d)|\/\/aa-?id\/aid\/[adf][0-9a-f]{9}\/(?:[0-9a-f]{2}){0,11}(?![0-9a-f])|^(?:89|98)[0-9a-f]{16,18}$/gi;

/** The rest of a text after the forms that its field is meant for were removed. */
function withoutOwnForm(text: string, field: string | undefined): string {
  if (field === "originator" || field === "serviceCentre") return phoneNumber.test(text) ? "" : text;
  return field === "agentId" ? text.replace(agentParts, " / ") : text;
}

/** A text outside targets that is stored and displayed in clear: a name, a tag, a link. */
export function clearText(maxLength: number) {
  return plain(maxLength).superRefine((text, context) => {
    const why = refusalOfText(text, []);
    if (why !== undefined) context.addIssue({ code: "custom", message: why });
  });
}

/** Why a chosen text cannot be stored; undefined if it can. `field` is the last name of its path. */
export function refusalOfText(text: string, own: readonly string[], field?: string): string | undefined {
  const what = oid.test(text) ? undefined : keyLike(withoutOwnForm(text, field), own);
  return what === undefined
    ? undefined
    : `contains ${what}, which could be a key; this field is stored and displayed in clear`;
}
