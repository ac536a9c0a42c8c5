import { fromHex } from "../../base/hex.ts";
import { adminProtocol, originForm } from "../../codec/gp/admin-http.ts";
import { readAgentId } from "../../codec/gp/agent-id.ts";
import { header } from "../../codec/gp/http-head.ts";
import type { HttpRequest } from "../../codec/gp/request-reader.ts";

/** A card's POST after the checks that hold for every session. */
export interface AdminRequest {
  /** Origin form with a leading slash. */
  readonly uri: string;
  readonly agentId: string;
  readonly resume: boolean;
  /** `X-Admin-Script-Status` in lower case. */
  readonly scriptStatus?: string;
  readonly contentType?: string;
  readonly body: Uint8Array;
  /** Request line and headers as they came. */
  readonly headText: string;
}

/** Whom the PSK identity names: what the agent id must agree with. */
export interface AgentClaim {
  readonly eid?: string;
  /** Agent id of a card that names itself in its own way. */
  readonly agentId?: string;
}

export type CheckedRequest =
  | { readonly ok: true; readonly request: AdminRequest }
  | { readonly ok: false; readonly status: number; readonly why: string };

/** Checks method, protocol and the agent id against the PSK identity. GP Amendment B §3.4.1 */
export function checkRequest({ head, headText, body }: HttpRequest, claim: AgentClaim): CheckedRequest {
  if (head.method !== "POST") return refuse(405, `method ${head.method}`);
  const protocol = header(head, "x-admin-protocol")?.toLowerCase();
  if (protocol === undefined) return refuse(400, "no X-Admin-Protocol");
  if (!protocol.startsWith(adminProtocol.slice(0, -1))) return refuse(400, "another administration protocol");
  const agentId = header(head, "x-admin-from") ?? "";
  if (!agentAgrees(agentId, claim)) return refuse(403, "the agent id does not name the EID of the PSK identity");
  const scriptStatus = header(head, "x-admin-script-status")?.toLowerCase();
  const contentType = header(head, "content-type");
  const origin = originForm(head.uri);
  return {
    ok: true,
    request: {
      uri: origin.startsWith("/") ? origin : `/${origin}`,
      agentId,
      resume: header(head, "x-admin-resume")?.toLowerCase() === "true",
      ...(scriptStatus !== undefined && { scriptStatus }),
      ...(contentType !== undefined && { contentType }),
      body,
      headText,
    },
  };
}

function refuse(status: number, why: string): CheckedRequest {
  return { ok: false, status, why };
}

function agentAgrees(agentId: string, claim: AgentClaim): boolean {
  if (claim.agentId !== undefined && agentId === claim.agentId) return true;
  if (claim.eid !== undefined) return readAgentId(agentId)?.eid === claim.eid;
  return claim.agentId === undefined;
}

/** What a request URI asks for, apart from being a Next-URI. */
export type UriPurpose =
  | { readonly kind: "initial"; readonly path: string; readonly notification?: Uint8Array }
  /** A notification that is no hexadecimal text. */
  | { readonly kind: "malformed" }
  | { readonly kind: "other" };

/** Parameter that our Next-URIs carry. */
export const sessionParameter = "s";

/**
 * Whether sessions begin at this URI, and the notification (`msg=` and the TLV in hexadecimal of either case) that an
 * eUICC puts into its query. SGP.02 §3.15.2
 */
export function uriPurpose(uri: string, initialUris: readonly string[]): UriPurpose {
  const [path = "", ...queries] = uri.split("?");
  const parameters = queries
    .join("?")
    .split("&")
    .filter((parameter) => parameter !== "");
  const others = parameters.filter((parameter) => !/^msg=/i.test(parameter));
  const bare = others.length === 0 ? path : `${path}?${others.join("&")}`;
  const known = initialUris.includes(bare) || (initialUris.includes(path) && !others.some(isSession));
  if (!known) return { kind: "other" };
  const message = parameters.find((parameter) => /^msg=/i.test(parameter))?.slice(4);
  if (message === undefined) return { kind: "initial", path: bare };
  if (!/^(?:[0-9a-f]{2})+$/i.test(message)) return { kind: "malformed" };
  return { kind: "initial", path: bare, notification: fromHex(message) };
}

function isSession(parameter: string): boolean {
  return parameter.startsWith(`${sessionParameter}=`);
}
