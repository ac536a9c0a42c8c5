import { withoutUndefined } from "../../base/defined.ts";
import { checked } from "../../base/field-words.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { newId, type TargetId } from "../../base/id.ts";
import { repeatsKey } from "../../base/key-like.ts";
import type { Secret } from "../../base/secret.ts";
import { firstIssue, pathText } from "../../base/strict.ts";
import { type Aid, parseAid } from "../../codec/euicc/aid.ts";
import { eidCheckDigitsOk } from "../../codec/euicc/eid.ts";
import { readSmsrTemplates, type Templates, writeSmsrTemplates } from "../../codec/euicc/templates.ts";
import type { KeySet } from "../model/key-set.ts";
import type { EsimProfile, Target } from "../model/target.ts";
import { withKnownLogins } from "./connectivity.ts";
import { addressingOf, withNumber } from "./eis.ts";
import { factsIn, type StoredEis } from "./eis-facts.ts";
import { describedKeySets } from "./target-keys.ts";
import {
  chosenTexts,
  type KeySetShape,
  type ProfileShape,
  refusalOfText,
  shownTexts,
  TargetShape,
} from "./target-shape.ts";

/** Options of an import. */
export interface ImportHow {
  /** The description is complete: profiles, numbers and facts that it does not contain are removed. */
  readonly replace?: boolean;
}

/** A description that was read from outside and checked. */
export interface TargetDescription {
  readonly shape: TargetShape;
  /** The signed document of the description, without key values. */
  readonly xml?: string;
}

/** A target ready to be stored, with its key sets and warnings. */
interface ImportedTarget {
  readonly target: Target;
  readonly keySets: readonly KeySet[];
  readonly warnings: readonly string[];
}

/**
 * Checks a description: only fields that a target has, identities that their parsers accept, and nothing that could be
 * a key where it would be stored in clear.
 * @throws target.invalid naming the field (never a value: it may be a key)
 */
export function describedTarget(raw: unknown): TargetShape {
  const parsed = checked(TargetShape, raw);
  if (!parsed.success) {
    const { field, message } = firstIssue(parsed.error);
    throw invalid(field === "" ? "target" : field, message);
  }
  const shape = parsed.data;
  if (shape.eid === undefined && shape.iccid === undefined) throw invalid("eid", "is required unless iccid is given");
  refuseKeysInClear(shape);
  refuseSecondProfile(shape.profiles ?? []);
  for (const [index, { aid }] of (shape.profiles ?? []).entries()) aidOf(aid, `profiles.${index}.aid`);
  keySetsOf(shape, "tgt_", 0);
  return shape;
}

/** Key sets for an existing target. @throws target.invalid naming the field, never its value */
export function importKeySets(target: TargetId, shapes: readonly KeySetShape[], at: number): KeySet[] {
  return describedKeySets(
    shapes.map((shape, index) => ({ at: `keySets.${index}`, shape })),
    target,
    at,
  );
}

/**
 * The stored target after an import: values of the description replace stored ones, and the rest stays, unless the
 * description replaces everything. Key sets are added or replaced, never removed.
 */
export function mergedTarget(
  { shape, xml }: TargetDescription,
  before: Target | undefined,
  at: number,
  how: ImportHow = {},
): ImportedTarget {
  const warnings: string[] = [];
  const kept = how.replace === true ? undefined : before;
  const { eid, iccid, imsi, name, tags } = shape;
  if (eid !== undefined && !eidCheckDigitsOk(eid)) warnings.push(`EID ${eid} has wrong check digits`);
  const esimProfiles = mergedProfiles(kept?.esimProfiles ?? [], shape.profiles, warnings);
  const described = shape.profiles?.find((profile) => profile.state === "enabled")?.msisdn;
  const id = before?.id ?? newId("tgt", at);
  const facts = factsIn(shape);
  const eis = mergedEis(kept, facts, xml, warnings);
  const addressing = facts.smsr === undefined ? kept?.addressing : undefined;
  const { addressing: _, ...others } = kept ?? {};
  const target: Target = {
    // Facts that the gateway itself learned about the card always stay.
    ...others,
    ...withoutUndefined({ agentIds: before?.agentIds }),
    id,
    kind: shape.kind ?? kept?.kind ?? (eid === undefined ? "uicc" : "euicc"),
    ...withoutUndefined({
      name: name ?? before?.name,
      eid: eid ?? kept?.eid,
      iccid: iccid ?? kept?.iccid,
      imsi: imsi ?? kept?.imsi,
      msisdn: shape.msisdn ?? described ?? kept?.msisdn,
      addressing,
    }),
    tags: tags === undefined || tags.length === 0 ? (before?.tags ?? []) : [...new Set(tags)],
    esimProfiles,
    reach: { ...kept?.reach, ...withoutUndefined(shape.reach ?? {}) },
    settings: { ...kept?.settings, ...withoutUndefined(shape.settings ?? {}) },
    eis,
    version: (before?.version ?? 0) + 1,
    createdAt: before?.createdAt ?? at,
    updatedAt: at,
  };
  const numbered =
    shape.msisdn === undefined || shape.profiles !== undefined ? target : withNumber(target, shape.msisdn);
  const keySets = keySetsOf(shape, id, at);
  if (keySets.length === 0)
    warnings.push(
      before === undefined
        ? "no keys: only packets secured upstream can be sent"
        : "no keys in the import: those of the target are kept",
    );
  return { target: numbered, keySets, warnings };
}

/** @throws target.invalid if two profiles are enabled or two have the fall-back attribute: a card has one of each */
function refuseSecondProfile(profiles: readonly ProfileShape[]): void {
  for (const [field, has, what] of [
    ["state", (one: ProfileShape) => one.state === "enabled", "is enabled"],
    ["fallback", (one: ProfileShape) => one.fallback === true, "has the fall-back attribute"],
  ] as const) {
    const [first, second] = profiles.flatMap((profile, index) => (has(profile) ? [index] : []));
    if (first !== undefined && second !== undefined)
      throw invalid(
        `profiles.${second}.${field}`,
        `profiles.${first} already ${what}; a card has at most one such profile`,
      );
  }
}

function keySetsOf(shape: TargetShape, target: TargetId, at: number): KeySet[] {
  const named = (sets: readonly KeySetShape[], path: string) =>
    sets.map((set, index) => ({ at: `${path}.${index}`, shape: set }));
  return describedKeySets(
    [...named(shape.isdR?.keySets ?? [], "isdR.keySets"), ...named(shape.keySets, "keySets")],
    target,
    at,
  );
}

/** Described profiles, field by field over the stored ones; the other profiles stay. */
function mergedProfiles(
  before: readonly EsimProfile[],
  shapes: TargetShape["profiles"],
  warnings: string[],
): readonly EsimProfile[] {
  if (shapes === undefined) return before;
  const described = shapes.map((shape, index) => profileOf(shape, index, before));
  const names = new Set(described.map(({ aid }) => aid));
  if (names.size < described.length) throw invalid("profiles", "duplicate ISD-P");
  const enabled = described.some(({ state }) => state === "enabled");
  const fallback = described.some((profile) => profile.fallback);
  const others = before.filter(({ aid }) => !names.has(aid));
  if (others.length > 0)
    warnings.push(
      `${others.length} stored profiles are not in the import and are kept; an import with replace removes them`,
    );
  return [
    ...others.map(
      (profile): EsimProfile => ({
        ...profile,
        state: enabled && profile.state === "enabled" ? "disabled" : profile.state,
        fallback: profile.fallback && !fallback,
      }),
    ),
    ...described,
  ];
}

function profileOf(shape: ProfileShape, index: number, before: readonly EsimProfile[]): EsimProfile {
  const { connectivity, ...given } = shape;
  const aid = aidOf(shape.aid, `profiles.${index}.aid`);
  const known = before.find((profile) => profile.aid === aid);
  return {
    fallback: false,
    ...known,
    ...withoutUndefined(given),
    aid,
    ...(connectivity === undefined
      ? {}
      : { connectivity: { ...known?.connectivity, ...withKnownLogins(connectivity, known?.connectivity ?? {}) } }),
  };
}

/** Parts of an EIS that the manufacturer signed. */
const signed = [
  ...["eumId", "productionDate", "platformType", "platformVersion", "isdPLoadFileAid", "isdPModuleAid"],
  ...["ecasd", "capabilities"],
] as const;

/** Facts of the EIS: each given one replaces the stored one, recursively. */
function mergedEis(kept: Target | undefined, facts: StoredEis, xml: string | undefined, warnings: string[]): StoredEis {
  const before = factsIn(kept?.eis);
  const merged = new Map<string, unknown>(Object.entries(before));
  for (const [name, value] of Object.entries(facts)) merged.set(name, mergedFact(before[name], value));
  if (facts.smsr !== undefined && kept !== undefined)
    merged.set("smsr", mergedAddressing(addressingOf(kept), facts.smsr));
  if (xml !== undefined) merged.set("xml", xml);
  else if (merged.has("xml")) {
    const other = signed.find((name) => facts[name] !== undefined && !same(before[name], merged.get(name)));
    if (other !== undefined) {
      merged.delete("xml");
      warnings.push(`${other} differs from the document that the manufacturer signed: that document was removed`);
    }
  }
  return Object.fromEntries(merged);
}

function mergedAddressing(known: Templates, given: unknown): unknown {
  return writeSmsrTemplates({ ...known, ...withKnownLogins(readSmsrTemplates(given), known) });
}

function mergedFact(before: unknown, value: unknown): unknown {
  if (!isRecord(before) || !isRecord(value)) return value;
  const merged = new Map<string, unknown>(Object.entries(before));
  for (const [name, inner] of Object.entries(value)) merged.set(name, mergedFact(before[name], inner));
  return Object.fromEntries(merged);
}

function same(a: unknown, b: unknown): boolean {
  if (!isRecord(a) || !isRecord(b)) return a === b;
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((name) => same(a[name], b[name]));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @throws target.invalid for text that could be a key or repeats a key of the description */
function refuseKeysInClear(shape: TargetShape): void {
  const keys = [...(shape.isdR?.keySets ?? []), ...shape.keySets].flatMap(({ keys: all }) =>
    all.map(({ value }) => value),
  );
  lookForKeys(shape, digitsOf(shape, shape.profiles ?? []), keys);
}

/** @throws target.invalid for a manual change whose text could be a key */
export function refuseChosenTexts(change: object, target: Target): void {
  lookForKeys(change, digitsOf(target, target.esimProfiles), []);
}

type Numbers = { readonly [name in "eid" | "iccid" | "imsi" | "msisdn"]?: string | undefined };

function digitsOf(target: Numbers, profiles: readonly Numbers[]): string[] {
  return [target, ...profiles]
    .flatMap(({ eid, iccid, imsi, msisdn }) => [eid, iccid, imsi, msisdn])
    .filter((one) => one !== undefined);
}

function lookForKeys(root: object, digits: readonly string[], keys: readonly Secret[]): void {
  const repeats = repeatsKey(keys);
  const path: (string | number)[] = [];
  const look = (value: unknown, chosen: string | undefined): void => {
    if (typeof value === "string" && chosen !== undefined) {
      const why = repeats(value)
        ? "repeats a key of the import; this field is stored and displayed in clear"
        : shownTexts.includes(chosen)
          ? undefined
          : refusalOfText(value, digits, chosen);
      if (why !== undefined) throw invalid(pathText(path), why);
    }
    if (typeof value !== "object" || value === null || value instanceof Uint8Array) return;
    for (const [name, inner] of Object.entries(value)) {
      if (name === "keys") continue;
      const step = Array.isArray(value) ? Number(name) : name;
      const known = chosenTexts.some((text) => text === name) || shownTexts.includes(name);
      path.push(step);
      look(inner, chosen ?? (known ? name : undefined));
      path.pop();
    }
  };
  look(root, undefined);
}

function aidOf(text: string, at: string): Aid {
  try {
    return parseAid(text);
  } catch (cause) {
    throw new GatewayError("target.invalid", `${at}: ${cause instanceof Error ? cause.message : "not valid"}`, {
      detail: { field: at },
      cause,
    });
  }
}

function invalid(field: string, message: string): GatewayError {
  return new GatewayError("target.invalid", `${field}: ${message}`, { detail: { field } });
}
