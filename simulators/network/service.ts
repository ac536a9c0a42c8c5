import { createConnection, createServer, type Socket } from "node:net";
import { z } from "zod";
import { GatewayError } from "../../src/base/gateway-error.ts";
import { fromHex, toHex } from "../../src/base/hex.ts";
import { parseJson } from "../../src/base/json.ts";
import type { SocketAddress } from "../socket-line.ts";
import type {
  Attachment,
  AttachOutcome,
  ChallengeAnswer,
  DeliveryAnswer,
  PacketAnswer,
  PhoneSide,
  RadioNetwork,
  SubmitAnswer,
} from "./radio.ts";

const bytes = z
  .string()
  .regex(/^(?:[0-9A-F]{2})*$/)
  .transform((text) => fromHex(text));
const cause = z.int().min(0).max(255);

/** What goes over the connection: a request with an id, its answer, or a note without one; one JSON text a line. */
const Message = z.union([
  z.object({ ask: z.string(), id: z.int().optional(), value: z.unknown() }),
  z.object({ answer: z.int(), value: z.unknown().optional(), error: z.string().optional() }),
]);
type Message = z.infer<typeof Message>;

const Cell = z.object({
  plmn: z.string(),
  name: z.string(),
  shortName: z.string(),
  area: z.int(),
  cell: z.int(),
  technology: z.int(),
});
const Attach = z.object({
  phone: z.int(),
  request: z.object({ imsi: z.string(), imei: z.string(), msisdn: z.string().default("") }),
});
const Attached = z.discriminatedUnion("at", [
  z.object({ at: z.literal("registered"), roaming: z.boolean(), cell: Cell, msisdn: z.string() }),
  z.object({ at: z.literal("denied"), cell: Cell, cause }),
  z.object({ at: z.literal("no-cell") }),
]);
const Tpdu = z.object({ phone: z.int(), tpdu: bytes, serviceCentre: z.string() });
const Context = z.object({ phone: z.int(), cid: z.int(), apn: z.string().default(""), type: z.string().default("IP") });
const Phone = z.object({ phone: z.int() });
const Hello = z.object({ serviceCentre: z.string() });
const Submitted = z.discriminatedUnion("ack", [
  z.object({ ack: z.literal(true) }),
  z.object({ ack: z.literal(false), cause }),
]);
const Delivered = z.discriminatedUnion("ack", [
  z.object({ ack: z.literal(true), report: bytes.optional() }),
  z.object({ ack: z.literal(false), cause, report: bytes.optional() }),
]);
const Opened = z.discriminatedUnion("ok", [
  z.object({ ok: z.literal(true), address: z.string() }),
  z.object({ ok: z.literal(false), cause }),
]);
const Challenge = z.object({ phone: z.int(), rand: bytes, autn: bytes });
const Challenged = z.discriminatedUnion("at", [
  z.object({ at: z.literal("response"), res: bytes }),
  z.object({ at: z.literal("resynchronise"), auts: bytes }),
  z.object({ at: z.literal("refused") }),
]);
const Lost = z.object({
  phone: z.int(),
  reason: z.discriminatedUnion("at", [
    z.object({ at: z.literal("no-cell") }),
    z.object({ at: z.literal("detached"), cause }),
  ]),
});

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
      for (const { reject } of this.#open.values()) reject(new GatewayError("link.lost", "the network is closed"));
      this.#open.clear();
      onEnd();
    });
  }

  ask(name: string, value: unknown): Promise<unknown> {
    if (this.#socket.destroyed) return Promise.reject(new GatewayError("link.lost", "the network is closed"));
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
    return Message.safeParse(parseJson(line)).data;
  } catch {
    return undefined;
  }
}

/** A network that listens for modems of other processes. */
interface NetworkService extends AsyncDisposable {
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
  const of = (value: unknown) => attachments.get(Phone.parse(value).phone);
  const attach = async (value: unknown): Promise<unknown> => {
    const { phone, request } = Attach.parse(value);
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
      submit: async (value): Promise<SubmitAnswer> => {
        const { tpdu, serviceCentre } = Tpdu.parse(value);
        return (await of(value)?.submit(tpdu, serviceCentre)) ?? { ack: false, cause: 41 };
      },
      scan: () => network.scan(),
      openContext: async (value): Promise<PacketAnswer> => {
        const { cid, apn, type } = Context.parse(value);
        return (await of(value)?.openContext(cid, apn, type)) ?? { ok: false, cause: 38 };
      },
      closeContext: (value) => of(value)?.closeContext(Context.parse(value).cid),
      memoryAvailable: (value) => of(value)?.memoryAvailable(),
      detach: (value) => {
        of(value)?.detach();
        attachments.delete(Phone.parse(value).phone);
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
      const { report, ...verdict } = Delivered.parse(
        await peer.ask("deliver", { phone, tpdu: toHex(tpdu), serviceCentre }),
      );
      return report === undefined ? verdict : { ...verdict, report };
    },
    authenticate: async (rand, autn) =>
      Challenged.parse(await peer.ask("authenticate", { phone, rand: toHex(rand), autn: toHex(autn) })),
    lost: (reason) => peer.tell("lost", { phone, reason }),
  };
}

/** Joins a network of another process. @throws link.unavailable when the port refuses connections */
export async function joinNetwork(where: SocketAddress): Promise<RadioNetwork & AsyncDisposable> {
  const phones = new Map<number, PhoneSide>();
  const socket = await dial(where);
  const peer = new Peer(
    socket,
    {
      deliver: async (value): Promise<unknown> => {
        const { phone, tpdu, serviceCentre } = Tpdu.parse(value);
        const answer: DeliveryAnswer = (await phones.get(phone)?.deliver(tpdu, serviceCentre)) ?? {
          ack: false,
          cause: 27,
        };
        return answer.report === undefined ? answer : { ...answer, report: toHex(answer.report) };
      },
      authenticate: async (value): Promise<unknown> => {
        const { phone, rand, autn } = Challenge.parse(value);
        return challengeText((await phones.get(phone)?.authenticate?.(rand, autn)) ?? { at: "refused" });
      },
      lost: (value) => {
        const { phone, reason } = Lost.parse(value);
        phones.get(phone)?.lost(reason);
      },
    },
    () => {
      for (const phone of phones.values()) phone.lost({ at: "no-cell" });
    },
  );
  const { serviceCentre } = Hello.parse(await peer.ask("hello", {}));
  let next = 1;
  return {
    serviceCentre,
    async attach(request, side): Promise<AttachOutcome> {
      const phone = next++;
      phones.set(phone, side);
      const outcome = Attached.parse(await peer.ask("attach", { phone, request }));
      if (outcome.at !== "registered") {
        phones.delete(phone);
        return outcome;
      }
      const { msisdn, ...facts } = outcome;
      return { ...facts, attachment: remoteAttachment(peer, phones, phone, msisdn) };
    },
    scan: async () => z.array(Cell).parse(await peer.ask("scan", {})),
    async [Symbol.asyncDispose]() {
      peer.close();
    },
  };
}

/** A challenge's answer as it goes over the connection. */
function challengeText(answer: ChallengeAnswer): object {
  if (answer.at === "response") return { at: answer.at, res: toHex(answer.res) };
  return answer.at === "resynchronise" ? { at: answer.at, auts: toHex(answer.auts) } : answer;
}

function remoteAttachment(peer: Peer, phones: Map<number, PhoneSide>, phone: number, msisdn: string): Attachment {
  return {
    msisdn,
    async submit(tpdu, serviceCentre) {
      const asked = peer.ask("submit", { phone, tpdu: toHex(tpdu), serviceCentre });
      return await asked.then((value) => Submitted.parse(value)).catch((): SubmitAnswer => ({ ack: false, cause: 38 }));
    },
    async openContext(cid, apn, type) {
      const asked = peer.ask("openContext", { phone, cid, apn, type });
      return await asked.then((value) => Opened.parse(value)).catch((): PacketAnswer => ({ ok: false, cause: 38 }));
    },
    closeContext: (cid) => peer.tell("closeContext", { phone, cid }),
    memoryAvailable: () => peer.tell("memoryAvailable", { phone }),
    detach() {
      phones.delete(phone);
      peer.tell("detach", { phone });
    },
  };
}

function dial(where: SocketAddress): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const target = "path" in where ? { path: where.path } : { port: where.port, host: where.host ?? "127.0.0.1" };
    const socket = createConnection(target);
    socket.once("connect", () => resolve(socket));
    socket.once("error", (cause) => {
      reject(
        new GatewayError("link.unavailable", `the simulated network cannot be reached: ${cause.message}`, { cause }),
      );
    });
  });
}
