import type { SmscBehaviour } from "./behaviour.ts";
import type { SimulatedSms, StoredDelivery, StoredMessage } from "./message-store.ts";
import { readSubmit, text } from "./read-submit.ts";
import type { PackagePdu, PackageSession, SmppPackage } from "./smpp-package.ts";

/** What one connection needs from the SMSC. */
interface EsmeSessionDeps {
  readonly random: () => number;
  readonly mayBind: (systemId: string) => boolean;
  readonly taken: (pdu: PackagePdu, sms: SimulatedSms, owner: string) => StoredMessage;
  readonly accepted: (message: StoredMessage) => void;
  readonly find: (id: string) => StoredMessage | undefined;
  /** A bind came, or room for deliveries. */
  readonly changed: () => void;
  readonly gone: () => void;
}

const status = { bindStatus: 0x04, bound: 0x05, password: 0x0e, systemId: 0x0f, throttled: 0x58, messageId: 0x0c };
const deliveryWindow = 50;
const answerMs = 10_000;
const states = { enroute: 1, delivered: 2, expired: 3, deleted: 4, undeliverable: 5 };

/** One connection of an ESME to the simulated SMSC. */
export class EsmeSession {
  readonly #session: PackageSession;
  readonly #smpp: SmppPackage;
  readonly #behaviour: SmscBehaviour;
  readonly #deps: EsmeSessionDeps;
  readonly #open = new Map<number, { settle: (again: boolean) => void; timer: NodeJS.Timeout }>();
  #sequence: number;
  #second = 0;
  #inSecond = 0;
  #over = false;
  systemId = "";
  mode: "tx" | "rx" | "trx" | undefined;

  constructor(session: PackageSession, smpp: SmppPackage, behaviour: SmscBehaviour, deps: EsmeSessionDeps) {
    this.#session = session;
    this.#smpp = smpp;
    this.#behaviour = behaviour;
    this.#deps = deps;
    this.#sequence = behaviour.firstSequence;
    session.socket.setNoDelay(true);
    session.on("error", () => session.destroy());
    session.on("close", () => this.#end());
    session.on("pdu", (pdu: PackagePdu) => {
      try {
        this.#take(pdu);
      } catch {
        session.destroy();
      }
    });
  }

  get hasRoom(): boolean {
    return !this.#over && this.mode !== undefined && this.mode !== "tx" && this.#open.size < deliveryWindow;
  }

  /** Whether it can take a delivery for this system_id (`*` = any). */
  canTake(owner: string): boolean {
    return this.hasRoom && (owner === "*" || owner === this.systemId);
  }

  /** Sends a delivery; `settle(true)` when it was not acknowledged. */
  deliver(delivery: StoredDelivery, settle: (again: boolean) => void): void {
    const pdu = new this.#smpp.PDU(this.#behaviour.deliverAs, { ...delivery.fields, sequence_number: this.#sequence });
    const sequence = this.#sequence;
    this.#sequence = sequence >= 0xffffffff ? 0 : sequence + 1;
    const done = (again: boolean) => {
      if (!this.#open.delete(sequence)) return;
      clearTimeout(timer);
      if (!again) delivery.done();
      settle(again);
      this.#deps.changed();
    };
    const timer = setTimeout(() => done(true), answerMs);
    timer.unref();
    this.#open.set(sequence, { settle: done, timer });
    this.#write(pdu);
  }

  unbind(): void {
    this.#write(new this.#smpp.PDU("unbind", { sequence_number: this.#sequence++ }));
  }

  /** Cuts the connection as a crash would. */
  reset(): void {
    this.#over = true;
    if ("encrypted" in this.#session.socket) this.#session.socket.destroy();
    else this.#session.socket.resetAndDestroy();
    this.#end();
  }

  #end(): void {
    this.#over = true;
    this.#deps.gone();
    for (const { settle } of [...this.#open.values()]) settle(true);
  }

  #write(pdu: PackagePdu): void {
    if (this.#over || !this.#session.socket.writable) return;
    const bytes = pdu.toBuffer();
    if (!this.#behaviour.dribble) this.#session.socket.write(bytes);
    else for (const octet of bytes) this.#session.socket.write(Buffer.of(octet));
  }

  #answer(pdu: PackagePdu, fields: Readonly<Record<string, unknown>> = {}): void {
    const { latencyMs } = this.#behaviour;
    const send = () => this.#write(pdu.response(fields));
    if (latencyMs === 0) send();
    else setTimeout(send, latencyMs).unref();
  }

  #take(pdu: PackagePdu): void {
    if (pdu.isResponse()) {
      const temporary = pdu.command_status === 0x64 || pdu.command_status === 0x58 || pdu.command_status === 0x14;
      this.#open.get(pdu.sequence_number)?.settle(temporary);
      return;
    }
    if (pdu.command.startsWith("bind_")) this.#bind(pdu);
    else if (pdu.command === "enquire_link") this.#write(pdu.response());
    else if (pdu.command === "unbind") {
      this.#write(pdu.response());
      this.#session.close();
    } else if (pdu.command === "unknown") this.#write(pdu.response());
    else if (this.mode === undefined || this.mode === "rx") this.#answer(pdu, { command_status: status.bindStatus });
    else if (pdu.command === "submit_sm" || pdu.command === "data_sm") this.#submit(pdu);
    else if (pdu.command === "query_sm") this.#query(pdu);
    else if (pdu.command === "cancel_sm") this.#cancel(pdu);
    else this.#answer(pdu, { command_status: 0x03 });
  }

  #bind(pdu: PackagePdu): void {
    const systemId = text(pdu.system_id);
    const { accounts } = this.#behaviour;
    const account = accounts.find((one) => one.systemId === systemId);
    if (this.mode !== undefined || !this.#deps.mayBind(systemId)) {
      this.#answer(pdu, { command_status: status.bound });
    } else if (accounts.length > 0 && account === undefined) {
      this.#answer(pdu, { command_status: status.systemId });
    } else if (account !== undefined && account.password !== text(pdu.password)) {
      this.#answer(pdu, { command_status: status.password });
    } else {
      this.systemId = systemId;
      this.mode = pdu.command === "bind_transmitter" ? "tx" : pdu.command === "bind_receiver" ? "rx" : "trx";
      this.#answer(pdu, { system_id: this.#behaviour.systemId, sc_interface_version: 0x34 });
      setImmediate(this.#deps.changed);
    }
  }

  #throttled(): boolean {
    const limit = this.#behaviour.throttleAbove;
    const second = Math.floor(Date.now() / 1_000);
    if (second !== this.#second) this.#inSecond = 0;
    this.#second = second;
    this.#inSecond += 1;
    return limit > 0 && this.#inSecond > limit;
  }

  #submit(pdu: PackagePdu): void {
    if (this.#throttled()) {
      this.#answer(pdu, { command_status: status.throttled });
      return;
    }
    const sms = readSubmit(pdu, this.#behaviour);
    if (typeof sms === "number") {
      this.#answer(pdu, { command_status: sms });
      return;
    }
    if (this.#deps.random() < this.#behaviour.loss) return;
    const message = this.#deps.taken(pdu, sms, this.systemId);
    if (this.#deps.random() >= this.#behaviour.responseLoss) this.#answer(pdu, { message_id: message.responseId });
    this.#deps.accepted(message);
  }

  #query(pdu: PackagePdu): void {
    const id = text(pdu.message_id);
    const message = this.#deps.find(id);
    if (message === undefined) this.#answer(pdu, { command_status: status.messageId });
    else this.#answer(pdu, { message_id: id, message_state: states[message.state], error_code: 0, final_date: "" });
  }

  #cancel(pdu: PackagePdu): void {
    const message = this.#deps.find(text(pdu.message_id));
    if (message === undefined || message.state !== "enroute") this.#answer(pdu, { command_status: 0x11 });
    else {
      message.state = "deleted";
      this.#answer(pdu);
    }
  }
}
