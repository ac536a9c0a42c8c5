import { TimerValue } from "../../codec/cat/local-info.ts";
import { readPskIdentity } from "../../codec/gp/psk-identity.ts";
import { decode } from "../../codec/kit/codec.ts";
import { berPart, type TagEntry, type TagMap } from "../ber-tree.ts";
import { eidWords } from "../card/card-data.ts";
import { catObjectsInto } from "../card/cat.ts";
import { keyWords } from "../card/gp-command.ts";
import type { Context } from "../context.ts";
import { aidWords } from "../names.ts";
import { type Branch, branchOf, decimal, type Node } from "../tree.ts";

const text = (octets: Uint8Array): string => `"${Buffer.from(octets).toString("utf8")}"`;

/**
 * Objects of OPEN CHANNEL, and two of a vendor that stand among them under tags of other objects: a port and a timer.
 */
function connection(context: Context) {
  return (branch: Branch): string | undefined => {
    catObjectsInto(branch, { ...context, vendorObjects });
    return undefined;
  };
}

const vendorObjects: NonNullable<Context["vendorObjects"]> = new Map([
  [0xee, { name: "vendor: port", render: decimal }],
  [0xef, { name: "vendor: timer", render: decimal }],
]);

function security(branch: Branch): string | undefined {
  branch.field("PSK identity", branch.octet("PSK identity length", String), (octets) => {
    const read = readPskIdentity(Buffer.from(octets).toString("latin1"));
    return read === undefined ? text(octets) : `EID ${read.eid}, ${keyWords(read.kvn, read.kid)}`;
  });
  branch.field("key", branch.octet("key length", String), ([version = 0, id = 0]) => keyWords(version, id));
  branch.rest("hash");
  return undefined;
}

function retry(branch: Branch): string | undefined {
  branch.uint("retries", 2);
  // A timer value with its COMPREHENSION-TLV head, as the standard has it, or bare.
  if ((branch.from.peek() ?? 0) % 0x80 === 0x25 && branch.from.peek(1) === 3) branch.field("timer value tag", 2);
  branch.field("delay", 3, (octets) => `${decode(TimerValue, octets)} s`);
  branch.rest("failure report");
  return undefined;
}

function sessionTags(context: Context): TagMap {
  return new Map<number, TagEntry>([
    [0x84, { name: "connection", read: connection(context), clause: "GP Amendment B §3.8.1" }],
    [0x85, { name: "security", read: security, clause: "GP Amendment B §3.8.2" }],
    [0xa5, { name: "extended security", tags: new Map([[0x85, { name: "security", read: security }]]) }],
    [0x86, { name: "retry policy", read: retry, clause: "GP Amendment B §3.8.3" }],
    [0xee, { name: "vendor: port", render: decimal }],
    [0xef, { name: "vendor: timer", render: decimal }],
    [0x87, { name: "retry failure report" }],
    [0x88, { name: "agent failure report" }],
    [
      0x89,
      {
        name: "HTTP POST",
        clause: "GP Amendment B §3.8.4",
        tags: new Map([
          [0x8a, { name: "host", render: text }],
          [0x8b, { name: "agent id", render: text }],
          [0x8c, { name: "URI", render: text }],
        ]),
      },
    ],
  ]);
}

/** Administration session trigger: what makes a security domain open a SCP81 session. GP Amendment B §3.7 */
export function sessionTriggerNode(octets: Uint8Array, base: number, context: Context): Node {
  return branchOf(
    "session trigger",
    octets,
    base,
    (branch) => {
      if (octets[0] === 0x81 && octets[1] === 0) {
        branch.field("trigger", 2, () => "no parameters");
        return "SCP81 session by the card's own parameters";
      }
      const tags: TagMap = new Map<number, TagEntry>([
        [0x83, { name: "session parameters", tags: sessionTags(context) }],
        [0xb3, { name: "DNS parameters" }],
      ]);
      berPart(branch, new Map([[0x81, { name: "session trigger", read: (inner) => triggered(inner, tags) }]]));
      const parts = branch.children[0]?.children[0]?.children ?? [];
      const http = parts.find((node) => node.label.startsWith("HTTP"))?.children ?? [];
      const connection = parts.find((node) => node.label.startsWith("connection"))?.children ?? [];
      const address = connection.find((node) => node.label.startsWith("other address"))?.value;
      const level = connection.find((node) => node.label.startsWith("transport"))?.value;
      const host = http.find((node) => node.label.startsWith("host"))?.value;
      const where = [address, level, host === undefined ? undefined : `host ${host}`].filter(
        (one) => one !== undefined,
      );
      return `SCP81 session${where.length === 0 ? "" : ` to ${where.join(", ")}`}`;
    },
    { clause: "GP Amendment B §3.7" },
  );
}

function triggered(branch: Branch, tags: TagMap): string | undefined {
  while (!branch.from.ended) berPart(branch, tags, { depth: 1 });
  return undefined;
}

const identityTags: TagMap = new Map<number, TagEntry>([
  [0x80, { name: "format", render: ([one = 0]) => (one === 2 ? "full" : undefined) }],
  [0x81, { name: "EID", render: (octets) => (octets.length === 16 ? eidWords(octets) : undefined) }],
  [0x4f, { name: "security domain", render: aidWords }],
  [0x82, { name: "key identifier", render: decimal }],
  [0x83, { name: "key version number" }],
]);

/** PSK identity of an eUICC, as TLVs or as the hexadecimal text of the handshake. SGP.02 §2.4.3 table 4 */
export function pskIdentityNode(octets: Uint8Array, base: number): Node {
  const spelled = Buffer.from(octets).toString("latin1");
  const isText = /^([0-9A-Fa-f]{2})+$/.test(spelled);
  const value = isText ? new Uint8Array(Buffer.from(spelled, "hex")) : octets;
  const read = readPskIdentity(isText ? spelled : Buffer.from(octets).toString("hex"));
  return branchOf(
    "PSK identity",
    octets,
    base,
    (branch) => {
      branch.part(octets.length, (_, offset) =>
        branchOf(
          isText ? "hexadecimal text (offsets in the decoded octets)" : "identity",
          value,
          isText ? 0 : offset,
          (inner) => {
            while (!inner.from.ended) berPart(inner, identityTags);
            return undefined;
          },
        ),
      );
      return read === undefined ? undefined : `EID ${read.eid}, ${keyWords(read.kvn, read.kid)}`;
    },
    { clause: "SGP.02 §2.4.3" },
  );
}
