import { detach } from "../base/detach.ts";
import type { Connection } from "../face/cli/context.ts";

/** Exit codes of a command that a signal ended: 128 and the signal's number. */
const codes = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Ends the process by `exit` when a signal arrives that the command does not handle itself. Open connections are closed
 * first, so that the store and the control socket of this process are not left behind. A second signal ends it at once.
 */
export class Interrupt {
  readonly #open = new Set<AsyncDisposable>();
  readonly #notes = new Set<() => string>();
  readonly #exit: (code: number) => void;
  readonly #print: (text: string) => void;
  #ending = false;

  /** `print` prints the state that an interrupted command leaves. */
  constructor(exit: (code: number) => void, print: (text: string) => void) {
    this.#exit = exit;
    this.#print = print;
  }

  /** Until it is disposed of, a signal prints this text before anything is closed. */
  note(text: () => string): Disposable {
    this.#notes.add(text);
    return { [Symbol.dispose]: () => void this.#notes.delete(text) };
  }

  /** Whether a signal has arrived and open connections are being closed. */
  get ending(): boolean {
    return this.#ending;
  }

  /** Starts to handle signals. */
  listen(): void {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.on(signal, () => {
        // A command that handles the signal itself, as the daemon does, has its own listener until then.
        if (process.listenerCount(signal) === 1) this.#end(codes[signal]);
      });
    }
  }

  /** Registers a connection to be closed before a signal ends the process. */
  guard(connection: Connection): Connection {
    this.#open.add(connection);
    return {
      ...connection,
      [Symbol.asyncDispose]: () => {
        this.#open.delete(connection);
        return connection[Symbol.asyncDispose]();
      },
    };
  }

  #end(code: number): void {
    if (this.#ending) this.#exit(code);
    this.#ending = true;
    for (const note of this.#notes) this.#print(note());
    const closing = [...this.#open].map((one) => one[Symbol.asyncDispose]());
    detach(
      Promise.allSettled(closing).then(() => this.#exit(code)),
      () => this.#exit(code),
    );
  }
}
