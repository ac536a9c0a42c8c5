import { fromHex } from "../../src/base/hex.ts";
import type { Cell, SubmitAnswer } from "../network/radio.ts";
import { semiOctets, timestamp } from "../network/tpdu.ts";
import { type BipAnswer, BipChannels, type BipRoute } from "./bip.ts";
import { first, type Proactive, readProactive, simple, template } from "./comprehension.ts";
import { type CardAnswer, ok, type SimSlot } from "./sim-slot.ts";

/** What happened on the card's initiative, for URCs and display. */
export type ToolkitEvent =
  | { readonly at: "command"; readonly type: number; readonly bytes: Uint8Array }
  | { readonly at: "end" }
  | { readonly at: "refresh"; readonly mode: number }
  | { readonly at: "bip"; readonly text: string };

/** What the terminal needs of the modem around it. */
interface CardTerminalDeps {
  readonly slot: SimSlot;
  readonly imei: string;
  readonly route: BipRoute;
  readonly connectMs: number;
  readonly now: () => number;
  /** Service status and where the phone camps. */
  readonly location: () => { readonly status: 0 | 1 | 2; readonly cell: Cell | undefined };
  readonly submit: (tpdu: Uint8Array, serviceCentre: string) => Promise<SubmitAnswer>;
  /** The card requests a restart; called after the answer where there is one. */
  readonly restartCard: () => void;
  /** False = the toolkit is off: REFRESH and channels are refused, messages and what the modem needs itself are not. */
  readonly serving: () => boolean;
  readonly notify: (event: ToolkitEvent) => void;
  /** Passes a command to the host if the host has enabled this type; undefined = answer it here. */
  readonly host: (command: Proactive, bytes: Uint8Array) => Promise<Uint8Array> | undefined;
}

/** Why a card did not take a message: no card, or the toolkit was busy all the time. */
const busyTries = 10;
const unsupported = new Set([0x10, 0x11, 0x12, 0x14, 0x15, 0x16, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x28, 0x30, 0x31]);
const unsupportedToo = new Set([
  0x32, 0x33, 0x34, 0x45, 0x46, 0x47, 0x50, 0x51, 0x60, 0x61, 0x62, 0x70, 0x71, 0x72, 0x73,
]);
const defaultPollMs = 30_000;

/**
 * The modem as the card's terminal: proactive sessions, events, timers, polling, SMS-PP download.
 * ETSI TS 102 223, 3GPP TS 31.111
 */
export class CardTerminal {
  readonly #deps: CardTerminalDeps;
  readonly #bip: BipChannels;
  readonly #timers = new Map<number, { readonly timer: NodeJS.Timeout; readonly ends: number }>();
  #events = new Set<number>();
  #session: Promise<void> | undefined;
  #pollMs = defaultPollMs;
  #poll: NodeJS.Timeout | undefined;
  #lastStatus: number | undefined;

  constructor(deps: CardTerminalDeps) {
    this.#deps = deps;
    this.#bip = new BipChannels({
      route: deps.route,
      connectMs: deps.connectMs,
      onEvent: (event, body) => void this.#event(event, body),
      onState: (text) => deps.notify({ at: "bip", text }),
    });
  }

  /** What TERMINAL PROFILE states; matches what is done here. ETSI TS 102 223 §5.2 */
  static readonly profile = fromHex(
    "33 01 E8 42 11 0C 00 07 88 00 00 1F E2 60 00 00 43 40 00 00 00 01 00 00 00 00 00 00 00 00 00 00 00 20",
  );

  /** TERMINAL PROFILE of a modem whose toolkit is off: no REFRESH, no BIP. */
  static readonly modestProfile = fromHex("33 01 68 42 11 0C 00 07 88");

  /** Forgets everything that a card reset ends, and starts polling. */
  reset(): void {
    this.stop();
    this.#pollMs = defaultPollMs;
    this.#schedulePoll();
  }

  /** Ends timers, channels and polling. */
  stop(): void {
    clearTimeout(this.#poll);
    for (const { timer } of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#events = new Set();
    this.#lastStatus = undefined;
    this.#bip.reset();
  }

  /** 91xx: fetches and serves until the card has nothing more. */
  proactive(length: number): void {
    if (this.#session !== undefined) return;
    this.#session = this.#serve(length)
      .catch(() => {})
      .finally(() => {
        this.#session = undefined;
      });
  }

  /** Resolves when no proactive command is in hand. */
  async idle(): Promise<void> {
    while (this.#session !== undefined) await this.#session;
  }

  /** SMS-PP download: the card's final answer. 3GPP TS 31.111 §7.1 */
  async download(tpdu: Uint8Array, serviceCentre: string): Promise<CardAnswer> {
    const digits = serviceCentre.replace("+", "");
    const address = simple(0x06, serviceCentre.startsWith("+") ? 0x91 : 0x81, ...semiOctets(digits));
    return await this.envelope(template(0xd1, ...simple(0x82, 0x83, 0x81), ...address, ...simple(0x8b, ...tpdu)));
  }

  /** An ENVELOPE between proactive commands; tried again while the card's toolkit is busy. */
  async envelope(body: Uint8Array): Promise<CardAnswer> {
    const generation = this.#deps.slot.generation;
    const apdu = Uint8Array.of(0x80, 0xc2, 0, 0, body.length, ...body);
    for (let attempt = 1; ; attempt++) {
      await this.idle();
      if (generation !== this.#deps.slot.generation) return { data: new Uint8Array(0), sw: 0x6f00 };
      const answer = await this.#deps.slot.command(apdu);
      if (answer.sw !== 0x9300 || attempt === busyTries) return answer;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Reports a change of the network service to the card, if it requested that event. */
  locationChanged(): void {
    const { status, cell } = this.#deps.location();
    if (status === this.#lastStatus) return;
    this.#lastStatus = status;
    void this.#event(0x03, [...simple(0x1b, status), ...(status === 0 && cell ? locationObject(cell) : [])]);
  }

  async #event(event: number, body: readonly number[]): Promise<void> {
    if (!this.#events.has(event)) return;
    const source = event === 0x09 || event === 0x0a || event === 0x03 ? 0x82 : 0x83;
    await this.envelope(template(0xd6, ...simple(0x99, event), ...simple(0x82, source, 0x81), ...body)).catch(() => {});
  }

  async #serve(announced: number): Promise<void> {
    const { slot } = this.#deps;
    const generation = slot.generation;
    for (let length = announced; length > 0; ) {
      while (slot.hostMidway) await new Promise((resolve) => setTimeout(resolve, 20));
      const fetched = await slot.command(Uint8Array.of(0x80, 0x12, 0, 0, length & 0xff));
      if (generation !== slot.generation || !ok(fetched.sw)) return;
      const answer = await this.#answer(fetched.data);
      if (answer === undefined || generation !== slot.generation) return;
      const { sw } = await slot.command(Uint8Array.of(0x80, 0x14, 0, 0, answer.body.length, ...answer.body));
      answer.after?.();
      length = sw >> 8 === 0x91 ? sw & 0xff || 256 : 0;
    }
    this.#schedulePoll();
    this.#deps.notify({ at: "end" });
  }

  /** The TERMINAL RESPONSE for a command; undefined when a reset answers it. */
  async #answer(bytes: Uint8Array): Promise<{ body: Uint8Array; after?: () => void } | undefined> {
    const command = readProactive(bytes);
    if (command === undefined) return { body: responseOctets(undefined, { result: [0x32] }) };
    this.#deps.notify({ at: "command", type: command.type, bytes });
    const byHost = this.#deps.host(command, bytes);
    if (byHost !== undefined) return { body: await byHost };
    if (!this.#deps.serving() && (command.type === 0x01 || (command.type >= 0x40 && command.type <= 0x44)))
      return { body: responseOctets(command, { result: [0x30] }) };
    if (command.type === 0x01) return await this.#refresh(command);
    return { body: responseOctets(command, await this.#perform(command)) };
  }

  async #refresh(command: Proactive): Promise<{ body: Uint8Array; after?: () => void } | undefined> {
    const mode = command.qualifier;
    this.#deps.notify({ at: "refresh", mode });
    if (mode === 0x04) {
      this.#deps.restartCard();
      return undefined;
    }
    const body = responseOctets(command, { result: [0x00] });
    if (mode === 0x09) return { body, after: () => this.#deps.restartCard() };
    if (mode === 0x00 || mode === 0x02 || mode === 0x03 || mode === 0x05 || mode === 0x06)
      await this.#deps.slot.reread();
    return { body };
  }

  async #perform(command: Proactive): Promise<BipAnswer> {
    const { type, objects } = command;
    if (type === 0x02 || type === 0x35) return { result: [0x00] };
    if (type === 0x03) return this.#pollInterval(objects);
    if (type === 0x04) {
      this.#pollMs = 0;
      return { result: [0x00] };
    }
    if (type === 0x05) return this.#eventList(first(objects, 0x19));
    if (type === 0x13) return await this.#sendMessage(command);
    if (type === 0x26) return this.#localInformation(command.qualifier);
    if (type === 0x27) return this.#timer(command);
    if (type === 0x40) return this.#deps.location().status === 0 ? await this.#bip.open(command) : { result: [0x21] };
    if (type === 0x41) return this.#bip.close(command);
    if (type === 0x42) return this.#bip.receive(command);
    if (type === 0x43) return this.#bip.send(command);
    if (type === 0x44) return this.#bip.status();
    return { result: [unsupported.has(type) || unsupportedToo.has(type) ? 0x30 : 0x31] };
  }

  #pollInterval(objects: Proactive["objects"]): BipAnswer {
    const [unit = 1, interval = 30] = first(objects, 0x04) ?? [];
    this.#pollMs = interval * (unit === 0 ? 60_000 : unit === 1 ? 1000 : 100);
    this.#schedulePoll();
    return { result: [0x00], objects: simple(0x84, unit, interval) };
  }

  #eventList(list: Uint8Array | undefined): BipAnswer {
    if (list === undefined) return { result: [0x36] };
    this.#events = new Set(list);
    // A card that asks late still receives the current location.
    this.#lastStatus = undefined;
    if (this.#events.has(0x03)) setImmediate(() => this.locationChanged());
    return { result: [0x00] };
  }

  async #sendMessage({ objects }: Proactive): Promise<BipAnswer> {
    const tpdu = first(objects, 0x0b);
    if (tpdu === undefined) return { result: [0x36] };
    const address = first(objects, 0x06);
    if (this.#deps.location().status !== 0) return { result: [0x21, 0x00] };
    const centre = address === undefined || address.length < 2 ? "" : Buffer.from(address).toString("hex");
    const answer = await this.#deps.submit(tpdu, centre);
    return { result: answer.ack ? [0x00] : [0x35, 0x80 | answer.cause] };
  }

  #localInformation(qualifier: number): BipAnswer {
    const { cell } = this.#deps.location();
    if (qualifier === 0x00)
      return cell === undefined ? { result: [0x20, 0x04] } : { result: [0x00], objects: locationObject(cell) };
    if (qualifier === 0x01)
      return { result: [0x00], objects: simple(0x14, ...semiOctets(`a${this.#deps.imei}`).map(imeiByte)) };
    if (qualifier === 0x03) return { result: [0x00], objects: simple(0x26, ...timestamp(this.#deps.now())) };
    if (qualifier === 0x04) return { result: [0x00], objects: simple(0x2d, 0x65, 0x6e) };
    if (qualifier === 0x06) return { result: [0x00], objects: simple(0x3f, cell?.technology === 0 ? 0x00 : 0x08) };
    if (qualifier === 0x08)
      return { result: [0x00], objects: simple(0x62, ...semiOctets(`3${this.#deps.imei.slice(0, 14)}01`)) };
    return { result: [0x30] };
  }

  #timer({ qualifier, objects }: Proactive): BipAnswer {
    const id = first(objects, 0x24)?.[0];
    if (id === undefined || id < 1 || id > 8) return { result: [0x32] };
    const running = this.#timers.get(id);
    const idObject = simple(0xa4, id);
    if ((qualifier & 3) === 0) return this.#startTimer(id, first(objects, 0x25));
    if (running === undefined) return { result: [0x24], objects: idObject };
    const left = simple(0xa5, ...clockOctets(Math.max(0, running.ends - this.#deps.now())));
    if ((qualifier & 3) === 1) {
      clearTimeout(running.timer);
      this.#timers.delete(id);
    }
    return { result: [0x00], objects: [...idObject, ...left] };
  }

  #startTimer(id: number, value: Uint8Array | undefined): BipAnswer {
    if (value === undefined || value.length !== 3) return { result: [0x36] };
    const [hours = 0, minutes = 0, seconds = 0] = [...value].map((octet) => (octet & 0x0f) * 10 + (octet >> 4));
    const ms = ((hours * 60 + minutes) * 60 + seconds) * 1000;
    clearTimeout(this.#timers.get(id)?.timer);
    const expired = () => {
      this.#timers.delete(id);
      const body = [...simple(0x82, 0x82, 0x81), ...simple(0xa4, id), ...simple(0xa5, ...value)];
      void this.envelope(template(0xd7, ...body)).catch(() => {});
    };
    this.#timers.set(id, { timer: setTimeout(expired, ms), ends: this.#deps.now() + ms });
    return { result: [0x00], objects: simple(0xa4, id) };
  }

  /** STATUS when nothing happened for the interval, so that the card can return 91xx. */
  #schedulePoll(): void {
    clearTimeout(this.#poll);
    if (this.#pollMs === 0) return;
    const { slot } = this.#deps;
    const generation = slot.generation;
    this.#poll = setTimeout(() => {
      if (generation !== slot.generation || slot.state.at === "absent") return;
      const asked = slot.hostMidway || this.#session ? undefined : slot.command(Uint8Array.of(0x80, 0xf2, 0, 0x0c, 0));
      void Promise.resolve(asked)
        .catch(() => {})
        .then(() => this.#schedulePoll());
    }, this.#pollMs);
    this.#poll.unref();
  }
}

/** `semiOctets` knows no digit `a`…: the first octet of an IMEI has the filler 'A' low and the first digit high. */
function imeiByte(octet: number, index: number): number {
  return index === 0 ? (octet & 0xf0) | 0x0a : octet;
}

function responseOctets(command: Proactive | undefined, { result, objects }: BipAnswer): Uint8Array {
  const { number = 0, type = 0, qualifier = 0 } = command ?? {};
  const details = simple(0x81, number, type, qualifier);
  return Uint8Array.of(...details, ...simple(0x82, 0x82, 0x81), ...simple(0x83, ...result), ...(objects ?? []));
}

/** Location information: PLMN, area, cell (16 bits, or TAC with a 28-bit cell in LTE). ETSI TS 102 223 §8.19 */
function locationObject({ plmn, area, cell, technology }: Cell): number[] {
  const d = (index: number) => Number(plmn[index] ?? "15");
  const third = plmn.length === 6 ? d(5) : 15;
  const codes = [(d(1) << 4) | d(0), (third << 4) | d(2), (d(4) << 4) | d(3)];
  const where = technology === 7 ? [cell >> 20, cell >> 12, cell >> 4, ((cell & 0x0f) << 4) | 0x0f] : [cell >> 8, cell];
  return simple(0x13, ...codes, (area >> 8) & 0xff, area & 0xff, ...where.map((octet) => octet & 0xff));
}

/** Hours, minutes, seconds in swapped semi-octets. */
function clockOctets(ms: number): number[] {
  const total = Math.ceil(ms / 1000);
  const parts = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  return parts.map((part) => ((part % 10) << 4) | Math.floor(part / 10));
}
