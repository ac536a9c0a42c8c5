import { toHex } from "./hex.ts";
import type { Secret } from "./secret.ts";

/** Runs of hexadecimal octets, with or without a separator behind each. */
const octetRun = /(?:[0-9a-fA-F]{2}[ :_-]?){8,}/g;
/** Octets with the same marks or blanks between all of them. */
const markedRun = /[0-9a-fA-F]{2}([^\p{L}\p{N}]{1,4})(?:[0-9a-fA-F]{2}\1){6,}[0-9a-fA-F]{2}/gu;
const digitRun = /\d{16,}/g;
/** Hexadecimal digits in any groups. */
const hexRun = /[0-9a-fA-F](?:[^\p{L}\p{N}]{0,4}[0-9a-fA-F])+/gu;
/** Digits of a key of 16 octets. */
const keyDigits = 32;
/** How programs mark an octet: `0x00`, `\x00`. */
const octetMark = /0[xX](?=[0-9a-fA-F]{2})|\\[xX](?=[0-9a-fA-F]{2})/g;
const uuid = /\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b/g;
const base64Padded = /[A-Za-z0-9+/_-]{11}={1,2}(?![A-Za-z0-9=])/;
const base64Run = /[A-Za-z0-9+/]{32,}/g;
const base64Words = [/[A-Za-z0-9+/]+/g, /[A-Za-z0-9_-]+/g] as const;
/** Characters of 16, 24 and 32 octets in Base64 without padding. */
const base64Lengths: readonly number[] = [22, 32, 43];
const minBase64 = Math.min(...base64Lengths);
/** `+`, `/`, `-` and `_`. */
const base64Marks: ReadonlySet<number> = new Set([0x2b, 0x2f, 0x2d, 0x5f]);
/** Digits of a key of 8 octets. */
const minHexDigits = 16;

/**
 * The part of a text, stored and displayed in clear, that could be a key: 8 octets or more in hexadecimal or Base64,
 * however they are grouped, or a PEM private key; undefined when nothing could. `own` are the identities of the card,
 * whose digits are not keys.
 */
export function keyLike(text: string, own: readonly string[] = []): string | undefined {
  const { hexDigits, base64Run: run, cases, equals } = countsOf(text);
  if (text.includes("PRIVATE KEY")) return "a private key";
  if (equals && base64Padded.test(text)) return "octets in Base64";
  if (cases && run >= minBase64 && hasBase64(text)) return "octets in Base64";
  if (hexDigits < minHexDigits) return undefined;
  return hexadecimal(
    text.replace(uuid, " / "),
    own.filter((one) => one.length >= 5),
  );
}

function hasBase64(text: string): boolean {
  for (const [run] of text.matchAll(base64Run))
    if (/[A-Z]/.test(run) && /[a-z]/.test(run) && /\d/.test(run)) return true;
  return base64Words.some((alphabet) => [...text.matchAll(alphabet)].some(([word]) => isBase64(word)));
}

/** Counts that rule most texts out before any pattern is matched. */
interface Counts {
  readonly hexDigits: number;
  /** Length of the longest run of characters of either Base64 alphabet. */
  readonly base64Run: number;
  /** Has capitals and small letters. */
  readonly cases: boolean;
  readonly equals: boolean;
}

function countsOf(text: string): Counts {
  let hexDigits = 0;
  let maxRun = 0;
  let run = 0;
  let upper = false;
  let lower = false;
  let equals = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const digit = code >= 0x30 && code <= 0x39;
    const capital = code >= 0x41 && code <= 0x5a;
    const small = code >= 0x61 && code <= 0x7a;
    if (digit || (capital && code <= 0x46) || (small && code <= 0x66)) hexDigits++;
    upper ||= capital;
    lower ||= small;
    equals ||= code === 0x3d;
    run = digit || capital || small || base64Marks.has(code) ? run + 1 : 0;
    if (run > maxRun) maxRun = run;
  }
  return { hexDigits, base64Run: maxRun, cases: upper && lower, equals };
}

/**
 * Whether a word of the length of a key alternates between capitals, small letters and digits more often than names do.
 */
function isBase64(word: string): boolean {
  if (!base64Lengths.includes(word.length) || !/[A-Z]/.test(word) || !/[a-z]/.test(word)) return false;
  if ((word.match(/[_-]/g) ?? []).length > 4) return false;
  return (word.match(/[A-Z]?[a-z]+|[A-Z]+|\d+/g) ?? []).length >= word.length * 0.33;
}

function hexadecimal(text: string, own: readonly string[]): string | undefined {
  const bare = text.replace(octetMark, " ");
  for (const [run] of [...bare.matchAll(octetRun), ...bare.matchAll(markedRun)]) {
    const digits = withoutOwn(hexDigits(run), own);
    if (digits.length >= minHexDigits && isMixed(digits)) return `${digits.length} hexadecimal digits`;
  }
  for (const [run] of bare.matchAll(digitRun))
    if (withoutOwn(run, own).length >= minHexDigits) return `${run.length} hexadecimal digits`;
  for (const [run] of bare.matchAll(hexRun)) {
    const digits = withoutOwn(hexDigits(run), own);
    if (digits.length < keyDigits) continue;
    const [first, ...others] = run.split(/[^0-9a-fA-F]+/);
    if (isMixed(digits) || others.every((group) => group.length === first?.length))
      return `${digits.length} hexadecimal digits`;
  }
  return undefined;
}

const hexDigits = (run: string) => run.replace(/[^0-9a-fA-F]/g, "");
const isMixed = (digits: string) => /[a-fA-F]/.test(digits) && /\d/.test(digits);

function withoutOwn(digits: string, own: readonly string[]): string {
  return own.reduce((left, one) => left.replaceAll(one, ""), digits);
}

/** Whether a text contains one of these keys in hexadecimal, whatever is between its digits. */
export function repeatsKey(keys: readonly Secret[]): (text: string) => boolean {
  const values = keys.map((key) => toHex(key.reveal()));
  if (values.length === 0) return () => false;
  return (text) => {
    const digits = text.replace(/0x|[^0-9a-f]/gi, "").toUpperCase();
    return values.some((value) => digits.includes(value));
  };
}

/** A name from outside for an error or a report: text that could be a key is replaced by its length. */
export function safeName(name: string): string {
  const plain = name.length <= 64 && keyLike(name) === undefined && /^[\x20-\x7e]*$/.test(name);
  return plain ? name : `(a name of ${name.length} characters)`;
}

const secretWords = new Set([
  ...[
    "adm",
    "credential",
    "credentials",
    "cryptogram",
    "dek",
    "enc",
    "k",
    "key",
    "keys",
    "ki",
    "kic",
    "kid",
    "kik",
    "kek",
  ],
  ...["mac", "op", "opc", "pass", "passphrase", "passwd", "password", "pin", "psk", "puk", "secret", "seed", "token"],
]);

/** Words with the name of a secret at their end: `authkey`, `ADMKEY`. */
const secretEnding = /(?:keys?|secrets?|passwor[dt]|passwd|passphrase|pwd|psk|credentials?)$/;
const harmlessEnding = /^(?:monkey|donkey|turkey|hockey|jockey|whiskey|lackey|mickey|hotkey)s?$/;
/** Words that begin with the name of a secret: `keyvalue`, `pincode`. */
const secretBeginning =
  /^(?:key|kic|kid|kik|dek|kek|ki|opc?|adm|pin|puk|psk)(?:value|hex|data|material|bytes|octets|code|enc|mac|dek)s?$/;
const cardKeys = /^(?:[ks](?:enc|mac|dek)|(?:sim|usim|chv|auth|user)(?:pin|puk|ki|adm))$/;

/** Whether a name indicates that its value is a secret: `Ki`, `adm1`, `urn:x:privateKey`, `PIN_2`, `ADMKEY`. */
export function namesSecret(name: string): boolean {
  return name
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z]+/)
    .some(
      (word) =>
        secretWords.has(word) ||
        secretBeginning.test(word) ||
        cardKeys.test(word) ||
        (secretEnding.test(word) && !harmlessEnding.test(word)),
    );
}
