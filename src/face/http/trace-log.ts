import { appendFile, mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Frame, onFrame } from "../../link/trace.ts";

/** A frame as kept: octets in hexadecimal. */
export type KeptFrame = Omit<Frame, "bytes"> & { readonly seq: number; readonly hex?: string };

const fileLimit = 16 * 1024 * 1024;
const filesKept = 8;
const flushMs = 200;
const memoryLimit = 5000;

/**
 * Keeps the frames of the last days in a few files of JSON lines, and the latest in memory for those who watch. A
 * convenience, not a record: frames of the last fraction of a second may be lost in a crash.
 */
export class TraceLog implements AsyncDisposable {
  readonly #folder: string;
  readonly #recent: KeptFrame[] = [];
  readonly #listeners = new Set<(frame: KeptFrame) => void>();
  #lines: string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #seq = Date.now() * 1000;
  #off: (() => void) | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async start(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    this.#off = onFrame((frame) => this.#take(frame));
  }

  onFrame(listener: (frame: KeptFrame) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Kept frames in order, from the files and the memory. */
  async *read(wanted: (frame: KeptFrame) => boolean): AsyncIterable<KeptFrame> {
    await this.#flush();
    for (const name of (await readdir(this.#folder)).filter((file) => file.endsWith(".jsonl")).sort()) {
      const text = await readFile(join(this.#folder, name), "utf8").catch(() => "");
      for (const line of text.split("\n")) {
        const frame = line === "" ? undefined : parsed(line);
        if (frame !== undefined && wanted(frame)) yield frame;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#off?.();
    await this.#flush();
  }

  #take({ bytes, ...frame }: Frame): void {
    this.#seq += 1;
    const kept: KeptFrame = {
      ...frame,
      seq: this.#seq,
      ...(bytes === undefined ? {} : { hex: Buffer.from(bytes).toString("hex").toUpperCase() }),
    };
    this.#recent.push(kept);
    if (this.#recent.length > memoryLimit) this.#recent.splice(0, memoryLimit / 2);
    this.#lines.push(`${JSON.stringify(kept)}\n`);
    this.#timer ??= setTimeout(() => void this.#flush(), flushMs);
    for (const listener of this.#listeners) listener(kept);
  }

  #flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lines = this.#lines;
    this.#lines = [];
    if (lines.length > 0) this.#writing = this.#writing.then(() => this.#append(lines.join(""))).catch(() => {});
    return this.#writing;
  }

  async #append(text: string): Promise<void> {
    const current = join(this.#folder, "frames-9.jsonl");
    const size = await stat(current).then(
      (info) => info.size,
      () => 0,
    );
    if (size > fileLimit) await this.#rotate();
    await appendFile(current, text, { mode: 0o600 });
  }

  /** `frames-9` is written to; lower numbers are older. */
  async #rotate(): Promise<void> {
    const name = (age: number) => join(this.#folder, `frames-${9 - age}.jsonl`);
    await rm(name(filesKept), { force: true });
    for (let age = filesKept - 1; age >= 0; age--) await rename(name(age), name(age + 1)).catch(() => {});
  }
}

function parsed(line: string): KeptFrame | undefined {
  try {
    return JSON.parse(line) as KeptFrame;
  } catch {
    return undefined;
  }
}
