import { randomInt } from "node:crypto";
import { asGatewayError } from "../../base/gateway-error.ts";
import { newId } from "../../base/id.ts";
import { textSegments } from "../../codec/sms/text-segments.ts";
import type { SmsBearer, SubmitOutcome } from "../../link/sms-bearer.ts";

/** Characters of a text for tests of a link: two dozen messages in UCS2. */
export const maxTextLength = 1_600;
const sendMs = 120_000;

/**
 * Sends a plain text over one link, in as many messages as it needs, one after the other.
 * @throws what the link throws; `detail.accepted` specifies how many of how many parts it took before
 */
export async function sendText(bearer: SmsBearer, to: string, text: string): Promise<readonly SubmitOutcome[]> {
  const { dcs, userDataHeader, segments } = textSegments(text, randomInt(256));
  const outcomes: SubmitOutcome[] = [];
  for (const [index, { octets, length }] of segments.entries()) {
    const sms = {
      reference: newId("sms"),
      to,
      userData: octets,
      userDataLength: length,
      userDataHeader,
      protocolId: 0,
      dataCoding: dcs,
      moreToCome: index + 1 < segments.length,
      receipt: true,
    };
    try {
      outcomes.push(await bearer.submit(sms, AbortSignal.timeout(sendMs)));
    } catch (thrown) {
      if (segments.length === 1) throw thrown;
      const error = asGatewayError(thrown);
      const detail = { accepted: index, parts: segments.length };
      const message = `part ${index + 1} of ${segments.length}: ${error.message}`;
      throw error.with({ message, detail });
    }
  }
  return outcomes;
}
