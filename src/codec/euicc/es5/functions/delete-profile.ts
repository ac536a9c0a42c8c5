import { tlvBytes } from "../../../kit/ber.ts";
import { decode } from "../../../kit/codec.ts";
import { rest } from "../../../kit/primitives.ts";
import { maybe, template, tlv } from "../../../kit/template.ts";
import { aidFromOctets, aidOctets } from "../../aid.ts";
import { apdu } from "../apdu.ts";
import { type CardCommand, es5Record } from "../record.ts";
import { type OneProfile, oneProfileCall } from "./one-profile.ts";

/** DeleteProfile: DELETE of the ISD-P and what belongs to it. SGP.02 §4.1.1.4 */
export const deleteProfile = es5Record<OneProfile<"deleteProfile">>({
  name: "deleteProfile",
  clause: "SGP.02 §4.1.1.4",
  ins: 0xe4,
  commands: ({ isdP }) => [apdu(0x80, 0xe4, 0x00, 0x40, tlvBytes(0x4f, aidOctets(isdP)))],
  classify: (command) => {
    const parts = deletion(command);
    return parts === undefined || parts.signed !== undefined ? undefined : { name: "deleteProfile", isdP: parts.isdP };
  },
  statusWords: {
    27013: "the profile is Enabled, or has the fall-back attribute",
    27105: "POL1 of the profile forbids its deletion",
    27272: "no such ISD-P",
  },
  words: ({ isdP }, names) => `DeleteProfile ${names.domain(isdP)}`,
  call: oneProfileCall("deleteProfile", "delete a disabled profile with its ISD-P"),
});

const reference = template({
  providerId: tlv(0x42, rest),
  imageNumber: tlv(0x45, rest),
  applicationProviderId: tlv(0x5f20, rest),
  tokenId: tlv(0x93, rest),
});

/** The parts of a DELETE with what belongs to it; undefined for another DELETE. GP Card Specification §11.2.2 */
export function deletion({ p2, data, dataOffset }: CardCommand) {
  if (p2 !== 0x40) return undefined;
  const parts = decode(
    template({ aid: tlv(0x4f, rest), reference: maybe(tlv(0xb6, reference)), token: maybe(tlv(0x9e, rest)) }),
    data,
    dataOffset,
  );
  const { token } = parts;
  const signed =
    parts.reference === undefined || token === undefined ? undefined : { reference: parts.reference, token };
  return { isdP: aidFromOctets(parts.aid, dataOffset + 2), signed };
}
