import { asGatewayError, isGatewayError } from "../../../base/gateway-error.ts";
import { toHex } from "../../../base/hex.ts";
import { csim } from "../../../codec/at/card-commands.ts";
import { parsePdu } from "../../../codec/at/sms-commands.ts";
import { smsPpDownload } from "../../../codec/cat/envelope.ts";
import { readSegment } from "../../../codec/sms/concatenation.ts";
import { dataCoding } from "../../../codec/sms/data-coding.ts";
import { parseTpdu } from "../../../codec/sms/tpdu.ts";
import { envelopeApdu } from "../../card/cat-apdu.ts";
import type { Log } from "../../driver.ts";
import type { AtEngine } from "../at/at-engine.ts";

/** What the mailbox needs. */
interface CardMailboxDeps {
  readonly engine: AtEngine;
  readonly link: string;
  readonly log: Log;
  /** Whether the card in the modem is an eUICC, which accepts command packets. */
  readonly cardTakesPackets: () => boolean;
}

/** The recipient of a stored message; `unclear` = a later segment of a packet whose first segment was not received. */
type Owner = "card" | "host" | "unclear";

const simDataDownload = 0x7f;
const maxRemembered = 200;

/**
 * Messages for the card that the modem stored instead of passing them to it: class 2, TP-PID 7F, a command packet. They
 * are delivered with ENVELOPE over +CSIM if the modem permits that. 3GPP TS 31.111 §7.1.1.1, TS 23.040 §9.2.3.9
 */
export class CardMailbox {
  readonly #deps: CardMailboxDeps;
  readonly #owners = new Map<string, Owner>();
  #refused: boolean;

  constructor(deps: CardMailboxDeps) {
    this.#deps = deps;
    this.#refused = deps.engine.profile.file.card?.envelope === "none";
  }

  /**
   * The recipient. Response packets, plain messages, and all messages for a card that accepts no packets belong to the
   * host.
   */
  ownerOf(pdu: string): Owner {
    if (!this.#deps.cardTakesPackets()) return "host";
    try {
      const deliver = parseTpdu(parsePdu(pdu).tpdu, "SMS-DELIVER");
      if (deliver.pid !== simDataDownload || dataCoding(deliver.dcs).messageClass !== 2) return "host";
      if (!deliver.userDataHeader) return "card";
      const { security, concatenation } = readSegment(deliver.userData.octets);
      const key = `${deliver.originator.number} ${concatenation?.reference}`;
      if (security === undefined && concatenation !== undefined) return this.#owners.get(key) ?? "unclear";
      const owner = security === "response" ? "host" : "card";
      if (concatenation !== undefined) this.#remember(key, owner);
      return owner;
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      return "host";
    }
  }

  /** True if the card accepted it; false if it was unreachable, busy or refused. @throws link.lost, modem.reset */
  async hand(pdu: string): Promise<boolean> {
    const { engine, link, log } = this.#deps;
    if (this.#refused) return false;
    try {
      const { serviceCentre, tpdu } = parsePdu(pdu);
      const [toa, ...digits] = serviceCentre;
      const address = toa === undefined ? undefined : { tonNpi: toa, digits: semiOctets(digits) };
      const answer = await engine.run(csim, envelopeApdu(smsPpDownload(tpdu, address), true));
      const [sw1 = 0, sw2 = 0] = answer.subarray(-2);
      const taken = [0x90, 0x91, 0x92, 0x61, 0x9f].includes(sw1);
      const sw = toHex(Uint8Array.of(sw1, sw2));
      log.info({ link, sw, taken }, "a stored message was sent to the card");
      return taken;
    } catch (thrown) {
      const error = asGatewayError(thrown);
      if (!/^(modem\.(cme|cms|refused)|codec\.)/.test(error.code)) throw error;
      this.#refused = error.code !== "modem.cme" || error.detail.cme === 3 || error.detail.cme === 4;
      log.warn({ link, error: error.toJSON() }, "the modem refuses to pass a message to its card");
      return false;
    }
  }

  #remember(key: string, owner: Owner): void {
    this.#owners.set(key, owner);
    const [oldest] = this.#owners.keys();
    if (this.#owners.size > maxRemembered && oldest !== undefined) this.#owners.delete(oldest);
  }
}

function semiOctets(octets: readonly number[]): string {
  return octets
    .flatMap((octet) => [octet & 0x0f, octet >> 4])
    .filter((digit) => digit < 10)
    .join("");
}
