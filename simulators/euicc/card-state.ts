import { z } from "zod";
import { authenticationState, installedState, keySetState } from "./installed-state.ts";

/**
 * Everything a simulated eUICC remembers without power, as it stands in its state file. Octets are upper-case hex.
 * A key never leaves this file except through the EIS exporter.
 */

const hex = z.string().regex(/^(?:[0-9A-Fa-f]{2})*$/, "not hexadecimal");

export type KeySetState = z.infer<typeof keySetState>;

const pinState = z.object({
  value: z.string(),
  unblock: z.string(),
  enabled: z.boolean(),
  tries: z.number().int(),
  unblockTries: z.number().int(),
  /** Attempts that there are in all, where they are not 3 and 10. */
  maxTries: z.number().int().optional(),
  maxUnblockTries: z.number().int().optional(),
  /** Whether the owner may change, disable and enable it. */
  fixed: z.boolean().optional(),
});
export type PinState = z.infer<typeof pinState>;

const profileState = z.object({
  aid: hex,
  iccid: z.string(),
  imsi: z.string(),
  msisdn: z.string().default(""),
  spn: z.string().default(""),
  /** SGP.02 life cycle; `created` and `personalized` have no files yet. */
  state: z.enum(["created", "personalized", "disabled", "enabled"]),
  fallback: z.boolean().default(false),
  emergency: z.boolean().default(false),
  test: z.boolean().default(false),
  /** b1 disabling not allowed, b2 deletion not allowed, b3 delete when disabled. */
  pol1: z.number().int().min(0).max(7).default(0),
  /** Cumulative granted non-volatile memory in octets; absent = no quota. */
  quota: z.number().int().optional(),
  used: z.number().int().default(0),
  /** Keys of the MNO-SD, for remote file and application management. */
  mnoKeySets: z.array(keySetState).default([]),
  /** SCP03 and token keys of the ISD-P. */
  isdpKeySets: z.array(keySetState).default([]),
  /** SD data of personalisation (tags 42, 45, 5F20), by tag. */
  sdData: z.record(z.string(), hex).default({}),
  /** Connectivity parameters, by template tag (A0, A1, A2). */
  connectivity: z.record(z.string(), hex).default({}),
  smsc: z.string().default(""),
  authentication: authenticationState,
  /** By reference; local ones of a downloaded profile by reference and directory, `81@3F00/7FF1`. */
  pins: z.record(z.string(), pinState),
  /** Contents of files that were updated since the profile was made, by path: one entry per record. */
  files: z.record(z.string(), z.array(hex)).default({}),
  /** What the downloaded package made; absent for profiles of the fixture. */
  installed: installedState.optional(),
});
export type ProfileState = z.infer<typeof profileState>;

const switchState = z.object({
  /** ISD-P that loses, ISD-P that gets the enabled state. */
  from: hex,
  to: hex,
  /** Notification type to send afterwards: 02 changed, 03 rolled back, 05 fall-back. SGP.02 §4.1.1.11 */
  type: z.number().int(),
});

const notificationState = z.object({
  type: z.number().int(),
  sequence: z.number().int(),
  aid: hex,
  /** ISD-P to go back to without a confirmation; only after an ordinary switch. */
  previous: hex.optional(),
  attempts: z.number().int().default(0),
});
export type NotificationState = z.infer<typeof notificationState>;

/** How this card behaves where the specifications or the field leave a choice. */
export const cardSettings = z.object({
  /** `t0` = 61xx/6Cxx procedure bytes are visible, `t1` = whole APDUs. */
  protocol: z.enum(["t0", "t1"]).default("t0"),
  /** REFRESH qualifier of a profile switch: 04 UICC reset, 09 eUICC profile state change (if the terminal knows it). */
  refreshMode: z.union([z.literal(4), z.literal(9)]).default(4),
  /** Tag of the ISD-P AID in a notification. */
  notificationAidTag: z.union([z.literal(0x2f), z.literal(0x4f)]).default(0x2f),
  /** `cc`: SPI 0200, KIc n0, KID n2 as a real card sends it; `none`: 0000; `bare`: the E1 TLV alone. */
  notificationSecurity: z.enum(["cc", "none", "bare"]).default("cc"),
  notificationBearer: z.enum(["sms", "https"]).default("sms"),
  notificationAttempts: z.number().int().min(1).default(5),
  /** Seconds to wait for a confirmation before the notification is sent again. */
  confirmationSeconds: z.number().min(1).max(86399).default(60),
  /** Seconds a newly enabled profile may take to find service. */
  attachSeconds: z.number().min(1).max(86399).default(180),
  /** Seconds without service before the fall-back profile is enabled. */
  coverageSeconds: z.number().min(1).max(86399).default(120),
  pollIntervalSeconds: z.number().int().min(1).max(255).default(30),
  /** Announce a PoR by SMS-SUBMIT with status 0B in the DELIVER-REPORT first. */
  intermediatePor: z.boolean().default(true),
  /** Longest TP-UD that a DELIVER-REPORT carries; a longer PoR goes by SMS-SUBMIT. */
  reportLimit: z.number().int().min(16).max(250).default(132),
  /** Whether 62xx/63xx ends a remote script. TS 102 226 leaves it open. */
  warningStopsScript: z.boolean().default(false),
  /** Whether scripts to ISD-R and ISD-P need CC, ciphering and a checked counter. */
  isdRMinimumSecurity: z.boolean().default(true),
  /** Whether a response template of indefinite length carries the number of executed commands. */
  countInIndefinite: z.boolean().default(false),
  /** Secure channels of an ISD-P that outlive an SMS packet. */
  scp03AcrossPackets: z.enum(["none", "scp03t", "all"]).default("scp03t"),
  /** Highest version of profile packages that the card takes. */
  packageVersion: z
    .string()
    .regex(/^[23]\.\d$/)
    .default("3.3"),
  /** Services of packages that the card does not have, besides those that it never has. */
  withoutServices: z.array(z.string()).default([]),
  /** Whether packets to applications of the enabled profile need a CC. */
  rfmMinimumSecurity: z.enum(["none", "cc"]).default("cc"),
});
export type CardSettings = z.infer<typeof cardSettings>;

/** The whole card. */
export const euiccState = z.object({
  version: z.literal(1),
  eid: z.string().regex(/^\d{32}$/),
  isdR: z.object({
    keySets: z.array(keySetState),
    /** SM-SR addressing parameters by template tag: A3 SMS, A4 CAT_TP, A5 HTTPS. */
    addressing: z.record(z.string(), hex).default({}),
    /** The SD's own SCP81 parameters (contents of 85), from STORE DATA. */
    scp81: hex.optional(),
  }),
  ecasd: z.object({
    privateKey: hex,
    certificate: hex,
    ciPublicKey: hex,
    ciKeyId: hex.optional(),
    /** Curve of the ECASD's own key. */
    curve: z.enum(["prime256v1", "brainpoolP256r1"]).optional(),
    /** Curve of the certificate issuer's key. */
    ciCurve: z.enum(["prime256v1", "brainpoolP256r1"]).optional(),
    /** Octets of the random challenge that answers a certificate. */
    challengeLength: z.union([z.literal(16), z.literal(32)]).optional(),
  }),
  profiles: z.array(profileState),
  memory: z.object({ total: z.number().int(), volatile: z.number().int() }),
  pendingSwitch: switchState.optional(),
  notification: notificationState.optional(),
  nextSequence: z.number().int().default(1),
  /** Whether the first network attachment was reported (notification type 01). */
  declared: z.boolean().default(false),
  /** After a fall-back against POL1: the only profile that may be enabled again. */
  returnOnlyTo: hex.optional(),
  /** The profile a local (ESx) switch has to return to. */
  localReturn: hex.optional(),
  settings: cardSettings,
});
export type EuiccState = z.infer<typeof euiccState>;

/** The ISD-P in state enabled. There is exactly one in a healthy card. */
export function enabledProfile(state: EuiccState): ProfileState | undefined {
  return state.profiles.find((profile) => profile.state === "enabled");
}

/** Free non-volatile memory in octets: what neither a quota reserves nor a profile without quota uses. */
export function freeMemory(state: EuiccState): number {
  return state.memory.total - state.profiles.reduce((sum, profile) => sum + (profile.quota ?? profile.used), 0);
}
