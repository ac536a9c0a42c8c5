import { createHash } from "node:crypto";
import { withoutUndefined } from "../../src/base/defined.ts";
import { concatBytes, fromHex, toHex } from "../../src/base/hex.ts";
import { plainBcd } from "../../src/codec/kit/bcd.ts";
import { tlvBytes } from "../../src/codec/kit/ber.ts";
import { type CardSettings, cardSettings, type EuiccState, type KeySetState, type ProfileState } from "./card-state.ts";
import { ecasdCertificate, testKeys } from "./domains/certificate.ts";
import { freshPin } from "./files/pin-commands.ts";

/** AID of a domain of the eUICC by its three-octet field: 000001 ISD-R, 000002 ECASD, 000010… ISD-Ps. SGP.02 §2.2.3 */
export function domainAid(field: number): string {
  return `A0000005591010FFFFFFFF89${field.toString(16).toUpperCase().padStart(6, "0")}00`;
}

export const isdRAid = domainAid(0x000001);
export const ecasdAid = domainAid(0x000002);

/** Deterministic octets from a seed and a label, as hex. */
function derived(seed: string, label: string, octets: number): string {
  let out = "";
  for (let i = 0; out.length < octets * 2; i++) {
    out += createHash("sha256").update(`${seed}/${label}/${i}`).digest("hex");
  }
  return out.slice(0, octets * 2).toUpperCase();
}

function derivedDigits(seed: string, label: string, count: number): string {
  return [...derived(seed, label, count)]
    .slice(0, count)
    .map((digit) => Number.parseInt(digit, 16) % 10)
    .join("");
}

/** An EID with its check digits (ISO/IEC 7064 MOD 97-10). SGP.02 §2.2.2 */
function eidWithCheckDigits(first30: string): string {
  return `${first30}${String(98n - (BigInt(`${first30}00`) % 97n)).padStart(2, "0")}`;
}

/** A number with its Luhn digit. ITU-T E.118 */
function withLuhn(digits: string): string {
  const sum = [...digits].reverse().reduce((total, digit, i) => {
    const value = Number(digit) * (i % 2 === 0 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return `${digits}${(10 - (sum % 10)) % 10}`;
}

/** Which profiles a fresh card carries, and how it differs from the default one. */
export interface FixtureOptions {
  /** Absent = the documented test card: EID 89001012012341234012345678901224, SCP80 keys 000102… and 101112…. */
  readonly seed?: string;
  readonly eid?: string;
  /** How many profiles, at least 2; the first is enabled and holds the fall-back attribute. */
  readonly profiles?: number;
  /** KIc and KID of the ISD-R's SCP80 key set 01, hex. */
  readonly isdRKeys?: { readonly kic: string; readonly kid: string };
  /** SMSC-side address of the SM-SR that notifications go to. */
  readonly smsrAddress?: string;
  /** Whether the first network attachment was reported already (default); otherwise notification 01 comes first. */
  readonly declared?: boolean;
  readonly settings?: Partial<CardSettings>;
}

const aesKeys = (seed: string, label: string): KeySetState["keys"] =>
  [1, 2, 3].map((id) => ({ id, type: "AES" as const, value: derived(seed, `${label}/${id}`, 16) }));

/** Key sets of an MNO-SD: 3DES and AES side by side. */
function mnoKeySets(seed: string, label: string): KeySetState[] {
  const des = (octets: number, kvn: number) =>
    [1, 2, 3].map((id) => ({ id, type: "3DES" as const, value: derived(seed, `${label}/des${kvn}/${id}`, octets) }));
  const set = (kvn: number, keys: KeySetState["keys"]): KeySetState => ({
    kvn,
    type: "SCP80",
    keys,
    cntr: "0000000000",
    ccLength: 8,
  });
  return [
    set(1, des(16, 1)),
    set(2, aesKeys(seed, `${label}/aes2`)),
    set(3, des(24, 3)),
    set(4, aesKeys(seed, `${label}/aes4`)),
  ];
}

function identity(seed: string, n: number): Pick<ProfileState, "iccid" | "imsi" | "msisdn" | "spn" | "smsc"> {
  return {
    iccid: withLuhn(`8988247${derivedDigits(seed, `iccid/${n}`, 11)}`.slice(0, 18)),
    imsi: `90170${derivedDigits(seed, `imsi/${n}`, 10)}`,
    msisdn: `+88240${derivedDigits(seed, `msisdn/${n}`, 8)}`,
    spn: `Operator ${n}`,
    smsc: "+4477000110",
  };
}

function personalisation(seed: string, n: number | string) {
  return {
    mnoKeySets: mnoKeySets(seed, `mno/${n}`),
    authentication: {
      algorithm: "milenage" as const,
      ki: derived(seed, `ki/${n}`, 16),
      opc: derived(seed, `opc/${n}`, 16),
      sqn: "000000000000",
    },
    pins: {
      "01": freshPin("1234", "12345678", false),
      "81": freshPin("5678", "87654321", true),
      "0A": freshPin(derivedDigits(seed, `adm/${n}`, 8), derivedDigits(seed, `adm-unblock/${n}`, 8), true),
    },
  };
}

function installedProfile(seed: string, n: number): ProfileState {
  const scp03: KeySetState = {
    kvn: 0x30,
    type: "SCP03",
    keys: aesKeys(seed, `isdp/${n}`),
    cntr: "000000",
    ccLength: 8,
  };
  return {
    aid: domainAid(0x10 + n + 1),
    ...identity(seed, n),
    state: n === 1 ? "enabled" : "disabled",
    fallback: n === 1,
    emergency: false,
    test: false,
    pol1: 0,
    used: 24_576,
    ...personalisation(seed, n),
    isdpKeySets: [scp03],
    sdData: {},
    connectivity: {},
    files: {},
  };
}

/** A profile of an ISD-P that was just created: no keys, no files. */
export function emptyProfile(aid: string, quota: number | undefined): ProfileState {
  const pin = freshPin("", "", false);
  return {
    aid,
    iccid: "",
    imsi: "",
    msisdn: "",
    spn: "",
    smsc: "",
    state: "created",
    fallback: false,
    emergency: false,
    test: false,
    pol1: 0,
    ...withoutUndefined({ quota }),
    used: 0,
    mnoKeySets: [],
    isdpKeySets: [],
    sdData: {},
    connectivity: {},
    authentication: { algorithm: "milenage", ki: "00".repeat(16), opc: "00".repeat(16), sqn: "000000000000" },
    pins: { "01": pin },
    files: {},
  };
}

/**
 * A card as it leaves the factory, the same for the same options: ISD-R with SCP80 key set 01 and SCP81 key set 40,
 * one enabled profile with the fall-back attribute, the others disabled.
 */
export function createEuiccState(options: FixtureOptions = {}): EuiccState {
  const seed = options.seed ?? "";
  const documented = options.seed === undefined;
  const generated = eidWithCheckDigits(`89001012${derivedDigits(seed, "eid", 22)}`);
  const eid = options.eid ?? (documented ? "89001012012341234012345678901224" : generated);
  const fixed = documented
    ? { kic: "000102030405060708090A0B0C0D0E0F", kid: "101112131415161718191A1B1C1D1E1F" }
    : { kic: derived(seed, "isdr/kic", 16), kid: derived(seed, "isdr/kid", 16) };
  const { kic, kid } = options.isdRKeys ?? fixed;
  const aes = (id: number, value: string) => ({ id, type: "AES" as const, value });
  const count = Math.max(2, options.profiles ?? 2);
  return {
    version: 1,
    eid,
    isdR: {
      keySets: [
        {
          kvn: 0x01,
          type: "SCP80",
          keys: [aes(1, kic), aes(2, kid), aes(3, derived(seed, "isdr/kik", 16))],
          cntr: "0000000000",
          ccLength: 8,
        },
        {
          kvn: 0x40,
          type: "SCP81",
          keys: [
            { id: 1, type: "PSK", value: derived(seed, "isdr/psk", 16) },
            aes(2, derived(seed, "isdr/psk-dek", 16)),
          ],
          ccLength: 8,
        },
      ],
      addressing: { A3: smsAddressing(options.smsrAddress ?? "+21436587091") },
      scp81: storedSession(),
    },
    ecasd: {
      privateKey: toHex(testKeys.ecasdPrivate),
      certificate: toHex(ecasdCertificate(plainBcd(eid), testKeys.ecasdPrivate)),
      ciPublicKey: toHex(testKeys.ciPublic),
      ciKeyId: toHex(testKeys.ciKeyId),
    },
    profiles: Array.from({ length: count }, (_, i) => installedProfile(seed, i + 1)),
    memory: { total: 540_672, volatile: 0x3a92 },
    nextSequence: 1,
    declared: options.declared ?? true,
    settings: cardSettings.parse({ ...options.settings }),
  };
}

/** Contents of A3: `81 L` and the address as TP-DA holds it. SGP.02 §4.1.1.10 */
function smsAddressing(number: string): string {
  const digits = number.replace(/^\+/, "");
  const swapped = (digits.length % 2 ? `${digits}F` : digits).replace(/(.)(.)/g, "$2$1");
  const address = `${digits.length.toString(16).padStart(2, "0")}${number.startsWith("+") ? "91" : "81"}${swapped}`;
  return `81${(address.length / 2).toString(16).padStart(2, "0")}${address}`.toUpperCase();
}

/**
 * What the ISD-R has stored for its HTTPS sessions: an SM-SR at 192.0.2.1 port 443 over the default bearer, buffers of
 * 1400 octets, three reconnections ten seconds apart. GP Amendment B table 3-4
 */
function storedSession(): string {
  const connection = fromHex("350103390205783C030201BB3E0521C0000201");
  const text = (tag: number, value: string) => tlvBytes(tag, Buffer.from(value));
  const http = [text(0x8a, "smsr.example"), text(0x8c, "/gsma/adminagent")];
  return toHex(
    concatBytes(tlvBytes(0x84, connection), tlvBytes(0x86, fromHex("00032503000001")), tlvBytes(0x89, ...http)),
  );
}
