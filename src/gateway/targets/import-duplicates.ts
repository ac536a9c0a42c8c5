import { GatewayError } from "../../base/gateway-error.ts";
import { inTurns } from "../../base/turns.ts";
import type { TargetDescription } from "./target-import.ts";

/** Called for a refused item of an import, with its index and the number of stored items. */
export type OnRefused = (error: unknown, index: number, stored: number) => never;

/**
 * Refuses descriptions of one import that could not be distinguished once they are stored: two cards with the same PSK
 * identity, the same name, or the same ICCID. The work yields to other tasks. @throws target.exists by `onRefused`,
 * with nothing stored
 */
export async function refuseDuplicates(
  descriptions: readonly TargetDescription[],
  onRefused: OnRefused,
): Promise<void> {
  const turn = inTurns();
  const owners = new Map<string, { readonly card: string; readonly index: number; readonly euicc: boolean }>();
  for (const [index, { shape }] of descriptions.entries()) {
    const card = shape.eid ?? shape.iccid ?? "";
    const euicc = shape.eid !== undefined;
    for (const { field, value, claims } of claimsOf(shape)) {
      const name = `${claims} ${value}`;
      const owner = owners.get(name);
      // Copies of one profile are distinguished by their EIDs; stored targets are compared in the store.
      const copies = claims === "iccid" && euicc && owner?.euicc === true;
      if (owner !== undefined && owner.card !== card && !copies)
        onRefused(
          new GatewayError("target.exists", `${field}: already belongs to item ${owner.index} of this import`, {
            detail: { field, item: owner.index },
          }),
          index,
          0,
        );
      owners.set(name, { card, index, euicc });
    }
    await turn();
  }
}

interface Claim {
  readonly field: string;
  readonly claims: "identity" | "name" | "iccid";
  readonly value: string;
}

function claimsOf(shape: TargetDescription["shape"]): Claim[] {
  const sets = [...(shape.isdR?.keySets ?? []), ...shape.keySets];
  const identities = sets.flatMap(({ pskIdentity }) => (pskIdentity === undefined ? [] : [pskIdentity.toUpperCase()]));
  return [
    ...identities.map((value): Claim => ({ field: "pskIdentity", claims: "identity", value })),
    ...(shape.name === undefined ? [] : [{ field: "name", claims: "name", value: shape.name.toLowerCase() } as const]),
    ...(shape.iccid === undefined ? [] : [{ field: "iccid", claims: "iccid", value: shape.iccid } as const]),
  ];
}
