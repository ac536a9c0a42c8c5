import { historicalName, parseAtr } from "../codec/apdu/atr.ts";
import { iccidCheckDigitOk, iccidFromOctets, imsiFromOctets } from "../codec/euicc/iccid.ts";
import { Reader } from "../codec/kit/codec.ts";
import { eidWords } from "./card/card-data.ts";
import { aidWords, tarName } from "./names.ts";
import { branchOf, hex2, leafOf, type Node } from "./tree.ts";

/** EID: 16 octets of BCD, or 32 digits in ASCII. SGP.02 §2.2.2 */
export function eidNode(octets: Uint8Array, base: number): Node {
  return leafOf("EID", octets, base, eidWords, { clause: "SGP.02 §2.2.2" });
}

/** Application identifier. ETSI TS 101 220 §4 */
export function aidNode(octets: Uint8Array, base: number): Node {
  return leafOf("AID", octets, base, aidWords, { clause: "TS 101 220 §4" });
}

/** Toolkit application reference. ETSI TS 101 220 §7.2.1 */
export function tarNode(octets: Uint8Array, base: number): Node {
  return leafOf("TAR", octets, base, tarName, { clause: "TS 101 220 annex D" });
}

/** Content of EF.ICCID. ETSI TS 102 221 §13.2 */
export function iccidNode(octets: Uint8Array, base: number): Node {
  return leafOf(
    "ICCID",
    octets,
    base,
    (bytes, offset) => {
      const iccid = iccidFromOctets(bytes, offset);
      return `${iccid}${iccidCheckDigitOk(iccid) === false ? ", no Luhn check digit at its end" : ""}`;
    },
    { clause: "TS 102 221 §13.2" },
  );
}

/** Content of EF.IMSI. 3GPP TS 31.102 §4.2.2 */
export function imsiNode(octets: Uint8Array, base: number): Node {
  return leafOf("IMSI", octets, base, (bytes, offset) => imsiFromOctets(bytes, offset) ?? "none provisioned", {
    clause: "TS 31.102 §4.2.2",
  });
}

/** Answer to reset. ISO/IEC 7816-3 §8, ETSI TS 102 221 §6.3 */
export function atrNode(octets: Uint8Array, base: number): Node {
  return branchOf(
    "ATR",
    octets,
    base,
    (branch) => {
      const atr = parseAtr(octets);
      branch.octet("TS", () => `${atr.convention} convention`);
      branch.octet("T0", (octet) => `${octet & 0x0f} historical bytes`);
      for (const { name } of atr.interfaceBytes) branch.octet(name);
      const { historicalBytes, historical, tck } = atr;
      if (historicalBytes.length > 0) {
        branch.part(historicalBytes.length, (bytes, offset) =>
          historical === undefined
            ? leafOf("historical bytes", bytes, offset)
            : branchOf("historical bytes", bytes, offset, (inner) => {
                inner.octet("category");
                for (const { tag, value } of historical.objects) {
                  const head = tag === 8 && value.length === 3 && inner.from.remaining === 3 ? 0 : 1;
                  inner.field(historicalName(tag), head + value.length);
                }
                return undefined;
              }),
        );
      }
      if (tck !== undefined) branch.octet("TCK", (octet) => (tck.correct ? "correct" : wrongTck(octets, octet)));
      if (tck?.correct === false) branch.note = "TCK is wrong: an octet of this ATR was read or written wrongly";
      const rate = atr.fi === undefined || atr.di === undefined ? "" : `, Fi ${atr.fi}, Di ${atr.di}`;
      const voltages = atr.global.voltages === undefined ? "" : `, supply classes ${atr.global.voltages.join("")}`;
      return `${atr.protocols.map((protocol) => `T=${protocol}`).join(", ")}${rate}${voltages}`;
    },
    { clause: "ISO/IEC 7816-3 §8" },
  );
}

/** TCK makes the exclusive or of all octets behind TS zero. ISO/IEC 7816-3 §8.2.5 */
function wrongTck(octets: Uint8Array, tck: number): string {
  const right = octets.subarray(1).reduce((sum, octet) => sum ^ octet, tck);
  return `wrong: ${hex2(right)} would be right`;
}

/** How sure it is that octets are an ATR: one whose TCK is wrong is one still, where the rest of it fits. */
export function atrSureness(octets: Uint8Array): number {
  const first = new Reader(octets).peek();
  if (first !== 0x3b && first !== 0x3f) return 0;
  try {
    const { tck, historicalBytes, interfaceBytes } = parseAtr(octets);
    if (tck?.correct !== false) return 96;
    return interfaceBytes.length > 0 && historicalBytes.length > 0 ? 90 : 50;
  } catch {
    return 0;
  }
}
