import { keyLike, namesSecret } from "../base/key-like.ts";
import type { Context } from "./context.ts";
import { hiddenLeaf, leafOf, type Node, unreadLeaf } from "./tree.ts";

const pem = /^\s*-----BEGIN ([A-Z0-9 ]{1,40})-----/;
/** Longer texts are not parsed. */
const jsonLimit = 1024 * 1024;

/** Octets as ASCII; undefined if one of them does not occur in text. */
function textOf(octets: Uint8Array): string | undefined {
  const plain = (octet: number) => (octet >= 0x20 && octet < 0x7f) || octet === 9 || octet === 10 || octet === 13;
  return octets.every(plain) ? Buffer.from(octets).toString("latin1") : undefined;
}

function isJson(text: string): boolean {
  if (!/^\s*[{[]/.test(text) || text.length > jsonLimit) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * How likely octets are text: one in two thousand random strings of eight octets has only letters, digits and signs. The
 * specific formats in ASCII (EID, PSK identity, HTTP) score higher.
 */
export function textScore(octets: Uint8Array): number {
  if (octets.length < 4) return 0;
  const text = textOf(octets);
  if (text === undefined) return 0;
  if (pem.test(text)) return 97;
  if (isJson(text)) return octets.length < 8 ? 70 : 97;
  return octets.length < 8 ? 20 : octets.length < 16 ? 66 : 76;
}

function kindOf(text: string): string {
  const [, what] = pem.exec(text) ?? [];
  if (what !== undefined) return `PEM of ${what}; decode its Base64 octets to see the content`;
  return isJson(text) ? "JSON" : "plain text";
}

/** Whether a text may hold a key, a PIN or a password: by its form, or by a name in front of a value. */
function isConfidential(text: string): boolean {
  if (/PRIVATE KEY/.test(text) || keyLike(text) !== undefined) return true;
  return [...text.matchAll(/([A-Za-z][\w-]{0,60})["']?\s*[:=]/g)].some(([, name = ""]) => namesSecret(name));
}

/** Text in ASCII: JSON, PEM or plain; text that may contain a secret is not shown. */
export function textNode(octets: Uint8Array, base: number, { secrets }: Context): Node {
  const text = textOf(octets);
  const note = "these octets are text, and nothing that cards or networks exchange";
  if (text === undefined) return { ...unreadLeaf("text", octets, base), note: "not all of these octets are ASCII" };
  const kind = kindOf(text);
  if (secrets !== true && isConfidential(text)) {
    const hidden = hiddenLeaf("text", octets, base, { note });
    return { ...hidden, value: `${kind} ${hidden.value ?? ""}` };
  }
  return leafOf("text", octets, base, () => `${kind} ${JSON.stringify(text)}`, { note });
}
