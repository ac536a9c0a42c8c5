import { z } from "zod";
import { checked } from "../../base/field-words.ts";
import { isGatewayError } from "../../base/gateway-error.ts";
import { safeName } from "../../base/key-like.ts";
import { withoutKeyValues } from "../../codec/eis/content.ts";
import { eisElement } from "../../codec/eis/read.ts";
import { iccidText, imsiText, msisdnText } from "../../codec/euicc/identity-shapes.ts";
import { factsIn } from "./eis-facts.ts";
import {
  eisFactShapes,
  isdRFacts,
  ProfileShape,
  ReachShape,
  refusalOfText,
  TargetSettingsShape,
} from "./target-shape.ts";

/**
 * A target of an older version without text that could be a key, and what was removed: names of fields and how often,
 * never values.
 */
interface CleanedTarget {
  readonly body: Readonly<Record<string, unknown>>;
  readonly found: ReadonlyMap<string, number>;
}

/** Fields of a description that a target has elsewhere: their copies in the stored EIS are removed without a report. */
const elsewhere: readonly string[] = [
  ...["eid", "name", "kind", "iccid", "imsi", "msisdn", "tags", "settings", "reach"],
  "withheldKeySets",
];

/**
 * Removes from a stored target what no target may contain: unknown fields of its EIS at any depth, values that do not
 * fit their fields, and texts that could be keys. Older versions stored most of what an import contained.
 */
export function cleanedTarget(stored: Readonly<Record<string, unknown>>): CleanedTarget {
  const found = new Map<string, number>();
  const count = (path: readonly string[]) => {
    const name = path.map(safeName).join(".");
    found.set(name, (found.get(name) ?? 0) + 1);
  };
  const own = identitiesOf(stored);
  const text = (value: string, path: readonly string[]): string | undefined => {
    if (refusalOfText(value, own) === undefined) return value;
    count(path);
    return undefined;
  };
  const body = new Map(Object.entries(stored));
  body.set("eis", cleanedEis(stored.eis, count));
  if (typeof stored.name === "string" && text(stored.name, ["name"]) === undefined) body.delete("name");
  if (Array.isArray(stored.tags))
    body.set(
      "tags",
      stored.tags.filter((tag) => typeof tag === "string" && text(tag, ["tags"]) !== undefined),
    );
  for (const [field, shape] of [
    ["settings", TargetSettingsShape],
    ["reach", ReachShape],
  ] as const)
    if (stored[field] !== undefined) body.set(field, pruned(shape, stored[field], [field], count) ?? {});
  if (Array.isArray(stored.esimProfiles))
    body.set(
      "esimProfiles",
      stored.esimProfiles.map((profile) => cleanedProfile(profile, text, count)),
    );
  for (const [name, value] of identities(stored, count)) body.set(name, value);
  return { body: withoutKeyTexts(Object.fromEntries(body), text), found };
}

const parsers = { iccid: iccidText, imsi: imsiText, msisdn: msisdnText } as const;

/**
 * Identities in the form of their parsers; one that could be a key is removed, any other that the parsers refuse stays.
 */
function* identities(
  holder: Readonly<Record<string, unknown>>,
  count: (path: readonly string[]) => void,
  path: readonly string[] = [],
): Generator<[string, string | undefined]> {
  for (const [name, parser] of Object.entries(parsers)) {
    const value = holder[name];
    if (typeof value !== "string") continue;
    const parsed = checked(parser, value);
    if (parsed.success) yield [name, parsed.data];
    else if (refusalOfText(value, []) !== undefined) {
      count([...path, name]);
      yield [name, undefined];
    }
  }
}

function cleanedEis(stored: unknown, count: (path: readonly string[]) => void): unknown {
  if (typeof stored !== "object" || stored === null) return stored;
  const facts = new Map<string, unknown>();
  for (const [name, value] of Object.entries(stored)) {
    if (elsewhere.includes(name)) continue;
    if (name === "xml" && typeof value === "string") {
      const xml = cleanedXml(value, count);
      if (xml !== undefined) facts.set("xml", xml);
    } else if (name === "isdR") facts.set("isdR", pruned(isdRFacts, value, ["isdR"], count));
    else if (name === "profiles") countForeign(value, count);
    else if (Object.hasOwn(eisFactShapes, name)) {
      const kept = pruned(z.strictObject(eisFactShapes), { [name]: value }, [], count);
      if (kept !== undefined) for (const [inner, one] of Object.entries(kept)) facts.set(inner, one);
    } else count([name]);
  }
  return factsIn(Object.fromEntries(facts));
}

/**
 * The copies of profiles in the EIS are removed as a whole; fields in them that do not belong to a profile are
 * reported.
 */
function countForeign(profiles: unknown, count: (path: readonly string[]) => void): void {
  for (const profile of Array.isArray(profiles) ? profiles : []) pruned(ProfileShape, profile, ["profiles"], count);
}

function cleanedProfile(
  profile: unknown,
  text: (value: string, path: readonly string[]) => string | undefined,
  count: (path: readonly string[]) => void,
): unknown {
  if (typeof profile !== "object" || profile === null) return profile;
  const facts = new Map<string, unknown>(Object.entries(profile));
  for (const [name, value] of identities(Object.fromEntries(facts), count, ["profiles"])) facts.set(name, value);
  return Object.fromEntries(
    [...facts].filter(([name, value]) => {
      if (value === undefined) return false;
      if (!Object.hasOwn(ProfileShape.shape, name)) {
        count(["profiles", name]);
        return false;
      }
      const chosen = name === "mnoId" || name === "smdpId" || name === "profileType";
      return !chosen || typeof value !== "string" || text(value, ["profiles", name]) !== undefined;
    }),
  );
}

function cleanedXml(xml: string, count: (path: readonly string[]) => void): string | undefined {
  try {
    return withoutKeyValues(eisElement(xml), (field) => count(["xml", ...field.split(".")]));
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    count(["xml"]);
    return undefined;
  }
}

/** The part of a value that fits a schema; the rest is counted by its path. Undefined when nothing is left. */
function pruned(
  schema: z.core.$ZodType,
  value: unknown,
  path: readonly string[],
  count: (path: readonly string[]) => void,
): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    if (value !== undefined && value !== null) count(path);
    return undefined;
  }
  const left = new Map(Object.entries(value).filter(([, inner]) => inner !== undefined && inner !== null));
  // Each round removes one thing; a value has at most as many as it has fields.
  for (let round = 0; round < 10_000; round++) {
    const parsed = z.safeParse(schema, Object.fromEntries(left));
    if (parsed.success) return left.size === 0 ? undefined : Object.fromEntries(left);
    const [issue] = parsed.error.issues;
    if (issue === undefined) return undefined;
    const names = issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
    for (const name of names) {
      count([...path, ...name.filter((step) => typeof step === "string")]);
      takeOut(left, name);
    }
  }
  return undefined;
}

/** Removes the field at a path, or the whole value where the path has no field. */
function takeOut(left: Map<string, unknown>, path: readonly PropertyKey[]): void {
  const [first, ...rest] = path;
  if (first === undefined) {
    left.clear();
    return;
  }
  const inner = left.get(String(first));
  if (rest.length === 0 || typeof inner !== "object" || inner === null) {
    left.delete(String(first));
    return;
  }
  const copy = new Map(Object.entries(inner));
  takeOut(copy, rest);
  if (copy.size === 0) left.delete(String(first));
  else left.set(String(first), Array.isArray(inner) ? [...copy.values()] : Object.fromEntries(copy));
}

/** Facts with free text, in the stored EIS. */
function withoutKeyTexts(
  body: Readonly<Record<string, unknown>>,
  text: (value: string, path: readonly string[]) => string | undefined,
): Readonly<Record<string, unknown>> {
  const { eis } = body;
  if (typeof eis !== "object" || eis === null) return body;
  const facts = new Map<string, unknown>(Object.entries(eis));
  for (const name of ["eumId", "platformType", "smsrId"]) {
    const value = facts.get(name);
    if (typeof value === "string" && text(value, [name]) === undefined) facts.delete(name);
  }
  const properties = facts.get("additionalProperties");
  if (typeof properties === "object" && properties !== null)
    facts.set(
      "additionalProperties",
      Object.fromEntries(
        Object.entries(properties).filter(
          ([name, value]) => typeof value !== "string" || text(value, ["additionalProperties", name]) !== undefined,
        ),
      ),
    );
  return { ...body, eis: Object.fromEntries(facts) };
}

function identitiesOf(stored: Readonly<Record<string, unknown>>): string[] {
  const profiles: readonly unknown[] = Array.isArray(stored.esimProfiles) ? stored.esimProfiles : [];
  return [stored, ...profiles].flatMap((one) => {
    if (typeof one !== "object" || one === null) return [];
    const facts = new Map<string, unknown>(Object.entries(one));
    return ["eid", "iccid", "imsi", "msisdn"].flatMap((name) => {
      const value = facts.get(name);
      return typeof value === "string" ? [value.replace(/^\+/, "")] : [];
    });
  });
}
