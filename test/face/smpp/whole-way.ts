import type { SmppAccount } from "../../../drivers/smpp/account.ts";
import type { SmppBearer } from "../../../drivers/smpp/bearer.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { SmscFace, smscFaceOptions } from "../../../src/face/smpp/server.ts";
import type { Link } from "../../../src/gateway/links/links.ts";
import { SmscConversations, type SmscSettings } from "../../../src/gateway/smsc/conversations.ts";
import { silentLog } from "../../../src/link/driver.ts";
import { openBearer, until } from "../../drivers/smpp/account.ts";
import { Bench, euicc, plainEis } from "../../gateway/bench.ts";
import { bindBody, cstring, type RawConnection, type RawPdu, RawSmsc, raw, rawEsme } from "../../link/smpp/raw-peer.ts";
import { accounts } from "./memory-port.ts";

export const msisdn = "447700900123";

/** Optional parameters of a PDU by tag. */
export function tlvsOf(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16BE(at + 2);
    found.set(bytes.readUInt16BE(at), bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return found;
}

/** A submit_sm or deliver_sm read by hand. */
export function readMessage(body: Buffer) {
  let at = 0;
  const text = () => {
    const end = body.indexOf(0, at);
    const found = body.toString("latin1", at, end);
    at = end + 1;
    return found;
  };
  const octet = () => body[at++] ?? 0;
  const serviceType = text();
  const source = { ton: octet(), npi: octet(), addr: text() };
  const destination = { ton: octet(), npi: octet(), addr: text() };
  const [esmClass, protocolId] = [octet(), octet(), octet()];
  const [schedule, validity] = [text(), text()];
  const registered = octet();
  octet();
  const dataCoding = octet();
  octet();
  const length = octet();
  const octets = body.subarray(at, at + length);
  const tlvs = tlvsOf(body.subarray(at + length));
  const head = { serviceType, source, destination, esmClass, protocolId, schedule, validity, registered, dataCoding };
  return { ...head, octets, text: octets.toString("latin1"), tlvs };
}

/** A client of the SMSC face, the gateway, an account, and an SMSC below: both ends are hand-written. */
export class WholeWay implements AsyncDisposable {
  readonly bench: Bench;
  readonly desk: SmscConversations;
  readonly client: RawConnection;
  readonly smsc: RawSmsc;
  readonly bearer: SmppBearer;
  readonly eid: string;
  readonly #face: SmscFace;

  private constructor(parts: Pick<WholeWay, "bench" | "desk" | "client" | "smsc" | "bearer" | "eid">, face: SmscFace) {
    this.bench = parts.bench;
    this.desk = parts.desk;
    this.client = parts.client;
    this.smsc = parts.smsc;
    this.bearer = parts.bearer;
    this.eid = parts.eid;
    this.#face = face;
  }

  static async open(
    options: { account?: Partial<SmppAccount>; desk?: Partial<SmscSettings>; folder?: string } = {},
  ): Promise<WholeWay> {
    const bench = options.folder === undefined ? await Bench.open() : await Bench.open(options.folder);
    await bench.gateway.start();
    const card = euicc();
    const { eid } = card.state;
    if (options.folder === undefined) {
      await bench.targets.import(plainEis(card));
      await bench.targets.change(eid, { msisdn });
    }
    const smsc = await RawSmsc.open();
    const bearer = await openBearer(smsc.port, options.account);
    const link: Link = {
      id: "smsc:below",
      kind: "smsc",
      bearer,
      describe: () => ({}),
      get state() {
        return bearer.state;
      },
    };
    bench.gateway.attach(link);
    bearer.onChange = () => bench.gateway.links.changed(link.id);
    const desk = new SmscConversations(bench.useCaseDeps, options.desk);
    desk.start();
    const face = await SmscFace.open(
      { ...smscFaceOptions, port: 0, times: { unbindMs: 100 } },
      { port: desk, authenticate: accounts(), clock: systemClock, log: silentLog },
    );
    const client = await rawEsme(face.port);
    client.send(raw(9, 1, bindBody()));
    await client.take(0x80000009);
    client.onPdu = ({ id, sequence }) => id === 5 && client.send(raw(0x80000005, sequence, cstring("")));
    await until(() => bearer.state.up);
    return new WholeWay({ bench, desk, client, smsc, bearer, eid }, face);
  }

  /** Sends a request of the client and waits for its answer. */
  async ask(id: number, sequence: number, body: Buffer): Promise<RawPdu> {
    this.client.send(raw(id, sequence, body));
    const answer = () => this.client.received.find((pdu) => pdu.id >= 0x80000000 && pdu.sequence === sequence);
    await until(() => answer() !== undefined);
    return answer() ?? { id: 0, status: -1, sequence, body: Buffer.alloc(0) };
  }

  /** state and error_code that query_sm gives. */
  async query(messageId: string, sequence: number): Promise<{ status: number; state: number; error: number }> {
    const answer = await this.ask(3, sequence, Buffer.concat([cstring(messageId), Buffer.of(1, 1), cstring("12345")]));
    const { status, body } = answer;
    return { status, state: body.at(-2) ?? -1, error: body.at(-1) ?? -1 };
  }

  /** What the client was delivered, in order. */
  get delivered(): ReturnType<typeof readMessage>[] {
    return this.client.received.filter(({ id }) => id === 5).map(({ body }) => readMessage(body));
  }

  /** Submits that the SMSC below got, in order. */
  get below(): { sequence: number; message: ReturnType<typeof readMessage> }[] {
    return this.smsc.connections.flatMap(({ received }) =>
      received.filter(({ id }) => id === 4).map(({ sequence, body }) => ({ sequence, message: readMessage(body) })),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.socket.destroy();
    await this.#face[Symbol.asyncDispose]();
    await this.desk[Symbol.asyncDispose]();
    await this.bearer[Symbol.asyncDispose]();
    await this.smsc[Symbol.asyncDispose]();
    await this.bench[Symbol.asyncDispose]();
  }
}
