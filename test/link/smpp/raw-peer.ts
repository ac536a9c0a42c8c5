import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { until } from "../../drivers/smpp/account.ts";

/** One PDU as a hand-written peer sees it. */
export interface RawPdu {
  readonly id: number;
  readonly status: number;
  readonly sequence: number;
  readonly body: Buffer;
}

/** A PDU written by hand: nothing of the codec under test is used. */
export function raw(id: number, sequence: number, body: Buffer | string = "", status = 0, length?: number): Buffer {
  const octets = typeof body === "string" ? Buffer.from(body, "hex") : body;
  const head = Buffer.alloc(16);
  head.writeUInt32BE(length ?? 16 + octets.length, 0);
  head.writeUInt32BE(id, 4);
  head.writeUInt32BE(status, 8);
  head.writeUInt32BE(sequence, 12);
  return Buffer.concat([head, octets]);
}

export function cstring(text: string): Buffer {
  return Buffer.from(`${text}\0`, "latin1");
}

/** Body of a submit_sm or deliver_sm. */
export function message(
  octets: Uint8Array,
  fields: { from?: string; to?: string; esmClass?: number; dataCoding?: number; tlvs?: Buffer; smLength?: number } = {},
): Buffer {
  return Buffer.concat([
    cstring(""),
    Buffer.of(1, 1),
    cstring(fields.from ?? "491701234567"),
    Buffer.of(1, 1),
    cstring(fields.to ?? "12345"),
    Buffer.of(fields.esmClass ?? 0x40, 0x7f, 0),
    Buffer.of(0, 0),
    Buffer.of(0, 0, fields.dataCoding ?? 0xf6, 0, fields.smLength ?? octets.length),
    octets,
    fields.tlvs ?? Buffer.alloc(0),
  ]);
}

export function bindBody(systemId = "esme", password = "secret", version = 0x34): Buffer {
  return Buffer.concat([cstring(systemId), cstring(password), cstring(""), Buffer.of(version, 0, 0), cstring("")]);
}

/** One connection of a hand-written peer. */
export class RawConnection {
  readonly received: RawPdu[] = [];
  readonly socket: Socket;
  ended = false;
  /** Called for each PDU that arrives. */
  onPdu: (pdu: RawPdu) => void = () => {};
  #rest: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.ended = true;
    });
    socket.on("data", (chunk) => {
      let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
      while (bytes.length >= 16 && bytes.length >= bytes.readUInt32BE(0)) {
        const length = bytes.readUInt32BE(0);
        const [id, status, sequence] = [4, 8, 12].map((at) => bytes.readUInt32BE(at));
        const pdu = { id: id ?? 0, status: status ?? 0, sequence: sequence ?? 0, body: bytes.subarray(16, length) };
        bytes = bytes.subarray(length);
        this.received.push(pdu);
        this.onPdu(pdu);
      }
      this.#rest = bytes;
    });
  }

  send(...octets: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(octets));
  }

  /** The n-th PDU of this id. */
  async take(id: number, nth = 0): Promise<RawPdu> {
    const found = () => this.received.filter((pdu) => pdu.id === id)[nth];
    await until(() => found() !== undefined);
    return found() ?? { id, status: -1, sequence: -1, body: Buffer.alloc(0) };
  }
}

/** A hand-written SMSC: grants binds, the rest is the test's. */
export class RawSmsc implements AsyncDisposable {
  readonly connections: RawConnection[] = [];
  onPdu: (pdu: RawPdu, connection: RawConnection) => void = () => {};
  grants = true;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((socket) => {
      const connection = new RawConnection(socket);
      connection.onPdu = (pdu) => {
        const bind = pdu.id === 1 || pdu.id === 2 || pdu.id === 9;
        if (bind && this.grants) connection.send(raw(0x80000000 + pdu.id, pdu.sequence, cstring("RAW")));
        else if (pdu.id === 6) connection.send(raw(0x80000006, pdu.sequence));
        else this.onPdu(pdu, connection);
      };
      this.connections.push(connection);
    });
  }

  static async open(): Promise<RawSmsc> {
    const smsc = new RawSmsc();
    smsc.#server.listen(0, "127.0.0.1");
    await once(smsc.#server, "listening");
    return smsc;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** The newest connection. */
  get peer(): RawConnection {
    const last = this.connections.at(-1);
    if (last === undefined) throw new Error("nobody connected");
    return last;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { socket } of this.connections) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** A hand-written ESME. */
export async function rawEsme(port: number): Promise<RawConnection> {
  const socket = connect({ host: "127.0.0.1", port });
  const connection = new RawConnection(socket);
  await once(socket, "connect");
  return connection;
}
