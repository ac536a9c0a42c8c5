import { shownPdu } from "../../codec/secrets/shown-pdu.ts";
import { showBothWays } from "../secrets/segment-memory.ts";
import { traceFrame, tracing } from "../trace.ts";

/** Publishes the PDUs of one session, without passwords and keys. */
export class SessionTrace {
  readonly #link: string;
  readonly #allowed: () => boolean;
  readonly #show = showBothWays();

  /** `allowed` is called for each PDU while a trace is active. */
  constructor(link: string, allowed: () => boolean) {
    this.#link = link;
    this.#allowed = allowed;
  }

  /** Whether PDUs are traced: avoids copies that are not needed. */
  get watched(): boolean {
    return tracing() && this.#allowed();
  }

  /** Publishes a PDU. */
  pdu(dir: "in" | "out", bytes: Uint8Array): void {
    traceFrame({ kind: "smpp", dir, link: this.#link, bytes: shownPdu(bytes, this.#show[dir]) });
  }
}
