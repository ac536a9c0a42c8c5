import type { ErrorCode } from "../../base/error-catalogue.ts";
import { GatewayError, type SubmitFate } from "../../base/gateway-error.ts";
import { type StatusClass, statusClass, statusName } from "../../codec/smpp/status.ts";

const codes = {
  ok: "smsc.protocol",
  throttle: "smsc.throttled",
  temporary: "smsc.temporary",
  session: "smsc.bind-refused",
  permanent: "smsc.status",
  configuration: "smsc.configuration",
  protocol: "smsc.protocol",
} as const satisfies Record<StatusClass, ErrorCode>;

const deliveryFailure = 0xfe;

/**
 * The error for a refused request; `detail` has `status`, `name` and `class`. Only ESME_RDELIVERYFAILURE leaves the
 * fate open: the message was sent over the air, and a card may have run it before the phone refused it.
 */
export function statusError(code: number, overrides?: ReadonlyMap<number, StatusClass>): GatewayError {
  const kind = statusClass(code, overrides);
  const fate: SubmitFate = code === deliveryFailure ? "unknown" : "not-sent";
  const name = statusName(code);
  return new GatewayError(codes[kind], `the SMSC answered ${name}`, {
    detail: { status: code, name, class: kind },
    fate,
  });
}

/** An error that specifies the facts about the message. */
export function fateError(code: ErrorCode, message: string, fate: SubmitFate, cause?: unknown): GatewayError {
  return new GatewayError(code, message, { fate, cause });
}
