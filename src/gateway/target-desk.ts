import type { z } from "zod";
import type { Clock } from "../base/clock.ts";
import { GatewayError, isGatewayError } from "../base/gateway-error.ts";
import { newId } from "../base/id.ts";
import { withNumber } from "./eis.ts";
import type { KeySetInfo } from "./key-set.ts";
import type { Repositories, Store } from "./store.ts";
import type { Target, TargetFilter } from "./target.ts";
import { importKeySets, importTarget, type KeySetShape } from "./target-import.ts";
import { findTarget, saveTarget } from "./targets.ts";

/** What became of one imported description. */
export interface ImportOutcome {
  readonly target: Target;
  readonly created: boolean;
  readonly keySets: readonly KeySetInfo[];
  readonly warnings: readonly string[];
}

/** Fields of a target that may be changed by hand. */
export type TargetChange = Partial<Pick<Target, "name" | "tags" | "msisdn" | "reach" | "settings">>;

/** Targets and their keys, for all faces. Key values go in and never come out. */
export class TargetDesk {
  readonly #store: Store;
  readonly #clock: Clock;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * Stores a described target; one with the same EID (or ICCID, for a plain UICC) is replaced, keeping its id, its
   * name and tags where the description has none, and its counters, which never go down. An ICCID of another target, its
   * own or of one of its profiles, is refused.
   * @throws target.invalid, target.exists
   */
  async import(raw: unknown): Promise<ImportOutcome> {
    const at = this.#clock.now();
    const { target, keySets, warnings } = importTarget(raw, at);
    return this.#store.write(async (r) => {
      const before = await sameTarget(r, target);
      const stored =
        before === undefined
          ? target
          : {
              ...target,
              id: before.id,
              version: before.version + 1,
              createdAt: before.createdAt,
              ...(target.name === undefined && before.name !== undefined ? { name: before.name } : {}),
              tags: target.tags.length === 0 ? before.tags : target.tags,
            };
      if (before === undefined) await r.targets.insert(stored);
      else await r.targets.update(stored);
      for (const set of keySets) await r.keySets.put({ ...set, id: newId("key", at), target: stored.id });
      await r.events.append({
        at,
        type: before === undefined ? "target.added" : "target.changed",
        target: stored.id,
        data: { why: "imported", version: stored.version },
      });
      return { target: stored, created: before === undefined, keySets: await r.keySets.list(stored.id), warnings };
    });
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

  /** @throws target.unknown, target.exists, api.precondition when `ifVersion` is given and not the stored one */
  async change(reference: string, change: TargetChange, ifVersion?: number): Promise<Target> {
    return this.#store.write(async (r) => {
      const target = await findTarget(r, reference);
      requireVersion(target, ifVersion);
      const changed = { ...target, ...change };
      const numbered = change.msisdn === undefined ? changed : withNumber(changed, change.msisdn);
      return saveTarget(r, numbered, this.#clock.now(), "changed by hand");
    });
  }

  /**
   * Adds key sets, or replaces those with the same type, KVN and TARs; counters never go down.
   * @throws target.unknown, target.invalid, api.precondition
   */
  async putKeys(
    reference: string,
    shapes: readonly z.infer<typeof KeySetShape>[],
    ifVersion?: number,
  ): Promise<{ target: Target; keySets: readonly KeySetInfo[] }> {
    const at = this.#clock.now();
    return this.#store.write(async (r) => {
      const target = await findTarget(r, reference);
      requireVersion(target, ifVersion);
      for (const set of importKeySets(target.id, shapes, at)) await r.keySets.put(set);
      return { target: await saveTarget(r, target, at, "keys written"), keySets: await r.keySets.list(target.id) };
    });
  }

  /** @throws target.unknown, api.not-found, api.precondition */
  async removeKeys(reference: string, keySet: string, ifVersion?: number): Promise<void> {
    await this.#store.write(async (r) => {
      const target = await findTarget(r, reference);
      requireVersion(target, ifVersion);
      const own = (await r.keySets.list(target.id)).some((set) => set.id === keySet);
      if (!own) throw new GatewayError("api.not-found", `no key set '${keySet}'`, { detail: { field: "keySet" } });
      await r.keySets.remove(keySet);
      await saveTarget(r, target, this.#clock.now(), "keys removed");
    });
  }

  /** Removes a target with its keys; refused while jobs are open. @throws target.unknown, job.state, api.precondition */
  async remove(reference: string, ifVersion?: number): Promise<void> {
    await this.#store.write(async (r) => {
      const target = await findTarget(r, reference);
      requireVersion(target, ifVersion);
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
async function sameTarget(r: Repositories, described: Target): Promise<Target | undefined> {
  const { eid, iccid } = described;
  const byEid = eid === undefined ? undefined : await r.targets.resolve(eid);
  const byIccid = iccid === undefined ? undefined : await ownerOf(r, iccid, eid);
  if (byIccid === undefined || byIccid.id === byEid?.id) return byEid;
  const itself = byIccid.iccid === iccid;
  if (eid === undefined && itself && byIccid.eid === undefined) return byIccid;
  const whose = `target ${byIccid.id}${byIccid.eid === undefined ? "" : ` (EID ${byIccid.eid})`}`;
  const how = itself ? "its ICCID" : "a profile or another name of it";
  throw new GatewayError("target.exists", `iccid: ${iccid} is known already, as ${how}: ${whose}`, {
    detail: { field: "iccid", target: byIccid.id },
  });
}

/** Whose ICCID it is. Where cards share one, as copies of a test profile do, an EID tells them apart. */
async function ownerOf(r: Repositories, iccid: string, eid: string | undefined): Promise<Target | undefined> {
  try {
    return await r.targets.resolve(iccid);
  } catch (error) {
    if (eid !== undefined && isGatewayError(error, "target.unknown")) return undefined;
    throw error;
  }
}

function requireVersion(target: Target, version: number | undefined): void {
  if (version === undefined || version === target.version) return;
  throw new GatewayError("api.precondition", `If-Match: target ${target.id} has version ${target.version}`, {
    detail: { field: "If-Match", version: target.version },
  });
}
