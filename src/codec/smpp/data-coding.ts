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

const eightBitClass2 = 0xf6;
const octetCodings: readonly number[] = [0x02, 0x04];
/** Values up to here are SMPP's own; above, they are TP-DCS. SMPP 3.4 §5.2.19 */
const lastOwnCoding = 0x0e;

/**
 * TP-DCS of a message towards a card that a client submits with this data_coding: octets without a class mean 8-bit,
 * class 2, and so does any text coding of a message that a (U)SIM toolkit header or the PID of a card marks as octets.
 */
export function cardTpDcs(dataCoding: number, forCard: boolean): number {
  const octets = octetCodings.includes(dataCoding) || (forCard && dataCoding <= lastOwnCoding);
  return octets ? eightBitClass2 : dataCoding;
}

/** Whether a data_coding, SMPP's own or a TP-DCS, stands for octets. */
export function isOctets(dataCoding: number): boolean {
  const classGroup = (dataCoding & 0xf4) === 0xf4;
  return octetCodings.includes(dataCoding) || classGroup || (dataCoding & 0xcc) === 0x04;
}
