import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { connect, type Socket } from "node:net";
import { first, type Proactive, simple } from "./comprehension.ts";

/** Where the modem lets the card connect: the address it asked for, and the one to use (undefined = not allowed). */
export type BipRoute = (wanted: {
  host: string;
  port: number;
  apn: string;
}) => { host: string; port: number } | undefined;

/** What the terminal answers: general result, its additional octets, and further objects. */
export interface BipAnswer {
  readonly result: readonly number[];
  readonly objects?: readonly number[];
}

/** What the channels need of the terminal. */
interface BipDeps {
  readonly route: BipRoute;
  readonly connectMs: number;
  /** An event the card may have asked for: 0x09 data available, 0x0A channel status. */
  readonly onEvent: (event: 0x09 | 0x0a, body: readonly number[]) => void;
  /** For the log and URCs. */
  readonly onState: (text: string) => void;
}

interface Channel {
  readonly id: number;
  readonly udp: boolean;
  readonly size: number;
  send: (bytes: Uint8Array) => void;
  close: () => void;
  /** Received and not yet read; datagrams stay apart. */
  inbox: Uint8Array[];
  readonly outbox: Uint8Array[];
  up: boolean;
}

const channelLimit = 7;
const maxPerRead = 237;

/** Sockets for the card, at most seven. ETSI TS 102 223 §6.4.27 to §6.4.31, §8.52 to §8.61 */
export class BipChannels {
  readonly #deps: BipDeps;
  readonly #channels = new Map<number, Channel>();

  constructor(deps: BipDeps) {
    this.#deps = deps;
  }

  /** Closes everything: reset, removal. */
  reset(): void {
    for (const channel of this.#channels.values()) channel.close();
    this.#channels.clear();
  }

  /** OPEN CHANNEL */
  async open({ objects }: Proactive): Promise<BipAnswer> {
    const bearer = first(objects, 0x35);
    const size = first(objects, 0x39);
    const transport = first(objects, 0x3c);
    if (bearer === undefined || size === undefined || size.length < 2) return { result: [0x36] };
    const echo = [...simple(0x35, ...bearer), ...simple(0x39, ...size)];
    if (transport === undefined || transport.length < 3) return { result: [0x3a, 0x06], objects: echo };
    const udp = transport[0] === 1;
    if (!udp && transport[0] !== 2) return { result: [0x3a, 0x06], objects: echo };
    const after = objects.slice(objects.findIndex(({ tag }) => tag === 0x3c));
    const host = addressText(first(after, 0x3e));
    if (host === undefined) return { result: [0x36], objects: echo };
    const id = [1, 2, 3, 4, 5, 6, 7].find((n) => n <= channelLimit && !this.#channels.has(n));
    if (id === undefined) return { result: [0x3a, 0x01], objects: echo };
    const port = ((transport[1] ?? 0) << 8) | (transport[2] ?? 0);
    const goal = this.#deps.route({ host, port, apn: apnText(first(objects, 0x47)) });
    if (goal === undefined) return { result: [0x22], objects: echo };
    const capacity = ((size[0] ?? 0) << 8) | (size[1] ?? 0);
    const channel: Channel = {
      id,
      udp,
      size: capacity,
      send: () => {},
      close: () => {},
      inbox: [],
      outbox: [],
      up: true,
    };
    const connected = udp ? this.#openUdp(channel, goal) : await this.#openTcp(channel, goal);
    if (!connected) return { result: [0x3a, 0x07], objects: echo };
    this.#channels.set(id, channel);
    this.#deps.onState(`OPEN ${id} ${goal.host}:${goal.port}`);
    return { result: [0x00], objects: [...simple(0x38, 0x80 | id, 0x00), ...echo] };
  }

  /** CLOSE CHANNEL */
  close({ destination }: Proactive): BipAnswer {
    const channel = this.#channels.get(destination - 0x20);
    if (channel === undefined) return { result: [0x3a, 0x03] };
    this.#channels.delete(channel.id);
    channel.close();
    this.#deps.onState(`CLOSE ${channel.id}`);
    return { result: channel.up ? [0x00] : [0x3a, 0x02] };
  }

  /** SEND DATA: stored until a command asks to send now. */
  send({ destination, qualifier, objects }: Proactive): BipAnswer {
    const channel = this.#channels.get(destination - 0x20);
    const data = first(objects, 0x36);
    if (channel === undefined) return { result: [0x3a, 0x03] };
    if (!channel.up) return { result: [0x3a, 0x02] };
    if (data === undefined) return { result: [0x36] };
    const stored = channel.outbox.reduce((sum, part) => sum + part.length, 0);
    if (stored + data.length > channel.size) return { result: [0x3a, 0x00] };
    channel.outbox.push(data);
    if ((qualifier & 1) === 0)
      return { result: [0x00], objects: simple(0x37, Math.min(0xff, channel.size - stored - data.length)) };
    channel.send(Buffer.concat(channel.outbox.splice(0)));
    return { result: [0x00], objects: simple(0x37, Math.min(0xff, channel.size)) };
  }

  /** RECEIVE DATA */
  receive({ destination, objects }: Proactive): BipAnswer {
    const channel = this.#channels.get(destination - 0x20);
    const wanted = first(objects, 0x37)?.[0];
    if (channel === undefined) return { result: [0x3a, 0x03] };
    if (wanted === undefined) return { result: [0x36] };
    const waiting = waitingIn(channel);
    if (waiting === 0 && !channel.up) return { result: [0x3a, 0x02] };
    const source = channel.udp ? (channel.inbox[0] ?? new Uint8Array(0)) : Buffer.concat(channel.inbox);
    const taken = source.subarray(0, Math.min(wanted, maxPerRead));
    const rest = source.subarray(taken.length);
    const others = channel.udp ? channel.inbox.slice(1) : [];
    channel.inbox = rest.length > 0 ? [rest, ...others] : others;
    const data = taken.length > 0 ? simple(0x36, ...taken) : [];
    const result = taken.length === wanted ? 0x00 : taken.length === maxPerRead ? 0x07 : 0x02;
    return { result: [result], objects: [...data, ...simple(0x37, Math.min(0xff, waitingIn(channel)))] };
  }

  /** GET CHANNEL STATUS */
  status(): BipAnswer {
    const each = [...this.#channels.values()].flatMap(({ id, up }) => simple(0x38, up ? 0x80 | id : id, up ? 0 : 5));
    return { result: [0x00], objects: each.length > 0 ? each : simple(0x38, 0, 0) };
  }

  #openTcp(channel: Channel, { host, port }: { host: string; port: number }): Promise<boolean> {
    return new Promise((resolve) => {
      const socket: Socket = connect({ host, port });
      const timer = setTimeout(() => socket.destroy(), this.#deps.connectMs);
      socket.setNoDelay(true);
      socket.on("error", () => {});
      socket.on("close", () => {
        clearTimeout(timer);
        resolve(false);
        this.#dropped(channel);
      });
      socket.on("connect", () => {
        clearTimeout(timer);
        resolve(true);
      });
      socket.on("data", (chunk) => this.#received(channel, chunk));
      channel.send = (bytes) => void socket.write(bytes);
      channel.close = () => void socket.end();
    });
  }

  #openUdp(channel: Channel, { host, port }: { host: string; port: number }): boolean {
    const socket: UdpSocket = createSocket(host.includes(":") ? "udp6" : "udp4");
    socket.on("error", () => {});
    socket.on("message", (datagram) => this.#received(channel, datagram));
    channel.send = (bytes) => void socket.send(bytes, port, host);
    channel.close = () => void socket.close();
    return true;
  }

  #received(channel: Channel, bytes: Uint8Array): void {
    const edge = waitingIn(channel) === 0;
    channel.inbox.push(Uint8Array.from(bytes));
    if (!edge || this.#channels.get(channel.id) !== channel) return;
    this.#deps.onEvent(0x09, [...simple(0x38, 0x80 | channel.id, 0), ...simple(0x37, Math.min(0xff, bytes.length))]);
  }

  #dropped(channel: Channel): void {
    if (!channel.up || this.#channels.get(channel.id) !== channel) return;
    channel.up = false;
    this.#deps.onState(`DROPPED ${channel.id}`);
    this.#deps.onEvent(0x0a, simple(0x38, channel.id, 0x05));
  }
}

function waitingIn({ inbox, udp }: Channel): number {
  return udp ? (inbox[0]?.length ?? 0) : inbox.reduce((sum, part) => sum + part.length, 0);
}

/** The textual form of an Other address object. ETSI TS 102 223 §8.58 */
function addressText(value: Uint8Array | undefined): string | undefined {
  if (value?.[0] === 0x21 && value.length === 5) return value.subarray(1).join(".");
  if (value?.[0] !== 0x57 || value.length !== 17) return undefined;
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((value[1 + 2 * i] ?? 0) << 8) | (value[2 + 2 * i] ?? 0)).toString(16),
  );
  return groups.join(":");
}

/** Labels of a Network access name object, joined by dots. */
function apnText(value: Uint8Array | undefined): string {
  const labels: string[] = [];
  for (let at = 0; value !== undefined && at < value.length; at += 1 + (value[at] ?? 0)) {
    labels.push(Buffer.from(value.subarray(at + 1, at + 1 + (value[at] ?? 0))).toString("latin1"));
  }
  return labels.join(".");
}
