import { oidText } from "../../codec/euicc/certificate.ts";
import { berPart, berParts, type TagEntry, type TagMap } from "../ber-tree.ts";
import { aidWords, fileName, pathText, tarName } from "../names.ts";
import { octetCount } from "../octet-count.ts";
import { type Branch, hex2, numberOf } from "../tree.ts";
import { filesOf } from "./profile-files.ts";

/** Profile elements by tag: a choice with automatic tags. eUICC Profile Package: Interoperable Format §8.1 */
export const elementNames = new Map<number, string>([
  ...[
    ..."header genericFileManagement pinCodes pukCodes akaParameter cdmaParameter securityDomain rfm".split(" "),
    ..."application nonStandard end rfu1 rfu2 rfu3 rfu4 rfu5 mf cd telecom usim opt-usim isim opt-isim".split(" "),
    ..."phonebook gsm-access csim opt-csim eap df-5gs df-saip df-snpn".split(" "),
  ].map((name, index): [number, string] => [0xa0 + index, name]),
  [0xbf1f, "df-5gprose"],
  [0xbf20, "iot"],
  [0xbf21, "opt-iot"],
]);

const number = (octets: Uint8Array) => String(numberOf(octets));
const text = (octets: Uint8Array) => `"${new TextDecoder().decode(octets)}"`;
const size = (octets: Uint8Array) => octetCount(octets.length);

const header: TagMap = new Map<number, TagEntry>([
  [0x80, { name: "mandated", max: 0 }],
  [0x81, { name: "identification", render: number, max: 3 }],
]);

const services =
  "contactless usim isim csim milenage tuak128 cave gba-usim gba-isim mbms eap javacard multos multiple-usim multiple-isim multiple-csim tuak256 usim-test-algorithm ber-tlv dfLink cat-tp get-identity profile-a-x25519 profile-b-p256 suciCalculatorApi dns-resolution scp11ac scp11c-authorization-mechanism s16mode eaka".split(
    " ",
  );

const oid: TagMap = new Map<number, TagEntry>([[0x06, { name: "template", render: oidText, max: 16 }]]);

/** Digits in their order, filled up with F; in EF.ICCID they are swapped. */
function iccidWords(octets: Uint8Array): string {
  return [...octets].map(hex2).join("").replace(/F+$/, "");
}

const profileHeader: TagMap = new Map<number, TagEntry>([
  [0x80, { name: "major version", render: number, max: 2 }],
  [0x81, { name: "minor version", render: number, max: 2 }],
  [0x82, { name: "profile type", render: text, max: 100 }],
  [0x83, { name: "ICCID", render: iccidWords, max: 10 }],
  [0x84, { name: "POL1", max: 8 }],
  [
    0xa5,
    {
      name: "mandatory services",
      tags: new Map(services.map((name, index): [number, TagEntry] => [0x80 + index, { name, max: 0 }])),
    },
  ],
  [0xa6, { name: "mandatory templates", tags: oid }],
  [0x87, { name: "connectivity parameters", max: 255 }],
  [
    0xa8,
    {
      name: "mandatory AIDs",
      tags: new Map<number, TagEntry>([
        [
          0x30,
          {
            name: "application",
            tags: new Map<number, TagEntry>([
              [0x80, { name: "AID", render: aidWords, max: 16 }],
              [0x81, { name: "version", max: 2 }],
            ]),
          },
        ],
      ]),
    },
  ],
  [0xa9, { name: "IoT options", tags: new Map<number, TagEntry>([[0x80, { name: "PIX", max: 11 }]]) }],
]);

const fcp: TagMap = new Map<number, TagEntry>([
  [0x80, { name: "file size", render: number, max: 4 }],
  [0x82, { name: "file descriptor", max: 6 }],
  [0x83, { name: "file identifier", render: (octets) => fileName(numberOf(octets)), max: 2 }],
  [0x84, { name: "DF name", render: aidWords, max: 16 }],
  [0x88, { name: "short file identifier", max: 1 }],
  [0x8a, { name: "life cycle status", max: 1 }],
  [0x8b, { name: "security attributes", max: 3 }],
  [
    0xa5,
    {
      name: "proprietary information",
      tags: new Map<number, TagEntry>([
        [0xc0, { name: "special file information", max: 1 }],
        [0xc1, { name: "fill pattern", max: 200 }],
        [0xc2, { name: "repeat pattern", max: 200 }],
        [0x86, { name: "maximum size", render: number, max: 4 }],
        [0x84, { name: "details", max: 1 }],
      ]),
    },
  ],
  [0xc6, { name: "PIN status template", max: 40 }],
  [0xc7, { name: "link path", max: 8 }],
]);

function fileTags(secret: boolean): TagMap {
  return new Map<number, TagEntry>([
    [0x80, { name: "do not create", max: 0 }],
    [0xa1, { name: "file descriptor", tags: fcp }],
    [0x82, { name: "skip", render: number, max: 3 }],
    [0x83, { name: "content", render: size, secret }],
  ]);
}

function fileCommands(secret: boolean): TagMap {
  return new Map<number, TagEntry>([
    [0x80, { name: "path", render: (octets) => (octets.length === 0 ? "MF" : pathText(octets)), max: 8 }],
    [0x62, { name: "create file", tags: fcp }],
    [0x02, { name: "skip", render: number, max: 3 }],
    [0x81, { name: "content", render: size, secret }],
  ]);
}

/** A run of commands on files. One whose path is not a path is something else, damaged: its content is not shown. */
function fileManagement(secret: boolean): TagMap {
  const read = (branch: Branch): string | undefined => {
    const [tag, length = 0] = branch.from.bytes;
    const damaged = tag === 0x80 && length % 2 === 1;
    berParts(branch, fileCommands(secret && damaged), { depth: 3, confidential: secret });
    return undefined;
  };
  return new Map<number, TagEntry>([[0x30, { name: "commands", read }]]);
}

/** References of PINs, PUKs and administrative keys. ETSI TS 102 221 §9.5.1 */
function codeName(kind: "PIN" | "PUK") {
  return (octets: Uint8Array): string => {
    const value = numberOf(octets);
    if (value >= 10 && value <= 14) return `ADM${value - 9}`;
    if (value >= 138 && value <= 142) return `ADM${value - 132}`;
    return value >= 129 ? `local ${kind} of application ${value - 128}` : `${kind} of application ${value}`;
  };
}

const tries = ([octet = 0]: Uint8Array) => `${octet & 0x0f} of ${octet >> 4} tries left`;

function pinTags(secret: boolean): TagMap {
  const pin = new Map<number, TagEntry>([
    [0x80, { name: "reference", render: codeName("PIN"), max: 2 }],
    [0x81, { name: "PIN", secret }],
    [0x82, { name: "reference of the PUK", render: codeName("PUK"), max: 2 }],
    [0x83, { name: "attributes", max: 2 }],
    [0x84, { name: "tries", render: tries, max: 2 }],
  ]);
  return new Map<number, TagEntry>([
    [0xa0, { name: "PINs", tags: new Map<number, TagEntry>([[0x30, { name: "PIN", tags: pin }]]) }],
    [0x81, { name: "shared with", render: pathText, max: 8 }],
  ]);
}

function pukTags(secret: boolean): TagMap {
  const puk = new Map<number, TagEntry>([
    [0x80, { name: "reference", render: codeName("PUK"), max: 2 }],
    [0x81, { name: "PUK", secret }],
    [0x82, { name: "tries", render: tries, max: 2 }],
  ]);
  return new Map<number, TagEntry>([[0x30, { name: "PUK", tags: puk }]]);
}

const algorithms: Readonly<Record<number, string>> = { 1: "Milenage", 2: "TUAK", 3: "USIM test algorithm" };

function akaTags(secret: boolean): readonly [number, TagEntry][] {
  const algorithm = new Map<number, TagEntry>([
    [0x80, { name: "algorithm", render: (octets) => algorithms[numberOf(octets)], max: 2 }],
    [0x81, { name: "options", max: 1 }],
    [0x82, { name: "K", secret }],
    [0x83, { name: "OPc or TOPc", secret }],
    [0x84, { name: "rotation constants", max: 5 }],
    [0x85, { name: "XOR constants", secret }],
    [0x86, { name: "authentication counter maximum", max: 3 }],
    [0x87, { name: "Keccak rounds", max: 2 }],
  ]);
  const mapping = new Map<number, TagEntry>([
    [0x80, { name: "options", max: 1 }],
    [0x81, { name: "as in the application", render: aidWords, max: 16 }],
  ]);
  return [
    [
      0xa1,
      {
        name: "algorithm configuration",
        tags: new Map<number, TagEntry>([
          [0xa0, { name: "mapping", tags: mapping }],
          [0xa1, { name: "algorithm", tags: algorithm }],
        ]),
      },
    ],
    [0x82, { name: "SQN options", max: 1 }],
    [0x83, { name: "SQN delta", max: 6 }],
    [0x84, { name: "SQN age limit", max: 6 }],
    [0xa5, { name: "initial SQNs", tags: new Map<number, TagEntry>([[0x04, { name: "SQN", max: 6 }]]) }],
  ];
}

const cdma = (secret: boolean): readonly [number, TagEntry][] =>
  ["A-key", "SSD", "HRPD access", "simple IP", "mobile IP"].map((name, index) => [0x81 + index, { name, secret }]);

/** What is stored into a security domain or an application: it may be keys, and only its receiver knows. */
const persoData = (secret: boolean): TagEntry => ({ name: "data", secret });

const systemParameters: TagMap = new Map<number, TagEntry>([
  [0xc7, { name: "volatile memory quota", render: number, max: 4 }],
  [0xc8, { name: "non-volatile memory quota", render: number, max: 4 }],
  [0xca, { name: "SIM file access and toolkit parameters", max: 64 }],
  [0xcb, { name: "global service parameters", max: 16 }],
  [0xcf, { name: "implicit selection", max: 8 }],
  [0xd7, { name: "volatile memory reserved", render: number, max: 4 }],
  [0xd8, { name: "non-volatile memory reserved", render: number, max: 4 }],
]);

const uiccParameters: TagMap = new Map<number, TagEntry>([
  [0x80, { name: "toolkit parameters", max: 64 }],
  [0x81, { name: "access parameters", max: 64 }],
  [0x82, { name: "administrative access parameters", max: 64 }],
]);

function instanceTags(secret: boolean): TagMap {
  return new Map<number, TagEntry>([
    [0x4f, { name: "AID", render: aidWords, max: 16 }],
    [0x82, { name: "privileges", max: 3 }],
    [0x83, { name: "life cycle", max: 1 }],
    [0xc9, { name: "application parameters", max: 64 }],
    [0xef, { name: "system parameters", tags: systemParameters }],
    [0xea, { name: "UICC parameters", tags: uiccParameters }],
    [0x30, { name: "process data", tags: new Map<number, TagEntry>([[0x04, persoData(secret)]]) }],
    [0xb0, { name: "control reference template", tags: new Map([[0x5f20, { name: "provider", max: 16 }]]) }],
  ]);
}

function domainTags(secret: boolean): readonly [number, TagEntry][] {
  const component = new Map<number, TagEntry>([
    [0x80, { name: "key type", max: 2 }],
    [0x86, { name: "key", secret }],
    [0x87, { name: "MAC length", render: number, max: 2 }],
  ]);
  const key = new Map<number, TagEntry>([
    [0x95, { name: "usage", max: 2 }],
    [0x96, { name: "access", max: 1 }],
    [0x82, { name: "key identifier", render: number, max: 1 }],
    [0x83, { name: "key version number", max: 1 }],
    [0x85, { name: "counter", max: 8 }],
    [
      0x30,
      {
        name: "components",
        tags: new Map<number, TagEntry>([[0x30, { name: "component", tags: component }]]),
      },
    ],
  ]);
  return [
    [0xa1, { name: "instance", tags: instanceTags(secret) }],
    [0xa2, { name: "keys", tags: new Map<number, TagEntry>([[0x30, { name: "key", tags: key }]]) }],
    [0xa3, { name: "stored data", tags: new Map<number, TagEntry>([[0x04, persoData(secret)]]) }],
    [0xa4, { name: "open personalization data", tags: new Map([[0xd9, { name: "restriction", max: 1 }]]) }],
    [
      0xa5,
      {
        name: "CAT_TP",
        tags: new Map<number, TagEntry>([
          [0x80, { name: "maximum SDU", render: number, max: 3 }],
          [0x81, { name: "maximum PDU", render: number, max: 3 }],
        ]),
      },
    ],
  ];
}

function applicationTags(secret: boolean): readonly [number, TagEntry][] {
  const load = new Map<number, TagEntry>([
    [0x4f, { name: "AID", render: aidWords, max: 16 }],
    [0xc1, { name: "hash", max: 64 }],
    [0xc4, { name: "load file", secret }],
    [0xc6, { name: "non-volatile code limit", render: number, max: 4 }],
    [0xc7, { name: "volatile data limit", render: number, max: 4 }],
    [0xc8, { name: "non-volatile data limit", render: number, max: 4 }],
  ]);
  return [
    [0xa1, { name: "load package", tags: load }],
    [
      0xa2,
      {
        name: "instances",
        tags: new Map<number, TagEntry>([[0x30, { name: "instance", tags: instanceTags(secret) }]]),
      },
    ],
  ];
}

/** Fields of an element behind its header. */
function fieldsOf(element: string, secret: boolean): readonly (readonly [number, TagEntry])[] {
  switch (element) {
    case "genericFileManagement":
      return [[0xa1, { name: "file management", tags: fileManagement(secret) }]];
    case "pinCodes":
      return [[0xa1, { name: "PIN codes", tags: pinTags(secret) }]];
    case "pukCodes":
      return [[0xa1, { name: "PUK codes", tags: pukTags(secret) }]];
    case "akaParameter":
      return akaTags(secret);
    case "cdmaParameter":
      return cdma(secret);
    case "securityDomain":
      return domainTags(secret);
    case "application":
      return applicationTags(secret);
    case "nonStandard":
      return [
        [0x81, { name: "issuer", render: oidText, max: 16 }],
        [0x82, { name: "content", secret }],
      ];
    default:
      return [
        [0x81, { name: "template", render: oidText, max: 7 }],
        ...filesOf(element).map(({ tag, name, secret: keys }): [number, TagEntry] => [
          tag,
          { name, tags: fileTags(secret && keys) },
        ]),
      ];
  }
}

const tarList: TagEntry = {
  name: "TARs",
  tags: new Map<number, TagEntry>([[0x04, { name: "TAR", render: tarName, max: 3 }]]),
};

const rfmTags: TagMap = new Map<number, TagEntry>([
  [0x4f, { name: "AID", render: aidWords, max: 16 }],
  [0xa0, tarList],
  [0x81, { name: "minimum security level", max: 1 }],
  [0x04, { name: "access domain", max: 16 }],
  [0x30, { name: "ADF", tags: new Map([[0x80, { name: "AID", render: aidWords, max: 16 }]]) }],
]);

/** Header first, then what belongs to the element: the list of TARs of an RFM has the tag of the header. */
function elementReader(element: string, secret: boolean): (branch: Branch) => string | undefined {
  const options = { depth: 1, confidential: secret };
  const tags = element === "rfm" ? rfmTags : new Map<number, TagEntry>(fieldsOf(element, secret));
  return (branch) => {
    berPart(branch, new Map([[0xa0, { name: "element header", tags: header }]]), options);
    berParts(branch, tags, options);
    return undefined;
  };
}

function elementTags(secret: boolean): TagMap {
  const all = new Map<number, TagEntry>();
  for (const [tag, name] of elementNames) {
    all.set(tag, name === "header" ? { name, tags: profileHeader } : { name, read: elementReader(name, secret) });
  }
  return all;
}

/** How profile elements are read, their keys, PINs and PUKs hidden or shown. */
export const profileElements: { readonly hiding: TagMap; readonly showing: TagMap } = {
  hiding: elementTags(true),
  showing: elementTags(false),
};
