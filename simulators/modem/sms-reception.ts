import { withoutUndefined } from "../../src/base/defined.ts";
import { isGatewayError } from "../../src/base/gateway-error.ts";
import { toHex } from "../../src/base/hex.ts";
import type { DeliveryAnswer } from "../network/radio.ts";
import { type Deliver, messageClass, readDeliver, semiOctets } from "../network/tpdu.ts";
import type { MessageStore } from "./message-store.ts";
import type { Settings } from "./settings.ts";
import type { CardAnswer } from "./sim-slot.ts";
import { ok } from "./sim-slot.ts";
import { directHeader, directReport, directText } from "./text-mode.ts";

/** What reception needs of its modem. */
interface ReceptionDeps {
  readonly settings: () => Settings;
  readonly urc: (...lines: readonly string[]) => void;
  /** Whether the card takes messages meant for it. */
  readonly downloads: () => boolean;
  /** ENVELOPE (SMS-PP DOWNLOAD). */
  readonly download: (tpdu: Uint8Array, serviceCentre: string) => Promise<CardAnswer>;
  /** Memory for received messages as +CPMS chose it, and the card's own. */
  readonly received: () => MessageStore;
  readonly card: MessageStore;
  /** A memory had no room left. */
  readonly onFull: (store: MessageStore) => void;
  /** How long a host has for +CNMA. */
  readonly acknowledgeMs: number;
}

const memoryExceeded: DeliveryAnswer = { ack: false, cause: 22 };
const protocolError: DeliveryAnswer = { ack: false, cause: 111 };

/** Mobile-terminated messages and reports: to the card, the host or a memory. 3GPP TS 27.005 §3.4.1, TS 23.040 §9.2.3.9 */
export class SmsReception {
  readonly #deps: ReceptionDeps;
  #waiting: { readonly done: (answer: DeliveryAnswer) => void; readonly timer: NodeJS.Timeout } | undefined;

  constructor(deps: ReceptionDeps) {
    this.#deps = deps;
  }

  /** True while a direct message waits for +CNMA. */
  get acknowledgeable(): boolean {
    return this.#waiting !== undefined;
  }

  /** +CNMA: positive or negative, with the SMS-DELIVER-REPORT the host may have given. */
  acknowledge(positive: boolean, report?: Uint8Array): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) return;
    clearTimeout(waiting.timer);
    const given = withoutUndefined({ report });
    waiting.done(positive ? { ack: true, ...given } : { ack: false, cause: 111, ...given });
  }

  /** Gives up waiting, as a restart does. */
  reset(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    clearTimeout(waiting?.timer);
    waiting?.done(protocolError);
  }

  /** A TPDU from the network. */
  async deliver(tpdu: Uint8Array, serviceCentre: string): Promise<DeliveryAnswer> {
    if (((tpdu[0] ?? 0) & 3) === 2) return await this.#report(tpdu, serviceCentre);
    const message = parse(tpdu);
    if (message === undefined) return protocolError;
    const kind = messageClass(message.dcs);
    if (message.pid === 0x7f && kind === 2 && this.#deps.downloads()) {
      return reportOf(await this.#deps.download(tpdu, serviceCentre), message);
    }
    if (message.pid === 0x40) return { ack: true };
    const [, mt] = this.#deps.settings().cnmi;
    if (kind === 2) return this.#keep(this.#deps.card, tpdu, serviceCentre);
    if (mt === 2 || (mt === 3 && kind === 3)) {
      return await this.#direct([
        directHeader(tpdu, serviceCentre, this.#deps.settings()),
        this.#body(tpdu, serviceCentre),
      ]);
    }
    return this.#keep(this.#deps.received(), tpdu, serviceCentre);
  }

  async #report(tpdu: Uint8Array, serviceCentre: string): Promise<DeliveryAnswer> {
    const ds = this.#deps.settings().cnmi[3];
    if (ds === 1 && this.#deps.settings().cmgf === 1) return await this.#direct([directReport(tpdu)]);
    if (ds === 1) return await this.#direct([`+CDS: ${tpdu.length}`, this.#body(tpdu, serviceCentre)]);
    if (ds === 0) return { ack: true };
    return this.#keep(this.#deps.received(), tpdu, serviceCentre, "+CDSI");
  }

  #keep(store: MessageStore, tpdu: Uint8Array, serviceCentre: string, name = "+CMTI"): DeliveryAnswer {
    const index = store.add({ tpdu, serviceCentre, status: 0 });
    if (index === undefined) {
      this.#deps.onFull(store);
      return memoryExceeded;
    }
    const [, mt] = this.#deps.settings().cnmi;
    if (mt !== 0 || name === "+CDSI") this.#deps.urc(`${name}: "${store.name}",${index}`);
    if (store.full) this.#deps.onFull(store);
    return { ack: true };
  }

  /** Hands lines to the host; in phase 2+ it has to acknowledge, or direct delivery ends. */
  async #direct(lines: readonly string[]): Promise<DeliveryAnswer> {
    this.#deps.urc(...lines);
    if (this.#deps.settings().csms === 0) return { ack: true };
    return await new Promise((done) => {
      const timer = setTimeout(() => {
        this.#waiting = undefined;
        const { cnmi } = this.#deps.settings();
        cnmi[1] = 0;
        cnmi[3] = 0;
        done(protocolError);
      }, this.#deps.acknowledgeMs);
      this.#waiting = { done, timer };
    });
  }

  #body(tpdu: Uint8Array, serviceCentre: string): string {
    const { cmgf } = this.#deps.settings();
    return cmgf === 1 ? directText(tpdu, this.#deps.settings()) : toHex(withServiceCentre(tpdu, serviceCentre));
  }
}

function parse(tpdu: Uint8Array): Deliver | undefined {
  try {
    return readDeliver(tpdu);
  } catch (error) {
    if (isGatewayError(error)) return undefined;
    throw error;
  }
}

/** A TPDU with the service centre address before it, as PDU mode shows it. 3GPP TS 27.005 §3.1 */
export function withServiceCentre(tpdu: Uint8Array, serviceCentre: string): Uint8Array {
  const digits = serviceCentre.replace("+", "");
  if (digits === "") return Uint8Array.of(0, ...tpdu);
  const octets = semiOctets(digits);
  return Uint8Array.of(octets.length + 1, serviceCentre.startsWith("+") ? 0x91 : 0x81, ...octets, ...tpdu);
}

/** What the card's answer to the download becomes for the network. 3GPP TS 31.111 §7.1.1, TS 23.040 §9.2.2.1a */
function reportOf({ data, sw }: CardAnswer, { pid, dcs }: Deliver): DeliveryAnswer {
  const refused = ok(sw) ? [] : [sw === 0x9300 ? 0xd4 : 0xd5];
  const first = data.length > 0 ? 0x40 : 0x00;
  const content = data.length > 0 ? [0x07, pid, dcs, data.length, ...data] : [0x00];
  const report = Uint8Array.of(first, ...refused, ...content);
  if (refused.length > 0) return { ack: false, cause: 111, report };
  return data.length > 0 ? { ack: true, report } : { ack: true };
}
