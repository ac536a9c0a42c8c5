/** What TP-DCS states about TP-UD. 3GPP TS 23.038 §4 */
interface DataCoding {
  readonly alphabet: "gsm7" | "8-bit" | "ucs2" | "reserved";
  readonly messageClass?: 0 | 1 | 2 | 3;
  readonly compressed: boolean;
}

const alphabets = ["gsm7", "8-bit", "ucs2", "reserved"] as const;

function classOf(dcs: number): 0 | 1 | 2 | 3 {
  const value = dcs & 0x03;
  return value === 0 ? 0 : value === 1 ? 1 : value === 2 ? 2 : 3;
}

/** Reads TP-DCS; reserved groups count as the GSM alphabet, as the standard asks. */
export function dataCoding(dcs: number): DataCoding {
  const group = dcs >> 4;
  if (group < 0x8) {
    const alphabet = alphabets[(dcs >> 2) & 0x03] ?? "reserved";
    const compressed = (dcs & 0x20) !== 0;
    return dcs & 0x10 ? { alphabet, compressed, messageClass: classOf(dcs) } : { alphabet, compressed };
  }
  if (group === 0xe) return { alphabet: "ucs2", compressed: false };
  if (group === 0xf) {
    return { alphabet: dcs & 0x04 ? "8-bit" : "gsm7", compressed: false, messageClass: classOf(dcs) };
  }
  return { alphabet: "gsm7", compressed: false };
}

/** True when TP-UDL counts septets: the GSM alphabet, not compressed. 3GPP TS 23.040 §9.2.3.16 */
export function countsSeptets(dcs: number): boolean {
  const coding = dataCoding(dcs);
  return coding.alphabet === "gsm7" && !coding.compressed;
}

/** `8-bit, class 2` and so on for display. */
export function showDataCoding(dcs: number): string {
  const { alphabet, compressed, messageClass } = dataCoding(dcs);
  const names = { gsm7: "GSM 7-bit", "8-bit": "8-bit", ucs2: "UCS2", reserved: "reserved alphabet" } as const;
  return [
    names[alphabet],
    ...(compressed ? ["compressed"] : []),
    ...(messageClass === undefined ? [] : [`class ${messageClass}`]),
  ].join(", ");
}
