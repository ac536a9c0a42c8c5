import { join } from "node:path";
import { exportEis } from "../../simulators/euicc/eis.ts";
import { FileStateStore } from "../../simulators/euicc/state-store.ts";
import { parseEid } from "../codec/euicc/eid.ts";
import type { Daemon } from "./daemon.ts";

/** Imports the simulated eUICC of `daemon --simulate` as a target, when it is first present. */
export async function simulateOne(daemon: Daemon, state: string): Promise<void> {
  const card = new FileStateStore(join(state, "euicc-1.json")).load();
  if (card === undefined || (await daemon.gateway.targets.list({ eid: parseEid(card.eid) }, undefined, 1)).length > 0)
    return;
  await daemon.gateway.targets.import(exportEis(card));
}
