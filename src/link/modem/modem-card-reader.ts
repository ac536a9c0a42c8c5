import { GatewayError } from "../../base/gateway-error.ts";
import { pinState, powerLine } from "../../codec/at/general-commands.ts";
import type { CardConnection, CardReader } from "../card-reader.ts";
import type { AtEngine } from "./at/at-engine.ts";
import { asCardError, CardAccess, type ExchangeOptions } from "./card-access.ts";

/** What the reader needs. */
interface ModemCardReaderDeps {
  /** Link id of the modem. */
  readonly name: string;
  /** The running engine; undefined while the modem is down. */
  readonly engine: () => AtEngine | undefined;
}

/** The card in a modem, as a card reader. */
export class ModemCardReader implements CardReader {
  readonly name: string;
  readonly address: string;
  readonly #deps: ModemCardReaderDeps;
  /** Sessions that were opened and never closed; they survive connections, but not a restart of the modem. */
  readonly #leaked = new Set<string>();
  #connection: ModemCard | undefined;

  constructor(deps: ModemCardReaderDeps) {
    this.#deps = deps;
    this.name = deps.name;
    this.address = `modem:${deps.name}`;
  }

  /** A caller has a connection to the card. */
  get inUse(): boolean {
    return this.#connection?.open === true;
  }

  async connect(options: ExchangeOptions): Promise<CardConnection> {
    const engine = this.#deps.engine();
    if (engine === undefined) throw new GatewayError("link.unavailable", `${this.name} is not running`);
    if (this.#connection?.open === true) throw new GatewayError("link.busy", `the card of ${this.name} is in use`);
    const connection = new ModemCard(engine, this.name, this.#leaked);
    this.#connection = connection;
    try {
      const state = await engine.run(pinState, undefined, options);
      if (state.startsWith("NOT "))
        throw new GatewayError("card.absent", `${this.name}: ${state}`, { detail: { state } });
      return connection;
    } catch (error) {
      connection.giveUp();
      throw asCardError(error);
    }
  }

  /** The modem reset the card (REFRESH, restart, another card): channels and the connection are lost. */
  cardWasReset(): void {
    this.#leaked.clear();
    this.#connection?.wasReset();
  }
}

class ModemCard implements CardConnection {
  /** Modems do not report the ATR. */
  readonly atr = new Uint8Array();
  readonly level = "tpdu" as const;
  readonly servedElsewhere = true;
  readonly maxResponse: number;
  readonly #engine: AtEngine;
  readonly #access: CardAccess;
  #state: "open" | "reset" | "closed" = "open";

  constructor(engine: AtEngine, link: string, leaked: Set<string>) {
    this.#engine = engine;
    this.#access = new CardAccess(engine, link, leaked);
    this.maxResponse = (engine.profile.file.card?.maxData ?? 256) + 2;
  }

  get open(): boolean {
    return this.#state !== "closed" && this.#engine.alive;
  }

  giveUp(): void {
    this.#state = "closed";
  }

  wasReset(): void {
    this.#access.forget();
    if (this.#state === "open") this.#state = "reset";
  }

  async transmit(command: Uint8Array, options: ExchangeOptions): Promise<Uint8Array> {
    if (this.#state === "closed") throw new GatewayError("link.lost", "the connection to the card is closed");
    if (this.#state === "reset") {
      this.#state = "open";
      throw new GatewayError("card.reset", "the modem reset its card");
    }
    return this.#access.transmit(command, options);
  }

  /** Restarts the card by the modem's own command; the modem does not respond in the meantime. */
  async reset(_kind: "warm" | "cold", options: ExchangeOptions): Promise<Uint8Array> {
    this.#access.forget();
    try {
      for (const line of this.#engine.profile.file.power?.simReset ?? []) {
        await this.#engine.run(powerLine, line, options);
      }
    } catch (error) {
      throw asCardError(error);
    }
    this.#state = "open";
    return this.atr;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state === "open" && this.#engine.alive) await this.#access.close({ timeoutMs: 10_000 });
    this.#state = "closed";
  }
}
