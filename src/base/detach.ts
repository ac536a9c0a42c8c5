import { asGatewayError, type GatewayError } from "./gateway-error.ts";

/**
 * Lets work continue by itself. It is not awaited, so its failure must have a handler: without one the process ends.
 * The only way in this code base not to await a promise (test/guards/detached.test.ts).
 */
export function detach(work: PromiseLike<unknown>, failed: (error: GatewayError) => void): void {
  work.then(undefined, (thrown: unknown) => failed(asGatewayError(thrown)));
}
