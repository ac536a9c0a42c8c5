import { asGatewayError, type GatewayError } from "./gateway-error.ts";

/**
 * Lets work continue by itself. Nobody awaits it, so its failure must have a handler: without one the process ends. The
 * only way in this code base to leave a promise alone (test/guards/detached.test.ts).
 */
export function detach(work: PromiseLike<unknown>, failed: (error: GatewayError) => void): void {
  work.then(undefined, (thrown: unknown) => failed(asGatewayError(thrown)));
}
