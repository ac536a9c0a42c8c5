/** What the agent id of an ISD-R names: EID of 32 digits, AID in upper-case hexadecimal. */
export interface EuiccAgentId {
  readonly eid: string;
  readonly aid: string;
}

const form = /^\/\/se-id\/eid\/(\d{32});\/\/aa-?id\/aid\/([0-9a-f]{10})\/((?:[0-9a-f]{2}){0,11})(?:;.*)?$/i;

/**
 * The agent id of an eUICC (`X-Admin-From`), in the standard spelling or with `//aaid/`; further parts after a
 * semicolon are allowed. Undefined for any other text: other cards name themselves as they like. SGP.02 §2.4.4
 */
export function readAgentId(text: string): EuiccAgentId | undefined {
  const found = form.exec(text.trim());
  const [, eid, rid, pix] = found ?? [];
  if (eid === undefined || rid === undefined || pix === undefined) return undefined;
  return { eid, aid: (rid + pix).toUpperCase() };
}

/** The agent id in the standard spelling; `aaid` gives the one that some cards use. */
export function agentIdText({ eid, aid }: EuiccAgentId, spelling: "aa-id" | "aaid" = "aa-id"): string {
  return `//se-id/eid/${eid};//${spelling}/aid/${aid.slice(0, 10).toUpperCase()}/${aid.slice(10).toUpperCase()}`;
}
