import { z } from "zod";
import { parseMisbehaviour } from "../../../simulators/euicc/misbehaviour.ts";
import { isGatewayError } from "../../base/gateway-error.ts";
import { ConnectivityShape } from "../../gateway/eis/connectivity-parameters.ts";
import { notificationMode } from "../../gateway/model/notification-mode.ts";
import { isEs5Call, unknownEs5Function } from "../../gateway/scripts/es5-params.ts";

/** A time: a number of seconds, or `500ms`, `10s`, `2m`. */
const duration = z
  .union([z.number().nonnegative(), z.string().regex(/^\d+(\.\d+)?(ms|s|m)$/, "a time such as 500ms, 10s or 2m")])
  .transform((value) => {
    if (typeof value === "number") return value * 1000;
    const factor = value.endsWith("ms") ? 1 : value.endsWith("s") ? 1000 : 60_000;
    return Number.parseFloat(value) * factor;
  });

/** A profile: its number on the card from 1, its ISD-P AID or its ICCID. */
const profile = z.union([z.number().int().min(1), z.string().regex(/^[0-9A-Fa-f]{18,32}$/, "an AID or an ICCID")]);
export type ProfileRef = z.infer<typeof profile>;

/** Faults of the simulated card, as `parseMisbehaviour` reads them. */
export const misbehaviour = z.string().superRefine((text, context) => {
  try {
    parseMisbehaviour(text);
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    context.addIssue({ code: "custom", message: error.message });
  }
});

const es5Name = z.string().superRefine((name, context) => {
  if (isEs5Call(name)) return;
  context.addIssue({ code: "custom", message: unknownEs5Function(name) });
});

const hex = z.string().regex(/^([0-9a-fA-F]{2})+$/, "hexadecimal octets");
const sw = z
  .string()
  .regex(/^[0-9a-fA-Fx]{4}$/i, "a status word; x stands for any digit")
  .transform((text) => text.toUpperCase());

/** The expected outcome of a job. */
const expect = z.strictObject({
  state: z.enum(["done", "failed", "expired", "cancelled"]).optional(),
  /** Code of the error, also of a refusal. */
  error: z.string().optional(),
  /** Status word of the last command that was answered. */
  sw: sw.optional(),
  /** Status of the proof of receipt. */
  por: z.number().int().min(0).max(255).optional(),
  /** Facts that the decoded answer of one command must contain. */
  answer: z.record(z.string(), z.unknown()).optional(),
});
export type Expect = z.infer<typeof expect>;

const common = { name: z.string().optional(), within: duration.optional() };
const sending = {
  ...common,
  expect: expect.optional(),
  request: z.record(z.string(), z.unknown()).optional(),
  validity: duration.optional(),
};
const switchState = z.enum(["accepted", "switched", "confirmed", "rolled-back", "lapsed"]);
const shape = <T extends z.ZodRawShape>(fields: T) => z.strictObject({ ...common, ...fields });

/** The fields of each step, by the keyword of its action. */
export const stepShapes = {
  /** An ES5 function by name, and the outcome of it. */
  es5: z.strictObject({
    ...sending,
    es5: es5Name,
    profile: profile.optional(),
    params: z.record(z.string(), z.unknown()).optional(),
    /** Do not wait for its end. */
    detach: z.boolean().optional(),
  }),
  /** C-APDUs for a security domain. */
  script: z.strictObject({ ...sending, script: z.array(hex).min(1), tar: hex.optional(), aid: hex.optional() }),
  /** A script body, unchanged. */
  body: z.strictObject({ ...sending, body: hex, tar: hex.optional(), aid: hex.optional() }),
  /** The next notification of the card. */
  notification: shape({
    notification: z.enum(["declaration", "switched", "rolled-back", "fall-back"]),
    profile: profile.optional(),
    confirmation: z.enum(["pending", "confirmed", "failed", "withheld", "upstream"]).optional(),
  }),
  /** No notification within the time. */
  silence: shape({ silence: duration }),
  /** State of the last profile switch. */
  switch: shape({ switch: switchState }),
  /** Former name of `switch`. */
  procedure: shape({ procedure: switchState }),
  /** Expects the card in the link to have this profile's ICCID. */
  attach: shape({ attach: profile }),
  /** Facts that must be true, of the EIS and of a simulated card. */
  assert: shape({
    assert: z.strictObject({
      enabled: profile.optional(),
      fallback: profile.optional(),
      /** Number of profiles. */
      profiles: z.number().int().optional(),
      gone: profile.optional(),
      state: z.record(z.string(), z.enum(["created", "disabled", "enabled"])).optional(),
    }),
  }),
  /** Compares the EIS with the card. */
  audit: shape({
    audit: z.strictObject({ differences: z.number().int().default(0), fix: z.boolean().default(false) }),
  }),
  /** The notification mode from now on. */
  notifications: shape({ notifications: notificationMode }),
  confirm: shape({ confirm: z.literal("latest") }),
  withhold: shape({ withhold: z.literal("latest") }),
  /** Connectivity parameters to set. */
  connectivity: z.strictObject({ ...sending, connectivity: ConnectivityShape }),
  /** Acts as an SM-SR (ISD-R) or SM-DP (ISD-P) that establishes keys with the card. SGP.02 §4.1.1.8, §4.1.3.1 */
  establishKeys: shape({
    establishKeys: z.strictObject({
      /** Absent = the ISD-R. */
      profile: profile.optional(),
      kvn: z.number().int().min(1).max(127),
      certificate: hex,
      privateKey: hex.length(64),
      /** ECASD certificate; the simulated card's own when absent. */
      ecasd: hex.optional(),
      /** Put the keys into the target's key sets. */
      adopt: z.boolean().default(true),
    }),
  }),
  /** Removes a key set from the target's description. */
  forgetKeys: shape({ forgetKeys: z.number().int().min(1).max(127) }),
  /** Faults of the simulated card; `none` ends all. */
  misbehave: shape({ misbehave: misbehaviour }),
  /** A control line of the simulated card: fall-back, enable-locally … */
  card: shape({ card: z.string() }),
  /** Takes the link down or up (simulated card). */
  link: shape({ link: z.enum(["down", "up"]) }),
  /** Resets the card. */
  power: shape({ power: z.enum(["cycle", "warm"]) }),
  sleep: shape({ sleep: duration }),
} as const;

export type Verb = keyof typeof stepShapes;
export type Step = { [V in Verb]: z.output<(typeof stepShapes)[V]> }[Verb];
export type StepOf<V extends Verb> = z.output<(typeof stepShapes)[V]>;

/** The keywords of steps. */
export const verbs: readonly Verb[] = Object.keys(stepShapes).filter((key): key is Verb =>
  Object.hasOwn(stepShapes, key),
);
