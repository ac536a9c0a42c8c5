import { once } from "node:events";
import { type PackagePdu, type PackageSession, smppPackage } from "../../../simulators/smsc/smpp-package.ts";

/** An ESME on npm smpp: shares no code with the face it talks to. */
export class NpmClient {
  readonly session: PackageSession;
  readonly received: PackagePdu[] = [];
  /** Status that answers the next deliveries. */
  answer: (pdu: PackagePdu) => number = () => 0;
  readonly #smpp = smppPackage();

  constructor(port: number, options: Readonly<Record<string, unknown>> = {}) {
    this.session = this.#smpp.connect({ host: "127.0.0.1", port, ...options });
    this.session.setMaxListeners(0);
    this.session.on("error", () => this.session.destroy());
    this.session.on("pdu", (pdu: PackagePdu) => {
      if (pdu.isResponse()) return;
      this.received.push(pdu);
      const status = this.answer(pdu);
      if (pdu.command !== "unknown") this.session.send(pdu.response(status === 0 ? {} : { command_status: status }));
    });
  }

  async connected(event = "connect"): Promise<this> {
    await once(this.session, event);
    return this;
  }

  send(command: string, fields: Readonly<Record<string, unknown>> = {}): Promise<PackagePdu> {
    return new Promise((resolve, reject) => {
      this.session.once("close", () => reject(new Error("closed")));
      this.session.send(new this.#smpp.PDU(command, fields), resolve);
    });
  }

  bind(command = "bind_transceiver", fields: Readonly<Record<string, unknown>> = {}): Promise<PackagePdu> {
    return this.send(command, { system_id: "esme", password: "secret", interface_version: 0x34, ...fields });
  }

  close(): void {
    this.session.destroy();
  }
}

/** Fields of a submit_sm that carries a command packet. */
export function commandFields(userData: Uint8Array, fields: Readonly<Record<string, unknown>> = {}) {
  return {
    source_addr_ton: 0,
    source_addr_npi: 1,
    source_addr: "12345",
    dest_addr_ton: 1,
    dest_addr_npi: 1,
    destination_addr: "491701234567",
    esm_class: 0x40,
    protocol_id: 0x7f,
    data_coding: 0xf6,
    registered_delivery: 1,
    short_message: Buffer.from(userData),
    ...fields,
  };
}
