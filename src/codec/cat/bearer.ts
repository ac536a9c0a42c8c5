import { codecError } from "../../base/gateway-error.ts";
import type { Codec } from "../kit/codec.ts";

const bearerTypes: Readonly<Record<number, string>> = {
  1: "CSD",
  2: "GPRS / UTRAN packet / E-UTRAN",
  3: "default bearer",
  4: "local link",
  5: "Bluetooth",
  6: "IrDA",
  7: "RS232",
  8: "cdma2000 packet",
  9: "UTRAN packet extended / HSDPA / E-UTRAN",
  10: "I-WLAN",
  11: "E-UTRAN / mapped UTRAN",
  12: "NG-RAN",
  16: "USB",
};

/** Name of a bearer type; undefined when it is reserved. */
export function bearerName(type: number): string | undefined {
  return bearerTypes[type];
}

/** Bearer types that mean an IP connection through the packet network. */
export const packetBearers: ReadonlySet<number> = new Set([0x02, 0x03, 0x09, 0x0b, 0x0c]);

/** Quality of service of a GPRS bearer. 3GPP TS 31.111 §8.52.2 */
interface GprsBearer {
  readonly precedence: number;
  readonly delay: number;
  readonly reliability: number;
  readonly peak: number;
  readonly mean: number;
  /** `02` = IP. */
  readonly pdpType: number;
}

/** Bearer and its parameters, which are echoed to the card unchanged. ETSI TS 102 223 §8.52 */
export interface BearerDescription {
  readonly type: number;
  readonly parameters: Uint8Array;
}

export const BearerDescription: Codec<BearerDescription> = {
  read: (from) => ({ type: from.u8("bearer type"), parameters: from.rest() }),
  write: (to, value) => void to.u8(value.type).bytes(value.parameters),
};

/** The parameters of a GPRS bearer description by name; undefined for another bearer. @throws codec.length */
export function gprsBearer(bearer: BearerDescription): GprsBearer | undefined {
  if (bearer.type !== 0x02) return undefined;
  const [precedence, delay, reliability, peak, mean, pdpType] = bearer.parameters;
  if (
    precedence === undefined ||
    delay === undefined ||
    reliability === undefined ||
    peak === undefined ||
    mean === undefined ||
    pdpType === undefined
  ) {
    throw codecError("codec.length", "GPRS bearer parameters have six octets", 1, { length: bearer.parameters.length });
  }
  return { precedence, delay, reliability, peak, mean, pdpType };
}

/** Access point name as length-prefixed labels. 3GPP TS 23.003 §9, ETSI TS 102 223 §8.70 */
export const NetworkAccessName: Codec<string> = {
  read: (from) => {
    const labels: string[] = [];
    while (!from.ended) {
      const label = from.take(from.u8("label length"), "label");
      labels.push(Buffer.from(label).toString("latin1"));
    }
    return labels.join(".");
  },
  write: (to, value) => {
    if (value === "") return;
    for (const label of value.split(".")) {
      const octets = Buffer.from(label, "latin1");
      if (octets.length === 0 || octets.length > 63) {
        throw codecError("codec.length", `label '${label}' of the access point name`, to.length);
      }
      to.u8(octets.length).bytes(octets);
    }
  },
};

const transportProtocols: Readonly<Record<number, string>> = {
  1: "UDP client, remote",
  2: "TCP client, remote",
  3: "TCP server",
  4: "UDP client, local",
  5: "TCP client, local",
  6: "direct",
};

/** Name of a transport protocol octet; undefined when it is reserved. */
export function transportName(protocol: number): string | undefined {
  return transportProtocols[protocol];
}

/** Transport protocols a terminal distinguishes. */
export const transport = { udpClient: 0x01, tcpClient: 0x02, tcpServer: 0x03 } as const;

/** UICC/terminal interface transport level. ETSI TS 102 223 §8.59 */
export interface TransportLevel {
  readonly protocol: number;
  readonly port: number;
}

export const TransportLevel: Codec<TransportLevel> = {
  read: (from) => ({ protocol: from.u8("transport protocol"), port: from.uint(2, "port") }),
  write: (to, value) => void to.u8(value.protocol).uint(value.port, 2),
};

/** An address of a local or remote end; `dynamic` asks the terminal for one. ETSI TS 102 223 §8.58 */
export type OtherAddress =
  | { readonly kind: "ipv4"; readonly host: string }
  | { readonly kind: "ipv6"; readonly host: string }
  | { readonly kind: "dynamic" }
  | { readonly kind: "other"; readonly type: number; readonly address: Uint8Array };

/** Four octets as dotted decimal. */
function ipv4Text(octets: Uint8Array): string {
  return [...octets].join(".");
}

/** Sixteen octets as RFC 5952 text (shortest form). */
export function ipv6Text(octets: Uint8Array): string {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((octets[i] ?? 0) << 8) | (octets[i + 1] ?? 0));
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  const text = (part: readonly number[]) => part.map((group) => group.toString(16)).join(":");
  if (best.start < 0) return text(groups);
  return `${text(groups.slice(0, best.start))}::${text(groups.slice(best.start + best.length))}`;
}

function group16(text: string, offset: number): number {
  if (!/^[0-9a-fA-F]{1,4}$/.test(text)) throw codecError("codec.text", `'${text}' is not an IPv6 group`, offset);
  return Number.parseInt(text, 16);
}

/** Octets of an IPv4 or IPv6 address. @throws codec.text */
export function ipOctets(host: string): Uint8Array {
  if (!host.includes(":")) {
    const parts = host.split(".");
    const octets = parts.map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : 256));
    if (octets.length !== 4 || octets.some((octet) => octet > 255)) {
      throw codecError("codec.text", `'${host}' is not an IP address`, 0);
    }
    return Uint8Array.from(octets);
  }
  const halves = host.split("::");
  if (halves.length > 2) throw codecError("codec.text", `'${host}' is not an IP address`, 0);
  const groups = (text: string | undefined) => (text === undefined || text === "" ? [] : text.split(":"));
  const head = groups(halves[0]).map((part) => group16(part, 0));
  const tail = groups(halves[1]).map((part) => group16(part, 0));
  const gap = 8 - head.length - tail.length;
  if (halves.length === 1 ? gap !== 0 : gap < 1) throw codecError("codec.text", `'${host}' is not an IP address`, 0);
  const all = [...head, ...new Array<number>(Math.max(0, gap)).fill(0), ...tail];
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

export const OtherAddress: Codec<OtherAddress> = {
  read: (from) => {
    if (from.ended) return { kind: "dynamic" };
    const type = from.u8("address type");
    const offset = from.offset;
    const address = from.rest();
    if (type !== 0x21 && type !== 0x57) return { kind: "other", type, address };
    if (address.length !== (type === 0x21 ? 4 : 16)) {
      throw codecError("codec.length", `IP address of ${address.length} octets`, offset);
    }
    return type === 0x21 ? { kind: "ipv4", host: ipv4Text(address) } : { kind: "ipv6", host: ipv6Text(address) };
  },
  write: (to, value) => {
    if (value.kind === "dynamic") return;
    if (value.kind === "other") to.u8(value.type).bytes(value.address);
    else to.u8(value.kind === "ipv4" ? 0x21 : 0x57).bytes(ipOctets(value.host));
  },
};

/** State of one BIP channel as the card sees it. ETSI TS 102 223 §8.56 */
export interface ChannelStatus {
  /** 1 to 7; 0 = no channel. */
  readonly channel: number;
  /** Client modes know closed and established, TCP server mode listening as well. */
  readonly state: "closed" | "listening" | "established";
  /** Second octet: `00` nothing further, `05` link dropped. */
  readonly info: number;
}

export const linkDropped = 0x05;

const channelStates = ["closed", "listening", "established"] as const;

export const ChannelStatus: Codec<ChannelStatus> = {
  read: (from) => {
    const offset = from.offset;
    const first = from.u8("channel status");
    const info = from.u8("channel status information");
    const state = channelStates[first >> 6];
    if (state === undefined || (first & 0x38) !== 0) {
      throw codecError("codec.value", "reserved bits of the channel status are set", offset, { octet: first });
    }
    return { channel: first & 0x07, state, info };
  },
  write: (to, value) => void to.u8((channelStates.indexOf(value.state) << 6) | value.channel).u8(value.info),
};
