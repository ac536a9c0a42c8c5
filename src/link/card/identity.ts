import { withoutUndefined } from "../../base/defined.ts";
import { fromHex } from "../../base/hex.ts";
import { type Iccid, type Imsi, iccidFromOctets, imsiFromOctets } from "../../codec/euicc/iccid.ts";
import { readTlvs } from "../../codec/kit/ber.ts";
import type { TransmitOptions } from "./channel.ts";
import type { CardResponse } from "./exchange.ts";
import { ignoreCodecErrors } from "./ignore-codec-errors.ts";

/** A channel that accepts whole APDUs. */
interface ApduTaker {
  transmit(apdu: Uint8Array, options?: TransmitOptions): Promise<CardResponse>;
}

/** The identity that the card currently reports; a profile switch changes both fields. */
export interface CardIdentity {
  readonly iccid?: Iccid;
  readonly imsi?: Imsi;
  /** A SIM that predates the UICC: it supports class A0 only. 3GPP TS 51.011 */
  readonly generation?: "2G";
}

const selectMf = fromHex("00A40004023F0000");
const selectIccid = fromHex("00A40004022FE200");
const selectUsim = fromHex("00A4040407A000000087100200");
const selectImsi = fromHex("00A40004026F0700");
const readTen = fromHex("00B000000A");
const readNine = fromHex("00B0000009");
/** STATUS: the current application is initialised. ETSI TS 102 221 §11.1.2 */
const initialised = fromHex("80F2010C");

const classNotSupported = 0x6e00;

/** The files of a SIM, in class A0; undefined when the card does not accept that either. 3GPP TS 51.011 §9.2, §10.1.1, §10.3.2 */
async function readSim(card: ApduTaker, options: TransmitOptions): Promise<CardIdentity | undefined> {
  const select = (file: number) =>
    card.transmit(Uint8Array.of(0xa0, 0xa4, 0x00, 0x00, 0x02, file >> 8, file & 0xff), options);
  const selected = (sw: number) => good(sw) || sw >> 8 === 0x9f;
  const read = async (path: readonly number[], length: number) => {
    for (const file of path) if (!selected((await select(file)).sw)) return undefined;
    const { data, sw } = await card.transmit(Uint8Array.of(0xa0, 0xb0, 0x00, 0x00, length), options);
    return good(sw) ? data : undefined;
  };
  if (!selected((await select(0x3f00)).sw)) return undefined;
  const iccidFile = await read([0x2fe2], 10);
  const imsiFile = await read([0x7f20, 0x6f07], 9);
  const iccid = iccidFile && ignoreCodecErrors(() => iccidFromOctets(iccidFile));
  const imsi = imsiFile && ignoreCodecErrors(() => imsiFromOctets(imsiFile));
  return {
    generation: "2G",
    ...withoutUndefined({ iccid, imsi }),
  };
}

function good(sw: number): boolean {
  return sw === 0x9000 || sw >> 8 === 0x91;
}

async function readFile(card: ApduTaker, select: Uint8Array, read: Uint8Array, options: TransmitOptions) {
  if (!good((await card.transmit(select, options)).sw)) return undefined;
  const { data, sw } = await card.transmit(read, options);
  return good(sw) ? data : undefined;
}

/**
 * Reads ICCID and, where there is a readable USIM, IMSI; reports to the USIM that it is initialized.
 * Selects files on the channel given. 3GPP TS 31.102 §5.1.1
 */
export async function readIdentity(card: ApduTaker, options: TransmitOptions): Promise<CardIdentity> {
  if ((await card.transmit(selectMf, options)).sw === classNotSupported) {
    const sim = await readSim(card, options);
    if (sim !== undefined) return sim;
  }
  const iccidFile = await readFile(card, selectIccid, readTen, options);
  const iccid = iccidFile && ignoreCodecErrors(() => iccidFromOctets(iccidFile));
  const usim = await card.transmit(selectUsim, options);
  if (!good(usim.sw)) return withoutUndefined({ iccid });
  const imsiFile = await readFile(card, selectImsi, readNine, options);
  const imsi = imsiFile && ignoreCodecErrors(() => imsiFromOctets(imsiFile));
  await card.transmit(initialised, options);
  return withoutUndefined({ iccid, imsi });
}

/** Whether the MF indicates that the card accepts TERMINAL CAPABILITY. ETSI TS 102 221 §11.1.1.4.6.7 */
export async function asksTerminalCapability(card: ApduTaker, options: TransmitOptions): Promise<boolean> {
  const { data, sw } = await card.transmit(selectMf, options);
  if (!good(sw)) return false;
  const commands = ignoreCodecErrors(() => {
    const [fcp] = readTlvs(data);
    if (fcp === undefined || fcp.tag !== 0x62) return undefined;
    const proprietary = readTlvs(fcp.value).find(({ tag }) => tag === 0xa5);
    return proprietary && readTlvs(proprietary.value).find(({ tag }) => tag === 0x87)?.value[0];
  });
  return commands !== undefined && (commands & 0x01) !== 0;
}

/** TERMINAL CAPABILITY: extended logical channels. ETSI TS 102 221 §11.1.19 */
export const terminalCapability: Uint8Array = fromHex("80AA000004A9028100");
