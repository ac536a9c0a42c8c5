import { detach } from "../base/detach.ts";
import type { Connection } from "../face/cli/context.ts";

/** Exit codes of a command that a signal ended: 128 and the signal's number. */
const codes = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Ends the process by `exit` when a signal comes and the command does not end by itself on it: what is open is closed
 * first, so that a store and a control socket of this process do not stay behind. A second signal does not wait.
 */
export class Interrupt {
  readonly #open = new Set<AsyncDisposable>();
  readonly #notes = new Set<() => string>();
  readonly #exit: (code: number) => void;
  readonly #say: (text: string) => void;
  #ending = false;

  /** `say` prints the state that an interrupted command leaves. */
  constructor(exit: (code: number) => void, say: (text: string) => void) {
    this.#exit = exit;
    this.#say = say;
  }

  /** Until it is disposed of, a signal prints what this states, before anything is closed. */
  note(text: () => string): Disposable {
    this.#notes.add(text);
    return { [Symbol.dispose]: () => void this.#notes.delete(text) };
  }

  /** A signal has come, and what is open is being closed. */
  get ending(): boolean {
    return this.#ending;
  }

  /** From now on the signals are taken. */
  listen(): void {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.on(signal, () => {
        // A command that takes the signal itself, as the daemon does, listens beside us until it has.
        if (process.listenerCount(signal) === 1) this.#end(codes[signal]);
      });
    }
  }

  /** The connection, closed before a signal ends the process. */
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
    for (const note of this.#notes) this.#say(note());
    const closing = [...this.#open].map((one) => one[Symbol.asyncDispose]());
    detach(
      Promise.allSettled(closing).then(() => this.#exit(code)),
      () => this.#exit(code),
    );
  }
}
