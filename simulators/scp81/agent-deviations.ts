/** Where in the course of a session the link breaks. */
export type DropPoint =
  /** Behind the handshake, before anything was sent. */
  | "before-request"
  | "inside-request"
  /** The request is out, its answer unread. */
  | "before-answer"
  | "inside-answer"
  /** The script is here, whole, and was not run. */
  | "before-execution"
  /** The script was run, its response not sent. */
  | "after-execution";

/** A break that happens once. */
export interface Drop {
  readonly at: DropPoint;
  /** Which POST of the agent's life, from 0. */
  readonly post: number;
  /** `silence`: the link stays up and nothing moves on it any more. */
  readonly how: "fin" | "reset" | "silence";
}

/** How a simulated card spells, cuts and misbehaves. All optional: without any it writes as Amendment B does. */
export interface AgentDeviations {
  readonly headerCase?: "standard" | "lower" | "upper";
  readonly framing?: "chunked" | "length";
  /** Chunk sizes, taken in turn. */
  readonly chunkSizes?: readonly number[];
  readonly chunkSizeSpelling?: "lower" | "upper" | "leading-zeros" | "trailing-space";
  /** What stands behind the last chunk's line. */
  readonly lastChunk?: "standard" | "no-final-crlf";
  /** A last chunk's line behind requests that have no body. */
  readonly strayLastChunk?: boolean;
  readonly spacing?: "standard" | "no-space" | "trailing-space" | "space-before-colon";
  readonly lineEnd?: "crlf" | "lf";
  readonly requestTarget?: "origin" | "absolute";
  readonly trailingSpaceAfterVersion?: boolean;
  readonly omitHost?: boolean;
  readonly contentLengthZero?: boolean;
  /** Most octets in one write; absent = the whole request in one. */
  readonly writeOctets?: number;
  /** Pause between writes. */
  readonly writeGapMs?: number;
  /** Time between a script and its response, beside what running it takes. */
  readonly thinkMs?: number;
  /** Instead of the true script status. */
  readonly scriptStatus?: string;
  readonly drops?: readonly Drop[];
}
