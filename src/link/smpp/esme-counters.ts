/** Outcome of the messages an account was given, since its start. */
export interface EsmeCounters {
  /** Requests that left, each time they did. */
  sent: number;
  accepted: number;
  /** Told to slow down; such a message is sent again. */
  throttled: number;
  /** Refused permanently or temporarily. */
  refused: number;
  /** Sent, with an unknown outcome. */
  unknown: number;
  /** Answered after they were abandoned. */
  late: number;
  /** Gave up before they could leave. */
  expired: number;
}

/** All at 0. */
export function noCounts(): EsmeCounters {
  return { sent: 0, accepted: 0, throttled: 0, refused: 0, unknown: 0, late: 0, expired: 0 };
}
