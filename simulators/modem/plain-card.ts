import { fromHex } from "../../src/base/hex.ts";
import { semiOctets } from "../network/tpdu.ts";
import type { SoftCard } from "../soft-card.ts";

/** What a {@link PlainCard} holds. */
export interface PlainCardOptions {
  readonly iccid?: string;
  readonly imsi?: string;
  /** Number in EF MSISDN. */
  readonly msisdn?: string;
  /** Address in EF SMSP. */
  readonly serviceCentre?: string;
  /** PIN1; without one the card asks for none. */
  readonly pin?: string;
  /** Answer to an ENVELOPE beside 9000, such as a response packet; with it, the card takes SMS-PP downloads (EF UST). */
  readonly onEnvelope?: (body: Uint8Array) => Uint8Array | undefined;
}

interface File {
  readonly id: string;
  /** Records, or one for a transparent file. */
  readonly records: Uint8Array[];
  readonly linear: boolean;
}

const usimAid = fromHex("A0000000871002FFFFFFFF8907090000");

/**
 * A plain USIM for modems whose card does not matter: the files a modem reads, PIN1, logical channels, and a toolkit
 * that specifies configurable commands. An eUICC is another card.
 */
export class PlainCard implements SoftCard {
  readonly atr = fromHex("3B9F96801FC78031A073BE21136743200718000001A5");
  /** Proactive commands that wait, whole (`D0 …`). */
  readonly proactive: Uint8Array[] = [];
  /** TERMINAL RESPONSE bodies, ENVELOPE bodies and terminal profiles the card got. */
  readonly responses: Uint8Array[] = [];
  readonly envelopes: Uint8Array[] = [];
  readonly profiles: Uint8Array[] = [];
  readonly #options: PlainCardOptions;
  readonly #files: ReadonlyMap<string, File>;
  #pin: { value: string | undefined; verified: boolean; tries: number };
  #selected = new Map<number, File | undefined>();
  #powered = false;
  #waiting: Uint8Array | undefined;
  #inHand = false;

  constructor(options: PlainCardOptions = {}) {
    this.#options = options;
    this.#files = new Map(filesOf(options).map((file) => [file.id, file]));
    this.#pin = { value: options.pin, verified: false, tries: 3 };
  }

  powerOn(): void {
    this.#powered = true;
    this.reset();
  }

  powerOff(): void {
    this.#powered = false;
  }

  reset(): void {
    this.#pin.verified = false;
    this.#selected = new Map([[0, undefined]]);
    this.#waiting = undefined;
    this.#inHand = false;
  }

  async transmit(command: Uint8Array): Promise<Uint8Array> {
    if (!this.#powered || command.length < 4) return new Uint8Array(0);
    const answer = this.#answer(command);
    const next = this.proactive[0];
    const sw = answer.subarray(-2);
    if (next === undefined || this.#inHand || this.profiles.length === 0 || sw[0] !== 0x90) return answer;
    return Uint8Array.of(...answer.subarray(0, -2), 0x91, next.length & 0xff);
  }

  #answer(command: Uint8Array): Uint8Array {
    const [cla = 0, ins = 0, p1 = 0, p2 = 0, p3 = 0] = command;
    const channel = (cla & 0x40) === 0 ? cla & 3 : 4 + (cla & 0x0f);
    const data = command.slice(5, 5 + p3);
    if (!this.#selected.has(channel)) return status(0x6881);
    switch (ins) {
      case 0xa4:
        return this.#select(channel, p1, data, p2);
      case 0xb0:
        return this.#read(channel, 0, (p1 << 8) | p2, p3);
      case 0xb2:
        return this.#read(channel, p1 - 1, 0, p3);
      case 0xd6:
        return this.#update(channel, 0, (p1 << 8) | p2, data);
      case 0xdc:
        return this.#update(channel, p1 - 1, 0, data);
      case 0xc0:
        return this.#rest(p3);
      case 0x70:
        return this.#manageChannel(p1, p2);
      case 0x20:
      case 0x24:
      case 0x26:
      case 0x28:
        return this.#pinCommand(ins, data);
      case 0xf2:
        return status(0x9000);
      default:
        return this.#toolkit(ins, p3, data);
    }
  }

  #toolkit(ins: number, p3: number, data: Uint8Array): Uint8Array {
    if (ins === 0x10) this.profiles.push(data);
    else if (ins === 0x14) {
      this.responses.push(data);
      this.#inHand = false;
    } else if (ins === 0xc2) return this.#envelope(data);
    else if (ins === 0x12) {
      const next = this.proactive[0];
      if (next === undefined || (p3 || 256) !== next.length) return status(0x6985);
      this.proactive.shift();
      this.#inHand = true;
      return Uint8Array.of(...next, 0x90, 0x00);
    } else return status(0x6d00);
    return status(0x9000);
  }

  #envelope(data: Uint8Array): Uint8Array {
    this.envelopes.push(data);
    this.#waiting = this.#options.onEnvelope?.(data);
    return this.#waiting === undefined ? status(0x9000) : status(0x6100 | this.#waiting.length);
  }

  #rest(length: number): Uint8Array {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) return status(0x6985);
    return Uint8Array.of(...waiting.subarray(0, length || 256), 0x90, 0x00);
  }

  #select(channel: number, p1: number, data: Uint8Array, p2: number): Uint8Array {
    const byName = p1 === 0x04;
    const id = byName ? "7FFF" : Buffer.from(data.subarray(-2)).toString("hex").toUpperCase();
    if (byName && Buffer.compare(data.subarray(0, 7), usimAid.subarray(0, 7)) !== 0) return status(0x6a82);
    const file = this.#files.get(id);
    if (file === undefined && id !== "3F00" && id !== "7FFF") return status(0x6a82);
    this.#selected.set(channel, file);
    if ((p2 & 0x0c) === 0x0c) return status(0x9000);
    this.#waiting = fcp(id, file, this.#pin.value !== undefined);
    return status(0x6100 | this.#waiting.length);
  }

  #read(channel: number, record: number, offset: number, length: number): Uint8Array {
    const content = this.#record(channel, record);
    if (typeof content === "number") return status(content);
    if (offset > content.length) return status(0x6b00);
    const left = content.length - offset;
    const wanted = length === 0 ? Math.min(left, 256) : length;
    if (length === 0 ? left < 256 : length > left) {
      if (length !== 0) return status(0x6c00 | (left & 0xff));
    }
    return Uint8Array.of(...content.subarray(offset, offset + wanted), 0x90, 0x00);
  }

  #update(channel: number, record: number, offset: number, data: Uint8Array): Uint8Array {
    const content = this.#record(channel, record);
    if (typeof content === "number") return status(content);
    if (offset + data.length > content.length) return status(0x6700);
    content.set(data, offset);
    return status(0x9000);
  }

  #record(channel: number, record: number): Uint8Array | number {
    const file = this.#selected.get(channel);
    if (file === undefined) return 0x6986;
    if (!file.id.startsWith("2F") && this.#pin.value !== undefined && !this.#pin.verified) return 0x6982;
    return file.records[record] ?? 0x6a83;
  }

  #manageChannel(p1: number, p2: number): Uint8Array {
    if (p1 === 0x80) {
      if (p2 === 0 || !this.#selected.delete(p2)) return status(0x6a86);
      return status(0x9000);
    }
    const free = [1, 2, 3].find((number) => !this.#selected.has(number));
    if (free === undefined) return status(0x6881);
    this.#selected.set(free, undefined);
    return Uint8Array.of(free, 0x90, 0x00);
  }

  #pinCommand(ins: number, data: Uint8Array): Uint8Array {
    const pin = this.#pin;
    if (data.length === 0) return status(pin.value === undefined || pin.verified ? 0x9000 : 0x63c0 | pin.tries);
    if (pin.tries === 0) return status(0x6983);
    const given = pinText(data.subarray(0, 8));
    const wanted = pin.value ?? this.#options.pin ?? "0000";
    if (given !== wanted) {
      pin.tries -= 1;
      return status(0x63c0 | pin.tries);
    }
    pin.tries = 3;
    pin.verified = true;
    if (ins === 0x24) pin.value = pinText(data.subarray(8));
    if (ins === 0x26) pin.value = undefined;
    if (ins === 0x28) pin.value = given;
    return status(0x9000);
  }
}

function status(sw: number): Uint8Array {
  return Uint8Array.of(sw >> 8, sw & 0xff);
}

function pinText(octets: Uint8Array): string {
  return Buffer.from(octets.filter((octet) => octet !== 0xff)).toString("latin1");
}

/** FCP of a file, an MF or an ADF. TS 102 221 §11.1.1.3 */
function fcp(id: string, file: File | undefined, pin: boolean): Uint8Array {
  const fileId = [0x83, 0x02, ...fromHex(id)];
  const life = [0x8a, 0x01, 0x05];
  if (file === undefined) {
    const name = id === "7FFF" ? [0x84, usimAid.length, ...usimAid] : [];
    const pins = [0xc6, 0x06, 0x90, 0x01, pin ? 0x80 : 0x00, 0x83, 0x01, 0x01];
    const body = [0x82, 0x02, 0x78, 0x21, ...fileId, ...name, 0xa5, 0x03, 0x80, 0x01, 0x71, ...life, ...pins];
    return Uint8Array.of(0x62, body.length, ...body);
  }
  const record = file.records[0]?.length ?? 0;
  const size = record * file.records.length;
  const descriptor = file.linear ? [0x82, 0x05, 0x42, 0x21, 0, record, file.records.length] : [0x82, 0x02, 0x41, 0x21];
  const body = [...descriptor, ...fileId, 0xa5, 0x03, 0xc0, 0x01, 0x00, ...life, 0x8b, 0x03, 0x6f, 0x06, 0x04];
  const sized = [...body, 0x80, 0x02, size >> 8, size & 0xff, 0x88, 0x00];
  return Uint8Array.of(0x62, sized.length, ...sized);
}

function filesOf(options: PlainCardOptions): File[] {
  const iccid = options.iccid ?? "89000123456789012341";
  const imsi = options.imsi ?? "001010123456789";
  const transparent = (id: string, ...octets: readonly number[]): File => ({
    id,
    records: [Uint8Array.from(octets)],
    linear: false,
  });
  const linear = (id: string, ...records: readonly (readonly number[])[]): File => {
    return { id, records: records.map((each) => Uint8Array.from(each)), linear: true };
  };
  const name = [...Buffer.from("Test", "latin1"), ...new Array<number>(12).fill(0xff)];
  return [
    linear("2F00", [0x61, 0x18, 0x4f, usimAid.length, ...usimAid, 0x50, 0x04, 0x55, 0x53, 0x49, 0x4d]),
    transparent("2F05", 0x65, 0x6e, 0xff, 0xff),
    transparent("2FE2", ...padded(semiOctets(iccid), 10)),
    transparent("6F05", 0x65, 0x6e, 0xff, 0xff),
    transparent("6F07", ...padded(Uint8Array.of((imsi.length + 2) >> 1, ...semiOctets(`9${imsi}`)), 9)),
    transparent("6FAD", 0x00, 0x00, 0x00, 0x02),
    transparent("6F38", 0xbe, 0xff, 0x9f, options.onEnvelope === undefined ? 0xe7 : 0xef, 0x3e, 0x06, 0x08, 0x00, 0x00),
    transparent("6F46", 0x00, ...name),
    transparent("6F7E", ...new Array<number>(11).fill(0xff)),
    transparent("6F78", 0x00, 0x01),
    linear("6F40", [...new Array<number>(14).fill(0xff), ...numberField(options.msisdn, 12), 0xff, 0xff]),
    linear("6F42", [
      ...name.slice(0, 12),
      options.serviceCentre === undefined ? 0xff : 0xfd,
      ...new Array<number>(12).fill(0xff),
      ...numberField(options.serviceCentre, 12),
      0xff,
      0xff,
      0xff,
    ]),
  ];
}

function padded(octets: Uint8Array, length: number): Uint8Array {
  const whole = new Uint8Array(length).fill(0xff);
  whole.set(octets.subarray(0, length));
  return whole;
}

/** Length, type and digits of a number in a field of this size. */
function numberField(number: string | undefined, size: number): number[] {
  if (number === undefined) return new Array<number>(size).fill(0xff);
  const octets = semiOctets(number.replace("+", ""));
  return [...padded(Uint8Array.of(octets.length + 1, number.startsWith("+") ? 0x91 : 0x81, ...octets), size)];
}
