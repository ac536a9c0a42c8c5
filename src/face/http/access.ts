import type { IncomingMessage } from "node:http";
import type { TLSSocket } from "node:tls";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { asGatewayError, GatewayError } from "../../base/gateway-error.ts";
import type { ApiTokens } from "../../gateway/access/api-tokens.ts";
import type { AuditLog } from "../../gateway/access/audit-log.ts";
import { allows, type Principal, type Scope, scopes } from "../../gateway/model/api-token.ts";
import type { AuditEntry } from "../../gateway/model/audit-entry.ts";
import type { Log } from "../../link/driver.ts";
import type { OpenStreams } from "./open-streams.ts";
import type { Shown } from "./route.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** The required scope; `public` requires none. Routes without one require `admin`. */
    readonly scope?: Scope | "public";
    /** Media type of an answer that is not JSON. */
    readonly mediaType?: string;
    /** A request and its answer, for the document. */
    readonly example?: Shown;
    /** It is a former path, supported for one more release. */
    readonly deprecated?: boolean;
  }
  interface FastifyRequest {
    /** The authenticated client; absent for public routes. */
    principal?: Principal;
    /** Code of the error with which the request ended. */
    problem?: string;
    /** Its entry for the audit log. */
    auditEntry?: Omit<AuditEntry, "seq">;
    /** Position of its entry in the audit log. */
    audited?: Promise<number>;
    /** The outcome is being or has been added to its entry. */
    outcomeKept?: boolean;
  }
}

/** The scopes of a client certificate. */
export interface CertificateGrant {
  /** Required attributes of the subject, `CN=smsr,O=Example`. */
  readonly subject: string;
  readonly scopes: readonly Scope[];
}

interface AccessDeps {
  readonly auditLog: AuditLog;
  /** Whether the last write to the store succeeded. */
  readonly storable: () => boolean;
  readonly tokens: ApiTokens;
  readonly certificates: readonly CertificateGrant[];
  readonly streams: OpenStreams;
  readonly log: Log;
  readonly now: () => number;
}

/** The owner of the control socket, the only user who can open it. */
const local: Principal = { client: "local", how: "socket", scopes };
const remote = new WeakSet<IncomingMessage>();
/**
 * Refusals that are logged per second: of one unauthenticated address, of all unauthenticated clients, and of each
 * authenticated client.
 */
const refusalsPerSecond = { address: 10, strangers: 20, client: 20 };

/** Marks a request that arrived over the network: it must be authenticated. */
export function fromNetwork(request: IncomingMessage): void {
  remote.add(request);
}

/** Whether the request came over TCP, so that only its credentials identify the client. */
function isRemote(request: IncomingMessage): boolean {
  return remote.has(request);
}

/** Identifies the client of a request, checks its scopes, and records changes in the audit log. */
export function guard(app: FastifyInstance, deps: AccessDeps): void {
  const budgets = new RefusalBudgets(deps.log);
  app.addHook("onRequest", async (request, reply) => {
    const scope = request.routeOptions.config.scope ?? "admin";
    if (scope === "public") return;
    try {
      request.principal = await principalOf(request, deps);
      // Every authenticated client receives the same 404, other clients do not.
      if (!request.is404 && !allows(request.principal.scopes, scope))
        throw new GatewayError("api.forbidden", `the scope '${scope}' is required`, {
          detail: { scope, held: request.principal.scopes },
        });
    } catch (error) {
      if (budgets.take(request.principal, request.raw.socket?.remoteAddress, deps.now()))
        await record(request, deps, error);
      throw error;
    }
    // A waiting request receives no answer once its credentials have ended.
    if (request.principal?.how === "token" && request.method === "GET")
      deps.streams.watch(request.principal, reply.raw);
    if (changes(request)) request.auditEntry = entryOf(request, deps.now());
  });
  // Only after the body has been checked: the entry then shares the commit of the handler's changes.
  app.addHook("preHandler", async (request) => {
    enter(request);
    // After a failed write, a request waits until its entry is stored: nothing is done that cannot be audited.
    if (!deps.storable()) await request.audited;
  });
  app.addHook("onRequestAbort", async (request) => enter(request));
  app.addHook("onSend", async (request, reply) => {
    enter(request);
    const seq = await request.audited?.catch(() => undefined);
    if (seq === undefined) return;
    // A client that has the answer finds its outcome in the audit log, even if the process is killed now.
    request.outcomeKept = true;
    const { committed, durable } = deps.auditLog.finish(seq, reply.statusCode, request.problem);
    durable.catch((thrown) => lost(request, reply.statusCode, asGatewayError(thrown)));
    await committed.catch(() => {});
  });
  app.addHook("onResponse", async (request, reply) => {
    if (request.audited === undefined || request.outcomeKept === true) return;
    try {
      const seq = await request.audited.catch(() => deps.auditLog.append(entryOf(request, deps.now())));
      await deps.auditLog.finish(seq, reply.statusCode, request.problem).durable;
    } catch (thrown) {
      lost(request, reply.statusCode, asGatewayError(thrown));
    }
  });

  /** Starts to store the entry of a request with changes, once. */
  function enter(request: FastifyRequest): void {
    if (request.auditEntry === undefined || request.audited !== undefined) return;
    const audited = deps.auditLog.append(request.auditEntry);
    audited.catch(() => {});
    request.audited = audited;
  }

  /** An entry that cannot be stored is written to the daemon's log. */
  function lost(request: FastifyRequest, status: number, error: GatewayError): void {
    const { operation, client, method, path } = { client: "?", ...entryOf(request, deps.now()) };
    const facts = { operation, client, method, path, status, code: error.code, message: error.message };
    deps.log.error(facts, "failed to write the audit log");
  }
}

function changes(request: FastifyRequest): boolean {
  return !request.is404 && !["GET", "HEAD", "OPTIONS"].includes(request.method);
}

async function principalOf(request: FastifyRequest, deps: AccessDeps): Promise<Principal> {
  if (!isRemote(request.raw)) return local;
  const { authorization } = request.headers;
  if (authorization !== undefined) {
    const [, text] = /^Bearer ([\x21-\x7e]+)$/i.exec(authorization) ?? [];
    const principal = text === undefined ? undefined : await deps.tokens.authenticate(text);
    if (principal === undefined)
      throw new GatewayError("api.unauthorized", "Authorization: not a valid token", {
        detail: { field: "Authorization", in: "header" },
      });
    return principal;
  }
  const certified = certificateOf(request.raw.socket, deps.certificates);
  if (certified !== undefined) return certified;
  throw new GatewayError("api.unauthorized", "Authorization: a token or a client certificate is required", {
    detail: { field: "Authorization", in: "header" },
  });
}

function isTls(socket: unknown): socket is TLSSocket {
  return typeof socket === "object" && socket !== null && "getPeerCertificate" in socket;
}

function certificateOf(socket: unknown, grants: readonly CertificateGrant[]): Principal | undefined {
  if (!isTls(socket) || !socket.authorized) return undefined;
  const { subject } = socket.getPeerCertificate();
  if (subject === undefined || subject === null) return undefined;
  const has = new Set(
    Object.entries(subject).flatMap(([name, value]) => [value].flat().map((one) => `${name}=${String(one)}`)),
  );
  const grant = grants.find((one) => attributes(one.subject).every((attribute) => has.has(attribute)));
  if (grant === undefined) return undefined;
  const name = [subject.CN].flat()[0];
  return { client: `cert:${String(name ?? grant.subject)}`, how: "certificate", scopes: grant.scopes };
}

function attributes(subject: string): string[] {
  return subject
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function entryOf(request: FastifyRequest, at: number) {
  const { principal } = request;
  const address = request.raw.socket?.remoteAddress;
  const [path = ""] = request.url.split("?");
  return {
    at,
    ...(principal === undefined ? {} : { client: principal.client, how: principal.how }),
    ...(address === undefined || principal?.how === "socket" ? {} : { remote: address }),
    operation: request.routeOptions.schema?.operationId ?? "none",
    method: request.method,
    path: path.slice(0, 600),
  };
}

async function record(request: FastifyRequest, deps: AccessDeps, error: unknown): Promise<void> {
  const known = error instanceof GatewayError ? error : new GatewayError("api.internal", "see the log");
  const entry = { ...entryOf(request, deps.now()), status: known.entry.http, error: known.code };
  await deps.auditLog.append(entry).catch(() => {});
}

/** Limits how many refusals are logged in one second. A flood of one kind does not use the budget of the others. */
class RefusalBudgets {
  readonly #log: Log;
  #second = 0;
  #leftOut = 0;
  #taken = new Map<string, number>();

  constructor(log: Log) {
    this.#log = log;
  }

  take(known: Principal | undefined, address: string | undefined, now: number): boolean {
    this.#begin(Math.floor(now / 1000));
    const places =
      known !== undefined
        ? ([[`client ${known.how} ${known.client}`, refusalsPerSecond.client]] as const)
        : ([
            [`address ${address ?? ""}`, refusalsPerSecond.address],
            ["strangers", refusalsPerSecond.strangers],
          ] as const);
    const free = places.every(([place, most]) => (this.#taken.get(place) ?? 0) < most);
    if (free) for (const [place] of places) this.#taken.set(place, (this.#taken.get(place) ?? 0) + 1);
    else this.#leftOut += 1;
    return free;
  }

  #begin(second: number): void {
    if (second === this.#second) return;
    if (this.#leftOut > 0)
      this.#log.warn(
        { count: this.#leftOut, second: this.#second },
        "refused requests were omitted from the audit log: too many in a second",
      );
    this.#second = second;
    this.#leftOut = 0;
    this.#taken = new Map();
  }
}
