import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../../base/clock.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { newId } from "../../base/id.ts";
import { type MergePatch, mergePatch } from "../../base/merge-patch.ts";
import { inTurns } from "../../base/turns.ts";
import type { KeySet, KeySetInfo } from "../model/key-set.ts";
import type { Repositories, Store } from "../model/store.ts";
import type { Namesake, Target, TargetFilter } from "../model/target.ts";
import { withNumber } from "./eis.ts";
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
import { type OnRefused, refuseTwins } from "./target-twins.ts";

/** Outcome, or expected outcome, of one imported description. */
export interface ImportOutcome {
  readonly target: Target;
  readonly created: boolean;
  readonly keySets: readonly KeySetInfo[];
  readonly warnings: readonly string[];
  /** What is another now than it was. Keys are named, never shown. */
  readonly changes: readonly Change[];
}

/** Fields of a target that may be changed by hand. */
type TargetChange = MergePatch<Pick<Target, "name" | "tags" | "msisdn" | "reach" | "settings">>;

/** How descriptions are taken in. */
export interface ImportOptions extends ImportHow {
  /** Nothing is stored: the outcomes specify what would be. */
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
   * Stores a described target. One with the same EID (or ICCID, for a plain UICC) is completed by it: what the
   * description
   * states goes before what was known, the rest stays; with `replace` only id, name, tags and key sets stay. Counters
   * never
   * go down. An ICCID, name or PSK identity of another target is refused.
   * @throws target.invalid, target.exists
   */
  async import(raw: unknown, options: ImportOptions = {}): Promise<ImportOutcome> {
    const [outcome] = await this.importAll([{ shape: describedTarget(raw) }], options);
    if (outcome === undefined) throw new Error("one description has one outcome");
    return outcome;
  }

  /**
   * Stores described targets as {@link import} does, all of them or none: they are judged as a whole first, in turns
   * with
   * others. Should the store change under a long import so that one is refused after all, the error specifies how many
   * are in.
   * A dry run takes them in and then forgets them, in groups, so that those of a group are held against each other as
   * well.
   * @throws target.invalid, target.exists; `onRefused` may specify which it was, and how many are stored
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
      await refuseTwins(all, onRefused);
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

  /** Takes descriptions in with one flush of the disk; why not, with nothing stored, when one of them is refused. */
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

  /** Takes descriptions in and undoes it all; their outcomes are what is left of it. */
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
  async find(id: string): Promise<Target | undefined> {
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
   * Merges a change into a target: null removes, what is absent stays. RFC 7396. A change that changes nothing keeps the
   * version and is no event.
   * @throws target.unknown, target.exists, api.precondition when `ifVersions` are given and the stored one is none of them
   */
  async change(reference: string, change: TargetChange, ifVersions?: readonly number[]): Promise<Target> {
    return this.#store.write(async (r) => {
      const target = await findTarget(r, reference);
      requireVersion(target, ifVersions);
      const cleared = { tags: [], reach: {}, settings: {} };
      const changed: Target = { ...cleared, ...mergePatch<Target>(target, change) };
      refuseChosenTexts(change, changed);
      await refuseNamesakes(r, changed, target);
      const numbered = typeof change.msisdn !== "string" ? changed : withNumber(changed, change.msisdn);
      // A change that changes nothing keeps the version, and with it the ETags of other clients.
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
        throw new GatewayError("job.state", "the target has open jobs", { detail: { job: open[0]?.id } });
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
 * The target that a description is of: by its EID, or by its ICCID where both are plain UICCs.
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
 * Whose ICCID it is. Where cards share one, as copies of a test profile do, an EID distinguishes them.
 * @throws target.unknown when several have it and there is no EID
 */
async function ownerOf(r: Repositories, iccid: string, eid: string | undefined): Promise<Target | undefined> {
  const holder = await r.targets.holding("iccid", iccid);
  if (holder !== undefined || eid !== undefined) return holder;
  // Several cards hold it, or none: the first is returned with their ids.
  const found = await r.targets.resolve(iccid);
  return found !== undefined && found.iccid === iccid ? found : undefined;
}

/**
 * Refuses a name that another target answers to, as its name or as one of its identities, and an identity that is the
 * name of another: either would lock that one out. What was so before stays.
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

/** Numbers that are those of other targets too: the network delivers to one card only. */
function sharedNumbers(namesakes: readonly Namesake[]): string[] {
  const shared = namesakes.filter(({ kind, other }) => kind === other.kind && (kind === "msisdn" || kind === "imsi"));
  return shared.map(
    ({ kind, alias, other }) =>
      `${kind} ${alias} also belongs to target ${named(other)}: messages to it reach only one of the two cards`,
  );
}

/** Stored key sets of the types that are written, with their keys, to specify what changes. */
async function openSets(r: Repositories, target: string, sets: readonly KeySet[]): Promise<KeySet[]> {
  const found: KeySet[] = [];
  for (const type of new Set(sets.map((set) => set.type))) found.push(...(await r.keySets.open(target, type)));
  return found;
}

function named({ id, eid }: { readonly id: string; readonly eid?: string }): string {
  return eid === undefined ? id : `${id} (EID ${eid})`;
}

/** Work of descriptions that are taken in at once, in plain cards: others wait so long. */
const groupWork = 20;

/** What taking a description in costs, in plain cards. */
function resolveWork({ shape: { profiles = [], keySets, isdR } }: TargetDescription): number {
  return 1 + profiles.length / 10 + (keySets.length + (isdR?.keySets.length ?? 0)) / 5;
}

/** Groups by work and not by time: what a dry run holds against each other is the same each time. */
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
