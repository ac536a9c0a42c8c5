/** How a session is bound: the permitted direction of messages. SMPP 3.4 §2.2 */
export type BindMode = "tx" | "rx" | "trx";

/** Times of a session, milliseconds. */
export interface SessionTimes {
  /** From connecting to the bind request (server) or from the bind to its answer (client). */
  readonly bindMs: number;
  /** Silence after which enquire_link is sent. */
  readonly enquireMs: number;
  /** How long an enquire_link may stay unanswered. */
  readonly enquireAnswerMs: number;
  /** Unanswered enquire_links that end the session. */
  readonly enquireMisses: number;
  /** From unbind to closing at the latest. */
  readonly unbindMs: number;
}

export const sessionTimes: SessionTimes = {
  bindMs: 10_000,
  enquireMs: 30_000,
  enquireAnswerMs: 10_000,
  enquireMisses: 2,
  unbindMs: 5_000,
};

/** The state of a session. */
export type SessionState =
  | { readonly at: "open"; readonly since: number }
  | { readonly at: "binding"; readonly since: number }
  | { readonly at: "bound"; readonly mode: BindMode; readonly asked?: number; readonly misses: number }
  | { readonly at: "unbinding"; readonly since: number }
  | { readonly at: "closed" };

/** Events of a session. `receivedAt` is the time of the peer's last PDU. */
export type SessionEvent =
  | { readonly on: "bind-sent"; readonly now: number }
  | { readonly on: "bound"; readonly mode: BindMode }
  | { readonly on: "bind-refused"; readonly now: number }
  | { readonly on: "unbinding"; readonly now: number }
  | { readonly on: "closed" }
  | { readonly on: "tick"; readonly now: number; readonly receivedAt: number };

/** Actions for the runner. */
export type SessionAction =
  | { readonly do: "enquire" }
  | { readonly do: "close"; readonly why: "no-bind" | "no-bind-answer" | "no-enquire-answer" | "unbound" };

/** The next state and its actions. */
interface SessionStep {
  readonly state: SessionState;
  readonly action?: SessionAction;
}

function bound(state: Extract<SessionState, { at: "bound" }>, now: number, receivedAt: number, times: SessionTimes) {
  const { mode, asked, misses } = state;
  const enquire: SessionAction = { do: "enquire" };
  if (asked !== undefined && receivedAt < asked) {
    if (now - asked < times.enquireAnswerMs) return { state };
    if (misses + 1 >= times.enquireMisses) {
      return { state: { at: "closed" }, action: { do: "close", why: "no-enquire-answer" } } as const;
    }
    return { state: { at: "bound", mode, asked: now, misses: misses + 1 }, action: enquire } as const;
  }
  if (now - receivedAt >= times.enquireMs) {
    return { state: { at: "bound", mode, asked: now, misses: 0 }, action: enquire } as const;
  }
  return { state: asked === undefined ? state : ({ at: "bound", mode, misses: 0 } as const) };
}

function tick(state: SessionState, now: number, receivedAt: number, times: SessionTimes): SessionStep {
  switch (state.at) {
    case "open":
    case "binding":
      if (now - state.since < times.bindMs) return { state };
      return {
        state: { at: "closed" },
        action: { do: "close", why: state.at === "open" ? "no-bind" : "no-bind-answer" },
      };
    case "bound":
      return bound(state, now, receivedAt, times);
    case "unbinding":
      if (now - state.since < times.unbindMs) return { state };
      return { state: { at: "closed" }, action: { do: "close", why: "unbound" } };
    case "closed":
      return { state };
  }
}

/** Advances a session by one event. SMPP 3.4 §2.2, §7.2 */
export function stepSession(state: SessionState, event: SessionEvent, times: SessionTimes): SessionStep {
  if (state.at === "closed") return { state };
  switch (event.on) {
    case "bind-sent":
      return { state: { at: "binding", since: event.now } };
    case "bound":
      return { state: { at: "bound", mode: event.mode, misses: 0 } };
    case "bind-refused":
      return { state: { at: "open", since: event.now } };
    case "unbinding":
      return { state: { at: "unbinding", since: event.now } };
    case "closed":
      return { state: { at: "closed" } };
    case "tick":
      return tick(state, event.now, event.receivedAt, times);
  }
}
