import { GatewayError } from "../../../base/gateway-error.ts";

/** An error that names a parameter. */
export function usage(field: string, message: string): GatewayError {
  return new GatewayError("api.usage", `${field}: ${message}`, { detail: { field } });
}
