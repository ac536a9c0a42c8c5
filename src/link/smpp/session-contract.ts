import type { Clock } from "../../base/clock.ts";
import type { GatewayError } from "../../base/gateway-error.ts";
import type { Body } from "../../codec/smpp/bodies.ts";
import type { Pdu, RequestCommand, ResponseCommand } from "../../codec/smpp/pdu.ts";
import type { Log } from "../driver.ts";
import type { SessionTimes } from "./session-state.ts";

/** The answer to a request of the peer: a status, and a body if it is 0. `silent` for PDUs that have no answer. */
export interface Reply {
  readonly status: number;
  readonly body?: Body<ResponseCommand>;
  /** The session ends with this answer. */
  readonly last?: boolean;
}

/** Serves a request of the peer; the answer is sent when the reply resolves. */
export type RequestHandler = (pdu: Pdu<RequestCommand>) => Reply | Promise<Reply>;

/** Settings of one session. */
export interface SessionOptions {
  /** Link id for logs and traces. */
  readonly link: string;
  /** `esme` requests the bind, `smsc` grants it. */
  readonly role: "esme" | "smsc";
  /** Maximum number of our unanswered requests. */
  readonly window: number;
  /** Maximum number of the peer's requests in progress; while there are more, nothing is read from it. */
  readonly inboundWindow: number;
  readonly responseMs: number;
  readonly times?: Partial<SessionTimes>;
  readonly maxPdu?: number;
  /** Malformed PDUs and unknown commands after which the connection is closed, one forgiven per 5 s; without it, never. */
  readonly maxFaults?: number;
  /** The same for PDUs of a peer that is not bound. */
  readonly maxEarlyPdus?: number;
  /** Longest PDU of a peer that is not bound, octets. */
  readonly maxEarlyOctets?: number;
  /**
   * Called for each PDU before the bind: whether it may be traced, so that unbound peers do not displace other frames.
   */
  readonly mayTraceEarly?: () => boolean;
  /** First sequence number minus one. */
  readonly sequence?: number;
}

export interface SessionDeps {
  readonly clock: Clock;
  readonly log: Log;
}

/** How a session ended: `error` unless it was unbound in order. */
export interface SessionEnd {
  readonly error?: GatewayError;
}
