import type { GatewayError } from "../base/gateway-error.ts";
import type { Log } from "./driver.ts";

/** A handler for failures of work that is not awaited: it states in the log what did not happen. */
export function reported(log: Log, what: string, facts: object = {}): (error: GatewayError) => void {
  return (error) => log.error({ ...facts, code: error.code, message: error.message }, what);
}
