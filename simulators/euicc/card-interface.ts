import { concatBytes } from "../../src/base/hex.ts";
import { answer, type CommandApdu, parseApdu, type ResponseApdu, refuse, status, statusOf } from "./apdu.ts";
import { type CardCore, openSession, type Session } from "./card-core.ts";
import { catValue, readCatTlvs } from "./cat-tlv.ts";
import { checkClass, dispatch } from "./dispatch.ts";
import type { Lifecycle } from "./domains/lifecycle.ts";
import type { Misbehaviour } from "./misbehaviour.ts";
import type { SecuredSms } from "./secured/secured-sms.ts";
import { type Reassembly, readDownload, readEnvelope } from "./sms.ts";
import type { Toolkit } from "./toolkit.ts";

/** What stands behind the contacts. */
interface CardInterfaceDeps {
  readonly card: CardCore;
  readonly toolkit: Toolkit;
  readonly lifecycle: Lifecycle;
  readonly reassembly: Reassembly;
  readonly secured: SecuredSms;
  readonly misbehaviour: Misbehaviour;
  /** An event download other than location status. */
  event(event: number, body: Uint8Array): void;
}

/** Response data that wait for GET RESPONSE. */
interface Waiting {
  readonly data: Uint8Array;
  readonly sw: number;
  readonly channel: number;
  /** Runs when the data are collected, or abandoned. */
  readonly collected: () => void;
}

interface Outcome extends ResponseApdu {
  readonly collected?: () => void;
}

const channels = 20;

/** The terminal's side of the card: class bytes, logical channels, T=0 procedure, toolkit commands. TS 102 221 §7, §11 */
export class CardInterface {
  readonly #deps: CardInterfaceDeps;
  #sessions = new Map<number, Session>();
  #waiting: Waiting | undefined;

  constructor(deps: CardInterfaceDeps) {
    this.#deps = deps;
  }

  /** All logical channels but the basic one close; files are selected again. */
  reset(): void {
    this.#waiting = undefined;
    this.#sessions = new Map([[0, openSession(this.#deps.card, "terminal")]]);
  }

  /** One exchange, before a pending proactive command is announced. */
  exchange(bytes: Uint8Array): ResponseApdu {
    try {
      return this.#exchange(bytes);
    } catch (error) {
      return status(statusOf(error));
    }
  }

  /** Turns 9000 into 91xx while a proactive command waits. TS 102 221 §7.4.2 */
  announce(response: ResponseApdu): ResponseApdu {
    const length = response.sw === 0x9000 ? this.#deps.toolkit.announced() : undefined;
    return length === undefined ? response : { data: response.data, sw: 0x9100 | length };
  }

  #exchange(bytes: Uint8Array): ResponseApdu {
    const [cla = 0, ins = 0, p1 = 0, p2 = 0] = bytes;
    if (bytes.length < 4) return refuse(0x6700);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    const channel = cla & 0x40 ? 4 + (cla & 0x0f) : cla & 0x03;
    if (ins === 0xc0 && waiting?.channel === channel && (cla & 0x80) === 0) return this.#getResponse(waiting, bytes);
    waiting?.collected();
    checkClass({ cla, ins, p1, p2, data: new Uint8Array(0), le: undefined });
    const apdu = parseApdu(bytes);
    const session = this.#sessions.get(channel);
    if (session === undefined) return refuse(0x6881);
    return this.#deliver(this.#carryOut(apdu, channel, session), apdu, channel);
  }

  /** Hands data out as the protocol requires. */
  #deliver(outcome: Outcome, apdu: CommandApdu, channel: number): ResponseApdu {
    const { data, sw } = outcome;
    const collected = outcome.collected ?? (() => {});
    const { protocol } = this.#deps.card.state.settings;
    const outgoing = apdu.data.length === 0 && apdu.le !== undefined;
    if (data.length === 0 || outgoing || (protocol === "t1" && apdu.le !== undefined)) {
      if (data.length > 0 && apdu.le !== undefined && this.#wrongLe(data.length, apdu.le, protocol)) {
        return status(0x6c00 | (data.length & 0xff));
      }
      collected();
      return { data, sw };
    }
    if (protocol === "t1") {
      collected();
      return status(sw);
    }
    this.#waiting = { data, sw, channel, collected };
    return status(0x6100 | (data.length & 0xff));
  }

  #wrongLe(length: number, le: number, protocol: "t0" | "t1"): boolean {
    return protocol === "t0" ? length !== le : length > le;
  }

  #getResponse(waiting: Waiting, bytes: Uint8Array): ResponseApdu {
    const { p1, p2, le, data: sent } = parseApdu(bytes);
    if (p1 !== 0 || p2 !== 0) return refuse(0x6a86);
    if (sent.length > 0) return refuse(0x6700);
    const { data, sw, channel, collected } = waiting;
    const wanted = le ?? 256;
    if (wanted > data.length && !(wanted === 256 && le === 256 && data.length === 256)) {
      this.#waiting = waiting;
      return status(0x6c00 | (data.length & 0xff));
    }
    const rest = data.subarray(wanted);
    if (rest.length > 0) {
      this.#waiting = { data: rest, sw, channel, collected };
      return { data: data.subarray(0, wanted), sw: 0x6100 | (rest.length & 0xff) };
    }
    collected();
    return { data, sw };
  }

  #carryOut(apdu: CommandApdu, channel: number, session: Session): Outcome {
    switch (apdu.ins) {
      case 0x70:
        return this.#manageChannel(apdu);
      case 0xc0:
        return refuse(0x6985);
      case 0x84:
        return this.#getChallenge(apdu);
      case 0xaa:
        return this.#terminalCapability(apdu);
      case 0x10:
      case 0x12:
      case 0x14:
      case 0xc2:
        if (channel !== 0) return refuse(0x6881);
        if (apdu.p1 !== 0 || apdu.p2 !== 0) return refuse(0x6a86);
        return this.#toolkitCommand(apdu);
    }
    const result = dispatch(this.#deps.card, session, apdu);
    if (apdu.ins === 0xf2 && session.domain === undefined) this.#deps.lifecycle.poll();
    return result;
  }

  /** MANAGE CHANNEL. TS 102 221 §11.1.17 */
  #manageChannel({ p1, p2, le }: CommandApdu): ResponseApdu {
    if (p1 === 0x80) {
      if (p2 === 0) return refuse(0x6a86);
      return status(this.#sessions.delete(p2) ? 0x9000 : 0x6881);
    }
    if (p1 !== 0 || p2 >= channels) return refuse(0x6a86);
    if (p2 === 0 && le !== 1) return refuse(le === undefined ? 0x6700 : 0x6c01);
    const free = Array.from({ length: channels }, (_, i) => i).find((n) => !this.#sessions.has(n));
    const number = p2 || free;
    if (number === undefined || this.#sessions.has(number)) return refuse(0x6881);
    this.#sessions.set(number, openSession(this.#deps.card, "terminal"));
    return p2 === 0 ? answer(Uint8Array.of(number)) : status(0x9000);
  }

  #getChallenge({ p1, p2, le, data }: CommandApdu): ResponseApdu {
    if (p1 !== 0 || p2 !== 0) return refuse(0x6a86);
    if (data.length > 0 || le === undefined) return refuse(0x6700);
    return answer(this.#deps.card.random(le));
  }

  /** TERMINAL CAPABILITY. TS 102 221 §11.1.19 */
  #terminalCapability({ p1, p2, data }: CommandApdu): ResponseApdu {
    if (p1 !== 0 || p2 !== 0) return refuse(0x6a86);
    if (data.length === 0) return refuse(0x6700);
    return data[0] === 0xa9 && readEnvelope(data) ? status(0x9000) : refuse(0x6a80);
  }

  #toolkitCommand({ ins, data, le }: CommandApdu): Outcome {
    const { toolkit, lifecycle } = this.#deps;
    if (ins === 0x12) return data.length > 0 ? refuse(0x6700) : answer(toolkit.fetch(le));
    if (data.length === 0) return refuse(0x6700);
    if (ins === 0x14) {
      toolkit.terminalResponse(data);
      return status(0x9000);
    }
    if (ins === 0xc2) return this.#envelope(data);
    toolkit.profileDownload(data);
    lifecycle.terminalReady();
    return status(0x9000);
  }

  /** ENVELOPE: SMS-PP download, event download, timer expiration. TS 102 223 §7 */
  #envelope(data: Uint8Array): Outcome {
    const { misbehaviour, lifecycle, event } = this.#deps;
    if (misbehaviour.busy) {
      misbehaviour.busy -= 1;
      return status(0x9300);
    }
    const { tag, body } = readEnvelope(data);
    if (tag === 0xd1) return this.#download(body);
    const objects = readCatTlvs(body);
    if (tag === 0xd7) {
      lifecycle.timerExpired(catValue(objects, 0x24)?.[0] ?? 0);
    } else if (tag === 0xd6) {
      const kind = catValue(objects, 0x19)?.[0] ?? refuse(0x6a80);
      if (kind === 0x03) lifecycle.locationStatus(catValue(objects, 0x1b)?.[0] ?? refuse(0x6a80));
      else event(kind, concatBytes(body));
    } else if (tag < 0xd2 || tag > 0xe4) {
      return refuse(0x6a80);
    }
    return status(0x9000);
  }

  #download(body: Uint8Array): Outcome {
    const { reassembly, secured, lifecycle } = this.#deps;
    const sms = readDownload(body);
    const packet = reassembly.take(sms);
    if (packet === undefined || packet === "incomplete") return status(0x9000);
    const { report, submitted } = secured.receive(packet, sms.originator);
    const collected = () => {
      if (!submitted) lifecycle.responseDelivered();
    };
    if (report) return { ...answer(report), collected };
    collected();
    return status(0x9000);
  }
}
