import { once } from "node:events";
import { type PackagePdu, type PackageSession, smppPackage } from "../../../simulators/smsc/smpp-package.ts";
import { assemble, type Pending, readSegment } from "../../codec/sms/concatenation.ts";

/** A proof of receipt: unchanged TP-UDs in order, and their response packet. */
interface ReceivedPor {
  readonly userData: readonly Uint8Array[];
  readonly packet: Uint8Array;
}

/** Another platform (npm `smpp`) that uses otagate as its SMSC. */
export class OtherPlatform implements Disposable {
  readonly #smpp = smppPackage();
  readonly #session: PackageSession;
  readonly #por: ReceivedPor[] = [];
  readonly #receipts: string[] = [];
  #segments: Uint8Array[] = [];
  #pending: Pending = new Map();

  private constructor(port: number) {
    this.#session = this.#smpp.connect({ host: "127.0.0.1", port });
    this.#session.on("error", () => this.#session.destroy());
    this.#session.on("pdu", (pdu: PackagePdu) => this.#take(pdu));
  }

  /** Connects and binds as a transceiver; undefined if the bind is refused. */
  static async bind(port: number, systemId: string, password: string): Promise<OtherPlatform | undefined> {
    const platform = new OtherPlatform(port);
    await once(platform.#session, "connect");
    const fields = { system_id: systemId, password, interface_version: 0x34 };
    const { command_status } = await platform.#ask("bind_transceiver", fields);
    if (command_status === 0) return platform;
    platform[Symbol.dispose]();
    return undefined;
  }

  /** The first proof of receipt that a card sent. */
  get por(): ReceivedPor | undefined {
    return this.#por[0];
  }

  /** The delivery receipt of this message. */
  receiptOf(messageId: string): string | undefined {
    return this.#receipts.find((text) => text.includes(`id:${messageId}`));
  }

  /** Submits one TP-UD with a header for the card; the message id, if it was accepted. */
  async submit(to: string, userData: Uint8Array): Promise<string | undefined> {
    const answer = await this.#ask("submit_sm", {
      source_addr: "4477009111",
      destination_addr: to.replace("+", ""),
      esm_class: 0x40,
      protocol_id: 0x7f,
      data_coding: 0xf6,
      registered_delivery: 1,
      short_message: Buffer.from(userData),
    });
    return answer.command_status === 0 ? String(answer.message_id) : undefined;
  }

  [Symbol.dispose](): void {
    this.#session.destroy();
  }

  #ask(command: string, fields: Readonly<Record<string, unknown>>): Promise<PackagePdu> {
    return new Promise((resolve, reject) => {
      this.#session.once("close", () => reject(new Error("the SMSC face closed the connection")));
      this.#session.send(new this.#smpp.PDU(command, fields), resolve);
    });
  }

  #take(pdu: PackagePdu): void {
    if (pdu.isResponse()) return;
    if (pdu.command === "deliver_sm") this.#delivered(Number(pdu.esm_class), octetsOf(pdu));
    this.#session.send(pdu.response());
  }

  #delivered(esmClass: number, octets: Uint8Array): void {
    if ((esmClass & 0x3c) !== 0) {
      this.#receipts.push(Buffer.from(octets).toString("latin1"));
      return;
    }
    if ((esmClass & 0x40) === 0) return;
    const segment = readSegment(octets);
    const { pending, complete } = assemble(this.#pending, segment);
    this.#pending = pending;
    this.#segments.push(octets);
    if (complete === undefined) return;
    const userData = this.#segments;
    this.#segments = [];
    if (complete.security === "response") this.#por.push({ userData, packet: complete.body });
  }
}

function octetsOf(pdu: PackagePdu): Uint8Array {
  const { short_message: inline, message_payload: payload } = pdu;
  for (const octets of [inline, payload]) if (octets instanceof Uint8Array && octets.length > 0) return octets;
  return new Uint8Array(0);
}
