import { GatewayError } from "../../base/gateway-error.ts";

/** The version that an If-Match header insists on; none for `*` or without the header. @throws api.usage */
export function ifMatch(header: string | undefined): number | undefined {
  if (header === undefined || header.trim() === "*") return undefined;
  const version = /^\s*"(\d{1,15})"\s*$/.exec(header)?.[1];
  if (version === undefined)
    throw new GatewayError("api.usage", 'If-Match: must be one ETag such as "3", or *', {
      detail: { field: "If-Match", in: "header" },
    });
  return Number(version);
}
