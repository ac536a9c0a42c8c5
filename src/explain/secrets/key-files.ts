import { answersWithKeys, CommandSecrets, isStoreData } from "../../codec/secrets/secret-data.ts";

/** Whether the next of a card's commands writes to a file of keys; STORE DATA is judged by its own data. */
export function writesKeys(secrets: CommandSecrets, command: Uint8Array): boolean {
  const kind = secrets.next(command)?.kind;
  return kind === "key" && !isStoreData(command);
}

/** Whether the answer to the next of a card's commands is what a file of keys holds. */
export function readsKeys(secrets: CommandSecrets, command: Uint8Array): boolean {
  secrets.next(command);
  return secrets.answersWithKeys(command) && !answersWithKeys(command);
}

/** Follows the commands to one card, one line after the other. */
export class KeyFiles {
  readonly #secrets = new CommandSecrets();
  #answered = false;

  /** The answer to the command before holds what was read from a file of keys. */
  get answered(): boolean {
    return this.#answered;
  }

  /** Takes the next command; whether it writes to a file of keys. */
  writes(command: Uint8Array): boolean {
    const writing = writesKeys(this.#secrets, command);
    this.#answered = this.#secrets.answersWithKeys(command) && !answersWithKeys(command);
    return writing;
  }
}
