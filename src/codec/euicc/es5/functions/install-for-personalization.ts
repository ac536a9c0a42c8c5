import { concatBytes } from "../../../../base/hex.ts";
import { type Aid, aidFromOctets, aidOctets } from "../../aid.ts";
import { apdu, installFields, lv } from "../apdu.ts";
import { es5Record } from "../record.ts";

interface InstallForPersonalization {
  readonly name: "installForPersonalization";
  readonly sd: Aid;
}

/** INSTALL [for personalization], which precedes the STORE DATA for a security domain below. GP Card Specification §11.5 */
export const installForPersonalization = es5Record<InstallForPersonalization>({
  name: "installForPersonalization",
  clause: "GP Card Specification §11.5",
  ins: 0xe6,
  commands: ({ sd }) => [forPersonalization(sd)],
  classify: (command) => {
    if (command.p1 !== 0x20) return undefined;
    const { next, take } = installFields(command);
    take(2, "load file and module");
    const sd = next("security domain");
    return { name: "installForPersonalization", sd: aidFromOctets(sd.value, sd.offset) };
  },
  words: ({ sd }, names) => `INSTALL [for personalization] of ${names.domain(sd)}`,
});

/** The command for one security domain. */
export function forPersonalization(sd: Aid): Uint8Array {
  const data = concatBytes(Uint8Array.of(0, 0), lv(aidOctets(sd)), Uint8Array.of(0, 0, 0));
  return apdu(0x80, 0xe6, 0x20, 0x00, data);
}
