import { createHmac, randomBytes } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { type SecureContext, TLSSocket } from "node:tls";
import type { Clock } from "../../base/clock.ts";
import { withoutUndefined } from "../../base/defined.ts";
import { detach } from "../../base/detach.ts";
import { GatewayError } from "../../base/gateway-error.ts";
import { newId } from "../../base/id.ts";
import { LimitedLog } from "../../base/limited-log.ts";
import { type ClientHandshake, ClientHandshakeListener, type ClientHello } from "../../codec/tls/client-handshake.ts";
import type { Log } from "../driver.ts";
import { reported } from "../reported.ts";
import { isTracing, traceFrame } from "../trace.ts";
import { AdminConnection, type ConnectionDeps, type SessionPhase } from "./connection.ts";
import { HandshakeLog } from "./handshake-log.ts";
import { PskGate } from "./psk-gate.ts";
import { findPsk, lookUpPsk, type PskEntry, type PskSource } from "./psk-source.ts";
import { defaultScp81Settings, type Scp81Settings } from "./server-settings.ts";
import type { AdminSessionInfo, OpenSession } from "./session-handler.ts";
import { pskServerContext, suiteName } from "./tls-context.ts";

export interface Scp81Deps {
  readonly keys: PskSource;
  /** Chooses the handler of a session. */
  readonly open: OpenSession;
  readonly clock: Clock;
  readonly log: Log;
  /** Lines in the format of `SSLKEYLOGFILE`; they contain the keys of the sessions: for the lab only. */
  readonly keyLog?: (line: Buffer) => void;
}

/** Counters of a server since its start. */
interface Scp81Stats {
  connections: number;
  /** Connections whose handshake succeeded. */
  sessions: number;
  handshakeFailures: number;
  unknownIdentities: number;
  evicted: number;
  posts: number;
  refused: number;
  dropped: number;
}

/** A session as `session list` shows it. */
interface SessionView extends AdminSessionInfo {
  readonly phase: SessionPhase;
  readonly posts: number;
}

interface Handshake {
  /** Absent until the client's first message has been read. */
  socket?: TLSSocket;
  readonly raw: Socket;
  readonly deadline: number;
  /** Keys that a remote store returned for the identities of this client. */
  found?: Map<string, PskEntry>;
  identity?: string;
  entry?: PskEntry;
  /** The ClientHello; read only if the client's octets pass through a gate. */
  hello?: ClientHello;
}

const sweepMs = 500;
const evictionWindow = 64;

/** Terminates the administration sessions that cards open: TLS-PSK, HTTP and their deadlines. GP Amendment B §3 */
export class Scp81Server implements AsyncDisposable {
  readonly stats: Scp81Stats = {
    connections: 0,
    sessions: 0,
    handshakeFailures: 0,
    unknownIdentities: 0,
    evicted: 0,
    posts: 0,
    refused: 0,
    dropped: 0,
  };
  readonly #settings: Scp81Settings;
  readonly #deps: Scp81Deps;
  readonly #context: SecureContext;
  readonly #server: Server;
  readonly #handshakes = new Set<Handshake>();
  readonly #connections = new Set<AdminConnection>();
  readonly #byTarget = new Map<string, AdminConnection>();
  readonly #connectionDeps: ConnectionDeps;
  readonly #handshakeLog: HandshakeLog;
  readonly #decoySecret = randomBytes(32);
  readonly #closing = new AbortController();

  constructor(deps: Scp81Deps, settings: Scp81Settings = defaultScp81Settings) {
    this.#deps = deps;
    this.#settings = settings;
    this.#context = pskServerContext(settings.tls);
    this.#handshakeLog = new HandshakeLog(deps.log, deps.clock, settings.link);
    const log = new LimitedLog(deps.log, deps.clock);
    this.#connectionDeps = {
      link: settings.link,
      limits: settings.limits,
      framing: settings.framing,
      monotonic: () => deps.clock.monotonic(),
      events: {
        refused: (info, status, why) => {
          this.stats.refused++;
          log.warn({ session: info.id, target: info.target, status, why }, "request of a card refused");
        },
        dropped: (info, why) => {
          this.stats.dropped++;
          log.info({ session: info.id, target: info.target, why }, "session closed by the server");
        },
        failed: (info, error) => {
          log.error({ session: info.id, target: info.target, error }, "the handler of a session failed");
        },
      },
    };
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  /** Starts to listen and returns the port. @throws link.unavailable */
  async listen(): Promise<number> {
    const { host, port, tls, link } = this.#settings;
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (cause) => {
        reject(
          new GatewayError("link.unavailable", `cannot listen on ${host}:${port}: ${cause.message}`, {
            detail: { link, host, port },
            cause,
          }),
        );
      });
      this.#server.listen({ host, port, backlog: 4096 }, resolve);
    });
    if (tls.tls10) this.#deps.log.warn({ link }, "TLS 1.0 and 1.1 are enabled: they are obsolete");
    if (tls.nullSuites) this.#deps.log.warn({ link }, "cipher suites without encryption are enabled");
    if (this.#deps.keyLog)
      this.#deps.log.warn({ link }, "session keys are written to the key log: use it in the lab only");
    detach(this.#sweep(), reported(this.#deps.log, "the supervision of session deadlines ended"));
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : port;
  }

  /** Sessions that are open now. */
  sessions(): SessionView[] {
    return [...this.#connections].map(({ info, phase, posts }) => ({ ...info, phase, posts }));
  }

  /** Whether the target has a session that can still accept scripts. */
  serves(target: string): boolean {
    const connection = this.#byTarget.get(target);
    return connection !== undefined && connection.phase !== "ending";
  }

  /** Closes a session; false if there is none with this id. */
  close(id: string): boolean {
    const connection = [...this.#connections].find(({ info }) => info.id === id);
    connection?.drop("closed by the operator");
    return connection !== undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const { socket, raw } of this.#handshakes) {
      socket?.destroy();
      raw.destroy();
    }
    for (const connection of this.#connections) connection.drop("the server is stopping");
    await closed;
  }

  #accept(raw: Socket): void {
    const { limits } = this.#settings;
    this.stats.connections++;
    if (this.#handshakes.size + this.#connections.size >= limits.connections) {
      this.stats.evicted++;
      raw.destroy();
      return;
    }
    if (this.#handshakes.size >= limits.handshaking) this.#evict();
    const deadline = this.#deps.clock.monotonic() + limits.handshakeMs;
    const handshake: Handshake = { raw, deadline };
    this.#handshakes.add(handshake);
    if (this.#deps.keys.kind === "remote") this.#startTls(handshake, this.#gate(handshake));
    else if (isTracing()) this.#peek(handshake);
    else this.#startTls(handshake, raw);
  }

  /** Reads the ClientHello for traces, and passes the octets on to the TLS engine. */
  #peek(handshake: Handshake): void {
    const { raw } = handshake;
    const fail = (error: Error) => this.#failed(handshake, error);
    const gone = () => this.#handshakes.delete(handshake);
    raw.on("error", fail).on("close", gone);
    raw.once("readable", () => {
      raw.off("error", fail).off("close", gone);
      const octets: Buffer | null = raw.read();
      if (octets === null) {
        this.#handshakes.delete(handshake);
        raw.destroy();
        return;
      }
      const [first] = new ClientHandshakeListener().push(octets);
      if (first?.kind === "hello") handshake.hello = first.hello;
      raw.unshift(octets);
      this.#startTls(handshake, raw);
    });
  }

  #startTls(handshake: Handshake, stream: Socket | PskGate): void {
    const socket = this.#engine(stream, (identity) => this.#pskOf(handshake, identity));
    handshake.socket = socket;
    if (this.#deps.keyLog) socket.on("keylog", this.#deps.keyLog);
    socket.on("error", (error) => this.#failed(handshake, error));
    socket.on("close", () => this.#handshakes.delete(handshake));
    socket.on("secure", () => this.#secure(handshake, socket));
  }

  /**
   * Of the oldest handshakes, the one that has sent least is closed: clients that only open connections make room for
   * cards.
   */
  #evict(): void {
    let least: Handshake | undefined;
    let looked = 0;
    for (const handshake of this.#handshakes) {
      if (least === undefined || handshake.raw.bytesRead < least.raw.bytesRead) least = handshake;
      if (++looked >= evictionWindow) break;
    }
    if (least === undefined) return;
    this.stats.evicted++;
    this.#handshakes.delete(least);
    least.socket?.destroy();
    least.raw.destroy();
  }

  /** Holds the handshake at the message with the identity until its key has arrived. */
  #gate(handshake: Handshake): PskGate {
    const found = new Map<string, PskEntry>();
    handshake.found = found;
    const gate = new PskGate(handshake.raw, (message) => {
      if (message.kind === "hello") handshake.hello = message.hello;
      return this.#lookUp(message, found);
    });
    gate.on("error", () => {});
    return gate;
  }

  #engine(stream: Socket | PskGate, psk: (identity: string) => Uint8Array): TLSSocket {
    const options = {
      isServer: true,
      secureContext: this.#context,
      requestCert: false,
      pskCallback: (_: TLSSocket, identity: string) => psk(identity),
    };
    return new TLSSocket(stream as Socket, options);
  }

  #lookUp(message: ClientHandshake, found: Map<string, PskEntry>): Promise<void> | undefined {
    const identities = message.kind === "hello" ? message.hello.pskIdentities.slice(0, 4) : [message.pskIdentity];
    const { keys } = this.#deps;
    if (identities.length === 0 || keys.kind !== "remote") return undefined;
    const work = async () => {
      for (const octets of identities) {
        const identity = Buffer.from(octets).toString("utf8");
        const entry = await lookUpPsk(keys.lookup, identity);
        if (entry !== undefined) found.set(identity, entry);
      }
    };
    return this.#withinLookupTime(work());
  }

  async #withinLookupTime(work: Promise<void>): Promise<void> {
    const done = new AbortController();
    const late = this.#deps.clock.sleep(this.#settings.limits.lookupMs, done.signal).then(
      () => {
        throw new GatewayError("link.timeout", "the key store did not respond in time");
      },
      () => undefined,
    );
    try {
      await Promise.race([work, late]);
    } finally {
      done.abort();
    }
  }

  /**
   * An unknown identity gets a random key, so that it fails exactly as a wrong key does, at the same cost and with the
   * same alert.
   */
  #pskOf(handshake: Handshake, identity: string): Uint8Array {
    const { keys } = this.#deps;
    const entry = keys.kind === "remote" ? handshake.found?.get(identity) : findPsk(keys.find, identity);
    handshake.identity = identity;
    if (entry !== undefined) {
      handshake.entry = entry;
      return entry.psk;
    }
    this.stats.unknownIdentities++;
    this.#handshakeLog.unknownIdentity(identity);
    return createHmac("sha256", this.#decoySecret).update(identity).digest().subarray(0, 16);
  }

  #failed(handshake: Handshake, error: Error & { code?: string }): void {
    if (!this.#handshakes.delete(handshake)) return;
    this.stats.handshakeFailures++;
    this.#handshakeLog.failed(error.code ?? error.message, handshake.hello);
    handshake.raw.destroy();
  }

  #secure(handshake: Handshake, socket: TLSSocket): void {
    const { raw, identity, entry } = handshake;
    this.#handshakes.delete(handshake);
    if (identity === undefined || entry === undefined) {
      socket.destroy();
      return;
    }
    this.stats.sessions++;
    const info: AdminSessionInfo = {
      id: newId("ses", this.#deps.clock.now()),
      target: entry.target,
      ...withoutUndefined({ eid: entry.eid }),
      identity,
      // Read only on demand: the system call costs as much as a POST.
      get remote() {
        return `${raw.remoteAddress ?? "?"}:${raw.remotePort ?? 0}`;
      },
      openedAt: this.#deps.clock.now(),
    };
    this.#traceTls(socket, handshake, info);
    this.#byTarget.get(entry.target)?.drop("the card opened another session");
    const connection = new AdminConnection(info, socket, entry, this.#deps.open(info), this.#connectionDeps);
    this.#connections.add(connection);
    this.#byTarget.set(entry.target, connection);
    socket.on("close", () => this.#gone(connection));
  }

  #gone(connection: AdminConnection): void {
    if (!this.#connections.delete(connection)) return;
    this.stats.posts += connection.posts;
    if (this.#byTarget.get(connection.info.target) === connection) this.#byTarget.delete(connection.info.target);
    connection.closed();
  }

  #traceTls(socket: TLSSocket, { hello }: Handshake, info: AdminSessionInfo): void {
    if (!isTracing()) return;
    const cipher = socket.getCipher();
    const protocol = socket.getProtocol();
    traceFrame({
      kind: "tls",
      dir: "in",
      link: this.#settings.link,
      target: info.target,
      session: info.id,
      text: `${protocol} ${cipher.standardName ?? cipher.name}`,
      facts: {
        protocol,
        cipher: cipher.name,
        identity: info.identity,
        remote: info.remote,
        ...(hello && { offered: hello.cipherSuites.map(suiteName), extensions: hello.extensions }),
        ...withoutUndefined({ maxFragment: hello?.maxFragment }),
      },
    });
  }

  /** Closes connections past their deadline. */
  async #sweep(): Promise<void> {
    const { clock } = this.#deps;
    while (!this.#closing.signal.aborted) {
      await clock.sleep(sweepMs, this.#closing.signal).catch(() => undefined);
      const now = clock.monotonic();
      for (const handshake of this.#handshakes) {
        if (handshake.deadline > now) break;
        this.#failed(handshake, new Error("the handshake timed out"));
        handshake.socket?.destroy();
      }
      for (const connection of this.#connections) if (connection.deadline <= now) connection.drop(late(connection));
    }
  }
}

function late({ phase }: AdminConnection): string {
  return phase === "ending" ? "the card did not close the connection" : `deadline passed (${phase})`;
}
