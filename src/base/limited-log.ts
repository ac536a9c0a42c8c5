import type { Clock } from "./clock.ts";
import type { Log } from "./log.ts";

/** Limits for log lines of one kind. */
interface LogLimit {
  /** Lines that may be written at once. */
  readonly burst: number;
  /** After the burst, one line per period. */
  readonly everyMs: number;
}

/** For lines that an unauthenticated peer can provoke. */
const strangerLimit: LogLimit = { burst: 20, everyMs: 10_000 };
/** For the log as a whole: a defect or a faulty peer must not fill the disk. */
export const wholeLogLimit: LogLimit = { burst: 200, everyMs: 1_000 };

type Level = keyof Log;

interface Kind {
  readonly level: Level;
  readonly message: string;
  tokens: number;
  filledAt: number;
  leftOut: number;
}

const maxKinds = 256;
/** Common kind of further lines when there are too many kinds. */
const otherLines = "other lines";

/** The authenticated client or configured upstream in the facts. */
function partyOf(facts: object): string {
  if ("client" in facts && typeof facts.client === "string") return `client ${facts.client}`;
  if ("upstream" in facts && typeof facts.upstream === "string") return `upstream ${facts.upstream}`;
  return "";
}

/**
 * A log with a limit per kind of line: level, message, and the known party if the facts name one (`client`,
 * `upstream`), so that a flood from unknown peers does not hide lines about a client. Omitted lines are counted: the
 * next line of the kind contains the number as `leftOut`, or a separate line does if none follows within the period.
 */
export class LimitedLog implements Log, Disposable {
  readonly #log: Log;
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #limit: LogLimit;
  readonly #kinds = new Map<string, Kind>();
  #timer: NodeJS.Timeout | undefined;

  constructor(log: Log, clock: Pick<Clock, "monotonic">, limit: LogLimit = strangerLimit) {
    this.#log = log;
    this.#clock = clock;
    this.#limit = limit;
  }

  debug(facts: object, message: string): void {
    this.#write("debug", facts, message);
  }

  info(facts: object, message: string): void {
    this.#write("info", facts, message);
  }

  warn(facts: object, message: string): void {
    this.#write("warn", facts, message);
  }

  error(facts: object, message: string): void {
    this.#write("error", facts, message);
  }

  /** Writes the counts of omitted lines as far as limits permit; `all` writes them all. */
  flush(all = false): void {
    for (const kind of this.#kinds.values()) {
      if (kind.leftOut === 0 || !(this.#take(kind) || all)) continue;
      const { level, message: line, leftOut } = kind;
      kind.leftOut = 0;
      this.#log[level]({ line, leftOut }, "log lines were left out");
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.flush(true);
  }

  #write(level: Level, facts: object, message: string): void {
    const kind = this.#kindOf(level, facts, message);
    if (!this.#take(kind)) {
      kind.leftOut += 1;
      this.#flushLater();
      return;
    }
    const { leftOut } = kind;
    kind.leftOut = 0;
    this.#log[level](leftOut === 0 ? facts : { ...facts, leftOut }, message);
  }

  #kindOf(level: Level, facts: object, message: string): Kind {
    const key = `${level}\n${message}\n${partyOf(facts)}`;
    const known = this.#kinds.get(key);
    if (known !== undefined) return known;
    const full = message !== otherLines && this.#kinds.size >= maxKinds && !this.#forgetOne();
    if (full) return this.#kindOf(level, {}, otherLines);
    const kind = { level, message, tokens: this.#limit.burst, filledAt: this.#clock.monotonic(), leftOut: 0 };
    this.#kinds.set(key, kind);
    return kind;
  }

  /** Makes room for a new kind: forgets one whose burst is available again. False if there is none. */
  #forgetOne(): boolean {
    for (const [key, kind] of this.#kinds) {
      this.#refill(kind);
      if (kind.leftOut === 0 && kind.tokens === this.#limit.burst) return this.#kinds.delete(key);
    }
    return false;
  }

  #refill(kind: Kind): void {
    const { burst, everyMs } = this.#limit;
    const periods = Math.floor((this.#clock.monotonic() - kind.filledAt) / everyMs);
    if (periods <= 0) return;
    kind.tokens = Math.min(burst, kind.tokens + periods);
    kind.filledAt += periods * everyMs;
  }

  #take(kind: Kind): boolean {
    this.#refill(kind);
    if (kind.tokens === 0) return false;
    kind.tokens -= 1;
    return true;
  }

  #flushLater(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.flush();
      if ([...this.#kinds.values()].some(({ leftOut }) => leftOut > 0)) this.#flushLater();
    }, this.#limit.everyMs);
    this.#timer.unref();
  }
}
