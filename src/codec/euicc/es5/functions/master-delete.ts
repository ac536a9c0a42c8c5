import { z } from "zod";
import { concatBytes, fromHex } from "../../../../base/hex.ts";
import { tlvBytes } from "../../../kit/ber.ts";
import { type Aid, aidOctets } from "../../aid.ts";
import { apdu, lv } from "../apdu.ts";
import { hex, named, namedIsdP } from "../fields.ts";
import { es5Call, es5Record } from "../record.ts";
import { deletion } from "./delete-profile.ts";

/**
 * Control reference of a delete token: what the security domain was personalised with.
 * GP Card Specification §11.2.2.3.1
 */
interface TokenReference {
  /** Tag 42. */
  readonly providerId: Uint8Array;
  /** Tag 45. */
  readonly imageNumber: Uint8Array;
  /** Tag 5F20. */
  readonly applicationProviderId: Uint8Array;
  /** Tag 93. */
  readonly tokenId: Uint8Array;
}

interface MasterDelete {
  readonly name: "masterDelete";
  readonly isdP: Aid;
  readonly reference: TokenReference;
  readonly token: Uint8Array;
}

/** MasterDelete: DELETE with a token. SGP.02 §4.1.1.6 */
export const masterDelete = es5Record<MasterDelete>({
  name: "masterDelete",
  clause: "SGP.02 §4.1.1.6",
  ins: 0xe4,
  commands: ({ isdP, reference, token }) => {
    const data = concatBytes(masterDeleteReference(isdP, reference), tlvBytes(0x9e, token));
    return [apdu(0x80, 0xe4, 0x00, 0x40, data)];
  },
  classify: (command) => {
    const parts = deletion(command);
    return parts?.signed === undefined ? undefined : { name: "masterDelete", isdP: parts.isdP, ...parts.signed };
  },
  statusWords: {
    27010: "the token does not verify",
    27013: "the profile is not Disabled, has the fall-back attribute, or the token does not verify",
    27272: "no such ISD-P",
  },
  words: ({ isdP }, names) => `MasterDelete ${names.domain(isdP)}`,
  call: es5Call({
    does: "delete a profile regardless of its policy rules, with a token of its SM-DP",
    params: z.strictObject({
      ...named,
      token: hex.describe("Delete token (tag 9E)"),
      providerId: hex.describe("Tag 42 of the token's reference"),
      imageNumber: hex.describe("Tag 45"),
      applicationProviderId: hex.describe("Tag 5F20"),
      tokenId: hex.describe("Tag 93"),
    }),
    from: (p, eis): MasterDelete => ({
      name: "masterDelete",
      isdP: namedIsdP(p, eis),
      reference: {
        providerId: fromHex(p.providerId),
        imageNumber: fromHex(p.imageNumber),
        applicationProviderId: fromHex(p.applicationProviderId),
        tokenId: fromHex(p.tokenId),
      },
      token: fromHex(p.token),
    }),
    options: { without: ["isdP"] },
  }),
});

/** The part of a delete command's data that its token signs. */
function masterDeleteReference(isdP: Aid, reference: TokenReference): Uint8Array {
  return concatBytes(
    tlvBytes(0x4f, aidOctets(isdP)),
    tlvBytes(
      0xb6,
      tlvBytes(0x42, reference.providerId),
      tlvBytes(0x45, reference.imageNumber),
      tlvBytes(0x5f20, reference.applicationProviderId),
      tlvBytes(0x93, reference.tokenId),
    ),
  );
}

/** Octets a delete token is a CMAC over: P1, P2, length and the data before the token. SGP.02 §4.1.1.6 */
export function masterDeleteSigned(isdP: Aid, reference: TokenReference): Uint8Array {
  return concatBytes(Uint8Array.of(0x00, 0x40), lv(masterDeleteReference(isdP, reference)));
}
