/** Counts of the outcomes of an account's messages since its start. */
export interface EsmeCounters {
  /** Requests sent, repetitions included. */
  sent: number;
  accepted: number;
  /** Messages refused by throttling; such a message is sent again. */
  throttled: number;
  /** Refused permanently or temporarily. */
  refused: number;
  /** Sent, with an unknown outcome. */
  unknown: number;
  /** Answered after they were abandoned. */
  late: number;
  /** Abandoned before they could be sent. */
  expired: number;
}

/** All at 0. */
export function noCounts(): EsmeCounters {
  return { sent: 0, accepted: 0, throttled: 0, refused: 0, unknown: 0, late: 0, expired: 0 };
}
