import { z } from "zod";
import { withoutUndefined } from "../../base/defined.ts";
import { octetsOf } from "../../base/octet-text.ts";
import { parseAid } from "../../codec/euicc/aid.ts";
import { defaultBlockOctets } from "../../codec/euicc/scp03t.ts";
import type { DownloadOrder } from "../model/download.ts";

/** Octets of the largest package. */
const maxPackageOctets = 1_048_576;
const hexOctets = z.string().regex(/^([0-9a-fA-F]{2})+$/, "must be hexadecimal octets");
const duration = z.number().int().positive();

/** A download as a client orders it. */
export const DownloadOrderShape = z
  .strictObject({
    target: z.string().min(1).max(512).describe("Id, EID, ICCID, IMSI, MSISDN or name"),
    package: octetsOf(hexOctets.max(2 * maxPackageOctets, `must have at most ${maxPackageOctets} octets`)).describe(
      "The profile package in DER, hexadecimal",
    ),
    aid: z
      .string()
      .regex(/^[0-9a-fA-F]{32}$/, "must be the AID of an ISD-P: 16 octets")
      .transform(parseAid)
      .optional()
      .describe("ISD-P to create; absent: the lowest free one"),
    quota: z.number().int().min(0).max(0xffffffff).optional().describe("Maximum non-volatile memory, octets"),
    smDp: z.string().min(1).max(100).optional().describe("Name of the SM-DP; absent: the one of the card's CI"),
    enable: z.boolean().default(false).describe("Enable the profile once it is installed"),
    verify: z.boolean().default(false).describe("Read the state of the profile from the card at the end"),
    keep: z.boolean().default(false).describe("Leave the ISD-P of a failed download on the card"),
    retries: z.number().int().min(0).max(10).default(0).describe("How often a broken download begins again"),
    blockOctets: z.number().int().min(1).max(65_000).default(defaultBlockOctets).describe("Octets of a block"),
    kvn: z.number().int().min(0x30).max(0x3f).default(0x30).describe("Key version number of the SCP03 keys"),
    keyOctets: z.union([z.literal(16), z.literal(24), z.literal(32)]).default(16),
    derivationRandom: z.boolean().default(false).describe("The card adds a random number to the key derivation"),
    predict: z.boolean().default(true).describe("Authenticate with the predicted challenge of new keys"),
    oneSession: z.boolean().default(false).describe("Carry all steps in one SCP81 session"),
    stepValidityMs: duration
      .max(7 * 86_400_000)
      .default(3_600_000)
      .describe("How long a step waits for its card"),
    budgetMs: duration.max(3_600_000).default(120_000).describe("How long the card may process a block"),
    accept: z
      .array(z.string().regex(/^[a-z0-9-]{1,40}$/, "must be the code of a finding"))
      .max(50)
      .default([])
      .describe("Codes of findings that are no obstacle"),
  })
  .meta({ id: "DownloadOrder", description: "A new download" });

/** A client's order, parsed. */
export type OrderedDownload = z.output<typeof DownloadOrderShape>;

/** The stored part of an order. */
export function storedOrder({ target: _, package: __, ...order }: OrderedDownload): DownloadOrder {
  return withoutUndefined(order);
}
