import type { TLSSocket } from "node:tls";
import { withoutUndefined } from "../../base/defined.ts";
import { detach } from "../../base/detach.ts";
import { isGatewayError } from "../../base/gateway-error.ts";
import { adminAnswerOctets } from "../../codec/gp/admin-http.ts";
import { type HttpRequest, RequestReader } from "../../codec/gp/request-reader.ts";
import { showScript } from "../../codec/secrets/script-secrets.ts";
import { isTracing, traceFrame } from "../trace.ts";
import { checkRequest } from "./admin-request.ts";
import type { PskEntry } from "./psk-source.ts";
import type { Scp81Limits } from "./server-settings.ts";
import type { AdminReply, AdminSessionHandler, AdminSessionInfo } from "./session-handler.ts";

/** Callbacks of a connection to its server. */
interface ConnectionEvents {
  /** The card violated the protocol or was refused; for counters and the log. */
  refused(info: AdminSessionInfo, status: number, why: string): void;
  dropped(info: AdminSessionInfo, why: string): void;
  failed(info: AdminSessionInfo, error: unknown): void;
}

export interface ConnectionDeps {
  readonly link: string;
  readonly limits: Scp81Limits;
  readonly framing: "chunked" | "length";
  readonly monotonic: () => number;
  readonly events: ConnectionEvents;
}

/** What a session is doing for display. */
export type SessionPhase = "card-silent" | "card-speaks" | "card-works" | "gateway-works" | "ending";

/** The HTTP side of one authenticated administration session. */
export class AdminConnection {
  readonly info: AdminSessionInfo;
  readonly #socket: TLSSocket;
  readonly #entry: PskEntry;
  readonly #handler: AdminSessionHandler;
  readonly #deps: ConnectionDeps;
  readonly #reader: RequestReader;
  #waiting: HttpRequest[] | undefined;
  #phase: SessionPhase = "card-silent";
  #posts = 0;
  #cardDone = false;
  #deadline: number;
  #job: string | undefined;
  /** When the current request must be complete, however steadily its octets arrive. */
  #requestEnd: number | undefined;
  /** Until when the card may work on the script it has. */
  #budgetEnd = 0;

  constructor(
    info: AdminSessionInfo,
    socket: TLSSocket,
    entry: PskEntry,
    handler: AdminSessionHandler,
    deps: ConnectionDeps,
  ) {
    this.info = info;
    this.#socket = socket;
    this.#entry = entry;
    this.#handler = handler;
    this.#deps = deps;
    this.#reader = new RequestReader(deps.limits);
    this.#deadline = deps.monotonic() + deps.limits.firstPostMs;
    socket.on("data", (octets: Buffer) => this.#read(octets));
    socket.on("end", () => this.#cardEnded());
  }

  get phase(): SessionPhase {
    return this.#phase;
  }

  get posts(): number {
    return this.#posts;
  }

  /** Monotonic time after which the connection is closed. */
  get deadline(): number {
    return this.#deadline;
  }

  /** The connection was closed. */
  closed(): void {
    this.#phase = "ending";
    this.#handler.closed();
  }

  /** Ends the session for the reason given; an unfinished exchange is for the card to resume. */
  drop(why: string): void {
    this.#deps.events.dropped(this.info, why);
    this.#socket.destroy();
  }

  /** The card has closed its side: its open request is still answered, then the connection is closed. */
  #cardEnded(): void {
    this.#cardDone = true;
    if (this.#phase !== "gateway-works" && this.#phase !== "ending") this.#socket.destroy();
  }

  #linger(): void {
    this.#phase = "ending";
    this.#deadline = this.#deps.monotonic() + this.#deps.limits.lingerMs;
  }

  #read(octets: Buffer): void {
    if (this.#phase === "ending") return;
    try {
      for (const event of this.#reader.push(octets)) {
        if (event.kind === "continue") this.#socket.write("HTTP/1.1 100 Continue\r\n\r\n");
        else this.#enqueue(event.request);
      }
    } catch (error) {
      this.#malformed(error);
      return;
    }
    if (this.#phase === "card-silent" || this.#phase === "card-works" || this.#phase === "card-speaks") {
      this.#watchRequest();
    }
  }

  /**
   * A request that has begun must make progress and end in time; the budget of a script is never shortened by this.
   */
  #watchRequest(): void {
    if (this.#reader.awaits === "between") return;
    const now = this.#deps.monotonic();
    const { stallMs, requestMs } = this.#deps.limits;
    this.#requestEnd ??= now + requestMs;
    this.#deadline = Math.max(this.#budgetEnd, Math.min(this.#requestEnd, now + stallMs));
    this.#phase = "card-speaks";
  }

  #malformed(error: unknown): void {
    const tooLong = isGatewayError(error, "codec.length");
    this.#deps.events.refused(this.info, tooLong ? 413 : 400, error instanceof Error ? error.message : "malformed");
    this.#send({ do: "answer", answer: { status: tooLong ? 413 : 400 }, end: true });
  }

  #enqueue(request: HttpRequest): void {
    this.#requestEnd = undefined;
    this.#deadline = Number.POSITIVE_INFINITY;
    if (this.#waiting !== undefined) {
      if (this.#waiting.length >= this.#deps.limits.pipelined) {
        this.drop("the card sent requests without waiting for the answers");
        return;
      }
      this.#waiting.push(request);
      return;
    }
    this.#waiting = [];
    detach(this.#serve(request), (error) => this.drop(`failed to serve the request: ${error.message}`));
  }

  async #serve(first: HttpRequest): Promise<void> {
    let request: HttpRequest | undefined = first;
    while (request !== undefined) {
      this.#phase = "gateway-works";
      this.#send(await this.#reply(request));
      request = this.phase === "ending" ? undefined : this.#waiting?.shift();
    }
    this.#waiting = undefined;
  }

  async #reply(request: HttpRequest): Promise<AdminReply> {
    this.#posts++;
    this.#traceRequest(request);
    const checked = checkRequest(request, this.#entry);
    if (!checked.ok) {
      this.#deps.events.refused(this.info, checked.status, checked.why);
      return { do: "answer", answer: { status: checked.status }, end: true };
    }
    try {
      const reply = await this.#handler.post(checked.request);
      if (reply.do === "answer" && reply.answer.status >= 400) {
        this.#deps.events.refused(this.info, reply.answer.status, "not a URI or request of this session");
      }
      return reply;
    } catch (error) {
      this.#deps.events.failed(this.info, error);
      return { do: "drop", why: "internal error" };
    }
  }

  #send(reply: AdminReply): void {
    if (this.#phase === "ending") return;
    if (reply.do === "drop") {
      this.#phase = "ending";
      this.drop(reply.why);
      return;
    }
    const { limits } = this.#deps;
    const framing = this.#entry.framing ?? this.#deps.framing;
    const { head, octets } = adminAnswerOctets(reply.answer, framing, limits.chunkOctets);
    this.#traceAnswer(reply, head);
    if (reply.end || this.#cardDone) {
      // Answer, close_notify and FIN are sent together, so that a card that stops reading after the answer has received
      // all of it.
      this.#socket.end(octets);
      this.#linger();
      return;
    }
    this.#socket.write(octets);
    const works = reply.answer.script !== undefined;
    this.#phase = works ? "card-works" : "card-silent";
    const now = this.#deps.monotonic();
    this.#budgetEnd = works ? now + (reply.budgetMs ?? 0) : 0;
    this.#deadline = Math.max(this.#budgetEnd, now + limits.nextPostMs);
  }

  /** The owner of a frame of this session. */
  #frame(): { readonly link: string; readonly target: string; readonly session: string; readonly job?: string } {
    const { target, id } = this.info;
    return { link: this.#deps.link, target, session: id, ...withoutUndefined({ job: this.#job }) };
  }

  #traceRequest(request: HttpRequest): void {
    if (!isTracing()) return;
    const frame = { ...this.#frame(), dir: "in" } as const;
    traceFrame({ ...frame, kind: "http", text: request.headText, facts: { bodyOctets: request.body.length } });
    if (request.body.length > 0) traceFrame({ ...frame, kind: "script", bytes: request.body });
  }

  #traceAnswer(reply: AdminReply & { do: "answer" }, head: string): void {
    if (!isTracing()) return;
    // The next request of the card answers the script of this job.
    this.#job = reply.job;
    const frame = { ...this.#frame(), dir: "out" } as const;
    const body = reply.answer.script?.body;
    traceFrame({ ...frame, kind: "http", text: head.trimEnd(), facts: { bodyOctets: body?.length ?? 0 } });
    if (body !== undefined) {
      traceFrame({
        ...frame,
        kind: "script",
        bytes: showScript(body).bytes,
        facts: { script: reply.script, aid: reply.answer.script?.target },
      });
    }
  }
}
