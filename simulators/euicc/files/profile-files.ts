import { concatBytes, fromHex } from "../../../src/base/hex.ts";
import { swappedBcd } from "../../../src/codec/kit/bcd.ts";
import { tlvBytes } from "../../../src/codec/kit/ber.ts";
import type { ProfileState } from "../card-state.ts";
import { catAddress } from "../sms.ts";

/** Who may do something with a file of the fixture. */
type NamedAccess = "always" | "pin" | "adm" | "never";

/** Who may do something with a file: all or any of these key references, or what a fixture's file has. */
export type Access = NamedAccess | { readonly how: "any" | "all"; readonly references: readonly number[] };

/** An elementary file as the profile defines it. */
export interface FileSpec {
  readonly fid: number;
  readonly structure: "transparent" | "linear" | "cyclic";
  /** One entry for a transparent file, one per record otherwise. */
  readonly contents: readonly Uint8Array[];
  readonly read: NamedAccess;
  readonly update: NamedAccess;
  readonly sfi?: number;
}

const ff = (length: number) => new Uint8Array(length).fill(0xff);
const padded = (bytes: Uint8Array, length: number) =>
  concatBytes(bytes.subarray(0, length), ff(Math.max(0, length - bytes.length)));
const ascii = (text: string) => new TextEncoder().encode(text);

interface Options {
  readonly read?: NamedAccess;
  readonly update?: NamedAccess;
  readonly sfi?: number;
}

function transparent(fid: number, content: Uint8Array, options: Options = {}): FileSpec {
  return { fid, structure: "transparent", contents: [content], read: "pin", update: "adm", ...options };
}

function records(fid: number, contents: readonly Uint8Array[], options: Options = {}): FileSpec {
  return { fid, structure: "linear", contents, read: "pin", update: "pin", ...options };
}

const blank = (count: number, length: number) => Array.from({ length: count }, () => ff(length));

/** AID of the USIM application on every profile of the card. TS 101 220 annex E */
export const usimAid = fromHex("A0000000871002FFFFFFFF8907090000");

/** ICCID in its file coding: 10 octets, nibbles swapped. ITU-T E.118, TS 102 221 §13.2 */
function iccidBytes(iccid: string): Uint8Array {
  return padded(swappedBcd(iccid), 10);
}

/** IMSI in its file coding: length, parity nibble 9 or 1, digits. TS 31.102 §4.2.2 */
function imsiBytes(imsi: string): Uint8Array {
  const odd = imsi.length % 2 === 1;
  const digits = odd ? swappedBcd(`9${imsi}`) : swappedBcd(`1${imsi}`);
  return padded(concatBytes(Uint8Array.of(digits.length), digits), 9);
}

/** Digits of an IMSI file. */
export function imsiDigits(content: Uint8Array): string {
  const nibbles = [...content.subarray(1, 1 + (content[0] ?? 0))].flatMap((octet) => [octet & 0x0f, octet >> 4]);
  return nibbles
    .slice(1)
    .filter((nibble) => nibble <= 9)
    .join("");
}

/** Rules that the files' security attributes refer to, by record number from 1. TS 102 221 §9.2.7 */
export const accessRules: readonly { readonly read: NamedAccess; readonly update: NamedAccess }[] = [
  { read: "always", update: "adm" },
  { read: "pin", update: "pin" },
  { read: "pin", update: "adm" },
  { read: "always", update: "pin" },
  { read: "adm", update: "adm" },
  { read: "always", update: "never" },
];

function condition(access: NamedAccess): Uint8Array {
  if (access === "always") return Uint8Array.of(0x90, 0x00);
  if (access === "never") return Uint8Array.of(0x97, 0x00);
  return tlvBytes(0xa4, Uint8Array.of(0x83, 0x01, access === "pin" ? 0x01 : 0x0a, 0x95, 0x01, 0x08));
}

function ruleRecord(rule: { readonly read: NamedAccess; readonly update: NamedAccess }): Uint8Array {
  const mode = (bits: number) => Uint8Array.of(0x80, 0x01, bits);
  return padded(concatBytes(mode(0x01), condition(rule.read), mode(0x1a), condition(rule.update)), 40);
}

const arr = (fid: number): FileSpec => records(fid, accessRules.map(ruleRecord), { read: "always", update: "never" });

/** Files of the MF. TS 102 221 §13 */
export function masterFiles(profile: ProfileState): FileSpec[] {
  const application = tlvBytes(0x61, tlvBytes(0x4f, usimAid), tlvBytes(0x50, ascii("USIM")));
  return [
    records(0x2f00, [padded(application, 48), ff(48)], { read: "always", update: "adm", sfi: 0x1e }),
    transparent(0x2fe2, iccidBytes(profile.iccid), { read: "always", update: "never", sfi: 0x02 }),
    transparent(0x2f05, concatBytes(ascii("en"), ff(4)), { read: "always", update: "pin", sfi: 0x05 }),
    { ...arr(0x2f06), sfi: 0x06 },
    transparent(0x2f08, Uint8Array.of(0x00, 0x3c, 0x00, 0x00, 0x00), { read: "always" }),
  ];
}

/** Files of DF.TELECOM. TS 31.102 §4.4.2 */
export function telecomFiles(): FileSpec[] {
  return [
    arr(0x6f06),
    records(0x6f3a, blank(50, 28)),
    records(0x6f40, blank(1, 28)),
    records(0x6f3b, blank(5, 28), { update: "adm" }),
    records(0x6f42, blank(1, 40)),
    records(0x6f3c, smsRecords()),
  ];
}

const smsRecords = () => blank(10, 176).map((record) => concatBytes(Uint8Array.of(0), record.subarray(1)));

/** Home PLMN of an IMSI, two-digit MNC assumed. */
function plmn(imsi: string): Uint8Array {
  const digits = imsi.padEnd(5, "0");
  return concatBytes(swappedBcd(digits.slice(0, 2)), swappedBcd(digits.slice(2, 3)), swappedBcd(digits.slice(3, 5)));
}

function smsParameters(profile: ProfileState): Uint8Array {
  const centre = catAddress(profile.smsc || "+0");
  const address = padded(concatBytes(Uint8Array.of(centre.length), centre), 12);
  return concatBytes(padded(ascii(profile.spn), 14), Uint8Array.of(0xfd), ff(12), address, ff(3));
}

function numberRecord(profile: ProfileState): Uint8Array {
  if (!profile.msisdn) return ff(28);
  const number = catAddress(profile.msisdn);
  return concatBytes(padded(ascii("MSISDN"), 14), Uint8Array.of(number.length), padded(number, 11), ff(2));
}

const accessClass = (imsi: string) => {
  const bit = 1 << Number(imsi.at(-1) ?? 0);
  return Uint8Array.of(bit >> 8, bit & 0xff);
};

/** Files that the USIM and the 2G DF share. TS 31.102 §4.2 */
function subscription(profile: ProfileState): FileSpec[] {
  const home = plmn(profile.imsi);
  return [
    transparent(0x6f07, imsiBytes(profile.imsi), { sfi: 0x07 }),
    transparent(0x6f05, concatBytes(ascii("en"), ff(2)), { read: "always", update: "pin", sfi: 0x02 }),
    transparent(0x6f31, Uint8Array.of(0x05), { sfi: 0x12 }),
    transparent(0x6f3e, ff(4)),
    transparent(0x6f3f, ff(4)),
    transparent(0x6f46, concatBytes(Uint8Array.of(0x00), padded(ascii(profile.spn), 16)), { read: "always" }),
    transparent(0x6f60, padded(concatBytes(home, Uint8Array.of(0xc0, 0x80)), 40), { update: "pin", sfi: 0x0a }),
    transparent(0x6f61, padded(concatBytes(home, Uint8Array.of(0xc0, 0x80)), 40), { sfi: 0x11 }),
    transparent(0x6f62, padded(concatBytes(home, Uint8Array.of(0xc0, 0x80)), 10), { sfi: 0x13 }),
    transparent(0x6f78, accessClass(profile.imsi), { sfi: 0x06 }),
    transparent(0x6f7b, ff(12), { update: "pin", sfi: 0x0d }),
    transparent(0x6f7e, concatBytes(ff(4), home, Uint8Array.of(0x00, 0x00, 0xff, 0x01)), { update: "pin", sfi: 0x0b }),
    transparent(0x6fad, Uint8Array.of(0x00, 0x00, 0x00, 0x02), { read: "always", sfi: 0x03 }),
  ];
}

/** Files of ADF.USIM. TS 31.102 §4.2 */
export function usimFiles(profile: ProfileState): FileSpec[] {
  return [
    ...subscription(profile),
    arr(0x6f06),
    transparent(0x6f08, concatBytes(Uint8Array.of(0x07), ff(32)), { update: "pin", sfi: 0x08 }),
    transparent(0x6f09, concatBytes(Uint8Array.of(0x07), ff(32)), { update: "pin", sfi: 0x09 }),
    transparent(0x6f38, fromHex("020A1F08030600000000100000000000"), { sfi: 0x04 }),
    transparent(0x6f56, Uint8Array.of(0x00), { update: "pin", sfi: 0x05 }),
    transparent(0x6f5b, fromHex("F00000F00000"), { update: "pin", sfi: 0x0f }),
    transparent(0x6f5c, fromHex("F00000"), { sfi: 0x10 }),
    transparent(0x6f73, concatBytes(ff(7), plmn(profile.imsi), Uint8Array.of(0x00, 0x00, 0xff, 0x01)), {
      update: "pin",
      sfi: 0x0c,
    }),
    transparent(0x6fb7, concatBytes(swappedBcd("112"), ff(10)).subarray(0, 12), { read: "always", sfi: 0x01 }),
    transparent(0x6fc4, ff(16), { update: "pin" }),
    transparent(0x6fe3, concatBytes(ff(12), plmn(profile.imsi), Uint8Array.of(0xff, 0xfe, 0x01)), {
      update: "pin",
      sfi: 0x1e,
    }),
    transparent(0x6fe4, ff(54), { update: "pin", sfi: 0x18 }),
    records(0x6f3c, smsRecords()),
    records(0x6f40, [numberRecord(profile)]),
    records(0x6f42, [smsParameters(profile)]),
    transparent(0x6f43, fromHex("FFFF"), { update: "pin" }),
    records(0x6f47, blank(2, 30)),
    records(0x6f3b, blank(5, 28), { update: "adm" }),
  ];
}

/** Files of the 2G DF that older programs read; the shared ones have the same contents as the USIM's. TS 51.011 §10.3 */
export function gsmFiles(profile: ProfileState): FileSpec[] {
  return [
    ...subscription(profile).map(({ sfi: _, ...file }) => file),
    arr(0x6f06),
    transparent(0x6f20, concatBytes(ff(8), Uint8Array.of(0x07)), { update: "pin" }),
    transparent(0x6f30, ff(24), { update: "pin" }),
    transparent(0x6f38, fromHex("FF3FFFFF00FF0F000000"), {}),
    transparent(0x6f74, ff(16), { update: "pin" }),
    transparent(0x6fae, Uint8Array.of(0x03)),
  ];
}
