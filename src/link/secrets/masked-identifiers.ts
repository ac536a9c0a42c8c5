const separators = "[ .:/-]?";
/** Digits that stay: the kind of identifier and where it comes from. */
const kept = 3;
const looksLikeOne = [
  /(?<![0-9A-Fa-f])\d{14,16}(?![0-9A-Fa-f])/g,
  /(?<![0-9A-Fa-f])(?:89|98)[0-9A-Fa-f]{16,20}(?![0-9A-Fa-f])/g,
  /(?<![0-9A-Fa-f])\d{32}(?![0-9A-Fa-f])/g,
] as const;

/** Texts in an answer that have the form of an IMEI, IMSI, ICCID or EID, requested or not. */
export function identifiersIn(text: string): readonly string[] {
  return looksLikeOne.flatMap((pattern) => text.match(pattern) ?? []);
}

/**
 * Replaces identifiers by others of the same form in every notation: as digits with or without separators, with swapped
 * nibbles as on cards, as the octets of their characters; in either case.
 */
export function maskIdentifiers(identifiers: readonly string[]): (text: string) => string {
  const values = identifiers.flatMap((value) => {
    const digits = value
      .replace(/[^0-9A-Fa-f]/g, "")
      .replace(/F+$/i, "")
      .toUpperCase();
    const plain = digits.startsWith("98") ? [digits, swapped(digits).replace(/F+$/, "")] : [digits];
    // IMEIs also occur without their check digit or with a software version, ICCIDs without their check digit.
    return plain.flatMap((one) => (one.length > 14 && one.length < 21 ? [one, one.slice(0, -1)] : [one]));
  });
  const pairs = [...new Set(values)]
    .filter((value) => value.length >= 10)
    .flatMap((value) => spellings(value).map((write) => [write(value), write(masked(value))] as const))
    .sort(([a], [b]) => b.length - a.length);
  const replacements = pairs.map(([from, to]) => [new RegExp([...from].join(separators), "gi"), to] as const);
  return (text) => replacements.reduce((now, [from, to]) => now.replace(from, (found) => rewritten(found, to)), text);
}

function masked(value: string): string {
  return [...value].map((digit, index) => (index < kept ? digit : String(index % 10))).join("");
}

type Spelling = (value: string) => string;

/** Ways to write it; the odd nibble in front is that of a mobile identity. 3GPP TS 24.008 §10.5.1.4, TS 31.102 §4.2.2 */
function spellings(value: string): readonly Spelling[] {
  const identity = value.length % 2 === 1 ? ["9", "A", "3"] : ["1", "2", "0"];
  return [
    (text) => text,
    swapped,
    ...identity.map(
      (first): Spelling =>
        (text) =>
          swapped(first + text),
    ),
    (text) => Buffer.from(text, "latin1").toString("hex").toUpperCase(),
    (text) => Buffer.from(text, "utf16le").swap16().toString("hex").toUpperCase(),
  ];
}

function swapped(text: string): string {
  return text.padEnd(text.length + (text.length % 2), "F").replace(/(.)(.)/g, "$2$1");
}

/** Puts the new digits in place of the old ones; separators and the case of letters stay. */
function rewritten(found: string, digits: string): string {
  let next = 0;
  return found.replace(/[0-9A-Fa-f]/g, (old) => {
    const digit = digits.charAt(next++);
    return /[a-f]/.test(old) ? digit.toLowerCase() : digit;
  });
}
