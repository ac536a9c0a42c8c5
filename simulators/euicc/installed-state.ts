import { z } from "zod";

/** What a downloaded profile consists of besides its keys and PINs, as it stands in the card's state. */

const hex = z.string().regex(/^(?:[0-9A-Fa-f]{2})*$/, "not hexadecimal");

const fileState = z.object({
  /** FIDs from the MF on, `3F00/7F10/6F3A`; an application has its temporary FID. */
  path: z.string(),
  kind: z.enum(["mf", "df", "adf", "transparent", "linear", "cyclic", "ber-tlv"]),
  /** AID of an application. */
  aid: hex.optional(),
  /** Access rule: FID of its EF.ARR, record number. */
  arr: z.object({ fid: z.number().int(), record: z.number().int() }),
  sfi: z.number().int().optional(),
  lifeCycle: z.number().int().default(5),
  /** PIN status template of a directory. */
  pinStatus: hex.optional(),
  /** One entry for a transparent file, one per record otherwise. */
  contents: z.array(hex).default([]),
  /** The file whose contents this one shares. */
  link: z.string().optional(),
});
export type FileState = z.infer<typeof fileState>;

/** Parameters of a network authentication algorithm and its sequence numbers. TS 33.102 annex C */
export const authenticationState = z.object({
  algorithm: z.enum(["milenage", "xor", "tuak"]),
  ki: hex,
  /** OPc, or TOPc of TUAK. */
  opc: hex,
  /** Highest sequence number accepted, 6 octets with its index. */
  sqn: hex,
  /** Milenage: r1 to r5, c1 to c5. */
  rotations: hex.optional(),
  constants: hex.optional(),
  /** Iterations of Keccak in TUAK. */
  iterations: z.number().int().min(1).optional(),
  /** Last sequence number (without index) for each of the 32 indices; without it SQN only has to rise. */
  sqnByIndex: z.array(hex).length(32).optional(),
  /** Largest step and age of a sequence number that is accepted. */
  sqnDelta: hex.optional(),
  sqnAgeLimit: hex.optional(),
});
export type AuthenticationState = z.infer<typeof authenticationState>;

const domainKey = z.object({
  id: z.number().int(),
  type: z.enum(["DES", "3DES", "AES", "PSK"]),
  value: hex,
  /** Key usage qualifier. GP Card Specification §11.1.9 */
  usage: hex.optional(),
});

/** A key set of a security domain. */
export const keySetState = z.object({
  /** Key version number: SCP80 01-0F, SCP03 30-3F, SCP81 40-4F, token 70. SGP.02 §2.2.5.1 */
  kvn: z.number().int().min(1).max(127),
  type: z.enum(["SCP80", "SCP03", "SCP81", "TOKEN"]),
  keys: z.array(domainKey),
  /** Last accepted replay counter of an SCP80 set, 5 octets; sequence counter of an SCP03 set, 3 octets. */
  cntr: hex.optional(),
  /** Octets of the cryptographic checksum the set insists on. */
  ccLength: z.union([z.literal(4), z.literal(8)]).default(8),
});

const domainState = z.object({
  aid: hex,
  privileges: hex,
  lifeCycle: z.number().int(),
  /** Secure channels of the instance: contents of C9. */
  channels: hex,
  tars: z.array(hex),
  /** Minimum security level, as the first octet of SPI. */
  msl: z.number().int().optional(),
  /** Of supplementary domains; the MNO-SD's are `mnoKeySets` of the profile. */
  keySets: z.array(keySetState).default([]),
});
export type DomainState = z.infer<typeof domainState>;

const remoteFilesState = z.object({
  aid: hex,
  /** Security domain whose keys open its packets; absent = MNO-SD. */
  domain: hex.optional(),
  tars: z.array(hex),
  msl: z.number().int(),
  /** Access domains for reading and updating, and for administration. TS 102 226 §8.2.1.3.2.5 */
  access: hex,
  adminAccess: hex,
  /** The application whose files it reaches; absent = from the MF. */
  adf: hex.optional(),
});
export type RemoteFilesState = z.infer<typeof remoteFilesState>;

const applicationState = z.object({
  package: hex,
  instances: z.array(hex),
  /** Octets of the load file. */
  size: z.number().int(),
});

export const installedState = z.object({
  files: z.array(fileState),
  /** Directories that use the local PINs of another one, by path. */
  pinLinks: z.record(z.string(), z.string()).default({}),
  /** Algorithms of applications other than the first one, by path. */
  algorithms: z.record(z.string(), authenticationState).default({}),
  domains: z.array(domainState).default([]),
  remoteFiles: z.array(remoteFilesState).default([]),
  applications: z.array(applicationState).default([]),
});
export type InstalledState = z.infer<typeof installedState>;
