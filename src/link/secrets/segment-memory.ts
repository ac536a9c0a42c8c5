import { isGatewayError } from "../../base/gateway-error.ts";
import { showBody } from "../../codec/secrets/message-secrets.ts";
import {
  type PassedSegments,
  passingSegment,
  type ShowMessage,
  stepSegment,
} from "../../codec/secrets/segment-secrets.ts";

/** Maximum number of remembered packets of several messages; the oldest is forgotten first. */
const maxPackets = 256;

/**
 * Segments that passed one place in one direction, so that keys in a packet of several short messages are recognized in
 * whichever message they are. Segments of a forgotten packet are not displayed.
 */
export class SegmentMemory {
  readonly #passed = new Map<string, PassedSegments>();

  /** How the next message may be displayed. */
  readonly show: ShowMessage = (message) => {
    try {
      const segment = passingSegment(message);
      const { packet } = segment;
      const { shown, passed } = stepSegment(packet === undefined ? undefined : this.#passed.get(packet), segment);
      if (packet !== undefined) this.#keep(packet, passed);
      return showBody(message.userData, segment.body, shown);
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      return message.userData;
    }
  };

  #keep(packet: string, passed: PassedSegments | undefined): void {
    this.#passed.delete(packet);
    if (passed === undefined) return;
    this.#passed.set(packet, passed);
    const [oldest] = this.#passed.keys();
    if (this.#passed.size > maxPackets && oldest !== undefined) this.#passed.delete(oldest);
  }
}

/** How messages of a link with both directions may be displayed. */
export function showBothWays(): { readonly in: ShowMessage; readonly out: ShowMessage } {
  return { in: new SegmentMemory().show, out: new SegmentMemory().show };
}
