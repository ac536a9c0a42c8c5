import type { Clock } from "../../base/clock.ts";
import type { Links } from "../links/links.ts";
import { holds } from "../links/routing.ts";
import type { Store } from "../model/store.ts";

/** How long a card takes to announce what follows from a switch; it can do so only when it is asked. */
const announcementMs = 60_000;

/** Has the card of a target that accepted a profile switch polled faster: it may have done so outside its reader's sight. */
export async function pollAfterSwitch(
  { store, links, clock }: { readonly store: Store; readonly links: Links; readonly clock: Clock },
  id: string,
): Promise<void> {
  const target = await store.read((r) => r.targets.get(id));
  if (target === undefined) return;
  for (const link of links.list()) {
    if (holds(link.card, target)) link.expectActivity?.(clock.now() + announcementMs);
  }
}
