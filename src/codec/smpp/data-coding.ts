/**
 * Values of data_coding worth trying for a command that a card must get (8-bit, class 2, PID 7F), the likeliest first.
 * What each becomes on the air is the SMSC's affair: only a card's answer proves it.
 */
export const cardDataCodings = [0xf6, 0x04, 0x02, 0x16, 0xf5] as const;

/** True when a TP-DCS makes a phone hand the message to the card: 8-bit, class 2, in either group. TS 23.038 §4 */
export function reachesCard(dcs: number): boolean {
  const classGroup = (dcs & 0xf0) === 0xf0 && (dcs & 0x04) !== 0;
  const generalGroup = (dcs & 0xdc) === 0x14;
  return (classGroup || generalGroup) && (dcs & 0x03) === 2;
}

/** The alphabet of a data_coding, for people who look at a message. SMPP 3.4 §5.2.19, TS 23.038 §4 */
export function alphabet(dataCoding: number): "default" | "latin1" | "ucs2" | "binary" {
  if ((dataCoding & 0xf0) === 0xf0) return (dataCoding & 0x04) === 0 ? "default" : "binary";
  if (dataCoding === 0x08) return "ucs2";
  if (dataCoding === 0x00 || dataCoding === 0x01) return "default";
  if (dataCoding === 0x03) return "latin1";
  return "binary";
}
