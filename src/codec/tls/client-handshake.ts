import { codecError } from "../../base/gateway-error.ts";
import { concatBytes } from "../../base/hex.ts";
import { Reader } from "../kit/codec.ts";

/** What a ClientHello offers. RFC 5246 §7.4.1.2, RFC 8446 §4.1.2 */
export interface ClientHello {
  /** `legacy_version`: 0301 = TLS 1.0, 0302 = 1.1, 0303 = 1.2 and later. */
  readonly version: number;
  /** `supported_versions`, if sent. */
  readonly versions: readonly number[];
  readonly cipherSuites: readonly number[];
  readonly extensions: readonly number[];
  /** Octets that max_fragment_length asks for. RFC 6066 §4 */
  readonly maxFragment?: number;
  /** Identities of pre_shared_key (TLS 1.3). RFC 8446 §4.2.11 */
  readonly pskIdentities: readonly Uint8Array[];
}

/** Reads the body of a ClientHello. @throws codec.* */
function readClientHello(body: Uint8Array): ClientHello {
  const from = new Reader(body);
  const version = from.uint(2, "version");
  from.take(32, "random");
  from.take(from.u8("session id length"), "session id");
  const suites = from.sub(from.uint(2, "cipher suites length"), "cipher suites");
  const cipherSuites: number[] = [];
  while (!suites.ended) cipherSuites.push(suites.uint(2, "cipher suite"));
  from.take(from.u8("compression methods length"), "compression methods");
  const hello: { -readonly [K in keyof ClientHello]: ClientHello[K] } = {
    version,
    versions: [],
    cipherSuites,
    extensions: [],
    pskIdentities: [],
  };
  if (from.ended) return hello;
  const extensions = from.sub(from.uint(2, "extensions length"), "extensions");
  const kinds: number[] = [];
  while (!extensions.ended) {
    const kind = extensions.uint(2, "extension type");
    const value = extensions.sub(extensions.uint(2, "extension length"), "extension");
    kinds.push(kind);
    if (kind === 1) hello.maxFragment = 256 << value.u8("max_fragment_length");
    else if (kind === 43) hello.versions = versions(value);
    else if (kind === 41) hello.pskIdentities = identities(value);
  }
  hello.extensions = kinds;
  return hello;
}

function versions(value: Reader): number[] {
  const list = value.sub(value.u8("versions length"), "versions");
  const all: number[] = [];
  while (!list.ended) all.push(list.uint(2, "version"));
  return all;
}

function identities(value: Reader): Uint8Array[] {
  const list = value.sub(value.uint(2, "identities length"), "identities");
  const all: Uint8Array[] = [];
  while (!list.ended) {
    all.push(list.take(list.uint(2, "identity length"), "identity").slice());
    list.uint(4, "ticket age");
  }
  return all;
}

/** A clear-text handshake message of a client. */
export type ClientHandshake =
  | { readonly kind: "hello"; readonly hello: ClientHello }
  /** ClientKeyExchange of a plain PSK suite. RFC 4279 §2 */
  | { readonly kind: "key-exchange"; readonly pskIdentity: Uint8Array };

const handshakeRecord = 22;
const maxOctets = 24 * 1024;

/**
 * Listens to the client's side of a handshake as its octets pass by, up to the first record that is not a handshake in
 * clear. Gives up silently: whatever it cannot read is the TLS engine's business.
 */
export class ClientHandshakeListener {
  #records: Uint8Array = new Uint8Array();
  #messages: Uint8Array = new Uint8Array();
  #seen = 0;
  #over = false;

  /** Nothing more is read. */
  get over(): boolean {
    return this.#over;
  }

  /** Takes the next octets; returns the messages they complete. */
  push(octets: Uint8Array): ClientHandshake[] {
    if (this.#over) return [];
    this.#seen += octets.length;
    this.#records = concatBytes(this.#records, octets);
    try {
      if (this.#seen > maxOctets) throw codecError("codec.length", "handshake without end", this.#seen);
      this.#unwrap();
      return this.#read();
    } catch {
      this.#end();
      return [];
    }
  }

  #end(): void {
    this.#over = true;
    this.#records = new Uint8Array();
    this.#messages = new Uint8Array();
  }

  #unwrap(): void {
    while (this.#records.length >= 5) {
      const from = new Reader(this.#records);
      if (from.u8("record type") !== handshakeRecord) {
        this.#over = true;
        return;
      }
      from.uint(2, "record version");
      const length = from.uint(2, "record length");
      if (from.remaining < length) return;
      this.#messages = concatBytes(this.#messages, from.take(length));
      this.#records = from.rest().slice();
    }
  }

  #read(): ClientHandshake[] {
    const found: ClientHandshake[] = [];
    while (this.#messages.length >= 4) {
      const from = new Reader(this.#messages);
      const type = from.u8("message type");
      const length = from.uint(3, "message length");
      if (from.remaining < length) break;
      const body = from.take(length);
      this.#messages = from.rest().slice();
      if (type === 1) found.push({ kind: "hello", hello: readClientHello(body) });
      else if (type === 16) {
        const exchange = new Reader(body);
        found.push({
          kind: "key-exchange",
          pskIdentity: exchange.take(exchange.uint(2, "identity length"), "identity").slice(),
        });
        this.#over = true;
      }
    }
    if (this.#over) this.#end();
    return found;
  }
}
