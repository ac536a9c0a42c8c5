import type { Clock } from "../../base/clock.ts";
import { withoutUndefined } from "../../base/defined.ts";
import { detach } from "../../base/detach.ts";
import { pinState } from "../../codec/at/general-commands.ts";
import type { Urc } from "../../codec/at/urc.ts";
import type { AtEngine } from "./at/at-engine.ts";
import { readCard, readEid } from "./card-facts.ts";
import { isUsable, type ModemState } from "./modem-state.ts";
import { isUnanswered } from "./questions.ts";

/** The displayed facts about the card in the modem. */
type CardFacts = Pick<ModemState, "pin" | "iccid" | "imsi" | "eid">;

/** What {@link CardPresence} needs of its modem. */
interface CardPresenceDeps {
  readonly link: string;
  readonly clock: Clock;
  /** The running engine once the modem is ready; undefined while it starts or is gone. */
  readonly engine: () => AtEngine | undefined;
  readonly state: () => CardFacts;
  /** Replaces all facts about the card. */
  readonly show: (facts: CardFacts) => void;
  /** A card was inserted, the same or another one: the modem's message service has to be set up for it. */
  readonly arrived: (engine: AtEngine) => Promise<void>;
  readonly readEid: boolean;
  /** How long a card may take to be ready. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
}

const pollMs = 1_000;
/** A card that restarts is briefly not ready; after this time it counts as removed. */
const restartMs = 5_000;
const readTries = 3;

/**
 * Keeps the displayed facts about the card current: the card is read whenever it becomes ready (inserted, PIN entered,
 * back after minutes), and its facts are removed when it is.
 */
export class CardPresence {
  readonly #deps: CardPresenceDeps;
  #looking: Promise<void> | undefined;
  #again = false;
  #removals = 0;

  constructor(deps: CardPresenceDeps) {
    this.#deps = deps;
  }

  /** Handles a line that concerns the card. */
  onUrc(urc: Urc): void {
    if (urc.event === "sim-removed") {
      this.#removals++;
      this.#forget("NOT INSERTED");
    }
    if (/^sim-/.test(urc.event)) detach(this.look(), () => {});
  }

  /**
   * Queries the state of the card, and reads the card if it is not the displayed one. @throws link.lost, modem.reset
   */
  look(): Promise<void> {
    if (this.#looking !== undefined) {
      this.#again = true;
      return this.#looking;
    }
    this.#looking = this.#lookUntilCalm().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #lookUntilCalm(): Promise<void> {
    do {
      this.#again = false;
      await this.#lookOnce();
    } while (this.#again && !this.#deps.signal.aborted);
  }

  async #lookOnce(): Promise<void> {
    const { clock, engine: running, patienceMs, signal } = this.#deps;
    const since = clock.monotonic();
    for (;;) {
      const engine = running();
      if (engine === undefined || signal.aborted) return;
      const pin = await pinOf(engine);
      if (pin === undefined) return;
      if (isUsable(pin)) return this.#read(engine, pin);
      const passing = /NOT READY|BUSY/.test(pin);
      const waited = clock.monotonic() - since;
      if (!passing || waited >= restartMs) this.#forget(pin);
      if (!passing || waited >= patienceMs) return;
      await clock.sleep(pollMs, signal);
    }
  }

  /** Only facts about a card that can be queried are displayed. */
  #forget(pin: string): void {
    const { iccid, imsi, eid, pin: before } = this.#deps.state();
    if (pin === before && iccid === undefined && imsi === undefined && eid === undefined) return;
    this.#deps.show({ pin });
  }

  async #read(engine: AtEngine, pin: string): Promise<void> {
    const { clock, link, signal, state, show, arrived } = this.#deps;
    const removals = this.#removals;
    for (let attempt = 1; attempt <= readTries; attempt++) {
      const card = await readCard(engine);
      const before = state();
      const known = before.iccid ?? before.imsi;
      if (card.iccid === undefined && card.imsi === undefined) {
        if (known !== undefined) return;
        await clock.sleep(pollMs, signal);
        continue;
      }
      const same = (card.iccid === undefined || card.iccid === before.iccid) && isUsable(before.pin);
      if (same && known !== undefined && (card.imsi === undefined || card.imsi === before.imsi)) return;
      const eid = this.#deps.readEid ? await readEid(engine, link) : undefined;
      if (removals !== this.#removals) return;
      show({ pin, ...card, ...withoutUndefined({ eid }) });
      await arrived(engine);
      return;
    }
    if (state().pin !== pin) show({ pin });
  }
}

/** The PIN state as text; undefined when the modem does not report it. */
async function pinOf(engine: AtEngine): Promise<string | undefined> {
  try {
    return (await engine.run(pinState, undefined, { urgency: "init" })).toUpperCase();
  } catch (error) {
    if (!isUnanswered(engine, error)) throw error;
    const { cme } = error.detail;
    if (cme === 10) return "NOT INSERTED";
    return cme === 13 || cme === 14 || cme === 15 ? "NOT READY" : undefined;
  }
}
