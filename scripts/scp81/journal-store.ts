import { closeSync, existsSync, fdatasync, openSync, readFileSync, writeSync } from "node:fs";
import { fromHex, toHex } from "../../src/base/hex.ts";
import type { AdminRecord, AdminScript, AdminStep, AdminStore, Offer } from "../../src/link/scp81/admin-store.ts";
import { MemoryAdminStore } from "../../src/link/scp81/memory-store.ts";

type Line =
  | { readonly kind: "enqueue"; readonly target: string; readonly script: AdminScript }
  | { readonly kind: "advance"; readonly target: string; readonly step: AdminStep };

/**
 * Administration sessions over one append-only file, replayed at the start: the least that is durable. Steps that come
 * together share one flush. For the bench and the crash test, which need a disk but no database.
 */
export class JournalAdminStore implements AdminStore {
  readonly memory = new MemoryAdminStore();
  readonly #file: number;
  readonly #sync: boolean;
  #lines: string[] = [];
  #waiters: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  #flushing = false;
  /** Flushes so far. */
  flushes = 0;

  constructor(path: string, options: { readonly sync?: boolean } = {}) {
    this.#sync = options.sync ?? true;
    if (existsSync(path)) this.#replay(readFileSync(path, "utf8"));
    this.#file = openSync(path, "a");
  }

  #replay(text: string): void {
    // A line without its end was being written when the process died: it was never reported.
    for (const line of text.split("\n").slice(0, -1)) {
      const entry: Line = JSON.parse(line, revive);
      if (entry.kind === "enqueue") this.memory.enqueue(entry.target, entry.script);
      else void this.memory.advance(entry.target, entry.step);
    }
  }

  async enqueue(target: string, ...scripts: readonly AdminScript[]): Promise<void> {
    const written = scripts.map((script) => {
      this.memory.enqueue(target, script);
      return this.#append({ kind: "enqueue", target, script });
    });
    await Promise.all(written);
  }

  load(target: string): Promise<AdminRecord> {
    return this.memory.load(target);
  }

  async advance(target: string, step: AdminStep): Promise<Offer> {
    const offer = this.memory.advance(target, step);
    await this.#append({ kind: "advance", target, step });
    return offer;
  }

  close(): void {
    closeSync(this.#file);
  }

  #append(line: Line): Promise<void> {
    this.#lines.push(`${JSON.stringify(line, replace)}\n`);
    const written = new Promise<void>((resolve, reject) => this.#waiters.push({ resolve, reject }));
    if (!this.#flushing) {
      this.#flushing = true;
      setImmediate(() => this.#flush());
    }
    return written;
  }

  #flush(): void {
    const waiters = this.#waiters;
    writeSync(this.#file, this.#lines.join(""));
    this.#lines = [];
    this.#waiters = [];
    this.flushes++;
    const done = (error: unknown) => {
      for (const { resolve, reject } of waiters)
        if (error) reject(error);
        else resolve();
      this.#flushing = this.#lines.length > 0;
      if (this.#flushing) this.#flush();
    };
    if (this.#sync) fdatasync(this.#file, done);
    else done(undefined);
  }
}

/** Buffers turn themselves into lists of numbers before a replacer sees them, so it looks at what it holds. */
function replace(this: Readonly<Record<string, unknown>>, key: string, value: unknown): unknown {
  const original = this[key];
  return original instanceof Uint8Array ? { hex: toHex(original) } : value;
}

function revive(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("hex" in value)) return value;
  return typeof value.hex === "string" ? fromHex(value.hex) : value;
}
