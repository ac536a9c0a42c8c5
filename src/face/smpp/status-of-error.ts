import { isGatewayError } from "../../base/gateway-error.ts";
import { status, statusOfField } from "../../codec/smpp/status.ts";

const byCode = new Map<string, number>([
  ["target.unknown", status.ESME_RINVDSTADR],
  ["target.invalid", status.ESME_RINVDSTADR],
  ["link.queue-full", status.ESME_RMSGQFUL],
  ["smsc.throttled", status.ESME_RTHROTTLED],
  ["job.too-large", status.ESME_RINVMSGLEN],
  ["job.no-bearer", status.ESME_RSYSERR],
  ["target.policy", status.ESME_RX_R_APPN],
]);

/** The command_status that reports an error of the gateway to an ESME. */
export function statusOfError(error: unknown): number {
  if (!isGatewayError(error)) return status.ESME_RSYSERR;
  const told = error.detail.status;
  if (typeof told === "number" && Number.isInteger(told) && told > 0 && told <= 0xffffffff) return told;
  if (error.code.startsWith("codec.")) return statusOfField(error.detail.field);
  return byCode.get(error.code) ?? (error.retry === "never" ? status.ESME_RSUBMITFAIL : status.ESME_RSYSERR);
}
