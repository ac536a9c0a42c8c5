import type { CliContext } from "../../face/cli/context.ts";
import { paint, shownLines } from "../../face/cli/terminal.ts";
import { FramePrinter } from "../../face/cli/trace-text.ts";
import { onFrame } from "../../link/trace.ts";

/** Prints the steps of the demo, and counts expected and successful ones. */
export class DemoReporter implements Disposable {
  readonly #context: CliContext;
  readonly #start = performance.now();
  readonly #off: () => void;
  readonly #checks: { readonly what: string; readonly held: boolean; readonly atMs: number }[] = [];
  readonly #frames: FramePrinter;
  #seq = 0;

  constructor(context: CliContext) {
    this.#context = context;
    const { terminal } = context;
    this.#frames = new FramePrinter(terminal, (text) => void terminal.out.write(text));
    this.#off = onFrame(({ bytes, ...frame }) => {
      if (terminal.json) return;
      this.#seq += 1;
      const hex = bytes === undefined ? {} : { hex: Buffer.from(bytes).toString("hex").toUpperCase() };
      this.#frames.take({ ...frame, ...hex, seq: this.#seq });
    });
  }

  /** A heading. */
  heading(title: string): void {
    this.#line(`\n${paint(this.#context.terminal, ["bold", "underline"], title)}`);
  }

  /** Prints a line about a step. */
  note(text: string): void {
    this.#line(paint(this.#context.terminal, "bold", text));
  }

  /** Prints and counts a check. Returns its result, so that the caller can stop after a failure. */
  check(what: string, held: boolean): boolean {
    this.#checks.push({ what, held, atMs: Math.round(performance.now() - this.#start) });
    this.#line(
      held
        ? paint(this.#context.terminal, "green", `  ✓ ${what}`)
        : paint(this.#context.terminal, "red", `  ✗ ${what}`),
    );
    return held;
  }

  /** Prints the summary; returns exit code 0 if all checks succeeded. */
  finish(): number {
    const failed = this.#checks.filter((check) => !check.held);
    const seconds = ((performance.now() - this.#start) / 1000).toFixed(1);
    if (this.#context.terminal.json)
      this.#context.terminal.out.write(`${JSON.stringify({ checks: this.#checks, failed: failed.length })}\n`);
    const verdict =
      failed.length === 0
        ? `all ${this.#checks.length} steps succeeded`
        : `${failed.length} of ${this.#checks.length} things did not happen: ${failed.map((check) => check.what).join("; ")}`;
    this.#line(`\n${paint(this.#context.terminal, failed.length === 0 ? "green" : "red", verdict)} in ${seconds} s`);
    return failed.length === 0 && this.#checks.length > 0 ? 0 : 1;
  }

  [Symbol.dispose](): void {
    this.#off();
    this.#frames.flush();
  }

  #line(text: string): void {
    if (!this.#context.terminal.json) this.#context.terminal.out.write(shownLines(this.#context.terminal, `${text}\n`));
  }
}
