import type { JobId, TargetId } from "../../base/id.ts";
import { isdRTar } from "../../codec/euicc/aid.ts";
import type { KeyRange } from "../../codec/euicc/es5/functions/finalise-isdr-handover.ts";
import type { KeySetInfo } from "../model/key-set.ts";
import type { Repositories } from "../model/store.ts";

/**
 * The card deleted every key of its ISD-R that the handover did not name: the same keys are removed here, so that no
 * job uses one that the card no longer has. The event contains their last counters; stored packets keep theirs. SGP.02
 * §4.1.1.9
 */
export async function afterHandover(
  r: Repositories,
  target: TargetId,
  keep: readonly KeyRange[],
  job: JobId,
  at: number,
): Promise<void> {
  const gone: KeySetInfo[] = [];
  for (const set of await r.keySets.list(target))
    if (servesIsdR(set) && !(await keptInPart(r, set, keep))) gone.push(set);
  for (const set of gone) await forget(r, set);
  if (gone.length === 0) return;
  const keySets = gone.map(({ id, type, kvn, cntr }) => ({ id, type, kvn, cntr }));
  await r.events.append({ at, type: "target.keys-gone", target, job, data: { keySets } });
}

function servesIsdR({ tars }: KeySetInfo): boolean {
  return tars.length === 0 || tars.includes(isdRTar);
}

/** Whether the card has kept keys of the set; the deleted ones are removed from it. */
async function keptInPart(r: Repositories, set: KeySetInfo, keep: readonly KeyRange[]): Promise<boolean> {
  const ranges = keep.filter((range) => range.kvn === set.kvn);
  if (ranges.length === 0) return false;
  const stored = (await r.keySets.open(set.target, set.type)).find((one) => one.id === set.id);
  if (stored === undefined) return false;
  const kept = [...stored.keys].filter(([id]) => ranges.some(({ first, last }) => id >= first && id <= last));
  if (kept.length > 0 && kept.length < stored.keys.size) await r.keySets.put({ ...stored, keys: new Map(kept) });
  return kept.length > 0;
}

/** A set that also serves other domains continues to serve those. */
async function forget(r: Repositories, set: KeySetInfo): Promise<void> {
  const tars = set.tars.filter((tar) => tar !== isdRTar);
  const stored = tars.length === 0 ? undefined : (await r.keySets.open(set.target, set.type)).find(sameAs(set));
  await r.keySets.remove(set.id);
  if (stored !== undefined) await r.keySets.put({ ...stored, tars });
}

const sameAs = (set: KeySetInfo) => (one: KeySetInfo) => one.id === set.id;
