import { randomUUID } from "node:crypto";
import type { AddressInfo, Server } from "node:net";
import { GatewayError } from "../../src/base/gateway-error.ts";
import { SmscBehaviour } from "./behaviour.ts";
import { EsmeSession } from "./esme-session.ts";
import { type SimulatedSms, SmscStore, type StoredDelivery, type StoredMessage } from "./message-store.ts";
import { receiptFields } from "./receipt-fields.ts";
import { type PackagePdu, type PackageSession, smppPackage } from "./smpp-package.ts";

/** Where a simulated SMSC listens, and what it shares. */
interface SimulatedSmscOptions {
  readonly host?: string;
  /** 0 takes any free one. */
  readonly port?: number;
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly behaviour?: Partial<SmscBehaviour>;
  /** Survives a restart; its own without it. */
  readonly store?: SmscStore;
  readonly random?: () => number;
  /** Sees every submit that was taken. */
  readonly onSubmit?: (message: StoredMessage) => void;
}

function later(ms: number, work: () => void): void {
  if (ms === 0) setImmediate(work);
  else setTimeout(work, ms).unref();
}

/**
 * An SMSC for tests and benches, built on npm `smpp`, which shares no code with the gateway. Phones are functions behind
 * numbers in its {@link SmscStore}. `close` is a crash: connections are reset, what was under way is lost.
 */
export class SimulatedSmsc implements AsyncDisposable {
  readonly store: SmscStore;
  readonly behaviour: SmscBehaviour;
  readonly #options: SimulatedSmscOptions;
  readonly #random: () => number;
  readonly #server: Server;
  readonly #smpp = smppPackage();
  readonly #sessions = new Set<EsmeSession>();
  #held: StoredDelivery | undefined;
  #closed = false;

  private constructor(options: SimulatedSmscOptions) {
    this.#options = options;
    this.store = options.store ?? new SmscStore();
    this.behaviour = SmscBehaviour.parse(options.behaviour ?? {});
    this.#random = options.random ?? Math.random;
    this.#server = this.#smpp.createServer(options.tls ?? {}, (session) => this.#accept(session));
    this.#server.on("error", () => undefined);
    this.#server.on("tlsClientError", () => undefined);
  }

  /** Starts one. @throws link.busy when the port is taken */
  static async open(options: SimulatedSmscOptions = {}): Promise<SimulatedSmsc> {
    const smsc = new SimulatedSmsc(options);
    await new Promise<void>((resolve, reject) => {
      smsc.#server.once("error", (cause) => reject(new GatewayError("link.busy", "cannot listen", { cause })));
      smsc.#server.listen(options.port ?? 0, options.host ?? "127.0.0.1", () => resolve());
    });
    smsc.#resume();
    return smsc;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** system_ids that are bound, one per session. */
  get bound(): readonly string[] {
    return [...this.#sessions].flatMap(({ systemId, mode }) => (mode === undefined ? [] : [systemId]));
  }

  /** A phone sends a message to `to`: it goes to a bound ESME, or waits. Resolves when it is acknowledged. */
  mobileOriginated(sms: SimulatedSms, owner = "*", extra: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const octets = Buffer.from(sms.userData);
    const fields = {
      source_addr_ton: sms.from === "" ? 0 : 1,
      source_addr_npi: sms.from === "" ? 0 : 1,
      source_addr: sms.from,
      dest_addr_ton: sms.to === "" ? 0 : 1,
      dest_addr_npi: sms.to === "" ? 0 : 1,
      destination_addr: sms.to,
      esm_class: sms.userDataHeader ? 0x40 : 0,
      protocol_id: sms.protocolId,
      data_coding: sms.dataCoding,
      ...(this.behaviour.deliverAs === "data_sm" ? { message_payload: octets } : { short_message: octets }),
      ...extra,
    };
    return new Promise((done) => this.enqueue({ owner, fields, done }));
  }

  /** Puts something in the queue of an ESME. */
  enqueue(delivery: StoredDelivery): void {
    const { deliveries } = this.store;
    if (this.#closed) deliveries.push(delivery);
    else if (this.#held !== undefined) {
      deliveries.push(delivery, this.#held);
      this.#held = undefined;
    } else if (this.#random() < this.behaviour.reorder) {
      this.#held = delivery;
      later(50, () => this.#release());
      return;
    } else deliveries.push(delivery);
    this.store.changed();
  }

  /** Unbinds all ESMEs in order, as for maintenance. */
  unbindAll(): void {
    for (const session of this.#sessions) session.unbind();
  }

  /** Stops at once: connections are reset. */
  async close(): Promise<void> {
    this.#release();
    this.#closed = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const session of this.#sessions) session.reset();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closed) await this.close();
  }

  /** What an earlier one stored and did not deliver. */
  #resume(): void {
    this.store.changed = () => this.pump();
    for (const message of this.store.messages.values()) {
      if (message.state === "enroute" && !this.store.delivering.has(message)) this.#afterResponse(message);
    }
  }

  #release(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined) return;
    this.store.deliveries.push(held);
    this.store.changed();
  }

  #accept(session: PackageSession): void {
    const esme = new EsmeSession(session, this.#smpp, this.behaviour, {
      random: this.#random,
      mayBind: (systemId) => this.bound.filter((one) => one === systemId).length < this.behaviour.maxBinds,
      taken: (pdu, sms, owner) => this.#store(pdu, sms, owner),
      accepted: (message) => this.#afterResponse(message),
      find: (id) => [...this.store.messages.values()].find((message) => message.responseId === id),
      changed: () => this.pump(),
      gone: () => void this.#sessions.delete(esme),
    });
    this.#sessions.add(esme);
  }

  #ids(number: number): { responseId: string; receiptId: string } {
    const decimal = String(number);
    const hex = number.toString(16).toUpperCase();
    const uuid = randomUUID();
    const forms = {
      decimal: [decimal, decimal],
      hex: [hex, hex],
      "resp-hex": [hex, decimal],
      "dlr-hex": [decimal, hex],
      padded: [decimal.padStart(10, "0"), decimal],
      uuid: [uuid, uuid.toUpperCase()],
      constant: ["msg_id_not_implemented", "00000000"],
      empty: ["", "00000000"],
    } as const satisfies Record<SmscBehaviour["ids"], readonly [string, string]>;
    const [responseId, receiptId] = forms[this.behaviour.ids];
    return { responseId, receiptId };
  }

  #store(pdu: PackagePdu, sms: SimulatedSms, owner: string): StoredMessage {
    const number = this.store.nextNumber();
    const echo = pdu.user_message_reference;
    const address = (kind: "source" | "dest", addr: string) => ({
      ton: Number(pdu[`${kind}_addr_ton`] ?? 0),
      npi: Number(pdu[`${kind}_addr_npi`] ?? 0),
      addr,
    });
    const message: StoredMessage = {
      number,
      owner,
      sms,
      source: address("source", sms.from),
      destination: address("dest", sms.to),
      wantsReceipt: (Number(pdu.registered_delivery ?? 0) & 0x03) !== 0,
      ...(typeof echo === "number" ? { userMessageReference: echo } : {}),
      ...this.#ids(number),
      state: "enroute",
      submittedAt: Date.now(),
    };
    this.store.messages.set(String(number), message);
    this.#options.onSubmit?.(message);
    if (this.behaviour.receiptFirst) void this.#deliver(message);
    return message;
  }

  #afterResponse(message: StoredMessage): void {
    if (!this.behaviour.receiptFirst) later(this.behaviour.deliveryMs, () => void this.#deliver(message));
  }

  async #deliver(message: StoredMessage): Promise<void> {
    const { delivering } = this.store;
    if (this.#closed || message.state !== "enroute" || delivering.has(message)) return;
    const handset = this.store.handset(message.sms.to);
    delivering.add(message);
    const verdict = handset === undefined ? { ack: false } : await handset(message.sms).catch(() => ({ ack: false }));
    delivering.delete(message);
    message.state = verdict.ack ? "delivered" : "undeliverable";
    message.doneAt = Date.now();
    if (!message.wantsReceipt) return;
    later(this.behaviour.receiptDelayMs, () => {
      this.enqueue({ owner: message.owner, fields: receiptFields(message, this.behaviour), done: () => undefined });
    });
  }

  /** Hands what waits to sessions that can take it. */
  pump(): void {
    if (this.#closed) return;
    const { deliveries } = this.store;
    for (let i = 0; i < deliveries.length; ) {
      const delivery = deliveries[i];
      const esme = [...this.#sessions].find((one) => delivery !== undefined && one.canTake(delivery.owner));
      if (delivery === undefined || esme === undefined) {
        i += 1;
        if (![...this.#sessions].some((one) => one.hasRoom)) return;
        continue;
      }
      deliveries.splice(i, 1);
      const twice = this.#random() < this.behaviour.duplicates;
      esme.deliver(delivery, (again) => again && deliveries.push(delivery));
      if (twice) esme.deliver({ ...delivery, done: () => undefined }, () => undefined);
    }
  }
}
