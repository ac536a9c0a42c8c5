import { ConnectivityParameters } from "../../codec/euicc/addressing.ts";
import { type Dgi, Dgi as DgiCodec, Dgis, dgiName } from "../../codec/euicc/dgi.ts";
import { keyRole, keySetUse, keyTypeName } from "../../codec/euicc/key-set.ts";
import { decode, Reader } from "../../codec/kit/codec.ts";
import { readBcdAddress, showAddress, TpAddress } from "../../codec/sms/address.ts";
import { berParts, isBer, type TagEntry, type TagMap } from "../ber-tree.ts";
import type { Context } from "../context.ts";
import { aidWords, applicationText } from "../names.ts";
import { octetCount } from "../octet-count.ts";
import { externalAuthenticateParts } from "../packet/secure-channel.ts";
import { signatureWords } from "../signature-words.ts";
import { type Branch, branchOf, decimal, hex2, hexTagList, hiddenLeaf, leafOf, type Node, numberOf } from "../tree.ts";
import { catObjectsInto } from "./cat.ts";

const aid = { name: "AID", render: aidWords, clause: "SGP.02 Annex H" };

/** A field with a length octet in front. */
function lv(branch: Branch, label: string, render?: (octets: Uint8Array) => string | undefined): Uint8Array {
  const length = branch.octet(`${label} length`, String);
  return length === 0 ? new Uint8Array(0) : branch.field(label, length, render);
}

/** Privileges, first octet, b8 first. GP Card Specification §11.1.2 */
const privilegeNames = [
  "security domain",
  "DAP verification",
  "delegated management",
  "card lock",
  "card terminate",
  "card reset",
  "CVM management",
  "mandated DAP verification",
  "trusted path",
  "authorized management",
  "token management",
  "global delete",
  "global lock",
  "global registry",
  "final application",
  "global service",
];

function privileges(octets: Uint8Array): string {
  return privilegeNames.filter((_, at) => ((octets[at >> 3] ?? 0) & (0x80 >> (at & 7))) !== 0).join(", ");
}

const installParameters: TagMap = new Map<number, TagEntry>([
  [
    0xc9,
    {
      name: "application parameters",
      tags: new Map<number, TagEntry>([[0x81, { name: "secure channel", render: scpWords }]]),
    },
  ],
  [
    0xef,
    {
      name: "system parameters",
      tags: new Map<number, TagEntry>([
        [
          0x83,
          {
            name: "memory quota",
            render: (octets: Uint8Array, offset: number) => octetCount(numberOf(octets, offset)),
          },
        ],
      ]),
    },
  ],
]);

function scpWords(octets: Uint8Array): string {
  const [scp = 0, i = 0] = octets;
  return `SCP${hex2(scp)}, i = ${hex2(i)}`;
}

/** Data of INSTALL. GP Card Specification §11.5.2.3, SGP.02 §4.1.1.1 */
export function installData(apdu: Uint8Array, octets: Uint8Array, base: number): Node {
  const perso = apdu[2] === 0x20;
  return branchOf("install data", octets, base, (branch) => {
    lv(branch, "load file", aidWords);
    lv(branch, "module", aidWords);
    lv(branch, perso ? "security domain" : "application", aidWords);
    lv(branch, "privileges", privileges);
    const length = branch.octet("parameters length", String);
    if (length > 0) {
      branch.part(length, (bytes, offset) =>
        branchOf("parameters", bytes, offset, (inner) => void berParts(inner, installParameters)),
      );
    }
    lv(branch, "token");
    return undefined;
  });
}

const deleteTags: TagMap = new Map<number, TagEntry>([
  [0x4f, aid],
  [0xf2, { name: "keys to keep", render: keyRange }],
  [
    0xb6,
    {
      name: "control reference template for the token",
      tags: new Map<number, TagEntry>([
        [0x42, { name: "SD provider id", render: ascii }],
        [0x45, { name: "SD image number", render: ascii }],
        [0x5f20, { name: "application provider id", render: ascii }],
        [0x93, { name: "token id" }],
      ]),
    },
  ],
  [0x9e, { name: "delete token" }],
  [0xd0, { name: "key identifier" }],
  [0xd2, { name: "key version number" }],
]);

function ascii(octets: Uint8Array): string | undefined {
  return octets.every((octet) => octet >= 0x20 && octet < 0x7f)
    ? `"${Buffer.from(octets).toString("latin1")}"`
    : undefined;
}

function keyRange(octets: Uint8Array): string {
  const [kvn = 0, first = 0, last = 0] = octets;
  return `KVN ${hex2(kvn)} (${keySetUse(kvn)}), ids ${first} to ${last}`;
}

/** Data of DELETE. GP Card Specification §11.2.2.3, SGP.02 §4.1.1.4, §4.1.1.6 */
export function deleteData(octets: Uint8Array, base: number): Node {
  return branchOf("what to delete", octets, base, (branch) => void berParts(branch, deleteTags));
}

const searchTags: TagMap = new Map<number, TagEntry>([
  [0x4f, { name: "AID", render: (octets: Uint8Array) => (octets.length === 0 ? "all" : aidWords(octets)) }],
  [0x5c, { name: "tags wanted", render: hexTagList }],
]);

/** Search criteria of GET STATUS. GP Card Specification §11.4.2.3 */
export function getStatusData(octets: Uint8Array, base: number): Node {
  return branchOf("search criteria", octets, base, (branch) => void berParts(branch, searchTags));
}

/** Tag list of GET DATA. GP Card Specification §11.3 */
export function tagListData(octets: Uint8Array, base: number): Node {
  return branchOf("objects wanted", octets, base, (branch) => void berParts(branch, searchTags));
}

/** Data of the commands that open a secure channel: challenges and cryptograms. GP Amendment D §7.1 */
export function secureChannelData(name: string, octets: Uint8Array, base: number): Node {
  return branchOf("secure channel", octets, base, (branch) => {
    if (name === "INITIALIZE UPDATE") branch.rest("host challenge");
    else externalAuthenticateParts(branch);
    return undefined;
  });
}

/** Data of STORE DATA: data groupings, or TLVs. GP Card Specification §11.11, SGP.02 §4.1 */
export function storeDataNode(apdu: Uint8Array, octets: Uint8Array, base: number, context: Context): Node {
  const p1 = apdu[2] ?? 0;
  if ((p1 & 0x60) !== 0 && context.secrets !== true) {
    return hiddenLeaf("data", octets, base, { note: "sensitive, ciphered under the DEK" });
  }
  if ((p1 & 0x10) !== 0 && (p1 & 0x08) === 0 && isBer(octets)) {
    return branchOf("stored objects", octets, base, (branch) => void berParts(branch, storedTags(context)));
  }
  // Blocks that continue a grouping, and applications with a format of their own, have no groupings to show.
  if (octets[0] !== 0x3a && !isGroupings(octets)) return leafOf("data", octets, base);
  return branchOf("data groupings", octets, base, (branch) => {
    while (!branch.from.ended) grouping(branch, context);
    return undefined;
  });
}

function isGroupings(octets: Uint8Array): boolean {
  try {
    return decode(Dgis, octets).length > 0;
  } catch {
    return false;
  }
}

/** Session and DNS parameters that a security domain stores. GP Amendment B §3.8, §3.11 */
function storedTags(context: Context): TagMap {
  const read = (branch: Branch) => sessionParts(branch, context);
  return new Map<number, TagEntry>([
    [0x85, { name: "session parameters, replaced", read }],
    [0xa5, { name: "session parameters, changed", read }],
  ]);
}

function sessionParts(branch: Branch, context: Context): string | undefined {
  const octets = branch.from.rest();
  branch.add(context.read("tlv", octets, branch.from.base, context));
  return undefined;
}

function grouping(branch: Branch, context: Context): void {
  const { from } = branch;
  const offset = from.offset;
  const probe = new Reader(from.bytes.subarray(offset - from.base), offset);
  // The length of 3A02 counts its control template alone; key and signature follow as TLVs.
  const establishing = probe.peek() === 0x3a && probe.peek(1) === 0x02;
  const dgi: Dgi = establishing
    ? { tag: probe.uint(2), value: probe.take(probe.u8("DGI length"), "DGI value") }
    : DgiCodec.read(probe);
  const whole = from.take(probe.offset - offset);
  const head = whole.length - dgi.value.length;
  const name = dgiName(dgi.tag);
  const label = `DGI ${hex2(dgi.tag >> 8)}${hex2(dgi.tag & 0xff)}${name === undefined ? "" : `, ${name}`}`;
  branch.add({ ...groupingValue(label, dgi, offset + head, context), offset, length: whole.length });
  if (establishing) berParts(branch, establishmentTags);
}

const establishmentTags: TagMap = new Map<number, TagEntry>([
  [0x7f49, { name: "ephemeral public key", clause: "SGP.02 §4.1.1.8" }],
  [0x5f37, { name: "signature", render: signatureWords }],
]);

const controlTags: TagMap = new Map<number, TagEntry>([
  [
    0xa6,
    {
      name: "control reference template",
      clause: "GP Amendment E",
      tags: new Map<number, TagEntry>([
        [0x90, { name: "scenario", render: scenario }],
        [
          0x95,
          {
            name: "usage",
            render: ([one = 0]: Uint8Array) =>
              one === 0x10 ? "three secure channel keys" : one === 0x5c ? "one key" : undefined,
          },
        ],
        [0x96, { name: "access" }],
        [0x80, { name: "key type", render: ([one = 0]: Uint8Array) => keyTypeName(one) }],
        [0x81, { name: "key length", render: ([one = 0]: Uint8Array) => `${one} octets` }],
        [0x82, { name: "key identifier" }],
        [0x83, { name: "key version number", render: ([one = 0]: Uint8Array) => keySetUse(one) }],
        [0x91, { name: "initial sequence counter" }],
        [0x45, { name: "SDIN" }],
        [0x84, { name: "HostID" }],
      ]),
    },
  ],
]);

function scenario(octets: Uint8Array): string {
  const [id = 0, bits = 0] = octets;
  const names = ["delete existing keys", "derivation random", "host id", "certificate verified before"];
  return [`scenario ${id}`, ...names.filter((_, at) => bits & (1 << at))].join(", ");
}

const isdPTags: TagMap = new Map<number, TagEntry>([[0x4f, aid]]);

const addressingTags: TagMap = new Map<number, TagEntry>([
  [
    0xa3,
    {
      name: "SMS",
      tags: new Map<number, TagEntry>([
        [
          0x81,
          {
            name: "TP-DA",
            render: (octets: Uint8Array, offset: number) => showAddress(decode(TpAddress, octets, offset)),
          },
        ],
      ]),
    },
  ],
  [0xa4, { name: "CAT_TP" }],
]);

function groupingValue(label: string, dgi: Dgi, base: number, context: Context): Node {
  const tree = (tags: TagMap) => branchOf(label, dgi.value, base, (branch) => void berParts(branch, tags));
  switch (dgi.tag) {
    case 0x3a01:
      return branchOf(label, dgi.value, base, (branch) => {
        const length = branch.from.remaining;
        branch.part(length, (bytes, offset) => context.read("certificate", bytes, offset, context));
        return undefined;
      });
    case 0x3a02:
      return tree(controlTags);
    case 0x3a03:
    case 0x3a04:
    case 0x3a05:
    case 0x3a09:
      return { ...tree(isdPTags), ...isdPValue(dgi.value) };
    case 0x3a06:
      return tree(new Map<number, TagEntry>([[0x81, { name: "POL1", render: pol1 }]]));
    case 0x3a07:
      return addressing(label, dgi.value, base, context);
    case 0x3a08:
      return tree(new Map<number, TagEntry>([[0x4e, { name: "sequence number", render: decimal }]]));
    case 0x0070:
      return tree(deleteSdTags);
    default:
      return leafOf(label, dgi.value, base);
  }
}

const deleteSdTags: TagMap = new Map<number, TagEntry>([
  [0x42, { name: "SD provider id", render: ascii }],
  [0x45, { name: "SD image number", render: ascii }],
  [0x5f20, { name: "application provider id", render: ascii }],
]);

function isdPValue(value: Uint8Array): Pick<Node, "value"> {
  return value[0] === 0x4f && value.length === 18 ? { value: applicationText(value.subarray(2)) } : {};
}

const pol1Rules = ["disabling not allowed", "deletion not allowed", "delete when disabled"];

function pol1([octet = 0]: Uint8Array): string {
  const rules = pol1Rules.filter((_, at) => octet & (1 << at));
  return rules.length === 0 ? "no rule" : rules.join(", ");
}

/** Addressing parameters of the ISD-R (A3, A4, A5), or connectivity parameters of an ISD-P (A0, A1, A2). */
function addressing(label: string, value: Uint8Array, base: number, context: Context): Node {
  const objects = (branch: Branch): string | undefined => {
    catObjectsInto(branch, context);
    return undefined;
  };
  const tags: TagMap = new Map<number, TagEntry>([
    ...addressingTags,
    [0xa5, { name: "HTTPS", read: (branch: Branch) => sessionParts(branch, context) }],
    [0xa0, { name: "SMS", tags: new Map<number, TagEntry>([[0x06, { name: "SMSC address", render: smsc }]]) }],
    [0xa1, { name: "CAT_TP", read: objects }],
    [0xa2, { name: "HTTPS", read: objects }],
  ]);
  const node = branchOf(label, value, base, (branch) => void berParts(branch, tags));
  return isConnectivity(value) ? { ...node, note: "connectivity parameters of an ISD-P" } : node;
}

function smsc(octets: Uint8Array, offset: number): string {
  return showAddress(readBcdAddress(octets, offset));
}

function isConnectivity(value: Uint8Array): boolean {
  const first = value[0] ?? 0;
  if (first < 0xa0 || first > 0xa2) return false;
  try {
    decode(ConnectivityParameters, value);
    return true;
  } catch {
    return false;
  }
}

/** A key of a set by its role: `key 1 of SCP80 (KIc)`. */
export function keyWords(kvn: number, id: number): string {
  const role = keyRole(kvn, id);
  return `${keySetUse(kvn)} key set ${hex2(kvn)}, key ${id}${role === undefined ? "" : ` (${role})`}`;
}
