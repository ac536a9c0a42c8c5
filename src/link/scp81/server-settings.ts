import { defaultTlsSettings, type TlsSettings } from "./tls-context.ts";

/** Limits and deadlines of a server. For a card that executes a script, the budget of the script applies instead. */
export interface Scp81Limits {
  readonly headOctets: number;
  readonly bodyOctets: number;
  /** Most data in one chunk of an answer. */
  readonly chunkOctets: number;
  /** Number of requests that may wait behind the current one. */
  readonly pipelined: number;
  /** Maximum number of connections. */
  readonly connections: number;
  /**
   * Maximum number of connections that have not finished their handshake; one of the oldest is closed for a further
   * one.
   */
  readonly handshaking: number;
  readonly handshakeMs: number;
  /** Between the handshake and the first POST. */
  readonly firstPostMs: number;
  /** Between an answer without a script and the next POST. */
  readonly nextPostMs: number;
  /** Maximum silence within a request. */
  readonly stallMs: number;
  /** Maximum time of a request from its first octet to its last. */
  readonly requestMs: number;
  /** After our last answer, until the card closes. */
  readonly lingerMs: number;
  /** How long a remote key store may take. */
  readonly lookupMs: number;
}

export const defaultScp81Limits: Scp81Limits = {
  headOctets: 16 * 1024,
  bodyOctets: 1024 * 1024,
  chunkOctets: 1024,
  pipelined: 2,
  connections: 20_000,
  handshaking: 4096,
  handshakeMs: 60_000,
  firstPostMs: 120_000,
  nextPostMs: 300_000,
  stallMs: 120_000,
  requestMs: 900_000,
  lingerMs: 10_000,
  lookupMs: 10_000,
};

/** How a server is set up. */
export interface Scp81Settings {
  /** Link id, for traces and the log. */
  readonly link: string;
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  readonly tls: TlsSettings;
  /** Framing of bodies to cards without a setting of their own. */
  readonly framing: "chunked" | "length";
  readonly limits: Scp81Limits;
}

export const defaultScp81Settings: Scp81Settings = {
  link: "scp81",
  host: "::",
  port: 8443,
  tls: defaultTlsSettings,
  framing: "chunked",
  limits: defaultScp81Limits,
};
