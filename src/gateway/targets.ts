import { GatewayError } from "../base/gateway-error.ts";
import type { Repositories } from "./store.ts";
import type { Target } from "./target.ts";

/** The target that a reference names. @throws target.unknown */
export async function findTarget(r: Repositories, reference: string): Promise<Target> {
  const found = await r.targets.resolve(reference);
  if (found === undefined)
    throw new GatewayError("target.unknown", `no target '${reference}'`, { detail: { target: reference } });
  return found;
}

/** Stores a changed target under its next version and says why it changed. */
export async function saveTarget(r: Repositories, target: Target, at: number, why: string): Promise<Target> {
  const next = { ...target, version: target.version + 1, updatedAt: at };
  await r.targets.update(next);
  await r.events.append({ at, type: "target.changed", target: target.id, data: { why, version: next.version } });
  return next;
}
