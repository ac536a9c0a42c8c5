import type { ApiClient } from "./client.ts";
import type { Terminal } from "./terminal.ts";

/** A connection to a daemon, or to one that runs inside this process for the length of a command. */
export interface Connection extends AsyncDisposable {
  readonly api: ApiClient;
  readonly embedded: boolean;
}

/** Dependencies of commands. */
export interface CliContext {
  readonly terminal: Terminal;
  /** @throws api.unreachable, store.locked, config.* */
  connect(): Promise<Connection>;
  /** Prints frames decoded while a command runs (`--trace`). */
  readonly trace: () => boolean;
  /**
   * Registers a text that is printed if a signal ends the command before the result is disposed of: what continues, and
   * how to stop it.
   */
  onInterrupt(note: () => string): Disposable;
  readonly env: NodeJS.ProcessEnv;
}
