import { GatewayError } from "../../../base/gateway-error.ts";
import { type Assembled, assemble, type Pending, readSegment } from "../../../codec/sms/concatenation.ts";

/** True when the octets are one packet by their own length field. */
function isWhole(body: Uint8Array): boolean {
  return body.length >= 2 && (body[0] ?? 0) * 256 + (body[1] ?? 0) === body.length - 2;
}

/**
 * The first packet that the TP-UDs make up, in whatever order they come.
 * @throws packet.incomplete when segments are missing, packet.format when no message carries a security header,
 * codec.* for a malformed header
 */
export function gatherPacket(userDatas: readonly Uint8Array[], kind?: "command" | "response"): Assembled {
  let pending: Pending = new Map();
  let stranger: Assembled | undefined;
  let ignored = false;
  for (const userData of userDatas) {
    const segment = readSegment(userData);
    if (segment.ignoredConcatenation && !isWhole(segment.body)) {
      ignored = true;
      continue;
    }
    const step = assemble(pending, segment);
    pending = step.pending;
    if (step.complete === undefined) continue;
    const { security } = step.complete;
    if (security !== undefined && (kind === undefined || security === kind)) return step.complete;
    stranger ??= step.complete;
  }
  if (stranger !== undefined) {
    const wanted = kind === undefined ? "70 or 71" : kind === "command" ? "70" : "71";
    throw new GatewayError("packet.format", `information element ${wanted} is missing`, { detail: { offset: 0 } });
  }
  const missing = [...pending.values()].map((message) => `${message.parts.size} of ${message.total}`).join(", ");
  const why = ignored && missing === "" ? "a segment with an invalid concatenation element" : `segments: ${missing}`;
  throw new GatewayError("packet.incomplete", why, { detail: {} });
}
