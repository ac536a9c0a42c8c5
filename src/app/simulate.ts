import { exportEis } from "../../simulators/euicc/eis.ts";
import { FileStateStore } from "../../simulators/euicc/state-store.ts";
import { parseEid } from "../codec/euicc/eid.ts";
import type { Daemon } from "./daemon.ts";

/** Imports the simulated eUICC of this file as a target: when it is first present, or once its EIS is another one. */
export async function simulateOne(daemon: Daemon, file: string, changed: boolean): Promise<void> {
  const card = new FileStateStore(file).load();
  if (card === undefined) return;
  const known = await daemon.gateway.targets.list({ eid: parseEid(card.eid) }, undefined, 1);
  if (changed || known.length === 0) await daemon.gateway.targets.import(exportEis(card));
}
