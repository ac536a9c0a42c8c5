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

/**
 * What in a text that is stored and shown in clear could be a key: 8 octets or more in hexadecimal or Base64, however
 * they are grouped, or a PEM private key; undefined when nothing could. `own` are the identities of the card, whose
 * digits are not keys.
 */
export function keyLike(text: string, own: readonly string[] = []): string | undefined {
  if (text.includes("PRIVATE KEY")) return "a private key";
  if (base64Padded.test(text)) return "octets in Base64";
  for (const [run] of text.matchAll(base64Run))
    if (/[A-Z]/.test(run) && /[a-z]/.test(run) && /\d/.test(run)) return "octets in Base64";
  if (base64Words.some((alphabet) => [...text.matchAll(alphabet)].some(([word]) => isBase64(word))))
    return "octets in Base64";
  return hexadecimal(
    text.replace(uuid, " / "),
    own.filter((one) => one.length >= 5),
  );
}

/** Whether a word of the length of a key changes between capitals, small letters and digits as no name does. */
function isBase64(word: string): boolean {
  if (!base64Lengths.includes(word.length) || !/[A-Z]/.test(word) || !/[a-z]/.test(word)) return false;
  if ((word.match(/[_-]/g) ?? []).length > 4) return false;
  return (word.match(/[A-Z]?[a-z]+|[A-Z]+|\d+/g) ?? []).length >= word.length * 0.33;
}

function hexadecimal(text: string, own: readonly string[]): string | undefined {
  const bare = text.replace(octetMark, " ");
  for (const [run] of [...bare.matchAll(octetRun), ...bare.matchAll(markedRun)]) {
    const digits = withoutOwn(hexDigits(run), own);
    if (digits.length >= 16 && isMixed(digits)) return `${digits.length} hexadecimal digits`;
  }
  for (const [run] of bare.matchAll(digitRun))
    if (withoutOwn(run, own).length >= 16) return `${run.length} hexadecimal digits`;
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
/** A name from outside as an error or a report may print it: what could be a key is counted instead. */
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
/** Words with the name of a secret at their beginning, and what it is there: `keyvalue`, `pincode`. */
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
