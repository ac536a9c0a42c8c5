import { GatewayError, type SubmitFate } from "../../../base/gateway-error.ts";
import type { SubmitOutcome } from "../../sms-bearer.ts";
import type { CardResponse } from "../exchange.ts";

/** TP-FCS a terminal reports. 3GPP TS 23.040 §9.2.3.22 */
export const failureCause = { toolkitBusy: 0xd4, downloadError: 0xd5 } as const;

/**
 * What a card's answer to ENVELOPE (SMS-PP DOWNLOAD) means: accepted, refused, or `busy` (offer it again).
 * `release18` turns warnings and 6FXX from refused into acknowledged. 3GPP TS 31.111 §7.1.1.2, TS 23.040 §9.2.3.22
 */
export function smsDownloadOutcome(response: CardResponse, release18: boolean): SubmitOutcome | "busy" {
  const sw = response.warning ?? response.sw;
  const report = response.data.length === 0 ? {} : { report: response.data };
  const delivered: SubmitOutcome = { at: "delivered", ...report };
  switch (sw >> 8) {
    case 0x90:
    case 0x91:
    case 0x92:
    case 0x61:
    case 0x9f:
      return delivered;
    case 0x93:
      return "busy";
    case 0x62:
    case 0x63:
    case 0x6f:
      if (release18) return delivered;
      return { at: "refused", cause: failureCause.downloadError, ...report, sw };
    default:
      return { at: "refused", cause: failureCause.downloadError, ...report, sw };
  }
}

/** The error of a failed delivery, with the facts about the message. */
export function withFate(error: unknown, fate: SubmitFate): unknown {
  if (!(error instanceof GatewayError)) return error;
  return error.with({ fate });
}
