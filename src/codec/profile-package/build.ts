import { codecError } from "../../base/gateway-error.ts";
import { concatBytes, fromHex } from "../../base/hex.ts";
import { tlvBytes } from "../kit/ber.ts";
import { type DomainKeys, issuerDomain, type SupplementaryDomain, supplementaryDomain } from "./build-domains.ts";
import { type PackageValues, packageTemplate } from "./personalize/personalize.ts";
import type { OpcOf } from "./personalize/set-codes.ts";

/**
 * A minimal profile: one USIM, an MNO-SD, perhaps a supplementary security domain, remote management of the files of MF and
 * USIM.
 */
export interface PackageOutline {
  /** Version of the format: `2.0` to `3.3.1`. */
  readonly version: string;
  readonly algorithm: keyof typeof algorithms;
  readonly mnoSd: DomainKeys;
  readonly ssd?: SupplementaryDomain;
  /** Its values, as in a personalization. */
  readonly values: PackageValues;
}

const algorithms = { milenage: 1, tuak: 2, test: 3 } as const;

/** Services by index. eUICC Profile Package §8.2.1 */
const services = { usim: 1, milenage: 4, tuak128: 5, tuak256: 16, test: 17 } as const;

const usimAid = "A0000000871002FF33FF018900000100";

/**
 * Builds a profile package. PIN 2 and its PUK are those of PIN 1 where they are absent; all other values that a profile needs
 * are required.
 * @throws codec.* naming the value
 */
export function buildProfile(outline: PackageOutline, opcOf: OpcOf): Uint8Array {
  const { values } = outline;
  const absent = requiredValues(outline).find((name) => values[name] === undefined);
  if (absent !== undefined) throw codecError("codec.text", `${absent} is required`, 0, { field: absent });
  const { pin1 = "", puk1 = "" } = values;
  return packageTemplate(skeletonOf(outline), opcOf)({ pin2: pin1, puk2: puk1, ...values });
}

/** Names of the values that have no default. Keys of zeros are never built. */
function requiredValues({ algorithm, mnoSd, ssd, values }: PackageOutline): readonly string[] {
  const second = ssd === undefined ? [] : domainKeyNames("sd2", ssd);
  const mnoKeys = domainKeyNames("mno-sd", mnoSd).map((name, index) => {
    const short = ["kic", "kid", "kik", "psk"][index] ?? name;
    return values[name] === undefined ? short : name;
  });
  return [
    ...["iccid", "imsi", "k", "pin1", "puk1", "adm1"],
    ...(algorithm === "test" || values.op !== undefined ? [] : ["opc"]),
    ...mnoKeys,
    ...second,
  ];
}

function domainKeyNames(domain: string, { keyVersion, pskVersion }: DomainKeys): readonly string[] {
  const version = (value: number) => value.toString(16).padStart(2, "0");
  const ota = ["kic", "kid", "kik"].map((key) => `key.${domain}.${version(keyVersion)}.${key}`);
  return pskVersion === undefined ? ota : [...ota, `key.${domain}.${version(pskVersion)}.01`];
}

/** @throws codec.text for a version that the format does not have */
function versionOf(version: string): readonly [number, number] {
  const [, major, minor] = /^([23])\.([0-3])(?:\.\d)?$/.exec(version) ?? [];
  if (major !== undefined && minor !== undefined) return [Number(major), Number(minor)];
  throw codecError("codec.text", "version must be 2.0 to 3.3.1", 0, { field: "version" });
}

interface Parts {
  /** K of 32 octets. */
  readonly longKey: boolean;
  /** EF.SMSP is made. */
  readonly serviceCentre: boolean;
  /** EF.MSISDN is made. */
  readonly number: boolean;
}

/** The package with zeros in place of the values. */
function skeletonOf({ version: text, algorithm, mnoSd, ssd, values }: PackageOutline): Uint8Array {
  const version = versionOf(text);
  const parts: Parts = {
    longKey: algorithm === "tuak" && (values.k ?? "").replace(/[\s:]/g, "").length > 32,
    serviceCentre: values.smsc !== undefined,
    number: values.msisdn !== undefined,
  };
  const bodies: readonly (readonly [number, Uint8Array])[] = [
    [0xb0, mf()],
    [0xa3, sequence(0xa1, puk(0x01), puk(0x81))],
    [0xa2, sequence(0xa1, sequence(0xa0, pin(0x01, 0x01), pin(0x0a)))],
    [0xb3, usim(parts)],
    [0xa2, sequence(0xa1, sequence(0xa0, pin(0x81, 0x81)))],
    ...(parts.number ? [[0xb4, concatBytes(template(5), hex("A700"))] as const] : []),
    [0xa4, aka(algorithm, parts)],
    [0xa6, issuerDomain(mnoSd)],
    ...(ssd === undefined ? [] : [[0xa6, supplementaryDomain(ssd)] as const]),
    [0xa7, remoteFiles("A00000055910100001", "B00000")],
    [0xa7, concatBytes(remoteFiles("A00000055910100002", "B00020"), adfAccess())],
    [0xaa, new Uint8Array()],
  ];
  const elements = bodies.map(([tag, body], index) =>
    sequence(tag, sequence(0xa0, hex("8000"), tlvBytes(0x81, Uint8Array.of(index + 1))), body),
  );
  return concatBytes(header(version, algorithm, parts), ...elements);
}

function header([major, minor]: readonly [number, number], algorithm: keyof typeof algorithms, parts: Parts) {
  const service = algorithm === "tuak" ? (parts.longKey ? "tuak256" : "tuak128") : algorithm;
  const templates = [1, 4, ...(parts.number ? [5] : [])].map((arc) => tlvBytes(0x06, templateOid(arc)));
  return sequence(
    0xa0,
    tlvBytes(0x80, Uint8Array.of(major)),
    tlvBytes(0x81, Uint8Array.of(minor)),
    tlvBytes(0x83, new Uint8Array(10)),
    sequence(0xa5, ...[services.usim, services[service]].map((index) => tlvBytes(0x80 + index, new Uint8Array()))),
    sequence(0xa6, ...templates),
  );
}

/** Conditions of EF.ARR's records 1 to 14, which the templates name: reading and updating. TCA Profile Package, annex A */
const rules: readonly (readonly [read: Condition, update: Condition])[] = [
  ["always", "pin"],
  ["pin", "adm"],
  ["adm", "adm"],
  ["always", "adm"],
  ["pin", "pin"],
  ["pin", "adm"],
  ["pin", "pin"],
  ["pin", "pin2"],
  ["always", "pin"],
  ["always", "adm"],
  ["always", "adm"],
  ["always", "adm"],
  ["pin", "pin"],
  ["adm", "adm"],
];

type Condition = "always" | "pin" | "pin2" | "adm";

/** Octets of a record of EF.ARR. */
const ruleLength = 37;

/** Security attributes in expanded format. ETSI TS 102 221 §9.2.4 */
function rule(read: Condition, update: Condition): Uint8Array {
  const reference = { pin: 0x01, pin2: 0x81, adm: 0x0a } as const;
  const condition = (one: Condition) =>
    one === "always"
      ? hex("9000")
      : sequence(0xa4, tlvBytes(0x83, Uint8Array.of(reference[one])), tlvBytes(0x95, Uint8Array.of(0x08)));
  return concatBytes(hex("800101"), condition(read), hex("800102"), condition(update), hex("800158"), condition("adm"));
}

function mf(): Uint8Array {
  const records = rules.flatMap(([read, update]) => {
    const record = rule(read, update);
    return [tlvBytes(0x83, record), tlvBytes(0x82, Uint8Array.of(ruleLength - record.length))];
  });
  const size = ruleLength * rules.length;
  const descriptor = concatBytes(
    tlvBytes(0x82, Uint8Array.of(0x42, 0x21, 0, ruleLength)),
    tlvBytes(0x80, Uint8Array.of(size >> 8, size & 0xff)),
  );
  const application = hex(`61184F10${usimAid}50045553494D`);
  return concatBytes(
    template(1),
    sequence(0xa2, sequence(0xa1, hex("C602010A"))),
    sequence(0xa4, tlvBytes(0x83, new Uint8Array(10))),
    sequence(0xa5, sequence(0xa1, hex("820442210026800126")), tlvBytes(0x83, application)),
    sequence(0xa6, sequence(0xa1, descriptor), ...records.slice(0, -1)),
  );
}

function usim({ serviceCentre, number }: Parts): Uint8Array {
  return concatBytes(
    template(4),
    sequence(0xa2, sequence(0xa1, hex(`83027FF18410${usimAid}C60301810A`))),
    sequence(0xa3, tlvBytes(0x83, new Uint8Array(9))),
    hex("A406A104C7022F06"),
    sequence(0xa8, tlvBytes(0x83, serviceTable([...(serviceCentre ? [12] : []), 19, ...(number ? [21] : []), 85]))),
    serviceCentre ? hex("AB00") : new Uint8Array(),
    hex("AD00"),
    hex("AE03830100"),
    sequence(0xb2, tlvBytes(0x83, new Uint8Array(2))),
    hex("B606830411F2FF00"),
  );
}

/** EF.UST with these services. 3GPP TS 31.102 §4.2.8 */
function serviceTable(numbers: readonly number[]): Uint8Array {
  const octets = new Uint8Array(14);
  for (const number of numbers)
    octets[(number - 1) >> 3] = (octets[(number - 1) >> 3] ?? 0) | (1 << ((number - 1) & 7));
  return octets;
}

function puk(reference: number): Uint8Array {
  return sequence(0x30, tlvBytes(0x80, integer(reference)), tlvBytes(0x81, new Uint8Array(8)));
}

function pin(reference: number, unblockedBy?: number): Uint8Array {
  const puk = unblockedBy === undefined ? new Uint8Array() : tlvBytes(0x82, integer(unblockedBy));
  return sequence(0x30, tlvBytes(0x80, integer(reference)), tlvBytes(0x81, new Uint8Array(8)), puk);
}

/** eUICC Profile Package §8.4.2 */
function aka(algorithm: keyof typeof algorithms, { longKey }: Parts): Uint8Array {
  const opc = { milenage: 16, tuak: 32, test: 0 } as const;
  return sequence(
    0xa1,
    sequence(
      0xa1,
      tlvBytes(0x80, Uint8Array.of(algorithms[algorithm])),
      hex("810101"),
      tlvBytes(0x82, new Uint8Array(longKey ? 32 : 16)),
      tlvBytes(0x83, new Uint8Array(opc[algorithm])),
    ),
  );
}

/** Remote file management under one TAR, with ciphering and a cryptographic checksum. eUICC Profile Package §8.8 */
function remoteFiles(aid: string, tar: string): Uint8Array {
  return concatBytes(tlvBytes(0x4f, hex(aid)), sequence(0xa0, tlvBytes(0x04, hex(tar))), hex("810112040100040100"));
}

function adfAccess(): Uint8Array {
  return sequence(0x30, tlvBytes(0x80, hex(usimAid)), hex("810100820100"));
}

function template(arc: number): Uint8Array {
  return tlvBytes(0x81, templateOid(arc));
}

function templateOid(arc: number): Uint8Array {
  return concatBytes(hex("67810F0102"), Uint8Array.of(arc));
}

/** An INTEGER up to 255 in DER. */
function integer(value: number): Uint8Array {
  return value < 0x80 ? Uint8Array.of(value) : Uint8Array.of(0, value);
}

const sequence = tlvBytes;
const hex = fromHex;
