import type { ApiClient } from "./client.ts";
import type { Terminal } from "./terminal.ts";

/** A connection to a daemon, or to one that runs inside this process for the length of a command. */
export interface Connection extends AsyncDisposable {
  readonly api: ApiClient;
  readonly embedded: boolean;
}

/** What commands get. */
export interface CliContext {
  readonly terminal: Terminal;
  /** @throws api.unreachable, store.locked, config.* */
  connect(): Promise<Connection>;
  /** Prints frames decoded while a command runs (`--trace`). */
  readonly trace: () => boolean;
  readonly env: NodeJS.ProcessEnv;
}
