import { withoutUndefined } from "../../../base/defined.ts";
import { isGatewayError } from "../../../base/gateway-error.ts";
import { toHex } from "../../../base/hex.ts";
import {
  looksLikeNotification,
  Notification,
  notificationImei,
  notificationTypeText,
} from "../../../codec/euicc/notification.ts";
import { decode } from "../../../codec/kit/codec.ts";
import { isCapdu, isExpandedScript, parseScript, type Script, scriptObjectName } from "../../../codec/ota/script.ts";
import {
  badFormatName,
  chainingResultName,
  parseScriptResponse,
  type ScriptResponse,
} from "../../../codec/ota/script-response.ts";
import { octetText, swText } from "./field.ts";
import type { Answer } from "./operation.ts";

/** An answer to a script as JSON, without its format. */
export function responseShape(response: ScriptResponse): Answer {
  if (response.format === "compact") {
    const { count, last } = response;
    return { number_of_commands: count, sw: swText(last.sw), data: toHex(last.data) };
  }
  const { badFormat, chaining, immediateAction } = response;
  return {
    number_of_commands: response.count ?? null,
    responses: response.answers.map((answer) => ({ data: toHex(answer.data), sw: swText(answer.sw) })),
    ...(badFormat === undefined ? {} : { bad_format: badFormat, bad_format_name: badFormatName(badFormat) }),
    ...(chaining === undefined
      ? {}
      : { script_chaining: chaining, script_chaining_name: chainingResultName(chaining) }),
    ...withoutUndefined({ immediate_action: immediateAction }),
    ...(response.truncated ? { truncated: true } : {}),
    ...(response.others.length === 0
      ? {}
      : { others: response.others.map(({ tag, value }) => ({ tag: octetText(tag), value: toHex(value) })) }),
  };
}

/** A command script as JSON, without its format. */
export function scriptShape(script: Script): Answer {
  return {
    commands: script.objects.map((object) => ({
      tag: octetText(object.tag),
      name: scriptObjectName(object),
      offset: object.offset,
      value: toHex(object.value),
    })),
    apdus: script.objects.filter((object) => isCapdu(object.tag)).map((object) => toHex(object.value)),
  };
}

/** `format` and `decoded` of the data of a response packet; both null when it is empty or no script answer. */
export function decodedResponse(data: Uint8Array): Answer {
  if (data.length === 0) return { format: null, decoded: null };
  try {
    const response = parseScriptResponse(data);
    return { format: response.format, decoded: responseShape(response) };
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return { format: null, decoded: null, decode_error: error.message };
  }
}

/** Class octets a compact script can start with; anything else in a command packet is data of another kind. */
const compactClasses = new Set([0x00, 0x80, 0x84, 0xa0]);

function notificationShape(notification: Notification): Answer {
  const { eid, type, sequence, isdP } = notification;
  const imei = notificationImei(notification);
  return {
    eid,
    type,
    type_name: notificationTypeText(type),
    sequence,
    ...withoutUndefined({ isd_p: isdP, imei }),
  };
}

/**
 * `format` and `decoded` of the data of a command packet: a script, or an eUICC's notification (SGP.02 §4.1.1.11); both
 * null for anything else.
 */
export function decodedCommand(data: Uint8Array): Answer {
  try {
    if (looksLikeNotification(data)) {
      return { format: "notification", decoded: notificationShape(decode(Notification, data)) };
    }
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return { format: null, decoded: null, decode_error: error.message };
  }
  if (!isExpandedScript(data) && !compactClasses.has(data[0] ?? 0xff)) return { format: null, decoded: null };
  try {
    const script = parseScript(data);
    return { format: script.format, decoded: scriptShape(script) };
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return { format: null, decoded: null, decode_error: error.message };
  }
}
