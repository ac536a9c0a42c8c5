import { fromHex } from "../../src/base/hex.ts";
import type { ChallengeAnswer } from "../network/radio.ts";
import { semiOctetDigits } from "../network/tpdu.ts";
import type { SoftCard } from "../soft-card.ts";
import { refuseCme } from "./refusal.ts";

/** The state of the card as the modem reports it. */
type SimState =
  | { readonly at: "absent" }
  | { readonly at: "busy" }
  | { readonly at: "failure" }
  | { readonly at: "pin" | "puk" | "ready"; readonly retries: number };

/** Facts read from the card at start-up. */
interface SimFacts {
  readonly iccid: string;
  readonly imsi: string;
  readonly msisdn: string;
  /** From EF SMSP, empty when the card has none. */
  readonly serviceCentre: string;
  /** Service 28 of EF UST: messages for the card go to it as ENVELOPE. */
  readonly download: boolean;
}

/** An answer with the status word apart. */
export interface CardAnswer {
  readonly data: Uint8Array;
  readonly sw: number;
}

/** What the slot needs of its modem. */
interface SimSlotDeps {
  /** TERMINAL PROFILE to download, empty = no toolkit. */
  readonly terminalProfile: () => Uint8Array;
  /** The card returned 91xx and no other command is being processed. */
  readonly onProactive: (length: number) => void;
}

const noFacts: SimFacts = { iccid: "", imsi: "", msisdn: "", serviceCentre: "", download: true };
/** How long a card may take for one command. */
const cardMs = 60_000;

/**
 * The modem's SIM interface: power, one exchange at a time, GET RESPONSE, and what is read when the card starts. The
 * modem itself uses the basic channel, beside hosts that use it through +CSIM.
 */
export class SimSlot {
  readonly #deps: SimSlotDeps;
  #card: SoftCard | undefined;
  #state: SimState = { at: "absent" };
  #facts = noFacts;
  #turn: Promise<unknown> = Promise.resolve();
  #generation = 0;
  #usim: Uint8Array = fromHex("A0000000871002");
  #quietUntil = 0;
  #pinEnabled: boolean | undefined;
  #verified = false;
  #giveUp: () => void = () => {};

  constructor(card: SoftCard | undefined, deps: SimSlotDeps) {
    this.#card = card;
    this.#deps = deps;
  }

  get state(): SimState {
    return this.#state;
  }

  /** Whether the card asks for PIN1 after a reset. */
  get pinEnabled(): boolean {
    return this.#pinEnabled ?? (this.#state.at === "pin" || this.#state.at === "puk");
  }

  get facts(): SimFacts {
    return this.#facts;
  }

  /** Changes with every activation; what was begun before a reset must not continue after it. */
  get generation(): number {
    return this.#generation;
  }

  /** Puts another card in, or takes it out; the caller starts it. */
  async exchangeCard(card: SoftCard | undefined): Promise<void> {
    await this.powerOff();
    this.#card = card;
  }

  /** Powers the card up, downloads the terminal profile and reads what the modem needs. */
  async start(): Promise<SimState> {
    await this.powerOff();
    const card = this.#card;
    if (card === undefined) return this.#set({ at: "absent" });
    this.#set({ at: "busy" });
    const generation = this.#generation;
    try {
      await card.powerOn();
      if (card.atr.length === 0) return this.#set({ at: "failure" });
      const profile = this.#deps.terminalProfile();
      if (profile.length > 0) await this.command(Uint8Array.of(0x80, 0x10, 0, 0, profile.length, ...profile));
      if (generation !== this.#generation) return this.#state;
      return await this.#initialise();
    } catch {
      return generation === this.#generation ? this.#set({ at: "failure" }) : this.#state;
    }
  }

  /** Reads the card's files again under power (REFRESH without reset). */
  async reread(): Promise<SimState> {
    if (this.#card === undefined || this.#state.at === "absent") return this.#state;
    return await this.#initialise();
  }

  /** Continues with facts from before, as a modem does that does not notice another profile. */
  keepFacts(facts: SimFacts): void {
    this.#facts = facts;
  }

  async powerOff(): Promise<void> {
    this.#generation += 1;
    this.#verified = false;
    this.#giveUp();
    this.#facts = noFacts;
    this.#set({ at: "absent" });
    await this.#card?.powerOff();
  }

  /**
   * One exchange in the form that the host requests, answers untouched; `retry` = 6Cxx is followed here, as most modems
   * do for +CGLA.
   */
  raw(command: Uint8Array, retry = false): Promise<CardAnswer> {
    return this.#inTurn(async () => {
      let answer = await this.#exchange(command);
      if (retry && answer.sw >> 8 === 0x6c) {
        answer = await this.#exchange(Uint8Array.of(...command.subarray(0, 4), answer.sw & 0xff));
      }
      // GET RESPONSE has to follow at once: nothing of ours may come between.
      this.#quietUntil = answer.sw >> 8 === 0x61 ? Date.now() + 300 : 0;
      this.#announce(answer.sw);
      return answer;
    });
  }

  /** True while a host is likely to fetch the rest of an answer. */
  get hostMidway(): boolean {
    return Date.now() < this.#quietUntil;
  }

  /** One command with 61xx and 6Cxx followed. TS 102 221 §7.3.1.1 */
  command(command: Uint8Array): Promise<CardAnswer> {
    return this.#inTurn(async () => {
      const answer = await this.#complete(command);
      this.#announce(answer.sw);
      return answer;
    });
  }

  /** Selects by path from the MF (`7FFF` = the USIM) and returns the FCP. */
  async select(path: string): Promise<CardAnswer> {
    const { ids, first } = path.startsWith("7FFF")
      ? { ids: path.slice(4), first: Uint8Array.of(0, 0xa4, 4, 4, this.#usim.length, ...this.#usim) }
      : { ids: path, first: fromHex("00A40004023F00") };
    let answer = await this.command(first);
    for (let at = 0; at < ids.length && answer.sw >> 8 !== 0x6a; at += 4) {
      answer = await this.command(fromHex(`00A4000402${ids.slice(at, at + 4)}`));
    }
    return answer;
  }

  /** Content of a transparent file, empty when it cannot be read. */
  async readBinary(path: string, length = 0): Promise<Uint8Array> {
    const selected = await this.select(path);
    if (!ok(selected.sw)) return new Uint8Array(0);
    const answer = await this.command(Uint8Array.of(0x00, 0xb0, 0, 0, length));
    return ok(answer.sw) ? answer.data : new Uint8Array(0);
  }

  /** A record of a linear fixed file, empty when it cannot be read. */
  async readRecord(path: string, record: number): Promise<Uint8Array> {
    const selected = await this.select(path);
    if (!ok(selected.sw)) return new Uint8Array(0);
    const answer = await this.command(Uint8Array.of(0x00, 0xb2, record, 4, 0));
    return ok(answer.sw) ? answer.data : new Uint8Array(0);
  }

  /** VERIFY, or what is known without trying when no PIN is given; returns the status word. */
  async verify(reference: number, pin?: string): Promise<number> {
    const value = pin === undefined ? [] : [8, ...pinOctets(pin)];
    const { sw } = await this.command(Uint8Array.of(0x00, 0x20, 0, reference, ...(value.length === 0 ? [0] : value)));
    if (pin !== undefined && ok(sw)) await this.#pinAccepted();
    else if (pin !== undefined) this.#set(this.#pinState(sw));
    return sw;
  }

  /** CHANGE PIN (24), UNBLOCK PIN (2C), DISABLE (26) and ENABLE PIN (28); returns the status word. */
  async pinCommand(ins: number, reference: number, ...pins: readonly string[]): Promise<number> {
    const data = pins.flatMap((pin) => [...pinOctets(pin)]);
    const { sw } = await this.command(Uint8Array.of(0x00, ins, 0, reference, data.length, ...data));
    if (ok(sw)) await this.#pinAccepted();
    return sw;
  }

  /** AUTHENTICATE in the USIM. TS 31.102 §7.1.2 */
  async authenticate(rand: Uint8Array, autn: Uint8Array): Promise<ChallengeAnswer> {
    if (!ok((await this.select("7FFF")).sw)) return { at: "refused" };
    const header = [0x00, 0x88, 0x00, 0x81, rand.length + autn.length + 2];
    const { data, sw } = await this.command(Uint8Array.of(...header, rand.length, ...rand, autn.length, ...autn));
    const field = data.slice(2, 2 + (data[1] ?? 0));
    if (!ok(sw)) return { at: "refused" };
    return data[0] === 0xdb ? { at: "response", res: field } : { at: "resynchronise", auts: field };
  }

  async #pinAccepted(): Promise<void> {
    this.#verified = true;
    await this.#initialise();
  }

  async #initialise(): Promise<SimState> {
    const directory = await this.readRecord("2F00", 1);
    const aidLength = directory[3] ?? 0;
    if (directory[0] === 0x61 && aidLength >= 7) this.#usim = directory.slice(4, 4 + aidLength);
    const iccid = semiOctetDigits(await this.readBinary("2FE2", 10));
    const { data: parameters } = await this.select("7FFF");
    this.#pinEnabled = pinEnabledIn(parameters);
    const { sw } = await this.command(fromHex("0020000100"));
    const state = this.#pinState(sw);
    if (state.at !== "ready") {
      this.#facts = { ...noFacts, iccid };
      return this.#set(state);
    }
    const imsi = imsiOf(await this.readBinary("7FFF6F07", 9));
    const msisdn = numberOf((await this.readRecord("7FFF6F40", 1)).subarray(-14));
    const serviceCentre = serviceCentreOf(await this.readRecord("7FFF6F42", 1));
    const services = await this.readBinary("7FFF6F38");
    const download = services.length === 0 || ((services[3] ?? 0) & 0x08) !== 0;
    this.#facts = { iccid, imsi, msisdn, serviceCentre, download };
    await this.command(fromHex("80F2010C00"));
    return this.#set(state);
  }

  /**
   * VERIFY without data returns the remaining tries whether or not a PIN is required; the FCP indicates that. TS 102
   * 221 §9.5.2
   */
  #pinState(sw: number): SimState {
    const retries = (sw & 0xfff0) === 0x63c0 ? sw & 0x0f : sw === 0x6983 ? 0 : 3;
    if (retries === 0) return { at: "puk", retries };
    const wanted = this.#pinEnabled ?? (sw & 0xfff0) === 0x63c0;
    return { at: wanted && !this.#verified && sw !== 0x9000 ? "pin" : "ready", retries };
  }

  #set(state: SimState): SimState {
    this.#state = state;
    return state;
  }

  #announce(sw: number): void {
    if (sw >> 8 === 0x91) this.#deps.onProactive(sw & 0xff || 256);
  }

  async #complete(command: Uint8Array): Promise<CardAnswer> {
    let { data, sw } = await this.#exchange(command);
    const cla = command[0] ?? 0;
    if (sw >> 8 === 0x6c) ({ data, sw } = await this.#exchange(Uint8Array.of(...command.subarray(0, 4), sw & 0xff)));
    const warned =
      (sw >> 8 === 0x62 || sw >> 8 === 0x63) && data.length === 0 && (command[4] ?? 0) > 0 ? sw : undefined;
    let collected = data;
    while (sw >> 8 === 0x61) {
      const more = await this.#exchange(Uint8Array.of(cla & 0x0f, 0xc0, 0, 0, sw & 0xff));
      collected = Uint8Array.of(...collected, ...more.data);
      sw = more.sw;
    }
    return { data: collected, sw: warned ?? sw };
  }

  /** @throws modem.cme 13 for a card that is mute or went away, as reported to the host */
  async #exchange(command: Uint8Array): Promise<CardAnswer> {
    const card = this.#card;
    if (card === undefined || this.#state.at === "absent") return refuseCme(10);
    const patience = new AbortController();
    const mute = new Promise<Uint8Array>((resolve) => {
      const timer = setTimeout(() => resolve(new Uint8Array(0)), cardMs);
      this.#giveUp = () => resolve(new Uint8Array(0));
      patience.signal.addEventListener("abort", () => clearTimeout(timer));
    });
    const answer = await Promise.race([card.transmit(command), mute]).finally(() => patience.abort());
    if (answer.length < 2) return refuseCme(13);
    const sw = ((answer.at(-2) ?? 0) << 8) | (answer.at(-1) ?? 0);
    return { data: answer.subarray(0, -2), sw };
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work, work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}

/** 9000, 91xx and 92xx mean that the command was carried out. */
export function ok(sw: number): boolean {
  return sw === 0x9000 || sw >> 8 === 0x91 || sw >> 8 === 0x92;
}

function pinOctets(pin: string): Uint8Array {
  const octets = new Uint8Array(8).fill(0xff);
  octets.set(Buffer.from(pin, "latin1").subarray(0, 8));
  return octets;
}

/** The bit of PS_DO that belongs to key reference 01; undefined when the FCP has no PIN status. TS 102 221 §11.1.1.4.10 */
function pinEnabledIn(parameters: Uint8Array): boolean | undefined {
  const status = inside(inside(parameters, 0x62), 0xc6);
  const flags = inside(status, 0x90);
  if (flags === undefined || status === undefined) return undefined;
  let index = 0;
  for (let at = 0; at + 2 < status.length; at += 2 + (status[at + 1] ?? 0)) {
    if (status[at] !== 0x83) continue;
    if (status[at + 2] === 0x01) return ((flags[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0;
    index += 1;
  }
  return undefined;
}

/** Value of the first object with this tag in a run of short BER objects. */
function inside(bytes: Uint8Array | undefined, tag: number): Uint8Array | undefined {
  for (let at = 0; bytes !== undefined && at + 1 < bytes.length; ) {
    const header = bytes[at + 1] === 0x81 ? 3 : 2;
    const length = bytes[at + header - 1] ?? 0;
    if (bytes[at] === tag) return bytes.subarray(at + header, at + header + length);
    at += header + length;
  }
  return undefined;
}

/** EF IMSI: a length, then parity and digits in semi-octets. 3GPP TS 31.102 §4.2.2 */
function imsiOf(content: Uint8Array): string {
  const length = content[0] ?? 0;
  return length === 0 || length > 8 ? "" : semiOctetDigits(content.subarray(1, 1 + length)).slice(1);
}

/** The number part of EF MSISDN, the last 14 octets of a record. 3GPP TS 31.102 §4.2.26 */
function numberOf(content: Uint8Array): string {
  const length = content[0] ?? 0xff;
  if (length < 2 || length > 11) return "";
  const digits = semiOctetDigits(content.subarray(2, 1 + length));
  return ((content[1] ?? 0) & 0x70) === 0x10 ? `+${digits}` : digits;
}

/** TS-Service Centre Address of EF SMSP, 13 octets before the end. 3GPP TS 31.102 §4.2.27 */
function serviceCentreOf(record: Uint8Array): string {
  const parameters = record.subarray(-28);
  if (parameters.length < 28 || ((parameters[0] ?? 0xff) & 0x02) !== 0) return "";
  return numberOf(parameters.subarray(13, 25));
}
