import { toHex } from "../../base/hex.ts";
import { userDataText } from "../../codec/sms/user-data.ts";
import {
  type Concatenation,
  concatenationOf,
  elementId,
  elementName,
  readUserDataHeader,
  securityHeaderOf,
} from "../../codec/sms/user-data-header.ts";
import type { Context } from "../context.ts";
import { type Branch, branchOf, hex2, type Node } from "../tree.ts";

function elementWords(id: number, value: Uint8Array): string {
  const found = concatenationOf([{ id, value }]);
  if (found === undefined) return elementName(id);
  if (found === "ignored") return `${elementName(id)}; to be ignored`;
  return `message ${found.sequence} of ${found.total}, reference ${hex2(found.reference)}`;
}

function header(branch: Branch): void {
  branch.part((branch.from.peek() ?? 0) + 1, (octets, offset) =>
    branchOf(
      "user data header",
      octets,
      offset,
      (inner) => {
        inner.octet("UDHL", (length) => `${length} octets`);
        while (!inner.from.ended) {
          const id = inner.from.peek() ?? 0;
          const length = inner.from.peek(1) ?? 0;
          inner.field(`element ${hex2(id)}`, 2 + length, (element) => elementWords(id, element.subarray(2)), {
            clause: id === elementId.command || id === elementId.response ? "TS 31.115 §4" : "TS 23.040 §9.2.3.24",
          });
        }
        return undefined;
      },
      { clause: "TS 23.040 §9.2.3.24" },
    ),
  );
}

const part = (concatenation: Concatenation | undefined): string =>
  concatenation === undefined ? "SMS 1/1" : `SMS ${concatenation.sequence}/${concatenation.total}`;

/** TP-UD with a header, and the packet (or the segment of one) behind it. 3GPP TS 31.115 §4 */
export function userDataNode(octets: Uint8Array, base: number, context: Context): Node {
  return branchOf(
    "TP-UD",
    octets,
    base,
    (branch) => {
      const { elements } = readUserDataHeader(octets, base);
      header(branch);
      const found = concatenationOf(elements);
      const concatenation = found === "ignored" ? undefined : found;
      if (concatenation !== undefined) context.collected?.segments.push({ userData: octets, message: context.message });
      const which = part(concatenation);
      branch.value = which;
      const security = securityHeaderOf(elements);
      const { remaining } = branch.from;
      if (security === undefined) {
        const said = text(octets, octets.length - remaining, context);
        const what = said !== undefined ? "text" : concatenation === undefined ? "data" : "segment of a packet";
        branch.rest(what, (bytes) => said ?? `${bytes.length} octets`);
        return `${which}, ${said ?? `${remaining} octets`}`;
      }
      const type = security === "command" ? "command-packet" : "response-packet";
      const packet = branch.part(remaining, (bytes, offset) =>
        context.read(type, bytes, offset, { ...context, segmented: (concatenation?.total ?? 1) > 1 }),
      );
      return `${which}, ${packet.label}${packet.value === undefined ? "" : ` ${packet.value}`}`;
    },
    { clause: "TS 23.040 §9.2.3.24" },
  );
}

/** The text of a TP-UD in quotes; undefined for 8-bit data, and where no TPDU specifies how it is coded. */
function text(octets: Uint8Array, headerLength: number, { message }: Context): string | undefined {
  if (message === undefined) return undefined;
  const said = userDataText({ length: message.length, octets }, message.dcs, headerLength);
  return said === undefined ? undefined : `"${said}"`;
}

/** The concatenation that a TP-UD belongs to; undefined for a message of its own. */
export function segmentOf(
  userData: Uint8Array,
): (Concatenation & { readonly body: Uint8Array; readonly header: string }) | undefined {
  try {
    const { elements, body, headerLength } = readUserDataHeader(userData);
    const found = concatenationOf(elements);
    if (found === undefined || found === "ignored") return undefined;
    return { ...found, body, header: toHex(userData.subarray(0, headerLength)) };
  } catch {
    return undefined;
  }
}
