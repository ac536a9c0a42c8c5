import { withoutUndefined } from "../../base/defined.ts";
import { isGatewayError } from "../../base/gateway-error.ts";
import { onChannel } from "../../codec/apdu/class-byte.ts";
import { aidOctets, ecasdAid } from "../../codec/euicc/aid.ts";
import { type Eid, eidFromOctets, parseEid } from "../../codec/euicc/eid.ts";
import { readIccid } from "../../codec/euicc/iccid.ts";
import { exchangeApdu } from "../card/exchange.ts";
import { ignoreCodecErrors } from "../card/ignore-codec-errors.ts";
import type { AtEngine } from "./at/at-engine.ts";
import { CardAccess } from "./card-access.ts";
import type { ModemState } from "./modem-state.ts";
import { firstAnswer } from "./questions.ts";

/** Identifiers of the modem's card, read with the profile's queries. */
export async function readCard(engine: AtEngine): Promise<Pick<ModemState, "iccid" | "imsi">> {
  const { identity } = engine.profile.file;
  const iccid = await firstAnswer(engine, identity?.iccid);
  const imsi = await firstAnswer(engine, identity?.imsi);
  return { ...(iccid === undefined ? {} : { iccid: tidyIccid(iccid) }), ...withoutUndefined({ imsi }) };
}

/** The ICCID in its usual notation; some firmware reports it with swapped nibbles, as in the file. ITU-T E.118 */
export function tidyIccid(text: string): string {
  const swapped = text.length % 2 === 0 ? text.replace(/(.)(.)/g, "$2$1") : text;
  const written = text.startsWith("98") && swapped.startsWith("89") ? swapped : text;
  return readIccid(written) ?? written.replace(/F+$/i, "").toUpperCase();
}

const limitMs = 10_000;

/**
 * The EID: by the modem's own command where its profile names one, otherwise from the ECASD on a channel of its own,
 * which is closed again; +CSIM first, +CCHO and +CGLA where that is refused. SGP.02 §4.1.3.1 Undefined when the card
 * has none or the modem does not support the query.
 */
export async function readEid(engine: AtEngine, link: string): Promise<Eid | undefined> {
  const reported = await firstAnswer(engine, engine.profile.file.identity?.eid);
  const own = reported === undefined ? undefined : ignoreCodecErrors(() => parseEid(reported));
  if (own !== undefined && !/^0+$/.test(own)) return own;
  const access = new CardAccess(engine, link, new Set(), { csimFirst: true, urgency: "init" });
  try {
    return await askEcasd(access);
  } catch (error) {
    if (isGatewayError(error) && engine.alive && /^(card|codec|modem\.(cme|refused|timeout))\b/.test(error.code)) {
      return undefined;
    }
    throw error;
  } finally {
    if (engine.alive) await access.close({ timeoutMs: limitMs });
  }
}

async function askEcasd(access: CardAccess): Promise<Eid | undefined> {
  const transmit = (apdu: Uint8Array) => access.transmit(apdu, { timeoutMs: limitMs });
  const opened = await transmit(Uint8Array.of(0x00, 0x70, 0x00, 0x00, 0x01));
  const channel = opened.length === 3 ? (opened[0] ?? 0) : 0;
  if (channel < 1 || channel > 19) return undefined;
  const aid = aidOctets(ecasdAid);
  const select = Uint8Array.of(onChannel(0x00, channel), 0xa4, 0x04, 0x00, aid.length, ...aid);
  const selected = await exchangeApdu(transmit, "apdu", select).catch((error: unknown) => {
    // +CCHO has selected the application already; some modems refuse to select it again.
    if (isGatewayError(error, "card.protocol") && access.way === "cgla") return undefined;
    throw error;
  });
  if (selected !== undefined && selected.sw !== 0x9000 && selected.sw >> 8 !== 0x91) return undefined;
  const { data } = await exchangeApdu(
    transmit,
    "apdu",
    Uint8Array.of(onChannel(0x80, channel), 0xca, 0x00, 0x5a, 0x00),
  );
  if (data[0] !== 0x5a || data[1] !== 0x10 || data.length < 18) return undefined;
  return ignoreCodecErrors(() => eidFromOctets(data.subarray(2, 18)));
}
