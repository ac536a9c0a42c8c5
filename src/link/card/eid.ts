import { GatewayError } from "../../base/gateway-error.ts";
import { fromHex } from "../../base/hex.ts";
import { isSuccess } from "../../codec/apdu/status-word.ts";
import { aidOctets, ecasdAid } from "../../codec/euicc/aid.ts";
import { type Eid, eidFromOctets } from "../../codec/euicc/eid.ts";
import { readTlvs } from "../../codec/kit/ber.ts";
import type { CardChannel, CardTurn, TransmitOptions } from "./channel.ts";
import { ignoreCodecErrors } from "./ignore-codec-errors.ts";

/** GET DATA for the EID. SGP.02 §4.1.3.1, GP Card Specification §11.3 */
const getEid = fromHex("80CA005A00");
/** SELECT of the USIM by its partial AID, which restores the state of the basic channel after activation. */
const selectUsim = fromHex("00A4040407A000000087100200");

/**
 * Reads the EID from the ECASD, on a separate logical channel if the card has one. Undefined for a plain UICC, and for
 * a card that returns anything but an EID. @throws card.*, link.* if the card or the link fails
 */
export async function readEid(card: CardTurn, options: TransmitOptions): Promise<Eid | undefined> {
  const own = await card.openChannel(undefined, options).catch((error: unknown) => {
    if (error instanceof GatewayError && error.code === "card.channel") return undefined;
    throw error;
  });
  try {
    return await askEcasd(own ?? card, options);
  } finally {
    if (own === undefined) await card.transmit(selectUsim, options);
    else await own.close();
  }
}

async function askEcasd(channel: CardChannel, options: TransmitOptions): Promise<Eid | undefined> {
  const aid = aidOctets(ecasdAid);
  const select = Uint8Array.of(0x00, 0xa4, 0x04, 0x00, aid.length, ...aid, 0x00);
  if (!isSuccess((await channel.transmit(select, options)).sw)) return undefined;
  const { data, sw } = await channel.transmit(getEid, options);
  if (!isSuccess(sw)) return undefined;
  return ignoreCodecErrors(() => {
    const eid = readTlvs(data).find(({ tag }) => tag === 0x5a);
    return eid && eidFromOctets(eid.value);
  });
}
