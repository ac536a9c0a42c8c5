import type { Handover } from "../model/new-job.ts";
import type { Repositories, Store } from "../model/store.ts";

/**
 * A unit of work that may store jobs as under way and hands them to `begun`: their packets leave once it is durable. If
 * it fails, their targets are released.
 */
export async function writeAndHandOver<T>(
  store: Store,
  unit: (r: Repositories, begun: (handover: Handover) => void) => Promise<T>,
): Promise<T> {
  const handovers: Handover[] = [];
  const letGo = () => {
    for (const one of handovers.splice(0)) one.release();
  };
  try {
    const value = await store.write((r) => {
      // The unit of work may run a second time.
      letGo();
      return unit(r, (handover) => handovers.push(handover));
    });
    for (const one of handovers) one.go();
    return value;
  } catch (error) {
    letGo();
    throw error;
  }
}
