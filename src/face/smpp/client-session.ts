import type { Body } from "../../codec/smpp/bodies.ts";
import { messageStates } from "../../codec/smpp/message-state.ts";
import type { Pdu, RequestCommand } from "../../codec/smpp/pdu.ts";
import { status } from "../../codec/smpp/status.ts";
import { absoluteTime } from "../../codec/smpp/time.ts";
import type { Reply, SessionDeps } from "../../link/smpp/session-contract.ts";
import type { BindMode } from "../../link/smpp/session-state.ts";
import type { Authenticate, SmscClient, SmscFacePort } from "./port.ts";
import { statusOfError } from "./status-of-error.ts";
import { readSubmission } from "./submission.ts";

/** What a session of the face needs from its server. */
interface ClientSessionDeps extends SessionDeps {
  readonly port: SmscFacePort;
  readonly authenticate: Authenticate;
  readonly systemId: string;
  readonly remoteAddress: string;
  readonly tls: boolean;
  /** Aborts when the connection is closed. */
  readonly gone: AbortSignal;
  /** Refused binds after which the connection is closed. */
  readonly maxBindTries: number;
  /** Reserves a place for this bind; false if the client has reached its limit. */
  readonly claim: (client: SmscClient, mode: BindMode, withTlvs: boolean) => boolean;
  /** Counts a submit of the client until `done`; undefined when it must wait. */
  readonly admit: (client: SmscClient) => (() => void) | undefined;
  /** A new number for the segments of a payload. */
  readonly nextReference: () => number;
}

type Bind = Pdu<"bind_receiver" | "bind_transmitter" | "bind_transceiver">;

const modes = { bind_receiver: "rx", bind_transmitter: "tx", bind_transceiver: "trx" } as const;
const refusals = {
  "system-id": status.ESME_RINVSYSID,
  password: status.ESME_RINVPASWD,
  address: status.ESME_RBINDFAIL,
  busy: status.ESME_RSYSERR,
} as const;
const version34 = 0x34;
const slowDownMs = 1_000;
const noTlvs = { tlvs: {} };

/** Answers the requests of one connection to the SMSC face. SMPP 3.4 §2.2, §4 */
export class ClientSession {
  readonly #deps: ClientSessionDeps;
  #client: SmscClient | undefined;
  #mode: BindMode | undefined;
  /** The bind in progress: requests that the client sends before its answer wait for it. */
  #binding: Promise<Reply> | undefined;
  #refusals = 0;

  constructor(deps: ClientSessionDeps) {
    this.#deps = deps;
  }

  /** The account it is bound to. */
  get client(): SmscClient | undefined {
    return this.#client;
  }

  get mode(): BindMode | undefined {
    return this.#mode;
  }

  handle(pdu: Pdu<RequestCommand>): Promise<Reply> | Reply {
    switch (pdu.command) {
      case "bind_receiver":
      case "bind_transmitter":
      case "bind_transceiver":
        return this.#bindOnce(pdu);
      case "submit_sm":
      case "data_sm":
        return this.#asClient((client) => this.#submit(client, pdu.body));
      case "submit_multi":
        return this.#asClient((client) => this.#submitMulti(client, pdu.body));
      case "query_sm":
        return this.#asClient((client) => this.#query(client, pdu.body.messageId));
      case "cancel_sm":
        return this.#asClient((client) => this.#cancel(client, pdu.body));
      case "replace_sm":
        return this.#asClient(() => ({ status: status.ESME_RREPLACEFAIL }));
      default:
        return { status: status.ESME_RINVCMDID };
    }
  }

  #bindOnce(pdu: Bind): Promise<Reply> | Reply {
    if (this.#client !== undefined || this.#binding !== undefined) return { status: status.ESME_RALYBND };
    this.#binding = this.#bind(pdu).finally(() => {
      this.#binding = undefined;
    });
    return this.#binding;
  }

  async #bind(pdu: Bind): Promise<Reply> {
    const { body } = pdu;
    try {
      const { systemId, password, systemType } = body;
      const { remoteAddress, tls, gone } = this.#deps;
      const mode = modes[pdu.command];
      const found = await this.#deps.authenticate({ systemId, password, systemType, mode, remoteAddress, tls }, gone);
      if ("refused" in found) {
        this.#refusals += 1;
        this.#deps.log.warn({ systemId, remoteAddress, refused: found.refused }, "SMPP bind refused");
        await this.#deps.clock.sleep(found.holdMs ?? slowDownMs, gone).catch(() => undefined);
        return { status: refusals[found.refused], last: this.#refusals >= this.#deps.maxBindTries };
      }
      const withTlvs = body.interfaceVersion >= version34;
      if (!this.#deps.claim(found, mode, withTlvs)) return { status: status.ESME_RALYBND };
      this.#client = found;
      this.#mode = mode;
      this.#deps.log.info({ systemId, remoteAddress, mode }, "SMPP client is bound");
      const tlvs = withTlvs ? { scInterfaceVersion: version34 } : {};
      return { status: 0, body: { systemId: this.#deps.systemId, tlvs } };
    } catch (error) {
      if (!this.#deps.gone.aborted) throw error;
      return { status: status.ESME_RBINDFAIL };
    }
  }

  async #asClient(work: (client: SmscClient) => Promise<Reply> | Reply): Promise<Reply> {
    if (this.#binding !== undefined) await this.#binding.catch(() => undefined);
    const client = this.#client;
    if (client === undefined || this.#mode === "rx") return { status: status.ESME_RINVBNDSTS };
    const done = this.#deps.admit(client);
    if (done === undefined) return { status: status.ESME_RTHROTTLED };
    try {
      return await work(client);
    } catch (error) {
      const code = statusOfError(error);
      this.#deps.log.warn({ client: client.systemId, status: code, error: String(error) }, "SMPP request refused");
      return { status: code };
    } finally {
      done();
    }
  }

  async #submit(client: SmscClient, body: Body<"submit_sm"> | Body<"data_sm">): Promise<Reply> {
    const { port, clock, nextReference } = this.#deps;
    const submission = readSubmission(client.systemId, body, body.destination, clock.now(), nextReference());
    const { messageId } = await port.submit(submission);
    return { status: 0, body: { messageId, ...noTlvs } };
  }

  /** One message per address; the id in the answer is that of the first accepted one. SMPP 3.4 §4.5 */
  async #submitMulti(client: SmscClient, body: Body<"submit_multi">): Promise<Reply> {
    const { port, clock, nextReference } = this.#deps;
    if (body.destinations.length === 0) return { status: status.ESME_RINVNUMDESTS };
    const now = clock.now();
    // In parallel: in transaction mode each waits for its outcome.
    const outcomes = await Promise.all(
      body.destinations.map(async (destination) => {
        const address = destination.to === "address" ? destination.address : { ton: 0, npi: 0, addr: destination.name };
        if (destination.to === "list") return { address, errorStatus: status.ESME_RINVDLNAME };
        try {
          return await port.submit(readSubmission(client.systemId, body, address, now, nextReference()));
        } catch (error) {
          return { address, errorStatus: statusOfError(error) };
        }
      }),
    );
    const messageId = outcomes
      .map((one) => ("messageId" in one ? one.messageId : undefined))
      .find((id) => id !== undefined);
    const unsuccessful = outcomes.filter((one) => "errorStatus" in one);
    const [first] = unsuccessful;
    if (messageId === undefined) return { status: first?.errorStatus ?? status.ESME_RSUBMITFAIL };
    return { status: 0, body: { messageId, unsuccessful, ...noTlvs } };
  }

  async #query(client: SmscClient, messageId: string): Promise<Reply> {
    const found = await this.#deps.port.query(client.systemId, messageId);
    if (found === undefined) return { status: status.ESME_RINVMSGID };
    const finalDate = found.finalAt === undefined ? "" : absoluteTime(found.finalAt);
    const messageState = messageStates.indexOf(found.state);
    return {
      status: 0,
      body: { messageId, finalDate, messageState, errorCode: Math.min(found.error, 0xff), ...noTlvs },
    };
  }

  async #cancel(client: SmscClient, body: Body<"cancel_sm">): Promise<Reply> {
    const { messageId, source, destination } = body;
    const what = { messageId, source: source.addr, destination: destination.addr.replace(/^\+/, "") };
    const cancelled = await this.#deps.port.cancel(client.systemId, what);
    return cancelled ? { status: 0, body: noTlvs } : { status: status.ESME_RCANCELFAIL };
  }
}
