import { sameIccid } from "../../codec/euicc/iccid.ts";
import type { Repositories } from "../model/store.ts";
import type { Target } from "../model/target.ts";
import type { CardIdentity } from "./links.ts";
import { holds } from "./routing.ts";

/** The target whose card this is: by its EID, or by its ICCID where no other EID contradicts it. */
export async function targetOfCard(r: Repositories, card: CardIdentity): Promise<Target | undefined> {
  for (const kind of ["eid", "iccid"] as const) {
    const value = card[kind];
    const found = value === undefined ? undefined : await r.targets.holding(kind, sameIccid(value));
    if (found !== undefined && holds(card, found)) return found;
  }
  return undefined;
}
