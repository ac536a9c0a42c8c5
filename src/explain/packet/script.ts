import { codecError } from "../../base/gateway-error.ts";
import { hexTag, readLength, readTag } from "../../codec/kit/ber.ts";
import { Reader } from "../../codec/kit/codec.ts";
import { compactCommandLength, scriptObjectName } from "../../codec/ota/script.ts";
import { badFormatName, chainingResultName } from "../../codec/ota/script-response.ts";
import {
  CommandSecrets,
  isStoreData,
  mayHoldSecret,
  secretGoesOn,
  secretOfCommand,
} from "../../codec/secrets/secret-data.ts";
import { answerDataNode, statusWords } from "../card/answer-data.ts";
import type { Context } from "../context.ts";
import { readsKeys, writesKeys } from "../secrets/key-files.ts";
import { type Branch, branchOf, decimal, hex4, hiddenLeaf, leafOf, type Node, unreadLeaf } from "../tree.ts";
import {
  externalAuthenticateParts,
  initializeUpdateNode,
  keyVersionWords,
  securityLevelWords,
} from "./secure-channel.ts";

const names = {
  definite: "expanded script, definite length",
  indefinite: "expanded script, indefinite length",
  hybrid: "hybrid script (AE with a definite length)",
  compact: "compact script",
} as const;

/** A command script in any format. ETSI TS 102 226 §5 */
export function scriptNode(octets: Uint8Array, base: number, context: Context): Node {
  const [first, second] = octets;
  if (first !== 0xaa && first !== 0xae) return compactNode(octets, base, context);
  const form = first === 0xaa ? "definite" : second === 0x80 ? "indefinite" : "hybrid";
  return branchOf(
    names[form],
    octets,
    base,
    (branch) => {
      const end = openTemplate(branch, form === "indefinite");
      const read = commandReader();
      while (branch.from.offset < end || (form === "indefinite" && !branch.from.ended)) {
        if (form === "indefinite" && endsHere(branch)) break;
        branch.addWords(objectOf(branch, context, read.object));
      }
      if (context.collected !== undefined) context.collected.commands = read.commands;
      padding(branch);
      return branch.words;
    },
    {
      clause: "TS 102 226 §5.2.1",
      note: form === "hybrid" ? "seen from one server; cards run it, it is never built" : undefined,
    },
  );
}

/** Tag and length of a template. Returns the offset where its value ends. */
function openTemplate(branch: Branch, indefinite: boolean): number {
  branch.octet("template");
  const { from } = branch;
  if (indefinite) {
    branch.octet("length", () => "indefinite");
    return from.offset;
  }
  const head = new Reader(from.bytes.subarray(from.offset - from.base), from.offset);
  const length = readLength(head);
  const differs = length >= head.remaining || isPadding(head, length) ? "" : `, but ${head.remaining} follow`;
  branch.field("length", head.offset - from.offset, (_, offset) => {
    if (length <= head.remaining) return `${length} octets${differs}`;
    throw codecError("codec.truncated", `${length} octets announced, ${head.remaining} present`, offset);
  });
  return Math.min(from.offset + length, from.offset + from.remaining);
}

/** Behind the template nothing but zeros follow, fewer than a block of a cipher. */
function isPadding(head: Reader, length: number): boolean {
  const rest = head.bytes.subarray(head.offset - head.base + length);
  return rest.length < 16 && rest.every((octet) => octet === 0);
}

/** Zeros that fill the last block of a cipher, where what announces them does not indicate it. */
function padding(branch: Branch): void {
  const { from } = branch;
  const rest = from.bytes.subarray(from.offset - from.base);
  if (rest.length > 0 && rest.length < 16 && rest.every((octet) => octet === 0)) branch.rest("padding");
}

function endsHere(branch: Branch): boolean {
  if (branch.from.peek() !== 0 || branch.from.peek(1) !== 0) return false;
  branch.field("end of contents", 2);
  return true;
}

type ObjectReader = (tag: number, octets: Uint8Array, base: number, context: Context) => Node;

/** One object of a template. Returns what it states, as text. */
function objectOf(branch: Branch, context: Context, read: ObjectReader): string | undefined {
  const { from } = branch;
  const offset = from.offset;
  const head = new Reader(from.bytes.subarray(offset - from.base), offset);
  const tag = readTag(head);
  const length = readLength(head);
  const headLength = head.offset - offset;
  const present = Math.min(length, head.remaining);
  const octets = from.take(headLength + present);
  const node = read(tag, octets.subarray(headLength), offset + headLength, context);
  const message = `value of tag ${hexTag(tag)}: ${length} octets announced, ${present} present`;
  const error = { code: "codec.truncated", message, offset: offset + headLength };
  branch.add({ ...node, offset, length: octets.length, ...(present < length ? { error } : {}) });
  return node.value === undefined ? undefined : node.value;
}

const scp03t: Readonly<Record<number, string>> = {
  132: "SCP03t INITIALIZE UPDATE",
  133: "SCP03t EXTERNAL AUTHENTICATE",
  134: "SCP03t protected data",
};

/** Reads the commands of a script one after the other: STORE DATA may store keys over several of them. */
function commandReader() {
  const commands: Uint8Array[] = [];
  const secrets = new CommandSecrets();
  let storesKeys = false;
  const apdu = (octets: Uint8Array, base: number, context: Context): Node => {
    commands.push(octets);
    const secret = secretOfCommand(octets) !== undefined || (storesKeys && isStoreData(octets));
    const keyFile = writesKeys(secrets, octets);
    const node = context.read("c-apdu", octets, base, { ...context, storesKeys, keyFile });
    storesKeys = secret && secretGoesOn(octets);
    return node;
  };
  const object: ObjectReader = (tag, octets, base, context) => {
    if (tag !== 0x22 && tag !== 0xa2) return otherObject(tag, octets, base);
    return { ...apdu(octets, base, context), label: `C-APDU (${hexTag(tag)})` };
  };
  return { commands, apdu, object };
}

function otherObject(tag: number, octets: Uint8Array, base: number): Node {
  const secure = scp03tPart(tag, octets, base);
  if (secure !== undefined) return secure;
  const name = scriptObjectName({ tag, value: octets });
  const label = `${name.split(":")[0]} (${hexTag(tag)})`;
  const bare = name.startsWith("unknown") ? bareCommandNote : undefined;
  return mayHoldSecret(octets)
    ? hiddenLeaf(label, octets, base, { note: bare })
    : leafOf(label, octets, base, () => name, { note: bare });
}

const bareCommandNote = "no object of a script: a C-APDU without its tag 22 (or A2) and length?";

/** SCP03t objects stand where C-APDUs do, without a tag 22. SGP.02 §4.1.3.3, GP Amendment D */
function scp03tPart(tag: number, octets: Uint8Array, base: number): Node | undefined {
  const name = scp03t[tag];
  if (name === undefined) return undefined;
  return branchOf(
    `${name} (${hexTag(tag)})`,
    octets,
    base,
    (branch) => {
      if (tag === 0x84) {
        branch.octet("key version number", keyVersionWords);
        branch.octet("key identifier");
        branch.rest("host challenge");
      } else if (tag === 0x85) {
        branch.octet("security level", securityLevelWords);
        externalAuthenticateParts(branch);
      } else {
        branch.field("ciphered", Math.max(0, octets.length - 8), (bytes) => `${bytes.length} octets`);
        branch.rest("MAC");
      }
      return name;
    },
    { clause: "SGP.02 §4.1.3.3" },
  );
}

function compactNode(octets: Uint8Array, base: number, context: Context): Node {
  const framed = octets[0] === 0x22 || octets[0] === 0xad;
  return branchOf(
    names.compact,
    octets,
    base,
    (branch) => {
      const { from } = branch;
      const read = commandReader();
      while (!from.ended) {
        const rest = from.bytes.subarray(from.offset - from.base);
        const length = Math.min(compactCommandLength(rest), from.remaining);
        const node = branch.part(length, (bytes, offset) => read.apdu(bytes, offset, context));
        branch.addWords(node.value ?? node.label);
      }
      if (context.collected !== undefined) context.collected.commands = read.commands;
      return branch.words;
    },
    {
      clause: "TS 102 226 §5.1",
      note: framed ? "neither AA nor AE in front: a card takes it as compact and refuses its class (6E00)" : undefined,
    },
  );
}

/** The answer to a script in any format. ETSI TS 102 226 §5.1.2, §5.2.2 */
export function scriptResponseNode(octets: Uint8Array, base: number, context: Context): Node {
  const [first, second] = octets;
  if (first !== 0xab && first !== 0xaf) return compactResponseNode(octets, base, context);
  const indefinite = first === 0xaf && second === 0x80;
  const form = first === 0xab ? "definite length" : indefinite ? "indefinite length" : "AF with a definite length";
  return branchOf(
    `answer to an expanded script, ${form}`,
    octets,
    base,
    (branch) => {
      const end = openTemplate(branch, indefinite);
      const read = answerReader(context.commands ?? []);
      while (branch.from.offset < end || (indefinite && !branch.from.ended)) {
        if (indefinite && endsHere(branch)) break;
        branch.addWords(objectOf(branch, context, read));
      }
      padding(branch);
      return branch.words === "" ? "nothing executed" : branch.words;
    },
    { clause: "TS 102 226 §5.2.2" },
  );
}

/** Reads the objects of an answer: its R-APDUs answer the C-APDUs of the script in their order. */
function answerReader(commands: readonly Uint8Array[]): ObjectReader {
  const secrets = new CommandSecrets();
  let next = 0;
  return (tag, octets, base, context) => {
    if (tag !== 0x23 && tag !== 0xa3) return answerObject(tag, octets, base);
    const command = commands[next++];
    const keyFile = command !== undefined && readsKeys(secrets, command);
    const node = context.read("r-apdu", octets, base, { ...context, command, keyFile });
    return { ...node, label: `R-APDU (${hexTag(tag)})` };
  };
}

function answerObject(tag: number, octets: Uint8Array, base: number): Node {
  switch (tag) {
    case 0x80:
      return leafOf("number of executed commands (80)", octets, base, (bytes, at) => `${decimal(bytes, at)} executed`);
    case 0x81:
      return leafOf("immediate action response (81)", octets, base, () => "suspension error");
    case 0x83:
      return leafOf("script chaining response (83)", octets, base, ([one = 0]) => chainingResultName(one));
    case 0x90:
    case 0x10:
      return leafOf(`bad format (${hexTag(tag)})`, octets, base, ([one = 0]) => `bad format: ${badFormatName(one)}`);
    default:
      return scp03tAnswer(tag, octets, base);
  }
}

const scp03tErrors: Readonly<Record<number, string>> = {
  1: "length or structure",
  2: "security",
  3: "referenced data not found",
};

const scp03tFailures: Readonly<Record<number, string>> = {
  40772: "SCP03t INITIALIZE UPDATE error",
  40773: "SCP03t EXTERNAL AUTHENTICATE error",
  40774: "SCP03t protected data error",
};

function scp03tAnswer(tag: number, octets: Uint8Array, base: number): Node {
  const failure = scp03tFailures[tag];
  if (failure !== undefined) {
    return leafOf(
      `${failure} (${hexTag(tag)})`,
      octets,
      base,
      ([one = 0]) => `${failure}: ${scp03tErrors[one] ?? "reserved"}`,
    );
  }
  const name = scp03t[tag];
  if (name === undefined) return leafOf(`unknown object ${hexTag(tag)}`, octets, base);
  if (tag === 0x84) {
    const node = initializeUpdateNode(`${name} answer (84)`, octets, base);
    return { ...node, value: node.value === undefined ? `${name} answered` : `${name} answered: ${node.value}` };
  }
  if (tag === 0x86 && octets.length >= 8) {
    return branchOf(`${name} answer (86)`, octets, base, (branch) => {
      if (octets.length > 8) branch.field("ciphered", octets.length - 8, (bytes) => `${bytes.length} octets`);
      branch.field("MAC", 8);
      return `${name} answered`;
    });
  }
  return leafOf(`${name} answer (${hexTag(tag)})`, octets, base, () => `${name} answered`);
}

function compactResponseNode(octets: Uint8Array, base: number, context: Context): Node {
  return branchOf(
    "answer to a compact script",
    octets,
    base,
    (branch) => {
      const count = branch.octet("number of executed commands", String);
      const command = context.commands?.[count - 1];
      const secrets = new CommandSecrets();
      const keyFile = (context.commands ?? []).slice(0, count).reduce((_, one) => readsKeys(secrets, one), false);
      const sw = branch.uint("status word of the last", 2, (value) => statusWords(value, command));
      if (sw === 0x6e00) {
        branch.note =
          "6E00 to the first command: the script was mis-framed (no AA or AE in front), and taken as compact";
      }
      const { remaining } = branch.from;
      const head = `${count} executed, ${hex4(sw)} ${statusWords(sw, command)}`;
      if (remaining > 0) {
        branch.value = head;
        const node = branch.part(
          remaining,
          (bytes, offset) =>
            answerDataNode(bytes, offset, { ...context, command, keyFile }) ??
            unreadLeaf("data of the last", bytes, offset),
        );
        return `${head}; ${node.label}${node.value === undefined ? "" : ` ${node.value}`}`;
      }
      return head;
    },
    { clause: "TS 102 226 §5.1.2" },
  );
}
