import { createConnection, createServer, type Socket } from "node:net";
import { GatewayError } from "../../../src/base/gateway-error.ts";
import { fromHex, toHex } from "../../../src/base/hex.ts";
import type { SocketAddress } from "../socket-line.ts";
import type {
  Attachment,
  AttachOutcome,
  AttachRequest,
  Cell,
  DeliveryAnswer,
  PacketAnswer,
  PhoneSide,
  RadioNetwork,
  SubmitAnswer,
} from "./radio.ts";

/** What goes over the connection: a request with an id, its answer, or a note without one; one JSON text a line. */
type Message =
  | { readonly ask: string; readonly id?: number; readonly value: unknown }
  | { readonly answer: number; readonly value?: unknown; readonly error?: string };

type Handlers = Readonly<Record<string, (value: unknown) => unknown>>;

/** Requests and answers, both ways, over one socket. */
class Peer {
  readonly #socket: Socket;
  readonly #handlers: Handlers;
  readonly #open = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #text = "";
  #next = 1;

  constructor(socket: Socket, handlers: Handlers, onEnd: () => void) {
    this.#socket = socket;
    this.#handlers = handlers;
    socket.setEncoding("utf8");
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("data", (text: string) => this.#received(text));
    socket.on("close", () => {
      for (const { reject } of this.#open.values()) reject(new GatewayError("link.lost", "the network is gone"));
      this.#open.clear();
      onEnd();
    });
  }

  ask(name: string, value: unknown): Promise<unknown> {
    if (this.#socket.destroyed) return Promise.reject(new GatewayError("link.lost", "the network is gone"));
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#open.set(id, { resolve, reject });
      this.#send({ ask: name, id, value });
    });
  }

  tell(name: string, value: unknown): void {
    if (!this.#socket.destroyed) this.#send({ ask: name, value });
  }

  close(): void {
    this.#socket.destroy();
  }

  #send(message: Message): void {
    this.#socket.write(`${JSON.stringify(message)}\n`);
  }

  #received(text: string): void {
    const lines = (this.#text + text).split("\n");
    this.#text = lines.pop() ?? "";
    for (const line of lines) void this.#handle(line);
  }

  async #handle(line: string): Promise<void> {
    const message = parseMessage(line);
    if (message === undefined) return this.close();
    if ("answer" in message) {
      const waiting = this.#open.get(message.answer);
      this.#open.delete(message.answer);
      if (message.error === undefined) waiting?.resolve(message.value);
      else waiting?.reject(new GatewayError("link.unavailable", message.error));
      return;
    }
    const { id } = message;
    try {
      const value = await this.#handlers[message.ask]?.(message.value);
      if (id !== undefined) this.#send({ answer: id, value });
    } catch (error) {
      if (id !== undefined) this.#send({ answer: id, error: error instanceof Error ? error.message : String(error) });
    }
  }
}

function parseMessage(line: string): Message | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const known = typeof value === "object" && value !== null && ("ask" in value || "answer" in value);
    // Both ends are ours and of one version; a stranger only breaks its own connection.
    return known ? (value as Message) : undefined;
  } catch {
    return undefined;
  }
}

interface Submission {
  readonly phone: number;
  readonly tpdu: string;
  readonly serviceCentre: string;
}

interface ContextRequest {
  readonly phone: number;
  readonly cid: number;
  readonly apn: string;
  readonly type: string;
}

/** A network that listens for modems of other processes. */
export interface NetworkService extends AsyncDisposable {
  readonly port: number;
}

/** Opens a network to other processes on a TCP port or a Unix socket. @throws link.busy */
export async function serveNetwork(network: RadioNetwork, where: SocketAddress): Promise<NetworkService> {
  const peers = new Set<Peer>();
  const server = createServer((socket) => {
    const peer: Peer = servePeer(network, socket, () => peers.delete(peer));
    peers.add(peer);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(new GatewayError("link.busy", `cannot listen: ${cause.message}`, { cause })),
    );
    if ("path" in where) server.listen(where.path, resolve);
    else server.listen(where.port, where.host ?? "127.0.0.1", resolve);
  });
  const bound = server.address();
  return {
    port: typeof bound === "object" && bound !== null ? bound.port : 0,
    async [Symbol.asyncDispose]() {
      for (const peer of peers) peer.close();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function servePeer(network: RadioNetwork, socket: Socket, onEnd: () => void): Peer {
  const attachments = new Map<number, Attachment>();
  const submit = async (value: unknown): Promise<SubmitAnswer> => {
    const { phone, tpdu, serviceCentre } = value as Submission;
    return (await attachments.get(phone)?.submit(fromHex(tpdu), serviceCentre)) ?? { ack: false, cause: 41 };
  };
  const attach = async (value: unknown): Promise<unknown> => {
    const { phone, request } = value as { readonly phone: number; readonly request: AttachRequest };
    const outcome = await network.attach(request, remotePhone(peer, phone));
    if (outcome.at !== "registered") return outcome;
    attachments.set(phone, outcome.attachment);
    const { attachment, ...facts } = outcome;
    return { ...facts, msisdn: attachment.msisdn };
  };
  const peer = new Peer(
    socket,
    {
      hello: () => ({ serviceCentre: network.serviceCentre }),
      attach,
      submit,
      scan: () => network.scan(),
      openContext: async (value) => {
        const { phone, cid, apn, type } = value as ContextRequest;
        return (await attachments.get(phone)?.openContext(cid, apn, type)) ?? { ok: false, cause: 38 };
      },
      closeContext: (value) => {
        const { phone, cid } = value as ContextRequest;
        attachments.get(phone)?.closeContext(cid);
      },
      memoryAvailable: (phone) => attachments.get(Number(phone))?.memoryAvailable(),
      detach: (phone) => {
        attachments.get(Number(phone))?.detach();
        attachments.delete(Number(phone));
      },
    },
    () => {
      for (const attachment of attachments.values()) attachment.detach();
      onEnd();
    },
  );
  return peer;
}

function remotePhone(peer: Peer, phone: number): PhoneSide {
  return {
    async deliver(tpdu, serviceCentre) {
      const answer = (await peer.ask("deliver", { phone, tpdu: toHex(tpdu), serviceCentre })) as WireAnswer;
      const { report, ...rest } = answer;
      return report === undefined ? rest : { ...rest, report: fromHex(report) };
    },
    lost: (reason) => peer.tell("lost", { phone, reason }),
  };
}

type WireAnswer = ({ readonly ack: true } | { readonly ack: false; readonly cause: number }) & {
  readonly report?: string;
};

/** Joins a network of another process. @throws link.unavailable when nobody listens there */
export async function joinNetwork(where: SocketAddress): Promise<RadioNetwork & AsyncDisposable> {
  const phones = new Map<number, PhoneSide>();
  const socket = await dial(where);
  const peer = new Peer(
    socket,
    {
      deliver: async (value): Promise<unknown> => {
        const { phone, tpdu, serviceCentre } = value as Submission;
        const answer: DeliveryAnswer = (await phones.get(phone)?.deliver(fromHex(tpdu), serviceCentre)) ?? {
          ack: false,
          cause: 27,
        };
        return answer.report === undefined ? answer : { ...answer, report: toHex(answer.report) };
      },
      lost: (value) => {
        const { phone, reason } = value as {
          readonly phone: number;
          readonly reason: Parameters<PhoneSide["lost"]>[0];
        };
        phones.get(phone)?.lost(reason);
      },
    },
    () => {
      for (const phone of phones.values()) phone.lost({ at: "no-cell" });
    },
  );
  const { serviceCentre } = (await peer.ask("hello", {})) as { readonly serviceCentre: string };
  let next = 1;
  return {
    serviceCentre,
    async attach(request, side): Promise<AttachOutcome> {
      const phone = next++;
      phones.set(phone, side);
      const outcome = (await peer.ask("attach", { phone, request })) as WireOutcome;
      if (outcome.at !== "registered") {
        phones.delete(phone);
        return outcome;
      }
      const { msisdn, ...facts } = outcome;
      return { ...facts, attachment: remoteAttachment(peer, phones, phone, msisdn) };
    },
    scan: async () => (await peer.ask("scan", {})) as readonly Cell[],
    async [Symbol.asyncDispose]() {
      peer.close();
    },
  };
}

type WireOutcome =
  | { readonly at: "registered"; readonly roaming: boolean; readonly cell: Cell; readonly msisdn: string }
  | Exclude<AttachOutcome, { readonly at: "registered" }>;

function remoteAttachment(peer: Peer, phones: Map<number, PhoneSide>, phone: number, msisdn: string): Attachment {
  return {
    msisdn,
    async submit(tpdu, serviceCentre) {
      const asked = peer.ask("submit", { phone, tpdu: toHex(tpdu), serviceCentre });
      return await asked.then((value) => value as SubmitAnswer).catch((): SubmitAnswer => ({ ack: false, cause: 38 }));
    },
    async openContext(cid, apn, type) {
      const asked = peer.ask("openContext", { phone, cid, apn, type });
      return await asked.then((value) => value as PacketAnswer).catch((): PacketAnswer => ({ ok: false, cause: 38 }));
    },
    closeContext: (cid) => peer.tell("closeContext", { phone, cid }),
    memoryAvailable: () => peer.tell("memoryAvailable", phone),
    detach() {
      phones.delete(phone);
      peer.tell("detach", phone);
    },
  };
}

function dial(where: SocketAddress): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const target = "path" in where ? { path: where.path } : { port: where.port, host: where.host ?? "127.0.0.1" };
    const socket = createConnection(target);
    socket.once("connect", () => resolve(socket));
    socket.once("error", (cause) => {
      reject(new GatewayError("link.unavailable", `no simulated network there: ${cause.message}`, { cause }));
    });
  });
}
