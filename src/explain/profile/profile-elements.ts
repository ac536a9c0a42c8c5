import { oidText } from "../../codec/euicc/certificate.ts";
import { readTag } from "../../codec/kit/ber.ts";
import { Reader } from "../../codec/kit/codec.ts";
import { elementFields } from "../../codec/profile-package/elements/table.ts";
import { type Field, fieldIndex, innerFields, maxOctets } from "../../codec/profile-package/field.ts";
import { algorithmName, codeName, triesOf } from "../../codec/profile-package/words.ts";
import { isKeyFile } from "../../codec/secrets/key-files.ts";
import { berPart, type TagEntry, type TagMap } from "../ber-tree.ts";
import { aidWords, fileWords, pathText, tarName } from "../names.ts";
import { octetCount } from "../octet-count.ts";
import { type Branch, decimal, hex2, numberOf, type Render } from "../tree.ts";

/** Names of the profile elements by tag. eUICC Profile Package: Interoperable Format §8.1 */
export const elementNames: ReadonlyMap<number, string> = new Map(
  [...elementFields].map(([tag, { name }]) => [tag, name]),
);

const text = (octets: Uint8Array) => `"${new TextDecoder().decode(octets)}"`;

const byMeaning: Readonly<Record<NonNullable<Field["meaning"]>, Render>> = {
  aid: aidWords,
  algorithm: (octets, offset) => algorithmName(numberOf(octets, offset)),
  "file-identifier": fileWords,
  "hex-number": decimal,
  iccid: (octets) => [...octets].map(hex2).join("").replace(/F+$/, ""),
  path: (octets) => (octets.length === 0 ? "MF" : pathText(octets)),
  "pin-reference": (octets, offset) => codeName("PIN", numberOf(octets, offset)),
  "puk-reference": (octets, offset) => codeName("PUK", numberOf(octets, offset)),
  tar: tarName,
  template: oidText,
  tries: triesWords,
};

function triesWords(octets: Uint8Array, offset: number): string | undefined {
  const number = numberOf(octets, offset);
  if (number > 0xff) return undefined;
  const { left, max } = triesOf(number);
  return `${left} of ${max} tries left`;
}

function renderOf({ meaning, type }: Field): Render | undefined {
  if (meaning !== undefined) return byMeaning[meaning];
  if (type.is === "integer") return decimal;
  if (type.is === "text") return text;
  if (type.is === "oid") return oidText;
  return type.is === "octets" && type.max === maxOctets ? (octets) => octetCount(octets.length) : undefined;
}

/** How fields are read: whether secrets are hidden, and how deep they stand. */
interface Level {
  readonly hiding: boolean;
  readonly depth: number;
}

function entryOf(field: Field, level: Level): TagEntry {
  const { name, secret, usual } = field;
  const inner = innerFields(field);
  if (inner !== undefined) return { name, read: readerOf(field, inner, level) };
  const render = renderOf(field);
  return {
    name,
    secret: secret && level.hiding,
    ...(usual === maxOctets ? {} : { max: usual }),
    ...(render === undefined ? {} : { render }),
  };
}

type Read = (branch: Branch) => string | undefined;

function readerOf(field: Field, fields: readonly Field[], { hiding, depth }: Level): Read {
  const level = { hiding, depth: depth + 1 };
  const options = { depth: depth + 1, confidential: hiding };
  if (field.id === "commands") return (branch) => readCommands(branch, fields, level);
  const ordered = field.type.is === "sequence";
  return (branch) => {
    let after = -1;
    while (!branch.from.ended) {
      const index = fieldIndex(fields, nextTag(branch), ordered ? after : -1);
      const found = fields[index];
      berPart(branch, found === undefined ? noTags : new Map([[found.tag, entryOf(found, level)]]), options);
      if (found !== undefined) after = index;
    }
    return undefined;
  };
}

const noTags: TagMap = new Map();

/** The tag that comes next. @throws codec.* as reading it would */
function nextTag({ from }: Branch): number {
  return readTag(new Reader(from.bytes.subarray(from.offset - from.base), from.offset));
}

/**
 * A run of commands on files. One whose path is not a path is something else, damaged: its content is not shown, and
 * neither is that of a file of keys.
 */
function readCommands(branch: Branch, fields: readonly Field[], level: Level): string | undefined {
  const options = { depth: level.depth, confidential: level.hiding };
  const [tag, length = 0] = branch.from.bytes;
  const damaged = tag === 0x80 && length % 2 === 1;
  let folder = Number.NaN;
  let keys = false;
  while (!branch.from.ended) {
    const next = nextTag(branch);
    const found = fields.find((field) => field.tag === next);
    const secret = level.hiding && found?.id === "fillFileContent" && (damaged || keys);
    const tags =
      found === undefined ? noTags : new Map([[found.tag, entryOf(secret ? { ...found, secret } : found, level)]]);
    berPart(branch, tags, options);
    const node = branch.children.at(-1);
    if (found?.id === "filePath") {
      const path = node?.hex ?? "";
      keys = isKeyFile(Number.parseInt(path.slice(-4), 16), [Number.parseInt(path.slice(-8, -4), 16)]);
      folder = Number.parseInt(path.slice(-4), 16);
    }
    if (found?.id !== "createFCP") continue;
    const identifier = node?.children.find(({ label }) => label.startsWith("file identifier"))?.hex ?? "";
    keys = isKeyFile(Number.parseInt(identifier, 16), [folder]);
  }
  return undefined;
}

function elementTags(hiding: boolean): TagMap {
  return new Map([...elementFields].map(([tag, field]) => [tag, entryOf(field, { hiding, depth: 0 })]));
}

/** How profile elements are read, their keys, PINs and PUKs hidden or shown. */
export const profileElements: { readonly hiding: TagMap; readonly showing: TagMap } = {
  hiding: elementTags(true),
  showing: elementTags(false),
};
