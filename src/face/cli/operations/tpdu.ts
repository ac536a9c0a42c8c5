import { z } from "zod";
import { GatewayError, isGatewayError } from "../../../base/gateway-error.ts";
import { toHex } from "../../../base/hex.ts";
import { guessTpdu, parseTpdu, type SmsTpdu, tpduBytes } from "../../../codec/sms/tpdu.ts";
import { userDataText } from "../../../codec/sms/user-data.ts";
import { elementName, readUserDataHeader } from "../../../codec/sms/user-data-header.ts";
import { hexField, octetText } from "./field.ts";
import { type Answer, operation } from "./operation.ts";
import { fieldsOf, tpduFields, tpduOf, tpduTypeField } from "./tpdu-fields.ts";

const input = z.object({
  tpdu: hexField().nullish(),
  fields: tpduFields.nullish(),
  /** Whether a report is in RP-ACK or RP-ERROR; its octets do not contain that. */
  rp: z.enum(["ACK", "ERROR"]).nullish(),
  type: tpduTypeField.nullish(),
});

type Input = z.output<typeof input>;

function decodeAnswer(tpdu: Uint8Array, input: Input): Answer {
  const type = input.type ?? input.fields?.type;
  const rp = input.rp ?? input.fields?.rp ?? undefined;
  const parsed = type ? parseTpdu(tpdu, type, rp) : guessTpdu(tpdu, rp);
  return { fields: fieldsOf(parsed), ...contentOf(parsed) };
}

function encodeAnswer(input: Input): Answer {
  if (!input.fields) throw new GatewayError("api.usage", "tpdu or fields is required", { detail: { field: "tpdu" } });
  return { tpdu: toHex(tpduBytes(tpduOf(input.fields))) };
}

/** The user data header and the text of a message, as far as it has them. */
function contentOf(tpdu: SmsTpdu): Answer {
  if (tpdu.type === "SMS-COMMAND" || tpdu.userData === undefined) return {};
  const { userData, userDataHeader } = tpdu;
  const dcs = tpdu.dcs ?? 0;
  if (!userDataHeader) return textAnswer(userDataText(userData, dcs));
  try {
    const { elements, headerLength } = readUserDataHeader(userData.octets);
    const shown = elements.map(({ id, value }) => ({ iei: octetText(id), name: elementName(id), value: toHex(value) }));
    return { udh: shown, ...textAnswer(userDataText(userData, dcs, headerLength)) };
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return { udh_error: error.message };
  }
}

function textAnswer(text: string | undefined): Answer {
  return text === undefined || text === "" ? {} : { text };
}

/** Takes a TPDU apart; with `fields` and no `tpdu` it builds one. 3GPP TS 23.040 §9.2.2 */
export const tpduDecode = operation({
  name: "tpdu decode",
  input,
  run: (input): Answer => (input.tpdu ? decodeAnswer(input.tpdu, input) : encodeAnswer(input)),
});

/** Builds a TPDU; with `tpdu` and no `fields` it takes it apart. 3GPP TS 23.040 §9.2.2 */
export const tpduEncode = operation({
  name: "tpdu encode",
  input,
  run: (input): Answer => (!input.fields && input.tpdu ? decodeAnswer(input.tpdu, input) : encodeAnswer(input)),
});
