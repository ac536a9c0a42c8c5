import type { AdminAnswer } from "../../codec/gp/admin-http.ts";
import type { AdminRequest } from "./admin-request.ts";

/** An authenticated administration session: one TLS connection of one card. */
export interface AdminSessionInfo {
  readonly id: string;
  readonly target: string;
  readonly eid?: string;
  /** PSK identity as the card sent it. */
  readonly identity: string;
  /** Address of the card's end of the connection. */
  readonly remote: string;
  /** Wall clock, milliseconds. */
  readonly openedAt: number;
}

/** The reaction to a POST. */
export type AdminReply =
  | {
      readonly do: "answer";
      readonly answer: AdminAnswer;
      /** The session ends: close_notify follows at once. */
      readonly end: boolean;
      /** Time limit for the script in the answer. */
      readonly budgetMs?: number;
      /** Script that the answer carries, for traces. */
      readonly script?: string;
      /** The job of this script, for traces. */
      readonly job?: string;
    }
  /** A temporary problem of the gateway: the link is cut, so that the card returns with a resuming POST. */
  | { readonly do: "drop"; readonly why: string };

/** Serves the POSTs of one session, one after the other. */
export interface AdminSessionHandler {
  post(request: AdminRequest): Promise<AdminReply>;
  /** The link was closed, for any reason. */
  closed(): void;
}

/**
 * Returns the handler of a new session: the dialog over the gateway's own queue of scripts, or a proxy that forwards
 * each POST to another server.
 */
export type OpenSession = (session: AdminSessionInfo) => AdminSessionHandler;
