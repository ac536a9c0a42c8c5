import type { AdminAnswer } from "../../codec/gp/admin-http.ts";
import type { AdminRequest } from "./admin-request.ts";

/** An authenticated administration session: one TLS connection of one card. */
export interface AdminSessionInfo {
  readonly id: string;
  readonly target: string;
  readonly eid?: string;
  /** PSK identity as the card sent it. */
  readonly identity: string;
  /** Where the card's connection comes from. */
  readonly remote: string;
  /** Wall clock, milliseconds. */
  readonly openedAt: number;
}

/** What is done with a POST. */
export type AdminReply =
  | {
      readonly do: "answer";
      readonly answer: AdminAnswer;
      /** The session is over: close_notify follows at once. */
      readonly end: boolean;
      /** How long the card may think about what the answer brings. */
      readonly budgetMs?: number;
      /** Script that the answer carries, for traces. */
      readonly script?: string;
    }
  /** A temporary problem of the gateway: the link is cut, so that the card returns with a resuming POST. */
  | { readonly do: "drop"; readonly why: string };

/** Serves the POSTs of one session, one after the other. */
export interface AdminSessionHandler {
  post(request: AdminRequest): Promise<AdminReply>;
  /** The link is gone, for whatever reason. */
  closed(): void;
}

/**
 * Who serves a new session: the dialog over our own queue of scripts, or a proxy that forwards each POST to another
 * server.
 */
export type OpenSession = (session: AdminSessionInfo) => AdminSessionHandler;
