import { withoutUndefined } from "../../base/defined.ts";
import { newId } from "../../base/id.ts";
import { type Tar, tarOfAid } from "../../codec/euicc/aid.ts";
import type { Download } from "../model/download.ts";
import type { KeySetInfo } from "../model/key-set.ts";
import type { Repositories } from "../model/store.ts";
import type { EsimProfile } from "../model/target.ts";
import { saveTarget } from "../targets/target-lookup.ts";
import type { DownloadEffect } from "./move.ts";

/** Applies what a step of a download changes in the target and its keys, as part of a unit of work. */
export async function applyEffect(
  r: Repositories,
  before: Download,
  after: Download,
  effect: DownloadEffect,
  at: number,
): Promise<void> {
  switch (effect.kind) {
    case "keys-established":
      return keepKeys(r, after, at);
    case "sequence": {
      const set = await keySetOf(r, after);
      if (set !== undefined) await r.keySets.raiseCounter(set.id, effect.sequence);
      return;
    }
    case "installed":
      return installed(r, after, at);
    case "gone": {
      const set = await keySetOf(r, before);
      if (set !== undefined) await r.keySets.remove(set.id);
      return;
    }
  }
}

function tarsOf({ isdP }: Download): readonly Tar[] {
  const tar = tarOfAid(isdP);
  return tar === undefined ? [] : [tar];
}

/** The keys of the ISD-P, for later ES8 functions. */
async function keepKeys(r: Repositories, download: Download, at: number): Promise<void> {
  const keys = download.secrets.keys ?? [];
  const before = await keySetOf(r, download);
  if (before !== undefined) await r.keySets.remove(before.id);
  await r.keySets.put({
    id: newId("key", at),
    target: download.target,
    type: "SCP03",
    kvn: download.order.kvn,
    tars: tarsOf(download),
    algorithm: "AES",
    ccLength: 8,
    cntr: 0,
    keys: new Map(keys.map((key, index) => [index + 1, key])),
  });
}

async function keySetOf(r: Repositories, download: Download): Promise<KeySetInfo | undefined> {
  const [tar] = tarsOf(download);
  const sets = await r.keySets.list(download.target);
  return sets.find(
    ({ type, kvn, tars }) => type === "SCP03" && kvn === download.order.kvn && tar !== undefined && tars.includes(tar),
  );
}

/** The profile in the EIS. SGP.02 §3.1.3 */
async function installed(r: Repositories, download: Download, at: number): Promise<void> {
  const target = await r.targets.get(download.target);
  if (target === undefined) return;
  const { iccid, imsi, profileType } = download.package;
  const facts = withoutUndefined({ iccid, imsi, profileType, smdpId: download.smDp });
  const known = target.esimProfiles.find(({ aid }) => aid === download.isdP);
  const profile: EsimProfile = { fallback: false, ...known, aid: download.isdP, state: "disabled", ...facts };
  const esimProfiles = [...target.esimProfiles.filter((one) => one !== known), profile];
  await saveTarget(r, { ...target, esimProfiles }, at, `download ${download.id} installed the profile`);
}
