import type { Log } from "../driver.ts";
import type { LastCard } from "./last-card.ts";
import type { SwitchRecord } from "./modem-state.ts";
import { SwitchWatch, type SwitchWatchDeps, type SwitchWatchOptions } from "./switch-watch.ts";
import { type Dialect, refreshNotice } from "./toolkit-notice.ts";

/** What {@link SwitchFollower} needs of a modem. */
export interface SwitchFollowerDeps {
  readonly link: string;
  readonly log: Log;
  readonly last: LastCard;
  /** Aborted when the supervision of the modem ends. */
  readonly signal: AbortSignal;
  readonly watch: Omit<SwitchWatchDeps, "fromIccid">;
}

/** Follows profile switches of the card in a modem, expected or not. */
export class SwitchFollower {
  readonly #deps: SwitchFollowerDeps;
  #watch: SwitchWatch | undefined;

  constructor(deps: SwitchFollowerDeps) {
    this.#deps = deps;
  }

  /** A line the modem sent, for the record of the switch in progress. */
  saw(text: string): void {
    this.#watch?.saw(text);
  }

  /** Follows a switch that is about to happen; resolves with what was seen. */
  async follow(options: SwitchWatchOptions, signal: AbortSignal): Promise<SwitchRecord> {
    const { last, watch: deps } = this.#deps;
    const watch = new SwitchWatch({ ...deps, fromIccid: last.switchedFrom(deps.clock.monotonic()) }, options);
    this.#watch = watch;
    try {
      return await watch.follow(signal);
    } finally {
      if (this.#watch === watch) this.#watch = undefined;
      last.settled();
    }
  }

  /** A toolkit line of the modem: some modems report REFRESH only this way. True if the card restarts for it. */
  toolkitLine(dialect: Dialect | undefined, text: string): boolean {
    const notice = refreshNotice(dialect, text);
    if (notice !== undefined) this.notice();
    return notice === "reset";
  }

  /** The card restarted unexpectedly: perhaps due to a profile switch that another party ordered. */
  notice(): void {
    const { last, signal, log, link } = this.#deps;
    if (this.#watch !== undefined || last.card.iccid === undefined) return;
    this.follow({ spontaneous: true }, signal).catch((error: unknown) => {
      if (signal.aborted) return;
      log.warn({ link, error: String(error) }, "failed to follow a profile switch");
    });
  }
}
