import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { GatewayError } from "../../src/base/gateway-error.ts";
import { type EuiccState, euiccState } from "./card-state.ts";

/** Where a card keeps what it must not forget. */
export interface StateStore {
  save(state: EuiccState): void;
}

/** For cards that end with the process. */
export const volatileStore: StateStore = { save() {} };

/**
 * A JSON file, replaced as a whole: a process killed at any moment leaves the old or the new state.
 * With `sync` it also survives a power cut, at the price of a disk flush for each packet.
 */
export class FileStateStore implements StateStore {
  readonly #path: string;
  readonly #sync: boolean;

  constructor(path: string, options: { readonly sync?: boolean } = {}) {
    this.#path = path;
    this.#sync = options.sync ?? false;
    mkdirSync(dirname(path), { recursive: true });
  }

  /** The stored state, or undefined when there is no file. @throws config.unreadable, config.invalid */
  load(): EuiccState | undefined {
    let text: string;
    try {
      text = readFileSync(this.#path, "utf8");
    } catch (cause) {
      if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
      throw new GatewayError("config.unreadable", `cannot read the card's state ${this.#path}`, { cause });
    }
    try {
      return euiccState.parse(JSON.parse(text));
    } catch (cause) {
      throw new GatewayError("config.invalid", `${this.#path} is not the state of a simulated eUICC`, { cause });
    }
  }

  save(state: EuiccState): void {
    const fresh = `${this.#path}.new`;
    const file = openSync(fresh, "w", 0o600);
    try {
      writeSync(file, `${JSON.stringify(state, undefined, 1)}\n`);
      if (this.#sync) fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(fresh, this.#path);
  }
}
