/** Runs of hexadecimal octets, with or without a separator behind each. */
const octetRun = /(?:[0-9a-fA-F]{2}[ :_-]?){8,}/g;
const digitRun = /\d{16,}/g;
const uuid = /\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b/g;
const base64Padded = /[A-Za-z0-9+/_-]{11}={1,2}(?![A-Za-z0-9=])/;
const base64Run = /[A-Za-z0-9+/]{32,}/g;

/**
 * What in a text that is stored and shown in clear could be a key: 8 octets or more in hexadecimal or Base64, or a PEM
 * private key; undefined when nothing could. `own` are the identities of the card, whose digits are no keys.
 */
export function keyLike(text: string, own: readonly string[] = []): string | undefined {
  if (text.includes("PRIVATE KEY")) return "a private key";
  if (base64Padded.test(text)) return "octets in Base64";
  for (const [run] of text.matchAll(base64Run))
    if (/[A-Z]/.test(run) && /[a-z]/.test(run) && /\d/.test(run)) return "octets in Base64";
  const found = hexadecimal(text);
  if (found === undefined) return undefined;
  const rest = own.filter((one) => one.length >= 5).reduce((left, one) => left.replaceAll(one, " / "), text);
  return hexadecimal(rest);
}

function hexadecimal(text: string): string | undefined {
  const bare = text.replace(uuid, " / ");
  for (const [run] of bare.matchAll(octetRun)) {
    const digits = run.replace(/[ :_-]/g, "");
    if (/[a-fA-F]/.test(digits) && /\d/.test(digits)) return `${digits.length} hexadecimal digits`;
  }
  for (const [run] of bare.matchAll(digitRun)) return `${run.length} hexadecimal digits`;
  return undefined;
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

/** Whether a name says that its value is a secret: `Ki`, `adm1`, `urn:x:privateKey`, `PIN_2`. */
export function namesSecret(name: string): boolean {
  return name
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z]+/)
    .some((word) => secretWords.has(word) || /^(private|secret|master|transport)key$/.test(word));
}
