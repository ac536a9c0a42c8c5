import { dgiBytes } from "../../dgi.ts";
import { storeBlocks } from "../apdu.ts";
import { none } from "../fields.ts";
import { es5Call, es5Record } from "../record.ts";

interface UnsetEmergencyProfileAttribute {
  readonly name: "unsetEmergencyProfileAttribute";
}

/** UnsetEmergencyProfileAttribute: the grouping of the setting function, empty. SGP.02 §4.1.1.15 */
export const unsetEmergencyProfileAttribute = es5Record<UnsetEmergencyProfileAttribute>({
  name: "unsetEmergencyProfileAttribute",
  clause: "SGP.02 §4.1.1.15",
  ins: 0xe2,
  commands: () => storeBlocks(dgiBytes(0x3a09, new Uint8Array(0))),
  classify: ({ grouping }) =>
    grouping?.tag === 0x3a09 && grouping.value.length === 0 ? { name: "unsetEmergencyProfileAttribute" } : undefined,
  words: () => "UnsetEmergencyProfileAttribute",
  call: es5Call({
    does: "remove the emergency attribute",
    params: none,
    from: () => ({ name: "unsetEmergencyProfileAttribute" }) as const,
  }),
});
