import { withoutUndefined } from "../../base/defined.ts";
import { equalBytes } from "../../base/hex.ts";
import { octetText } from "../../base/octet-text.ts";
import type { KeySet } from "../model/key-set.ts";
import type { Target } from "../model/target.ts";

/** One field of a target before and after; absent where there is none. Keys appear by name only. */
export interface Change {
  readonly field: string;
  readonly before?: string;
  readonly after?: string;
}

/** The differences between two states of a target, field by field, and the key sets that are written. */
export function changesOf(
  before: Target | undefined,
  after: Target,
  stored: readonly KeySet[],
  written: readonly KeySet[],
): Change[] {
  const old = before === undefined ? new Map<string, FieldValue>() : fieldsOf(before);
  const now = fieldsOf(after);
  const names = [...new Set([...old.keys(), ...now.keys()])];
  const fields = names.flatMap((field): Change[] => {
    const [was, is] = [old.get(field), now.get(field)];
    if (sameValue(was?.value, is?.value)) return [];
    return [{ field, ...withoutUndefined({ before: was && shown(field, was), after: is && shown(field, is) }) }];
  });
  return [
    ...fields,
    ...written.flatMap((set) =>
      keySetChange(
        stored.find((one) => places(one) === places(set)),
        set,
      ),
    ),
  ];
}

/** A field as it is compared; `hidden`: only its length is shown. */
interface FieldValue {
  readonly value: string | Uint8Array;
  readonly hidden: boolean;
}

function sameValue(a: FieldValue["value"] | undefined, b: FieldValue["value"] | undefined): boolean {
  return a instanceof Uint8Array && b instanceof Uint8Array ? equalBytes(a, b) : a === b;
}

function shown(field: string, { value, hidden }: FieldValue): string {
  if (value instanceof Uint8Array) return hidden ? `${value.length} octets` : octetText(value);
  if (hidden) return `${value.length / 2} octets`;
  return field === "xml" ? `document of ${value.length} characters` : value;
}

const places = ({ type, kvn, tars }: KeySet) => `${type} ${kvn} ${[...tars].sort().join(",")}`;

function keySetChange(before: KeySet | undefined, set: KeySet): Change[] {
  const tars = set.tars.length === 0 ? "" : ` for ${set.tars.join(", ")}`;
  const field = `keySets.${set.type} KVN ${set.kvn}${tars}`;
  const after = described({ ...set, cntr: Math.max(set.cntr, before?.cntr ?? 0) });
  if (before === undefined) return [{ field, after: `${after}, new keys` }];
  const keys = sameKeys(before, set) ? "same keys" : "different keys";
  if (described(before) === after && keys === "same keys") return [];
  return [{ field, before: described(before), after: `${after}, ${keys}` }];
}

function described({ algorithm, ccLength, cntr, pskIdentity, keys, type }: KeySet): string {
  const ids = [...keys.keys()].sort((a, b) => a - b).join(", ");
  const counter = type === "SCP80" ? `, CC of ${ccLength} octets, counter ${cntr}` : "";
  return `${algorithm}, keys ${ids}${counter}${pskIdentity === undefined ? "" : `, identity ${pskIdentity}`}`;
}

function sameKeys(a: KeySet, b: KeySet): boolean {
  if (a.keys.size !== b.keys.size) return false;
  return [...a.keys].every(([id, key]) => {
    const other = b.keys.get(id);
    return other !== undefined && Buffer.from(key.reveal()).equals(other.reveal());
  });
}

/** Fields that contain times and counts only. */
const bookkeeping: readonly string[] = ["id", "version", "createdAt", "updatedAt"];

/** Fields that may contain login and password of an access point: only the fact that they differ is reported. */
const withLogin: readonly string[] = ["addressing", "connectivity", "smsr"];

function fieldsOf({ esimProfiles, eis, ...target }: Target): Map<string, FieldValue> {
  const fields = new Map<string, FieldValue>();
  const put = (value: unknown, path: string, hidden: boolean): void => {
    if (value === undefined || value === null) return;
    if (value instanceof Uint8Array) {
      fields.set(path, { value, hidden });
      return;
    }
    if (typeof value === "object" && !Array.isArray(value)) {
      for (const [name, inner] of Object.entries(value))
        put(inner, path === "" ? name : `${path}.${name}`, hidden || withLogin.includes(name));
      return;
    }
    fields.set(path, { value: textOf(value), hidden });
  };
  for (const [name, value] of Object.entries(target))
    if (!bookkeeping.includes(name)) put(value, name, withLogin.includes(name));
  for (const { aid, ...profile } of esimProfiles) put(profile, `profiles.${aid}`, false);
  put(eis, "", false);
  return fields;
}

function textOf(value: unknown): string {
  if (!Array.isArray(value)) return String(value);
  return value.map((one) => (typeof one === "object" ? JSON.stringify(one) : String(one))).join(", ");
}
