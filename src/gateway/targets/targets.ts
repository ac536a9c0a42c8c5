import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../../base/clock.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { newId, type TargetId } from "../../base/id.ts";
import { type MergePatch, mergePatch } from "../../base/merge-patch.ts";
import { inTurns } from "../../base/turns.ts";
import type { Eid } from "../../codec/euicc/eid.ts";
import type { Iccid } from "../../codec/euicc/iccid.ts";
import type { KeySet, KeySetInfo } from "../model/key-set.ts";
import type { Repositories, Store } from "../model/store.ts";
import type { Namesake, Target, TargetFilter } from "../model/target.ts";
import { withNumber } from "./eis.ts";
import { type OnRefused, refuseDuplicates } from "./import-duplicates.ts";
import { type Change, changesOf } from "./target-changes.ts";
import {
  describedTarget,
  type ImportHow,
  importKeySets,
  mergedTarget,
  refuseChosenTexts,
  type TargetDescription,
} from "./target-import.ts";
import { refuseClashes } from "./target-keys.ts";
import { findTarget, saveTarget } from "./target-lookup.ts";
import type { KeySetShape } from "./target-shape.ts";

/** Outcome, or expected outcome, of one imported description. */
export interface ImportOutcome {
  readonly target: Target;
  readonly created: boolean;
  readonly keySets: readonly KeySetInfo[];
  readonly warnings: readonly string[];
  /** Changed fields. Keys appear by name only. */
  readonly changes: readonly Change[];
}

/** Fields of a target that may be changed by hand. */
type TargetChange = MergePatch<Pick<Target, "name" | "tags" | "msisdn" | "reach" | "settings">>;

/** Options for an import of several descriptions. */
export interface ImportOptions extends ImportHow {
  /** Nothing is stored: the outcomes are those of a real import. */
  readonly dryRun?: boolean;
}

/** Targets and their keys, for all faces. Key values go in and never come out. */
export class Targets {
  readonly #store: Store;
  readonly #clock: Clock;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * Stores a described target. A stored target with the same EID (or ICCID, for a plain UICC) is updated: values of the
   * description replace stored ones, and the rest stays; with `replace` only id, name, tags and key sets stay. Counters
   * never go down. An ICCID, name or PSK identity of another target is refused.
   * @throws target.invalid, target.exists
   */
  async import(raw: unknown, options: ImportOptions = {}): Promise<ImportOutcome> {
    const [outcome] = await this.importAll([{ shape: describedTarget(raw) }], options);
    if (outcome === undefined) throw new Error("one description has one outcome");
    return outcome;
  }

  /**
   * Stores described targets as {@link import} does, all of them or none: all are checked first, and the work yields to
   * other tasks. If the store changes during a long import so that one is refused later, the error contains the
   * number of stored ones. A dry run stores groups of them and rolls each back, so that the targets of a group are also
   * compared with each other.
   * @throws target.invalid, target.exists; `onRefused` receives the index of the refused one and the number of stored
   * ones
   */
  async importAll(
    descriptions: Iterable<TargetDescription>,
    { dryRun = false, ...how }: ImportOptions = {},
    onRefused: OnRefused = rethrow,
  ): Promise<ImportOutcome[]> {
    const turn = inTurns();
    const all: TargetDescription[] = [];
    for (const description of descriptions) {
      all.push(description);
      await turn();
    }
    const groups = [...groupsOf(all)];
    if (dryRun || groups.length > 1) {
      const judged: ImportOutcome[] = [];
      await refuseDuplicates(all, onRefused);
      for (const group of groups) await this.#tryOut(group, how, judged, onRefused);
      if (dryRun) return judged;
    }
    const outcomes: ImportOutcome[] = [];
    for (const group of groups) {
      const stored = outcomes.length;
      const taken = await this.#takeGroup(group, how);
      if (taken instanceof GatewayError) {
        await this.#tryOut(group, how, [...outcomes], (error, index) => onRefused(error, index, stored));
        onRefused(taken, stored, stored);
      } else outcomes.push(...taken);
    }
    return outcomes;
  }

  /** Stores descriptions with one flush of the disk; if one is refused, stores nothing and returns the reason. */
  async #takeGroup(group: readonly TargetDescription[], how: ImportHow): Promise<ImportOutcome[] | GatewayError> {
    const taking = this.#store.write(async (r) => {
      const taken: ImportOutcome[] = [];
      for (const description of group) taken.push(await this.#take(r, description, how));
      return taken;
    });
    return taking.catch((error: unknown) => {
      if (error instanceof GatewayError && error.code.startsWith("target.")) return error;
      throw error;
    });
  }

  /** Stores descriptions, rolls everything back and returns their outcomes. */
  async #tryOut(
    group: readonly TargetDescription[],
    how: ImportHow,
    outcomes: ImportOutcome[],
    onRefused: OnRefused,
  ): Promise<void> {
    const undo = new Error("a dry run is undone");
    const before = outcomes.length;
    const run = this.#store.write(async (r) => {
      outcomes.length = before;
      for (const description of group)
        outcomes.push(
          await this.#take(r, description, how).catch((error: unknown) => onRefused(error, outcomes.length, 0)),
        );
      throw undo;
    });
    await run.catch((error: unknown) => {
      if (error !== undo) throw error;
    });
  }

  async #take(r: Repositories, description: TargetDescription, how: ImportHow): Promise<ImportOutcome> {
    const at = this.#clock.now();
    const before = await sameTarget(r, description.shape);
    const { target, keySets, warnings } = mergedTarget(description, before, at, how);
    const namesakes = await refuseNamesakes(r, target, before);
    await refuseClashes(r, target, keySets);
    const stored: readonly KeySet[] = before === undefined ? [] : await openSets(r, target.id, keySets);
    const changes = changesOf(before, target, stored, keySets);
    if (before === undefined) await r.targets.insert(target);
    else await r.targets.update(target);
    for (const set of keySets) await r.keySets.put({ ...set, id: newId("key", at) });
    await r.events.append({
      at,
      type: before === undefined ? "target.added" : "target.changed",
      target: target.id,
      data: { why: "imported", version: target.version },
    });
    const shared = sharedNumbers(namesakes);
    return {
      target,
      created: before === undefined,
      keySets: await r.keySets.list(target.id),
      warnings: [...warnings, ...shared],
      changes,
    };
  }

  /** The target with this id. */
  async find(id: TargetId): Promise<Target | undefined> {
    return this.#store.read((r) => r.targets.get(id));
  }

  /** Id of the target that a reference names. @throws target.unknown */
  async idOf(reference: string): Promise<string> {
    return this.#store.read(async (r) => (await findTarget(r, reference)).id);
  }

  /** @throws target.unknown */
  async show(reference: string): Promise<{ target: Target; keySets: readonly KeySetInfo[] }> {
    return this.#store.read(async (r) => {
      const target = await findTarget(r, reference);
      return { target, keySets: await r.keySets.list(target.id) };
    });
  }

  async list(filter: TargetFilter, after: string | undefined, limit: number): Promise<Target[]> {
    return this.#store.read((r) => r.targets.list(filter, after, limit));
  }

  /**
   * Merges a change into a target: null removes a field, an absent field stays. RFC 7396. A change without effect keeps
   * the version and is not reported as an event.
   * @throws target.unknown, target.exists, api.precondition if `ifVersions` are given and do not contain the stored one
   */
  async change(reference: string, change: TargetChange, ifVersions?: readonly number[]): Promise<Target> {
    return this.#store.write(async (r) => {
      const target = await findTarget(r, reference);
      requireVersion(target, ifVersions);
      const cleared = { tags: [], reach: {}, settings: {} };
      const merged: Target = { ...cleared, ...mergePatch<Target>(target, change) };
      const changed: Target = { ...merged, tags: [...new Set(merged.tags)] };
      refuseChosenTexts(change, changed);
      await refuseNamesakes(r, changed, target);
      const numbered = typeof change.msisdn !== "string" ? changed : withNumber(changed, change.msisdn);
      // A change without effect keeps the version, and thus the ETags of other clients.
      if (isDeepStrictEqual(numbered, target)) return target;
      return saveTarget(r, numbered, this.#clock.now(), "changed by the operator");
    });
  }

  /**
   * Adds key sets, or replaces those with the same type, KVN and TARs; counters never go down.
   * @throws target.unknown, target.invalid, target.exists for a PSK identity of another target, api.precondition
   */
  async putKeys(
    reference: string,
    shapes: readonly KeySetShape[],
    ifVersions?: readonly number[],
  ): Promise<{ target: Target; keySets: readonly KeySetInfo[] }> {
    const at = this.#clock.now();
    return this.#store.write(async (r) => {
      const target = await findTarget(r, reference);
      requireVersion(target, ifVersions);
      const sets = importKeySets(target.id, shapes, at);
      await refuseClashes(r, target, sets);
      for (const set of sets) await r.keySets.put(set);
      return { target: await saveTarget(r, target, at, "keys written"), keySets: await r.keySets.list(target.id) };
    });
  }

  /** @throws target.unknown, api.not-found, api.precondition */
  async removeKeys(reference: string, keySet: string, ifVersions?: readonly number[]): Promise<void> {
    await this.#store.write(async (r) => {
      const target = await findTarget(r, reference);
      requireVersion(target, ifVersions);
      const own = (await r.keySets.list(target.id)).some((set) => set.id === keySet);
      if (!own) throw new GatewayError("api.not-found", `no key set '${keySet}'`, { detail: { field: "keySet" } });
      await r.keySets.remove(keySet);
      await saveTarget(r, target, this.#clock.now(), "keys removed");
    });
  }

  /** Removes a target with its keys; refused while jobs are open. @throws target.unknown, job.state, api.precondition */
  async remove(reference: string, ifVersions?: readonly number[]): Promise<void> {
    await this.#store.write(async (r) => {
      const target = await findTarget(r, reference);
      requireVersion(target, ifVersions);
      const open = await r.jobs.list({ target: target.id, state: ["queued", "running", "waiting"] }, undefined, 1);
      if (open.length > 0)
        throw new GatewayError("job.state", "the target has open jobs: wait for their end, or cancel them", {
          detail: { job: open[0]?.id },
        });
      await r.targets.remove(target.id);
      await r.events.append({
        at: this.#clock.now(),
        type: "target.removed",
        target: target.id,
        data: { eid: target.eid },
      });
    });
  }
}

/**
 * The stored target of a description: by its EID, or by its ICCID if both are plain UICCs.
 * @throws target.exists when the ICCID is one of another target
 */
async function sameTarget(r: Repositories, described: TargetDescription["shape"]): Promise<Target | undefined> {
  const { eid, iccid } = described;
  const byEid = eid === undefined ? undefined : await r.targets.holding("eid", eid);
  const byIccid = iccid === undefined ? undefined : await ownerOf(r, iccid, eid);
  if (byIccid === undefined || byIccid.id === byEid?.id) return byEid;
  const itself = byIccid.iccid === iccid;
  if (eid === undefined && itself && byIccid.eid === undefined) return byIccid;
  const whose = `target ${named(byIccid)}`;
  const how = itself ? "its ICCID" : "a profile or another name of it";
  throw new GatewayError("target.exists", `iccid: ${iccid} already exists, as ${how}: ${whose}`, {
    detail: { field: "iccid", target: byIccid.id },
  });
}

/**
 * The target with this ICCID. If cards share one, as copies of a test profile do, an EID distinguishes them.
 * @throws target.unknown when several have it and there is no EID
 */
async function ownerOf(r: Repositories, iccid: Iccid, eid: Eid | undefined): Promise<Target | undefined> {
  const holder = await r.targets.holding("iccid", iccid);
  if (holder !== undefined || eid !== undefined) return holder;
  // Several cards have it, or none; with several, the look-up throws an error with their ids.
  const found = await r.targets.resolve(iccid);
  return found !== undefined && found.iccid === iccid ? found : undefined;
}

/**
 * Refuses a name that is a name or identity of another target, and an identity that is the name of another: either
 * would make that target unreachable by this name. Existing conflicts stay.
 * @throws target.exists naming both
 */
async function refuseNamesakes(
  r: Repositories,
  target: Target,
  before: Target | undefined,
): Promise<readonly Namesake[]> {
  const known = new Set(before === undefined ? [] : namesOf(before));
  const namesakes = await r.targets.namesakes(target);
  for (const { alias, kind, other } of namesakes) {
    if (known.has(alias) || (kind !== "name" && other.kind !== "name")) continue;
    const field = kind === "name" ? "name" : kind;
    const theirs = other.kind === "name" ? "the name" : other.kind === "profile" ? "of a profile" : `the ${other.kind}`;
    throw new GatewayError(
      "target.exists",
      `${field}: '${alias}' of target ${named(target)} is ${theirs} of target ${named(other)}: names must be unique`,
      { detail: { field, target: target.id, other: other.id } },
    );
  }
  return namesakes;
}

function namesOf(target: Target): string[] {
  const { id, name, eid, iccid, imsi, msisdn, esimProfiles } = target;
  const profiles = esimProfiles.flatMap((profile) => [profile.iccid, profile.imsi, profile.msisdn]);
  return [id, name, eid, iccid, imsi, msisdn, ...profiles].flatMap((one) =>
    one === undefined ? [] : [one.toLowerCase()],
  );
}

/** Numbers that other targets have too: the network delivers to one card only. */
function sharedNumbers(namesakes: readonly Namesake[]): string[] {
  const shared = namesakes.filter(({ kind, other }) => kind === other.kind && (kind === "msisdn" || kind === "imsi"));
  return shared.map(
    ({ kind, alias, other }) =>
      `${kind} ${alias} also belongs to target ${named(other)}: messages to it reach only one of the two cards`,
  );
}

/** Stored key sets of the written types, with their keys, for the list of changes. */
async function openSets(r: Repositories, target: TargetId, sets: readonly KeySet[]): Promise<KeySet[]> {
  const found: KeySet[] = [];
  for (const type of new Set(sets.map((set) => set.type))) found.push(...(await r.keySets.open(target, type)));
  return found;
}

function named({ id, eid }: { readonly id: TargetId; readonly eid?: Eid }): string {
  return eid === undefined ? id : `${id} (EID ${eid})`;
}

/** Maximum cost of the descriptions in one unit of work, in plain cards: other work waits for that time. */
const groupWork = 20;

/** The cost of storing a description, in plain cards. */
function resolveWork({ shape: { profiles = [], keySets, isdR } }: TargetDescription): number {
  return 1 + profiles.length / 10 + (keySets.length + (isdR?.keySets.length ?? 0)) / 5;
}

/** Groups by cost and not by time, so that a dry run compares the same targets each time. */
function* groupsOf(descriptions: Iterable<TargetDescription>): Generator<TargetDescription[]> {
  let group: TargetDescription[] = [];
  let work = 0;
  for (const description of descriptions) {
    group.push(description);
    work += resolveWork(description);
    if (work < groupWork) continue;
    yield group;
    group = [];
    work = 0;
  }
  if (group.length > 0) yield group;
}

function rethrow(error: unknown): never {
  throw error;
}

function requireVersion(target: Target, versions: readonly number[] | undefined): void {
  if (versions === undefined || versions.includes(target.version)) return;
  throw new GatewayError("api.precondition", `If-Match: target ${target.id} has version ${target.version}`, {
    detail: { field: "If-Match", version: target.version },
  });
}
