import type { Clock } from "../../base/clock.ts";
import type { ClientHello } from "../../codec/tls/client-handshake.ts";
import type { Log } from "../driver.ts";
import { suiteName } from "./tls-context.ts";

const quietMs = 10_000;
const noSuite =
  "a card offers no supported cipher suite; cards with only 3DES-PSK (TLS_PSK_WITH_3DES_EDE_CBC_SHA) are not supported";

/**
 * Logs failed handshakes at a limited rate: for each kind one line at once, then
 * one per ten seconds with the number in between.
 */
export class HandshakeLog {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #link: string;
  readonly #kinds = new Map<string, { quietUntil: number; held: number }>();

  constructor(log: Log, clock: Clock, link: string) {
    this.#log = log;
    this.#clock = clock;
    this.#link = link;
  }

  /** Logs an unknown PSK identity; only its beginning is logged. */
  unknownIdentity(identity: string): void {
    this.#write("unknown-identity", (count) => {
      const facts = { link: this.#link, count, starts: identity.slice(0, 12), length: identity.length };
      this.#log.warn(facts, "unknown PSK identity");
    });
  }

  /** Logs another failed handshake; `code` is that of OpenSSL or of the system. */
  failed(code: string, hello?: ClientHello): void {
    const offered = hello?.cipherSuites.map(suiteName);
    this.#write(code, (count) => {
      const facts = { link: this.#link, count, code, ...(offered && { offered }) };
      if (code === "ERR_SSL_NO_SHARED_CIPHER") this.#log.warn(facts, noSuite);
      else this.#log.info(facts, "TLS handshake failed");
    });
  }

  #write(kind: string, line: (count: number) => void): void {
    const now = this.#clock.monotonic();
    const known = this.#kinds.get(kind);
    if (known !== undefined && now < known.quietUntil) {
      known.held++;
      return;
    }
    line((known?.held ?? 0) + 1);
    if (this.#kinds.size > 64) this.#kinds.clear();
    this.#kinds.set(kind, { quietUntil: now + quietMs, held: 0 });
  }
}
