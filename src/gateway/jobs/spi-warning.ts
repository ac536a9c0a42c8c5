import { octetText } from "../../base/octet-text.ts";
import { parseSpi } from "../../codec/ota/spi.ts";
import type { JobRequest, JobWork } from "../model/job.ts";
import type { Target } from "../model/target.ts";

/**
 * The warning about an order whose SPI requests no proof of receipt: its job ends when the packet is sent, as
 * TS 102 225 §5.1.1 leaves nothing to wait for. Undefined if a proof is requested, or no packet of ours is sent.
 */
export function spiWarning(work: JobWork, request: Partial<JobRequest>, target: Target): string | undefined {
  const spi = request.spi ?? target.settings.spi;
  if (spi === undefined || request.bearer === "https" || request.fireAndForget === true || work.kind !== "script")
    return undefined;
  const { por } = parseSpi(spi).response;
  if (por === "always") return undefined;
  const requests = por === "never" ? "no proof of receipt" : "a proof of receipt only for errors";
  return `SPI ${octetText(spi)} requests ${requests}: over SMS the job is done when its packet is sent, and whether the card executes it stays unknown`;
}
