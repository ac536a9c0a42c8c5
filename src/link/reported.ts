import type { GatewayError } from "../base/gateway-error.ts";
import type { Log } from "./driver.ts";

/** A handler for failures of work that is not awaited: it logs the failure with `what`. */
export function reported(log: Log, what: string, facts: object = {}): (error: GatewayError) => void {
  return (error) => log.error({ ...facts, code: error.code, message: error.message }, what);
}
