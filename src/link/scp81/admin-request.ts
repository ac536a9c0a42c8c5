import { withoutUndefined } from "../../base/defined.ts";
import { fromHex } from "../../base/hex.ts";
import { adminProtocol, originForm } from "../../codec/gp/admin-http.ts";
import { eidOfAgent, sameAgentId } from "../../codec/gp/agent-id.ts";
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
  /** Request line and headers unchanged. */
  readonly headText: string;
}

/** The card that the PSK identity names, with which the agent id must agree. */
export interface AgentClaim {
  readonly eid?: string;
  /** Agent id of a card that uses neither its EID nor its ICCID. */
  readonly agentId?: string;
  /** Other identifiers of the card, each of which is accepted. */
  readonly agentIds?: readonly string[];
}

type CheckedRequest =
  | { readonly ok: true; readonly request: AdminRequest }
  | { readonly ok: false; readonly status: number; readonly why: string };

/** Checks method, protocol and the agent id against the PSK identity. GP Amendment B §3.4.1 */
export function checkRequest({ head, headText, body }: HttpRequest, claim: AgentClaim): CheckedRequest {
  if (head.method !== "POST") return refuse(405, `method ${head.method}`);
  const contradiction = singleHeaders.find((name) => saysTwoThings(head, name));
  if (contradiction !== undefined) return refuse(400, `${contradiction} has contradictory values`);
  const protocol = header(head, "x-admin-protocol")
    ?.toLowerCase()
    .replace(/[\s"]+/g, "");
  if (protocol === undefined) return refuse(400, "X-Admin-Protocol is missing");
  if (!protocol.startsWith(adminProtocol.slice(0, -1))) return refuse(400, "unsupported administration protocol");
  const agentId = header(head, "x-admin-from") ?? "";
  if (!agentAgrees(agentId, claim)) return refuse(403, "the agent id does not match the EID of the PSK identity");
  const scriptStatus = word(header(head, "x-admin-script-status"));
  const contentType = header(head, "content-type");
  const origin = originForm(head.uri);
  return {
    ok: true,
    request: {
      uri: origin.startsWith("/") ? origin : `/${origin}`,
      agentId,
      resume: word(header(head, "x-admin-resume")) === "true",
      ...withoutUndefined({ scriptStatus, contentType }),
      body,
      headText,
    },
  };
}

/** Headers that determine the card of the session and the outcome of a script. */
const singleHeaders = ["x-admin-protocol", "x-admin-from", "x-admin-resume", "x-admin-script-status"];

function saysTwoThings(head: HttpRequest["head"], name: string): boolean {
  const [first, ...others] = head.headers.get(name) ?? [];
  return others.some((other) => word(other) !== word(first));
}

/** A value that is one word, without the quotes or blanks that some cards add. */
function word(value: string | undefined): string | undefined {
  return value?.toLowerCase().replace(/^["\s]+|["\s]*(?:;.*)?$/g, "");
}

function refuse(status: number, why: string): CheckedRequest {
  return { ok: false, status, why };
}

function agentAgrees(agentId: string, claim: AgentClaim): boolean {
  const known = [...(claim.agentId === undefined ? [] : [claim.agentId]), ...(claim.agentIds ?? [])];
  if (known.some((one) => sameAgentId(agentId, one))) return true;
  if (claim.eid !== undefined) return eidOfAgent(agentId) === claim.eid;
  return claim.agentId === undefined;
}

/** The purpose of a request URI that is not a Next-URI. */
type UriPurpose =
  | { readonly kind: "initial"; readonly path: string; readonly notification?: Uint8Array }
  /** A notification that is not a hexadecimal text. */
  | { readonly kind: "malformed" }
  | { readonly kind: "other" };

/** Parameter that our Next-URIs carry. */
export const sessionParameter = "s";

/**
 * Whether sessions begin at this URI, and the notification (`msg=` and the TLV in hexadecimal of either case) that an
 * eUICC puts into its query. SGP.02 §3.15.2
 */
export function uriPurpose(uri: string, initialUris: readonly string[]): UriPurpose {
  const [path = "", ...queries] = plainUri(uri).split("?");
  const parameters = queries
    .join("?")
    .split("&")
    .filter((parameter) => parameter !== "");
  const others = parameters.filter((parameter) => !/^msg=/i.test(parameter));
  const bare = others.length === 0 ? path : `${path}?${others.join("&")}`;
  const known = isAmong(initialUris, bare) || (isAmong(initialUris, path) && !others.some(isSession));
  if (!known) return { kind: "other" };
  const message = parameters.find((parameter) => /^msg=/i.test(parameter))?.slice(4);
  if (message === undefined) return { kind: "initial", path: bare };
  const digits = message.replace(/%([0-7][0-9a-f])/gi, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
  if (!/^(?:[0-9a-f]{2})+$/i.test(digits)) return { kind: "malformed" };
  return { kind: "initial", path: bare, notification: fromHex(digits) };
}

/** Whether a URI is one of these, in whatever letter case and with or without a slash at its end. */
function isAmong(uris: readonly string[], uri: string): boolean {
  const plain = (text: string) => plainUri(text).toLowerCase().replace(/\/+$/, "");
  return uris.some((one) => plain(one) === plain(uri));
}

/** A request target as our own dialog compares it, without a fragment: some cards double slashes. */
export function plainUri(uri: string): string {
  const [whole = ""] = uri.split("#");
  const query = whole.indexOf("?");
  const path = query < 0 ? whole : whole.slice(0, query);
  return path.replace(/\/{2,}/g, "/") + (query < 0 ? "" : whole.slice(query));
}

function isSession(parameter: string): boolean {
  return parameter.startsWith(`${sessionParameter}=`);
}
