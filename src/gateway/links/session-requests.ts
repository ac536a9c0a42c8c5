import { GatewayError } from "../../base/gateway-error.ts";
import type { Store } from "../model/store.ts";
import type { Target } from "../model/target.ts";
import { findTarget } from "../targets/target-lookup.ts";
import type { HttpsBearer } from "./https-bearer.ts";

/** Requests for SCP81 sessions without a job that waits for them. */
export class SessionRequests {
  readonly #store: Store;
  readonly #https: () => HttpsBearer | undefined;

  constructor(store: Store, https: () => HttpsBearer | undefined) {
    this.#store = store;
    this.#https = https;
  }

  /**
   * Requests a session from the card of a target, repeatedly for `forMs`, or once when absent.
   * @throws target.unknown, target.no-key when it can have none
   */
  async request(reference: string, forMs: number | undefined): Promise<Target> {
    const target = await this.#store.read((r) => findTarget(r, reference));
    const https = this.#https();
    const state = await https?.state(target);
    if (https === undefined || state?.possible !== true)
      throw new GatewayError("target.no-key", "the target has no SCP81 key set, or the SCP81 server is off", {
        detail: { target: target.id },
      });
    await https.trigger(target, forMs);
    return target;
  }
}
