import { certificateDate, oidText } from "../../codec/euicc/certificate.ts";
import { eidCheckDigitsOk, eidFromOctets } from "../../codec/euicc/eid.ts";
import { lifeCycleName } from "../../codec/euicc/es5/answer.ts";
import { curveName, keyTypeName } from "../../codec/euicc/key-set.ts";
import { notificationTypeText } from "../../codec/euicc/notification.ts";
import { berPart, berParts, type TagEntry, type TagMap } from "../ber-tree.ts";
import { imeiWords } from "../imei-words.ts";
import { aidWords, applicationText, fileWords } from "../names.ts";
import { octetCount } from "../octet-count.ts";
import { oidName } from "../oid-names.ts";
import { signatureWords } from "../signature-words.ts";
import { branchOf, decimal, hex2, type Node, numberOf } from "../tree.ts";
import { keyWords } from "./gp-command.ts";

const octetsOf = (octets: Uint8Array, offset: number) => octetCount(numberOf(octets, offset));

/** An EID as text: its digits, and whether the check digits hold. */
export function eidWords(octets: Uint8Array, offset = 0): string {
  const eid = eidFromOctets(octets, offset);
  return `${eid}${eidCheckDigitsOk(eid) ? "" : ", check digits do not hold"}`;
}

const publicKey: TagEntry = {
  name: "public key",
  tags: new Map([
    [0xb0, { name: "point" }],
    [0xf0, { name: "curve", render: ([one = 0]: Uint8Array) => curveName(one) }],
  ]),
};

/** An object identifier, named where GlobalPlatform defines it. GP Card Specification §H.1 */
function oid(octets: Uint8Array): string | undefined {
  const text = oidText(octets);
  const name = oidName(octets);
  if (name === undefined) return text;
  return text === undefined ? name : `${text}, ${name}`;
}

function usage(octets: Uint8Array): string | undefined {
  if (octets.length === 1) return octets[0] === 0x88 ? "signature verification" : undefined;
  return octets.at(-1) === 0x80 ? "key agreement" : undefined;
}

const certificateTags: TagMap = new Map([
  [0x93, { name: "serial number" }],
  [0x42, { name: "CA identifier", render: oid }],
  [0x5f20, { name: "subject", render: (octets: Uint8Array) => (octets.length === 16 ? undefined : oid(octets)) }],
  [0x95, { name: "key usage", render: usage }],
  [0x5f25, { name: "effective date", render: certificateDate }],
  [0x5f24, { name: "expiration date", render: certificateDate }],
  [0x45, { name: "image number" }],
  [
    0x73,
    {
      name: "discretionary data",
      tags: new Map([
        [
          0xc8,
          { name: "role", render: ([one = 0]: Uint8Array) => (one === 1 ? "SM-DP" : one === 2 ? "SM-SR" : undefined) },
        ],
        [0xc9, { name: "authority key identifier" }],
      ]),
    },
  ],
  [0x7f49, publicKey],
  [0x5f37, { name: "signature", render: signatureWords }],
]);

/** A GlobalPlatform certificate. SGP.02 §2.3.2.2 */
export function certificateNode(octets: Uint8Array, base: number): Node {
  return branchOf(
    "certificate",
    octets,
    base,
    (branch) => {
      berPart(branch, new Map([[0x7f21, { name: "certificate", tags: certificateTags }]]));
      const parts = branch.children[0]?.children ?? [];
      const find = (tag: string) => parts.find((node) => node.label.includes(`(${tag})`));
      const role = find("73")?.children.find((node) => node.label.startsWith("role"))?.value;
      const until = find("5F24")?.value;
      return [role ?? "GlobalPlatform", ...(until === undefined ? [] : [`expires ${until}`])].join(", ");
    },
    { clause: "SGP.02 §2.3.2.2" },
  );
}

const notificationTags: TagMap = new Map<number, TagEntry>([
  [0x4c, { name: "EID", render: eidWords }],
  [0x4d, { name: "type", render: ([one = 0]) => notificationTypeText(one) }],
  [0x4e, { name: "sequence number", render: decimal }],
  [0x2f, { name: "ISD-P now enabled", render: aidWords }],
  [0xaf, { name: "ISD-P now enabled", render: aidWords }],
  [
    0x4f,
    {
      name: "ISD-P now enabled",
      render: aidWords,
      note: "AID under tag 4F instead of 2F, as some cards in the field write it",
    },
  ],
  [0x14, { name: "IMEI", render: notedImei }],
  [0x94, { name: "IMEI", render: notedImei }],
  [0x6d, { name: "MEID" }],
  [0xed, { name: "MEID" }],
]);

function notedImei(octets: Uint8Array): string {
  return imeiWords(octets) ?? "not an IMEI, which has 8 octets of digits";
}

/** Default notification of an eUICC. SGP.02 §4.1.1.11 */
export function notificationNode(octets: Uint8Array, base: number): Node {
  return branchOf(
    "notification",
    octets,
    base,
    (branch) => {
      berPart(branch, new Map([[0xe1, { name: "notification", tags: notificationTags }]]));
      const parts = branch.children[0]?.children ?? [];
      const find = (start: string) => parts.find((node) => node.label.startsWith(start));
      const isdP = find("ISD-P")?.hex;
      const what = find("type")?.value ?? "without type";
      const sequence = find("sequence")?.value ?? "?";
      const now = isdP === undefined ? "" : `, enabled ${applicationText(Buffer.from(isdP, "hex"))}`;
      return `${what}, sequence ${sequence}${now}`;
    },
    { clause: "SGP.02 §4.1.1.11" },
  );
}

const statusTags: TagMap = new Map<number, TagEntry>([
  [0x4f, { name: "AID", render: aidWords }],
  [0x9f70, { name: "life cycle", render: ([one = 0]) => lifeCycleName(one) }],
  [0x53, { name: "attributes", render: ([one = 0]) => (one & 1 ? "fall-back attribute" : "no fall-back attribute") }],
  [0x8f, { name: "granted memory", render: octetsOf }],
  [0x91, { name: "remaining memory", render: octetsOf }],
  [0xc5, { name: "privileges" }],
  [0xc4, { name: "load file", render: aidWords }],
  [0xcc, { name: "associated security domain", render: aidWords }],
  [0x84, { name: "module", render: aidWords }],
  [0xce, { name: "version" }],
]);

function keyInformation(octets: Uint8Array): string | undefined {
  const [id, kvn, type, length] = octets;
  if (id === undefined || kvn === undefined || type === undefined || length === undefined) return undefined;
  return `${keyWords(kvn, id)}, ${keyTypeName(type) ?? hex2(type)}, ${length} octets`;
}

/** Objects that GET STATUS and GET DATA answer. GP Card Specification §11.3, §11.4, SGP.02 §4.1.1.5 */
const answerTags: TagMap = new Map<number, TagEntry>([
  [0xe3, { name: "security domain or application", tags: statusTags, clause: "GP Card Specification §11.4.3" }],
  [
    0xff21,
    {
      name: "extended card resources",
      clause: "TS 102 226 §8.2.1.7.2",
      tags: new Map([
        [0x81, { name: "installed applications", render: decimal }],
        [0x82, { name: "free non-volatile memory", render: octetsOf }],
        [0x83, { name: "free volatile memory", render: octetsOf }],
      ]),
    },
  ],
  [
    0xbf30,
    {
      name: "forwarded CASD data",
      tags: new Map<number, TagEntry>([
        [0x7f21, { name: "certificate", tags: certificateTags }],
        [
          0x66,
          { name: "card data", tags: new Map([[0x73, { name: "card recognition data", tags: recognitionTags() }]]) },
        ],
      ]),
    },
  ],
  [0x66, { name: "card data", tags: new Map([[0x73, { name: "card recognition data", tags: recognitionTags() }]]) }],
  [0xe0, { name: "key information", tags: new Map([[0xc0, { name: "key", render: keyInformation }]]) }],
  [0xc1, { name: "sequence counter", render: decimal }],
  [0x5a, { name: "EID", render: (octets, offset) => (octets.length === 16 ? eidWords(octets, offset) : undefined) }],
  [0x80, { name: "deleted ISD-Ps", tags: new Map([[0x4f, { name: "AID", render: aidWords }]]) }],
  [0x85, { name: "random challenge or derivation random" }],
  [0x86, { name: "receipt" }],
]);

function recognitionTags(): TagMap {
  const object = new Map<number, TagEntry>([[0x06, { name: "object identifier", render: oid }]]);
  return new Map<number, TagEntry>([
    [0x06, { name: "object identifier", render: oid }],
    [0x60, { name: "card management", tags: object }],
    [0x63, { name: "identification scheme", tags: object }],
    [0x64, { name: "secure channel", tags: object }],
  ]);
}

/** Answers of GET STATUS, GET DATA and key establishment. */
export function cardDataNode(octets: Uint8Array, base: number): Node {
  return branchOf("card data", octets, base, (branch) => {
    while (!branch.from.ended) {
      berPart(branch, answerTags);
      const last = branch.children.at(-1);
      if (last !== undefined) branch.addWords(objectWords(last));
    }
    return branch.words;
  });
}

function objectWords(node: Node): string {
  const parts = node.children;
  const find = (start: string) => parts.find((part) => part.label.startsWith(start));
  const name = node.label.replace(/ \([0-9A-F]+\)$/, "");
  if (name.startsWith("security domain")) {
    const domain = find("AID");
    const state = find("life cycle")?.value;
    const fallback = find("attributes")?.value === "fall-back attribute" ? ", fall-back" : "";
    return `${domain?.value ?? domain?.hex ?? "?"}${state === undefined ? "" : ` ${state}`}${fallback}`;
  }
  if (name === "extended card resources") return `${find("free non-volatile")?.value ?? "?"} free`;
  if (name === "EID") return `EID ${node.value ?? node.hex ?? ""}`;
  if (name === "deleted ISD-Ps") return `deleted ${parts.map((part) => part.value ?? part.hex).join(", ")}`;
  return node.value === undefined ? name : `${name} ${node.value}`;
}

const fileTypes = ["transparent EF", "linear fixed EF", "", "", "", "cyclic EF"];

function descriptor(octets: Uint8Array): string {
  const [first = 0] = octets;
  const kind =
    (first & 0x38) === 0x38
      ? (first & 0x07) === 1
        ? "BER-TLV EF"
        : "DF or ADF"
      : (fileTypes[(first & 0x07) - 1] ?? "EF");
  const record =
    octets.length >= 5 ? `, ${octets[4]} records of ${(octets[2] ?? 0) * 256 + (octets[3] ?? 0)} octets` : "";
  return `${kind}${record}`;
}

const fcpTags: TagMap = new Map<number, TagEntry>([
  [0x80, { name: "file size", render: octetsOf }],
  [0x81, { name: "total file size", render: octetsOf }],
  [0x82, { name: "file descriptor", render: descriptor }],
  [0x83, { name: "file identifier", render: fileWords }],
  [0x84, { name: "DF name (AID)", render: aidWords }],
  [0x88, { name: "short file identifier", render: ([one = 0]) => `SFI ${hex2(one >> 3)}` }],
  [
    0x8a,
    {
      name: "life cycle status",
      render: ([one = 0]) =>
        one === 5 || one === 7
          ? "operational, activated"
          : one === 4 || one === 6
            ? "operational, deactivated"
            : undefined,
    },
  ],
  [0x8b, { name: "security attributes, reference to EF.ARR" }],
  [0x8c, { name: "security attributes, compact" }],
  [0xa5, { name: "proprietary information" }],
  [0xab, { name: "security attributes, expanded" }],
  [0xc6, { name: "PIN status template" }],
]);

/** File control parameters. ETSI TS 102 221 §11.1.1.3 */
export function fcpNode(octets: Uint8Array, base: number): Node {
  return branchOf(
    "FCP",
    octets,
    base,
    (branch) => {
      berPart(
        branch,
        new Map([
          [0x62, { name: "FCP template", tags: fcpTags }],
          [0x6f, { name: "FCI template", tags: fcpTags }],
        ]),
      );
      const parts = branch.children[0]?.children ?? [];
      const find = (start: string) => parts.find((node) => node.label.startsWith(start));
      const identifier = find("file identifier");
      const name = find("DF name")?.value ?? identifier?.value ?? identifier?.hex;
      return [name, find("file descriptor")?.value, find("file size")?.value]
        .filter((one) => one !== undefined)
        .join(", ");
    },
    { clause: "TS 102 221 §11.1.1.3" },
  );
}

/** Any BER-TLVs, with no idea what they are for. ISO/IEC 8825-1 */
export function tlvNode(octets: Uint8Array, base: number): Node {
  return branchOf("BER-TLV", octets, base, (branch) => void berParts(branch, new Map()), { clause: "ISO/IEC 8825-1" });
}
