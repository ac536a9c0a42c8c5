import type { AtFinal } from "../../../codec/at/result.ts";
import type { Timers } from "../timers.ts";
import type { Pending } from "./at-request.ts";
import { type LineRole, type OpenLines, openLines } from "./line-router.ts";
import { type Resync, type ResyncEvent, type ResyncStep, startResync, stepResync } from "./resync.ts";

/** What the recovery needs of its engine. */
interface LineRecoveryDeps {
  readonly timers: Timers;
  /** Time limit for the answer to a bare AT, ms. */
  readonly patienceMs: () => number;
  readonly write: (text: string) => void;
  /** The late answer came. */
  readonly answeredLate: (pending: Pending, final: AtFinal) => void;
  /** The late answer did not come. */
  readonly unanswered: (pending: Pending) => void;
  /** A bare AT was answered. */
  readonly answered: (final: AtFinal) => void;
  /** The line is synchronized again, or (false) the modem stopped responding. */
  readonly ended: (inStep: boolean) => void;
}

const esc = "\x1b";
const quietMs = 1_000;
const escapeMs = 2_000;

/** Runs {@link stepResync} on a real line, and keeps the command whose late answer is still accepted. */
export class LineRecovery {
  readonly #deps: LineRecoveryDeps;
  #state: Resync | undefined;
  #late: Pending | undefined;
  #stopTimer = () => {};

  constructor(deps: LineRecoveryDeps) {
    this.#deps = deps;
  }

  /** True while no command may be sent. */
  get running(): boolean {
    return this.#state !== undefined;
  }

  /**
   * The command was not answered in time: sends bare ATs until the line is synchronized. In the meantime the answer to
   * `late` is accepted.
   */
  begin(atPrompt: boolean, late: Pending | undefined): void {
    this.#late = late;
    this.#state = startResync(atPrompt);
    this.#act({ send: atPrompt ? "escape" : "probe" });
  }

  /** The command for which lines are read while it runs. */
  lines(): OpenLines {
    return this.#late?.lines ?? openLines("AT");
  }

  /** Whether a line of this role belongs to a command that was abandoned. */
  isLate(role: LineRole): boolean {
    return role === "info" || role === "doubtful" || (role === "final" && this.#owes);
  }

  get #owes(): boolean {
    return (this.#state?.owed ?? 0) > 0;
  }

  /** A final result came. */
  final(final: AtFinal): void {
    const late = this.#late;
    if (late !== undefined && this.#owes && (late.lines.own || final.kind === "cms" || final.kind === "cme")) {
      this.#late = undefined;
      this.#deps.answeredLate(late, final);
    }
    if (!this.#owes) this.#deps.answered(final);
    this.#feed({ kind: "final", ok: final.kind === "ok" });
  }

  /** A line arrived that can only belong to a late answer. */
  lateLine(): void {
    this.#feed({ kind: "heard" });
  }

  /** Ends it without a verdict: the modem restarted, or the port is gone. */
  stop(): void {
    this.#stopTimer();
    this.#state = undefined;
    const late = this.#late;
    this.#late = undefined;
    if (late !== undefined) this.#deps.unanswered(late);
  }

  #feed(event: ResyncEvent): void {
    if (this.#state === undefined) return;
    const { next, action } = stepResync(this.#state, event);
    this.#state = next;
    if (action !== undefined) this.#act(action);
  }

  #act(action: ResyncStep): void {
    if ("done" in action) {
      this.stop();
      this.#deps.ended(action.done);
      return;
    }
    if ("send" in action)
      this.#deps.write(action.send === "probe" ? "AT\r" : action.send === "escape" ? esc : `${esc}\r`);
    const phase = this.#state?.phase;
    const wait = phase === "quiet" ? quietMs : phase === "escaping" ? escapeMs : this.#deps.patienceMs();
    this.#stopTimer();
    this.#stopTimer = this.#deps.timers.after(wait, () => this.#feed({ kind: "timeout" }));
  }
}
