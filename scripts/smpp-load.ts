import { once } from "node:events";
import { type PackagePdu, type PackageSession, smppPackage } from "../simulators/smsc/smpp-package.ts";
import { startMs } from "./patience.ts";

/** What a client knows of one of its messages. */
export interface LoadedMessage {
  /** Id of the answer; absent while, or because, no answer came. */
  id?: string;
  /** The connection went before the answer: it may have been taken. */
  inDoubt?: boolean;
  /** `stat` of the final receipt. */
  receipt?: string;
  receipts: number;
}

/** Client of the SMSC face under load: npm `smpp`, which shares nothing with it. */
export interface LoadOptions {
  readonly port: () => number;
  readonly systemId: string;
  readonly password: string;
  readonly window: number;
  /** Messages per second. */
  readonly rate: number;
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const submitted = /id:(\S+).*stat:(\w+)/;

/** Submits numbered messages, binds again whenever it is thrown out, and keeps account of answers and receipts. */
export class SmppLoad implements AsyncDisposable {
  readonly messages = new Map<number, LoadedMessage>();
  /** Proofs of receipt and other messages of cards. */
  answers = 0;
  /** Submits that were refused and offered again. */
  again = 0;
  readonly #options: LoadOptions;
  readonly #smpp = smppPackage();
  readonly #byId = new Map<string, LoadedMessage>();
  /** Receipts that came before the answer that names their message. */
  readonly #early = new Map<string, string[]>();
  #session: PackageSession | undefined;
  #connecting: Promise<PackageSession> | undefined;
  #closed = false;
  #heardAt = Date.now();

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  /** Sends messages 0 to `count` - 1; resolves when each was answered or is in doubt. `fields` makes one of them. */
  async run(count: number, fields: (number: number) => Readonly<Record<string, unknown>>): Promise<void> {
    const started = performance.now();
    let next = 0;
    const lane = async () => {
      for (let number = next++; number < count; number = next++) {
        const dueMs = (number * 1_000) / this.#options.rate - (performance.now() - started);
        if (dueMs > 0) await pause(dueMs);
        await this.#one(number, fields(number));
      }
    };
    await Promise.all(Array.from({ length: this.#options.window }, lane));
  }

  /** Keeps a session up for receipts until `done`, or until nothing came for so long. */
  async listen(done: () => boolean, ms: number): Promise<void> {
    this.#heardAt = Date.now();
    for (; Date.now() < this.#heardAt + ms && !done(); await pause(20)) {
      if (this.#session === undefined) await this.#connect().catch(() => pause(50));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#session?.destroy();
  }

  async #one(number: number, fields: Readonly<Record<string, unknown>>): Promise<void> {
    const message: LoadedMessage = { receipts: 0 };
    this.messages.set(number, message);
    for (;;) {
      const session = this.#session ?? (await this.#connect().catch(() => undefined));
      if (session === undefined) {
        await pause(20);
        continue;
      }
      const answer = await this.#ask(session, "submit_sm", fields);
      if (answer === undefined) {
        message.inDoubt = true;
        return;
      }
      if (answer.command_status === 0) return this.#accepted(message, String(answer.message_id));
      this.again += 1;
      await pause(50);
    }
  }

  #accepted(message: LoadedMessage, id: string): void {
    message.id = id;
    this.#byId.set(id, message);
    for (const stat of this.#early.get(id) ?? []) this.#settled(message, stat);
    this.#early.delete(id);
  }

  #settled(message: LoadedMessage, stat: string): void {
    message.receipts += 1;
    // Outcome of a message of unknown fate may still be reported.
    if (message.receipt === undefined || message.receipt === "UNKNOWN") message.receipt = stat;
  }

  #connect(): Promise<PackageSession> {
    this.#connecting ??= this.#bind().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #bind(): Promise<PackageSession> {
    const { port, systemId, password } = this.#options;
    const session = this.#smpp.connect({ host: "127.0.0.1", port: port() });
    session.setMaxListeners(0);
    session.on("error", () => session.destroy());
    session.on("close", () => {
      if (this.#session === session) this.#session = undefined;
    });
    session.on("pdu", (pdu: PackagePdu) => this.#take(session, pdu));
    await Promise.race([
      once(session, "connect"),
      once(session, "close").then(() => Promise.reject(new Error("no connection"))),
    ]);
    const fields = { system_id: systemId, password, interface_version: 0x34 };
    const answer = await this.#ask(session, "bind_transceiver", fields);
    if (answer?.command_status !== 0 || this.#closed) {
      session.destroy();
      throw new Error("not bound");
    }
    this.#session = session;
    return session;
  }

  #ask(
    session: PackageSession,
    command: string,
    fields: Readonly<Record<string, unknown>>,
  ): Promise<PackagePdu | undefined> {
    return new Promise((resolve) => {
      const over = () => resolve(undefined);
      const timer = setTimeout(over, startMs);
      session.once("close", over);
      session.send(new this.#smpp.PDU(command, fields), (answer) => {
        clearTimeout(timer);
        session.off("close", over);
        resolve(answer);
      });
    });
  }

  #take(session: PackageSession, pdu: PackagePdu): void {
    if (pdu.isResponse()) return;
    if (pdu.command === "deliver_sm") {
      this.#heardAt = Date.now();
      if ((Number(pdu.esm_class) & 0x3c) === 0) this.answers += 1;
      else this.#receipt(String(pdu.short_message));
    }
    session.send(pdu.response());
  }

  #receipt(text: string): void {
    const [, id = "", stat = ""] = submitted.exec(text) ?? [];
    const message = this.#byId.get(id);
    if (message !== undefined) this.#settled(message, stat);
    else this.#early.set(id, [...(this.#early.get(id) ?? []), stat]);
  }
}

/** Outcome of a client's messages, seen from both ends. */
export interface LoadReport {
  readonly messages: number;
  /** Taken by the gateway for certain. */
  readonly accepted: number;
  /** The client got no answer: it is for the client to specify what follows. */
  readonly inDoubt: number;
  /** Refused for the moment and offered again. */
  readonly again: number;
  /** Accepted, arrived, and reported as delivered. */
  readonly delivered: number;
  /** Accepted and reported as of unknown fate. */
  readonly unknown: number;
  /** Of these, those that did arrive. */
  readonly unknownButArrived: number;
  /** Arrived more than once: must be 0. */
  readonly arrivedTwice: number;
  /** Accepted and never reported: must be 0. */
  readonly forgotten: number;
  /** Reported as delivered and never arrived: must be 0. */
  readonly lost: number;
  /** Reported as something else (undeliverable, expired): must be 0. */
  readonly otherwise: number;
  /** Receipts that came more than once, as SMPP allows after a lost answer. */
  readonly receiptsAgain: number;
}

/** Compares the reports to the client with what arrived, by number. */
export function compareLoad(load: SmppLoad, arrivals: ReadonlyMap<number, number>): LoadReport {
  const all = [...load.messages];
  const accepted = all.filter(([, message]) => message.id !== undefined);
  const count = (wanted: (message: LoadedMessage, arrived: number) => boolean) =>
    accepted.filter(([number, message]) => wanted(message, arrivals.get(number) ?? 0)).length;
  return {
    messages: all.length,
    accepted: accepted.length,
    inDoubt: all.filter(([, message]) => message.inDoubt === true).length,
    again: load.again,
    delivered: count(({ receipt }, arrived) => receipt === "DELIVRD" && arrived === 1),
    unknown: count(({ receipt }) => receipt === "UNKNOWN"),
    unknownButArrived: count(({ receipt }, arrived) => receipt === "UNKNOWN" && arrived > 0),
    arrivedTwice: [...arrivals.values()].filter((arrived) => arrived > 1).length,
    forgotten: count(({ receipt }) => receipt === undefined),
    lost: count(({ receipt }, arrived) => receipt === "DELIVRD" && arrived === 0),
    otherwise: count(({ receipt }) => receipt !== undefined && receipt !== "DELIVRD" && receipt !== "UNKNOWN"),
    receiptsAgain: accepted.filter(([, message]) => message.receipts > 1).length,
  };
}

/** True when nothing arrived twice, got lost or was forgotten. */
export function loadSound(report: LoadReport): boolean {
  const { arrivedTwice, forgotten, lost, otherwise, accepted, inDoubt, messages } = report;
  return arrivedTwice + forgotten + lost + otherwise === 0 && accepted + inDoubt === messages;
}
