/** What the agent id of an ISD-R names: EID of 32 digits, AID in upper-case hexadecimal. */
interface EuiccAgentId {
  readonly eid: string;
  readonly aid: string;
}

const form =
  /^\/\/se-?id\/eid\/(\d{32})[ \t]*;[ \t]*\/\/aa-?id\/aid\/([0-9a-f]{10})\/((?:[0-9a-f]{2}){0,11})[ \t]*(?:;.*)?$/i;
const element = /^(?:\/\/se-?id\/eid\/)?(\d{32})[ \t]*(?:;.*)?$/i;

/**
 * The agent id of an eUICC (`X-Admin-From`), in the standard spelling or with `//aaid/`; further parts after a
 * semicolon are allowed. Undefined for any other text: other cards name themselves as they like. SGP.02 §2.4.4
 */
export function readAgentId(text: string): EuiccAgentId | undefined {
  const found = form.exec(unquoted(text));
  const [, eid, rid, pix] = found ?? [];
  if (eid === undefined || rid === undefined || pix === undefined) return undefined;
  return { eid, aid: (rid + pix).toUpperCase() };
}

/** The EID that an agent id names, whatever follows it; undefined for other texts. SGP.02 §2.4.4 */
export function eidOfAgent(text: string): string | undefined {
  return element.exec(unquoted(text))?.[1];
}

function unquoted(text: string): string {
  return text.replace(/^["\s]+|["\s]+$/g, "");
}

/**
 * Whether an agent id is one that is known of the card: the same text apart from spaces and letter case, or the same
 * ICCID with fillers, in swapped digits, or with and without its check digit.
 */
export function sameAgentId(text: string, known: string): boolean {
  const [one, other] = [plain(text), plain(known)];
  if (one === other) return true;
  const [long, short] = one.length > other.length ? [one, other] : [other, one];
  return (
    /^89\d{16,18}$/.test(short) &&
    long.length === short.length + 1 &&
    /^\d$/.test(long.slice(-1)) &&
    long.startsWith(short)
  );
}

/** Without spaces, in small letters; an ICCID in the order of its digits and without fillers. */
function plain(text: string): string {
  const bare = unquoted(text)
    .replace(/[ \t]+/g, "")
    .toLowerCase();
  if (/^98[0-9a-f]{16,18}$/.test(bare)) return bare.replace(/(.)(.)/g, "$2$1").replace(/f+$/, "");
  return /^89[0-9a-f]{16,18}f{0,2}$/.test(bare) ? bare.replace(/f+$/, "") : bare;
}

/** The agent id in the standard spelling; `aaid` gives the one that some cards use. */
export function agentIdText({ eid, aid }: EuiccAgentId, spelling: "aa-id" | "aaid" = "aa-id"): string {
  return `//se-id/eid/${eid};//${spelling}/aid/${aid.slice(0, 10).toUpperCase()}/${aid.slice(10).toUpperCase()}`;
}
