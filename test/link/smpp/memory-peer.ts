import { SmppAccount } from "../../../drivers/smpp/account.ts";
import { SmppBearer } from "../../../drivers/smpp/bearer.ts";
import type { Clock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/base/log.ts";
import type { SmppStream, StreamEvents } from "../../../src/link/smpp/stream.ts";
import type { InboundItem } from "../../../src/link/sms-bearer.ts";
import { testRandom } from "../../seed.ts";
import { cstring, type RawPdu, raw } from "./raw-peer.ts";

/** Time that runs so many times faster than the test. */
export function fastClock(factor: number): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now() * factor,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const leave = () => {
          clearTimeout(timer);
          reject(signal?.reason);
        };
        const timer = setTimeout(() => {
          signal?.removeEventListener("abort", leave);
          resolve();
        }, ms / factor);
        signal?.addEventListener("abort", leave, { once: true });
      }),
  };
}

/** One connection as the hand-written SMSC has it: octets go over at once, in memory. */
export class MemoryConnection implements SmppStream {
  readonly peer = "memory";
  readonly received: RawPdu[] = [];
  onPdu: (pdu: RawPdu) => void = () => {};
  closed = false;
  paused = false;
  #events: StreamEvents | undefined;
  #rest: Buffer = Buffer.alloc(0);
  #unread: Buffer[] = [];

  start(events: StreamEvents): void {
    this.#events = events;
  }

  write(bytes: Uint8Array): boolean {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= 16 && this.#rest.length >= this.#rest.readUInt32BE(0)) {
      const length = this.#rest.readUInt32BE(0);
      const [id = 0, status = 0, sequence = 0] = [4, 8, 12].map((at) => this.#rest.readUInt32BE(at));
      const pdu = { id, status, sequence, body: this.#rest.subarray(16, length) };
      this.#rest = this.#rest.subarray(length);
      this.received.push(pdu);
      setImmediate(() => this.onPdu(pdu));
    }
    return true;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    for (const octets of this.#unread.splice(0)) this.send(octets);
  }

  end(): void {
    this.close();
  }

  destroy(): void {
    this.close();
  }

  /** The SMSC sends octets, in one piece. */
  send(...pdus: readonly Buffer[]): void {
    const octets = Buffer.concat(pdus);
    if (this.closed) return;
    if (this.paused) this.#unread.push(octets);
    else this.#events?.data(new Uint8Array(octets));
  }

  /** The connection is gone, whoever closed it. */
  close(error?: Error): void {
    if (this.closed) return;
    this.closed = true;
    queueMicrotask(() => this.#events?.closed(error));
  }

  /** Answers that we gave to this request of the SMSC. */
  answers(sequence: number): RawPdu[] {
    return this.received.filter((pdu) => pdu.id >= 0x80000000 && pdu.sequence === sequence);
  }
}

/** An account bound to a hand-written SMSC in memory. */
export class MemorySmsc implements AsyncDisposable {
  readonly connections: MemoryConnection[] = [];
  readonly items: InboundItem[] = [];
  readonly bearer: SmppBearer;
  /** What it does with a bind; by default it grants it. */
  onBind: (pdu: RawPdu, connection: MemoryConnection) => void = (pdu, connection) =>
    connection.send(raw(0x80000000 + pdu.id, pdu.sequence, cstring("SMSC")));
  onPdu: (pdu: RawPdu, connection: MemoryConnection) => void = () => {};

  constructor(settings: Partial<SmppAccount> = {}, onBind?: MemorySmsc["onBind"]) {
    if (onBind !== undefined) this.onBind = onBind;
    const account = SmppAccount.parse({ source: { address: "12345" }, window: 10, responseMs: 15_000, ...settings });
    const clock = fastClock(50);
    this.bearer = new SmppBearer("smsc:memory", "esme", account, {
      clock,
      random: testRandom(),
      log: silentLog,
      connect: async () => {
        const connection = new MemoryConnection();
        connection.onPdu = (pdu) => {
          if (pdu.id === 1 || pdu.id === 2 || pdu.id === 9) this.onBind(pdu, connection);
          else if (pdu.id === 6) connection.send(raw(0x80000006, pdu.sequence));
          else if (pdu.id === 0x15) connection.send(raw(0x80000015, pdu.sequence));
          else this.onPdu(pdu, connection);
        };
        this.connections.push(connection);
        return connection;
      },
    });
    this.bearer.onInbound(async (item) => void this.items.push(item));
  }

  /** The newest connection. */
  get peer(): MemoryConnection {
    const last = this.connections.at(-1);
    if (last === undefined) throw new Error("nobody connected");
    return last;
  }

  /** Submits in flight on the newest connection, in order. */
  get submits(): RawPdu[] {
    return this.peer.received.filter(({ id }) => id === 4);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bearer[Symbol.asyncDispose]();
  }
}
