import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { withoutUndefined } from "../../base/defined.ts";
import { detach } from "../../base/detach.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { LimitedLog } from "../../base/limited-log.ts";
import { reported } from "../../link/reported.ts";
import { type Rate, startRate, takeToken } from "../../link/smpp/rate.ts";
import { SmppSession } from "../../link/smpp/session.ts";
import type { SessionDeps } from "../../link/smpp/session-contract.ts";
import type { BindMode, SessionTimes } from "../../link/smpp/session-state.ts";
import { socketStream } from "../../link/smpp/stream.ts";
import { Admission } from "./admission.ts";
import { ClientSession } from "./client-session.ts";
import { OutboxPump } from "./outbox-pump.ts";
import { type Place, type PlaceLimits, Places } from "./places.ts";
import type { Authenticate, SmscClient, SmscFacePort } from "./port.ts";

/** Settings of the SMSC face. */
export interface SmscFaceOptions extends PlaceLimits {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** PEM texts; with `ca`, clients must have a certificate issued by it. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string };
  /** Our system_id in bind responses. */
  readonly systemId: string;
  /** Malformed PDUs after which a connection is closed, one forgiven per 5 s. */
  readonly maxFaults: number;
  /** PDUs of a connection that is not bound; one more closes it. One is forgiven per 5 s. */
  readonly maxUnboundPdus: number;
  /** Refused binds after which a connection is closed. */
  readonly maxBindTries: number;
  /** Maximum number of requests of one connection in progress; further ones are not read in the meantime. */
  readonly inboundWindow: number;
  /** How long a client may take to acknowledge a delivery. */
  readonly responseMs: number;
  readonly times?: Partial<SessionTimes>;
}

export const smscFaceOptions: SmscFaceOptions = {
  host: "127.0.0.1",
  port: 2775,
  systemId: "otagate",
  maxConnections: 1_000,
  maxConnectionsPerAddress: 100,
  maxUnbound: 100,
  maxUnboundPerAddress: 50,
  maxFaults: 20,
  maxUnboundPdus: 100,
  maxBindTries: 5,
  inboundWindow: 1_000,
  responseMs: 30_000,
  times: { bindMs: 30_000, enquireMs: 60_000 },
};

interface SmscFaceDeps extends SessionDeps {
  readonly port: SmscFacePort;
  readonly authenticate: Authenticate;
}

/** A connection for display: `smsc list` of the face. */
interface SmscFaceConnection {
  readonly peer: string;
  readonly client?: string;
  readonly mode?: BindMode;
  readonly tls: boolean;
  readonly inFlight: number;
}

interface Connection {
  readonly session: SmppSession;
  readonly requests: ClientSession;
  readonly gone: AbortController;
  readonly tls: boolean;
}

const handshakeMs = 10_000;
/** Far more than the longest bind. */
const maxEarlyOctets = 1_024;
/** Maximum number of traced PDUs per second of all unbound connections together. */
const tracedPerSecond = 50;

/**
 * otagate as an SMSC: accepts binds, passes submits to the gateway before it answers them, and delivers waiting items
 * to each client. A faulty connection does not affect others.
 */
export class SmscFace implements AsyncDisposable {
  readonly #options: SmscFaceOptions;
  readonly #deps: SmscFaceDeps;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  readonly #pumps = new Map<string, OutboxPump>();
  readonly #admission = new Admission();
  readonly #places: Places;
  readonly #log: LimitedLog;
  /** Places of sockets in their TLS handshake, by address and port of the peer. */
  readonly #handshakes = new Map<string, Place>();
  readonly #unsubscribe: () => void;
  #reference = 0;
  #traced: Rate;

  private constructor(options: SmscFaceOptions, deps: SmscFaceDeps) {
    this.#options = options;
    const log = new LimitedLog(deps.log, deps.clock);
    this.#log = log;
    this.#deps = { ...deps, log };
    this.#places = new Places(options);
    this.#traced = startRate(tracedPerSecond, deps.clock.monotonic());
    const { tls } = options;
    this.#server =
      tls === undefined
        ? createServer((socket) => this.#accept(socket, false))
        : createTlsServer(
            { ...tls, requestCert: tls.ca !== undefined, minVersion: "TLSv1.2", handshakeTimeout: handshakeMs },
            (socket) => this.#accept(socket, true),
          );
    if (tls !== undefined) this.#server.on("connection", (socket: Socket) => this.#handshake(socket));
    this.#server.on("tlsClientError", (error) => log.warn({ error: error.message }, "SMPP TLS handshake failed"));
    this.#unsubscribe = deps.port.outbox.onAvailable((client) => this.#pumps.get(client)?.kick());
  }

  /** Starts listening. @throws link.busy when the port is taken */
  static async open(options: SmscFaceOptions, deps: SmscFaceDeps): Promise<SmscFace> {
    const face = new SmscFace(options, deps);
    await new Promise<void>((resolve, reject) => {
      face.#server.once("error", (error) => {
        reject(new GatewayError("link.busy", `cannot listen on ${options.host}:${options.port}`, { cause: error }));
      });
      face.#server.listen(options.port, options.host, resolve);
    });
    face.#server.on("error", (error) => deps.log.error({ error: error.message }, "SMPP listener failed"));
    return face;
  }

  /** The port it listens on. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : this.#options.port;
  }

  get connections(): readonly SmscFaceConnection[] {
    return [...this.#connections].map(({ session, requests, tls }) => ({
      peer: session.peer,
      ...withoutUndefined({ client: requests.client?.systemId, mode: requests.mode }),
      tls,
      inFlight: session.inFlight,
    }));
  }

  /** Unbinds all clients and stops listening. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#unsubscribe();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const pump of this.#pumps.values()) pump.stop();
    await Promise.all([...this.#connections].map(({ session }) => session.unbind()));
    await closed;
    this.#log[Symbol.dispose]();
  }

  /** A TLS handshake is expensive, so a place is reserved before it begins. */
  #handshake(socket: Socket): void {
    const place = this.#places.enter(socket.remoteAddress ?? "", () => socket.destroy());
    if (place === undefined) {
      socket.destroy();
      return;
    }
    const peer = peerOf(socket);
    this.#handshakes.set(peer, place);
    socket.on("close", () => {
      this.#handshakes.delete(peer);
      place.leave();
    });
  }

  #accept(socket: Socket, tls: boolean): void {
    const address = socket.remoteAddress ?? "";
    const gone = new AbortController();
    const evict = () => socket.destroy();
    const place = tls ? this.#handshakes.get(peerOf(socket)) : this.#places.enter(address, evict);
    if (address === "" || place === undefined) {
      place?.leave();
      socket.on("error", () => undefined);
      socket.destroy();
      return;
    }
    if (!tls) socket.once("close", () => place.leave());
    const requests = this.#requests(address, tls, gone.signal, (client, mode, withTlvs) => {
      if (session.state.at === "closed" || !this.#admission.claim(client)) return false;
      place.bound();
      setImmediate(() => this.#bound(connection, client, mode, withTlvs));
      return true;
    });
    const { inboundWindow, responseMs, times, maxFaults, maxUnboundPdus: maxEarlyPdus } = this.#options;
    const early = { maxEarlyPdus, maxEarlyOctets, mayTraceEarly: () => this.#mayTrace() };
    const limits = { window: 1, inboundWindow, responseMs, maxFaults, ...early };
    const options = { link: `smsc-face:${address}`, role: "smsc", ...limits, ...(times && { times }) } as const;
    const session = new SmppSession(socketStream(socket), (pdu) => requests.handle(pdu), options, this.#deps);
    const connection: Connection = { session, requests, gone, tls };
    this.#connections.add(connection);
    detach(
      session.ended.then(({ error }) => this.#ended(connection, error)),
      reported(this.#deps.log, "failed to remove a disconnected client"),
    );
  }

  #requests(
    remoteAddress: string,
    tls: boolean,
    gone: AbortSignal,
    claim: (client: SmscClient, mode: BindMode, withTlvs: boolean) => boolean,
  ): ClientSession {
    return new ClientSession({
      ...this.#deps,
      systemId: this.#options.systemId,
      remoteAddress,
      tls,
      gone,
      maxBindTries: this.#options.maxBindTries,
      claim,
      admit: (client) => this.#admission.admit(client, this.#deps.clock.monotonic()),
      nextReference: () => {
        this.#reference = (this.#reference + 1) & 0xff;
        return this.#reference;
      },
    });
  }

  #mayTrace(): boolean {
    const { rate, waitMs } = takeToken(this.#traced, this.#deps.clock.monotonic());
    this.#traced = rate;
    return waitMs === 0;
  }

  /** Called after the bind response was sent: deliveries may follow. */
  #bound({ session }: Connection, client: SmscClient, mode: BindMode, withTlvs: boolean): void {
    if (session.state.at === "closed") return;
    // The window is that of the account, not of the connection.
    session.granted(mode, client.window, client.window + 1);
    if (mode === "tx") return;
    const pump =
      this.#pumps.get(client.systemId) ?? new OutboxPump(client.systemId, this.#deps.port.outbox, this.#deps);
    this.#pumps.set(client.systemId, pump);
    pump.attach({ session, client, withTlvs });
  }

  #ended(connection: Connection, error: GatewayError | undefined): void {
    this.#connections.delete(connection);
    connection.gone.abort(error ?? new GatewayError("link.lost", "the connection is closed"));
    const { client } = connection.requests;
    const facts = { peer: connection.session.peer, reason: error?.message };
    if (client === undefined) {
      this.#deps.log.info(facts, "SMPP connection ended without a bind");
      return;
    }
    this.#deps.log.info({ client: client.systemId, ...facts }, "SMPP client disconnected");
    this.#admission.release(client);
    const pump = this.#pumps.get(client.systemId);
    pump?.detach(connection.session);
    if (pump?.idle) {
      pump.stop();
      this.#pumps.delete(client.systemId);
    }
  }
}

function peerOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}
