import { withoutUndefined } from "../../base/defined.ts";
import { Reader } from "../../codec/kit/codec.ts";
import { type Branch, branchOf, hex4, type Node } from "../tree.ts";
import { pskIdentityWords } from "./psk-words.ts";
import { extensionNames, handshakeNames, suiteName, versionText } from "./tls-names.ts";

/** A number of two octets; zeros stand for octets that are not here. */
const pair = ([high = 0, low = 0]: Uint8Array) => high * 256 + low;

const version = (octets: Uint8Array) => versionText(pair(octets));

/** Whether octets start as a handshake message in clear does; a ciphered one has no such head but by chance. */
export function startsHandshake(octets: Uint8Array, cut: boolean): boolean {
  const length = (octets[1] ?? 0) * 65_536 + (octets[2] ?? 0) * 256 + (octets[3] ?? 0);
  return handshakeNames[octets[0] ?? 255] !== undefined && (4 + length <= octets.length || (cut && length < 0x8000));
}

/** The octets from `skipped` behind the place of a reader on, which stays there. */
function ahead(from: Reader, skipped: number): Uint8Array {
  return from.bytes.subarray(from.offset - from.base + skipped);
}

/** Handshake messages up to the end of the branch, which a record fills. RFC 5246 §7.4 */
export function handshake(branch: Branch): string {
  const said: string[] = [];
  while (!branch.from.ended) {
    const { from } = branch;
    const present = Math.min(4 + (from.peek(1) ?? 0) * 65_536 + pair(ahead(from, 2)), from.remaining);
    const node = branch.part(present, (octets, offset) => messageNode(octets, offset));
    if (said.length < 8) said.push(node.value === undefined ? node.label : `${node.label}${node.value}`);
  }
  return said.join(", ");
}

function messageNode(octets: Uint8Array, base: number): Node {
  const name = handshakeNames[octets[0] ?? 0] ?? "unknown message";
  return branchOf(name, octets, base, (branch) => {
    branch.octet("message", () => name);
    branch.uint("length", 3, (length) => `${length} octets`);
    const words = branch.from.ended ? undefined : readers[name]?.(branch);
    branch.rest("content", (rest) => `${rest.length} octets`);
    return words;
  });
}

const readers: Readonly<Record<string, (branch: Branch) => string | undefined>> = {
  ClientHello: clientHello,
  ServerHello: serverHello,
  ServerKeyExchange: identityHint,
  ClientKeyExchange: clientKeyExchange,
};

const suiteWords = (octets: Uint8Array) => suiteName(pair(octets)) ?? "unknown suite";

function clientHello(branch: Branch): string {
  const spoken =
    versionText(branch.uint("version", 2, (value) => versionText(value) ?? hex4(value))) ?? "unknown version";
  branch.field("random", 32);
  branch.field("session id", branch.octet("session id length", String));
  const octets = branch.uint("cipher suites length", 2, (length) => `${length} octets`);
  const suites: string[] = [];
  branch.part(octets, (bytes, offset) =>
    branchOf("cipher suites", bytes, offset, (inner) => {
      while (!inner.from.ended) suites.push(suiteWords(inner.field("suite", 2, suiteWords)));
      return undefined;
    }),
  );
  branch.field("compression methods", branch.octet("compression methods length", String));
  const more = extensions(branch);
  const offered = suites.filter((suite) => !suite.endsWith("SCSV"));
  const shown = offered.slice(0, 4).join(", ");
  return ` (${[more.version ?? spoken, `${shown}${offered.length > 4 ? ", …" : ""}`, ...more.words].join("; ")})`;
}

function serverHello(branch: Branch): string {
  const spoken =
    versionText(branch.uint("version", 2, (value) => versionText(value) ?? hex4(value))) ?? "unknown version";
  branch.field("random", 32);
  branch.field("session id", branch.octet("session id length", String));
  const suite = suiteWords(branch.field("cipher suite", 2, suiteWords));
  branch.octet("compression method", (octet) => (octet === 0 ? "none" : undefined));
  const more = extensions(branch);
  return ` (${[more.version ?? spoken, suite, ...more.words].join("; ")})`;
}

/** What extensions indicate that is worth a word in the line of the hello. */
interface Extensions {
  readonly version?: string;
  readonly words: readonly string[];
}

function extensions(branch: Branch): Extensions {
  if (branch.from.ended) return { words: [] };
  const length = branch.uint("extensions length", 2, (octets) => `${octets} octets`);
  const words: string[] = [];
  let newest: string | undefined;
  branch.part(Math.min(length, branch.from.remaining), (bytes, offset) =>
    branchOf("extensions", bytes, offset, (inner) => {
      while (!inner.from.ended) {
        const type = pair(ahead(inner.from, 0));
        const size = pair(ahead(inner.from, 2));
        inner.field(`extension ${hex4(type)}`, 4 + size, (octets) => extensionWords(type, octets.subarray(4)));
        const value = inner.from.bytes.subarray(
          inner.from.offset - inner.from.base - size,
          inner.from.offset - inner.from.base,
        );
        if (type === 1) words.push(fragmentWords(value));
        if (type === 43) newest = versionWords(value)[0];
      }
      return undefined;
    }),
  );
  return { words, ...withoutUndefined({ version: newest }) };
}

function extensionWords(type: number, value: Uint8Array): string {
  const name = extensionNames[type] ?? "unknown extension";
  if (type === 1) return fragmentWords(value);
  if (type === 43) return `${name}: ${versionWords(value).join(", ")}`;
  return name;
}

/** RFC 6066 §4 */
function fragmentWords([code = 0]: Uint8Array): string {
  return code >= 1 && code <= 4 ? `max_fragment_length ${256 << code}` : `max_fragment_length, reserved ${code}`;
}

/** Versions of a client (with a length octet) or the one of a server. RFC 8446 §4.2.1 */
function versionWords(value: Uint8Array): string[] {
  const list = value.length % 2 === 1 ? value.subarray(1) : value;
  const found: string[] = [];
  for (let at = 0; at + 1 < list.length; at += 2) {
    const name = version(list.subarray(at, at + 2));
    if (name !== undefined) found.push(name);
  }
  return found;
}

/** A PSK suite's exchange is the identity alone; others put their key in front of or behind it. RFC 4279 §2 */
function clientKeyExchange(branch: Branch): string | undefined {
  const { from } = branch;
  const probe = new Reader(from.bytes.subarray(from.offset - from.base), from.offset);
  const length = probe.remaining < 2 ? 0 : probe.uint(2);
  if (length === 0 || length > probe.remaining) return undefined;
  branch.uint("PSK identity length", 2, (octets) => `${octets} octets`);
  const words = pskIdentityWords(branch.field("PSK identity", length, pskIdentityWords));
  return ` (PSK identity ${words})`;
}

function identityHint(branch: Branch): string | undefined {
  const length = pair(ahead(branch.from, 0));
  if (branch.from.remaining !== 2 + length) return undefined;
  branch.uint("PSK identity hint length", 2, (octets) => `${octets} octets`);
  if (length === 0) return undefined;
  return ` (PSK identity hint ${pskIdentityWords(branch.field("PSK identity hint", length, pskIdentityWords))})`;
}
