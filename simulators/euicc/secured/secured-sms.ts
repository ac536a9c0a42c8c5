import { concatBytes } from "../../../src/base/hex.ts";
import type { CardCore } from "../card-core.ts";
import type { KeySetState } from "../card-state.ts";
import { sendShortMessage } from "../cat-tlv.ts";
import type { Misbehaviour } from "../misbehaviour.ts";
import { packetKeys } from "../notification.ts";
import { segments, submit } from "../sms.ts";
import type { Toolkit } from "../toolkit.ts";
import { findTarget, type RemoteManagement, type RemoteTarget, sessionTrigger } from "./remote.ts";
import {
  buildResponse,
  evaluateCounter,
  type PacketHeader,
  packetKvn,
  porStatus,
  type ResponseParts,
  readHeader,
  verifyCommand,
} from "./scp80-packet.ts";

/** What a secured packet needs of the card around it. */
interface SecuredSmsDeps {
  readonly card: CardCore;
  readonly toolkit: Toolkit;
  readonly remote: RemoteManagement;
  readonly misbehaviour: Misbehaviour;
  /** The packet asks for an SCP81 session: contents are those of tag 81. */
  trigger(parameters: Uint8Array): void;
  /** The last part of the answer has left by SMS-SUBMIT. */
  delivered(): void;
}

/** What the ENVELOPE that completed a packet is answered with. */
interface Receipt {
  /** TP-UD of the DELIVER-REPORT. */
  readonly report: Uint8Array | undefined;
  /** Whether a longer answer follows by SMS-SUBMIT. */
  readonly submitted: boolean;
}

const nothing: Receipt = { report: undefined, submitted: false };
const noData = new Uint8Array(0);

/** The receiving entity of TS 102 225 over SMS-PP, with the rules of SGP.02 for the ISD-R. */
export class SecuredSms {
  readonly #deps: SecuredSmsDeps;
  #reference = 0;

  constructor(deps: SecuredSmsDeps) {
    this.#deps = deps;
  }

  /** Takes a complete command packet (from CPL on). */
  receive(packet: Uint8Array, originator: Uint8Array): Receipt {
    const header = readHeader(packet);
    if (header === undefined) return nothing;
    const target = findTarget(this.#deps.card, header.tar);
    const send = (parts: Omit<ResponseParts, "header">) => this.#respond({ header, ...parts }, originator);
    if (target === undefined) {
      return send({ keys: undefined, cntr: clearCounter(packet, header), status: porStatus.tarUnknown, data: noData });
    }
    const set = keySetFor(target, header);
    if (set === undefined) {
      if (target.silent) return nothing;
      return send({
        keys: undefined,
        cntr: clearCounter(packet, header),
        status: porStatus.unidentified,
        data: noData,
      });
    }
    const keys = packetKeys(set);
    const verdict = verifyCommand(packet, header, keys);
    if (verdict.at === "malformed") return nothing;
    if (verdict.at === "refused") {
      return target.silent ? nothing : send({ keys, cntr: verdict.cntr, status: verdict.status, data: noData });
    }
    const { cntr, data } = verdict;
    if (!this.#protectedEnough(target, header)) {
      return target.silent ? nothing : send({ keys, cntr, status: porStatus.levelTooLow, data: noData });
    }
    const judged = evaluateCounter(header.spi1, cntr, Number.parseInt(set.cntr ?? "0", 16));
    if (judged.status !== porStatus.ok) return send({ keys, cntr, status: judged.status, data: noData });
    set.cntr = judged.stored.toString(16).toUpperCase().padStart(10, "0");
    this.#deps.card.commit();
    return send({ keys, cntr, status: porStatus.ok, data: this.#execute(target, set, header, cntr, data) });
  }

  #protectedEnough(target: RemoteTarget, { spi1, kic, kid }: PacketHeader): boolean {
    const { isdRMinimumSecurity, rfmMinimumSecurity } = this.#deps.card.state.settings;
    const checked = (spi1 & 0x03) === 2;
    if (target.msl !== undefined) return atLeast(target.msl, spi1);
    if (!target.silent) return rfmMinimumSecurity === "none" || checked;
    const aes = (kic & 0x0f) === 2 && (kid & 0x0f) === 2;
    return !isdRMinimumSecurity || (checked && aes && (spi1 & 0x04) !== 0 && (spi1 & 0x10) !== 0);
  }

  #execute(
    target: RemoteTarget,
    keySet: KeySetState,
    header: PacketHeader,
    cntr: number,
    data: Uint8Array,
  ): Uint8Array {
    const origin = { bearer: "sms", keySet, cntr, spi: header.spi1 * 256 + header.spi2 } as const;
    const trigger = sessionTrigger(target, data);
    if (trigger === undefined) return this.#deps.remote.run(target, data, origin);
    this.#deps.remote.note(target, origin);
    this.#deps.trigger(trigger);
    return noData;
  }

  #respond(parts: ResponseParts, originator: Uint8Array): Receipt {
    const { misbehaviour, card, toolkit } = this.#deps;
    const wanted = parts.header.spi2 & 0x03;
    const asked = wanted === 1 || (wanted === 2 && parts.status !== porStatus.ok);
    if (!asked || misbehaviour.dropPor) return nothing;
    const packet = buildResponse(this.#spoiled(parts));
    const bySubmit = (parts.header.spi2 & 0x20) !== 0;
    const report = concatBytes(Uint8Array.of(0x02, 0x71, 0x00), packet);
    const { settings } = card.state;
    const fits = !bySubmit && report.length <= settings.reportLimit;
    if (fits && !misbehaviour.duplicatePor) return { report, submitted: false };
    const copies = !fits && misbehaviour.duplicatePor ? 2 : 1;
    this.#reference = (this.#reference % 0xff) + 1;
    const messages = segments(packet, 0x71, this.#reference).map((userData) =>
      sendShortMessage(submit(originator, userData)),
    );
    const line = Array.from({ length: copies }, () => messages).flat();
    for (const [i, message] of line.entries()) {
      toolkit.enqueue(message, i === line.length - 1 ? { done: () => this.#deps.delivered() } : {});
    }
    if (fits) return { report, submitted: true };
    return { report: settings.intermediatePor || !bySubmit ? this.#intermediate(parts) : undefined, submitted: true };
  }

  /** "The real answer comes in an SMS-SUBMIT". TS 102 225 §5.2 */
  #intermediate(parts: ResponseParts): Uint8Array {
    const packet = buildResponse({ ...this.#spoiled(parts), status: porStatus.answerInSubmit, data: noData });
    return concatBytes(Uint8Array.of(0x02, 0x71, 0x00), packet);
  }

  #spoiled(parts: ResponseParts): ResponseParts {
    const { porMac, porCounter } = this.#deps.misbehaviour;
    const cntr = porCounter ? (parts.cntr + 1) % 2 ** 40 : parts.cntr;
    if (!porMac || parts.keys === undefined) return { ...parts, cntr };
    return { ...parts, cntr, keys: { ...parts.keys, kid: parts.keys.kid.map((octet) => octet ^ 0x5a) } };
  }
}

/** Whether SPI's first octet asks for what a minimum security level demands. TS 102 226 §8.2.1.3.2.4 */
function atLeast(msl: number, spi1: number): boolean {
  const integrity = (spi1 & 0x03) >= (msl & 0x03);
  const ciphered = (msl & 0x04) === 0 || (spi1 & 0x04) !== 0;
  return integrity && ciphered && (spi1 & 0x18) >= (msl & 0x18);
}

/** The set that KIc and KID name; undefined when there is none or they name two. 0 = the first one. */
function keySetFor(target: RemoteTarget, header: PacketHeader): KeySetState | undefined {
  const sets = target.keySets.filter(({ type }) => type === "SCP80").sort((a, b) => a.kvn - b.kvn);
  const kvn = packetKvn(header);
  const mixed = (header.spi1 & 0x07) === 0x06 && header.kic >> 4 !== header.kid >> 4;
  if (mixed) return undefined;
  return kvn === 0 ? sets[0] : sets.find((set) => set.kvn === kvn);
}

/** Counter of a packet that cannot be opened: readable when it is not ciphered. */
function clearCounter(packet: Uint8Array, { spi1 }: PacketHeader): number {
  if (spi1 & 0x04) return 0;
  return packet.subarray(10, 15).reduce((value, octet) => value * 256 + octet, 0);
}
