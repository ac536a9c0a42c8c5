import type { Clock } from "../../base/clock.ts";
import type { TargetId } from "../../base/id.ts";
import type { Links } from "../links/links.ts";
import { holds } from "../links/routing.ts";
import type { Store } from "../model/store.ts";

/** How long a card takes to announce what follows a switch; it can do so only when it is polled. */
const announcementMs = 60_000;

/**
 * Polls the card of a target that accepted a profile switch faster, since the switch may have reached the card over
 * another link than its reader.
 */
export async function pollAfterSwitch(
  { store, links, clock }: { readonly store: Store; readonly links: Links; readonly clock: Clock },
  id: TargetId,
): Promise<void> {
  const target = await store.read((r) => r.targets.get(id));
  if (target === undefined) return;
  for (const link of links.list()) {
    if (holds(link.card, target)) link.expectActivity?.(clock.now() + announcementMs);
  }
}
