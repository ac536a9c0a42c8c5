import { readSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";

/** SQLite's write-ahead log as a file that must be flushed to the disk. */
export class LogFile {
  readonly #path: string;
  #file: FileHandle | undefined;
  /**
   * Why a flush failed. Later flushes fail too: the contents of the disk are unknown until the store is opened again.
   */
  failure: unknown;

  constructor(path: string) {
    this.#path = path;
  }

  /** Resolves when everything written before is on the disk. */
  async flush(): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    try {
      this.#file ??= await open(this.#path, "r+");
      await this.#file.datasync();
    } catch (cause) {
      this.failure = cause;
      throw cause;
    }
  }

  /** What distinguishes this generation of the log from others; undefined before the first flush. */
  salts(): readonly [number, number] | undefined {
    if (this.#file === undefined) return undefined;
    const octets = Buffer.alloc(8);
    if (readSync(this.#file.fd, octets, 0, 8, 16) < 8) return undefined;
    return [octets.readUInt32BE(0), octets.readUInt32BE(4)];
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }
}
