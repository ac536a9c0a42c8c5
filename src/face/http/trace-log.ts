import { createReadStream } from "node:fs";
import { appendFile, mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { withoutUndefined } from "../../base/defined.ts";
import { detach } from "../../base/detach.ts";
import { toHex } from "../../base/hex.ts";
import { type Log, silentLog } from "../../link/driver.ts";
import { SinkWatch } from "../../link/sink-watch.ts";
import { type Frame, onFrame } from "../../link/trace.ts";

/** A recorded frame: octets in hexadecimal. */
export type KeptFrame = Omit<Frame, "bytes"> & { readonly seq: number; readonly hex?: string };

const fileLimit = 16 * 1024 * 1024;
const filesKept = 8;
const flushMs = 200;

/**
 * Records the frames of the last days in a few files of JSON lines. Not durable: frames of the last fraction of a
 * second may be lost in a crash, and all frames while the disk is full.
 */
export class TraceLog implements AsyncDisposable {
  readonly #folder: string;
  readonly #sink: SinkWatch;
  readonly #listeners = new Set<(frame: KeptFrame, line: string) => void>();
  #lines: string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #seq = Date.now() * 1000;
  #off: (() => void) | undefined;

  constructor(folder: string, log: Log = silentLog) {
    this.#folder = folder;
    this.#sink = new SinkWatch(log, "the trace", { folder });
  }

  /** Starts to record frames. */
  async start(): Promise<void> {
    this.#off = onFrame((frame) => this.#take(frame));
  }

  /** Calls the listener for each recorded frame, with its JSON line. */
  onFrame(listener: (frame: KeptFrame, line: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Recorded frames in order, from the files and from memory. */
  async *read(wanted: (frame: KeptFrame) => boolean): AsyncIterable<KeptFrame> {
    await this.#flush();
    for (const name of (await readdir(this.#folder).catch(() => [])).filter((file) => file.endsWith(".jsonl")).sort()) {
      for await (const line of linesOf(join(this.#folder, name))) {
        const frame = line === "" ? undefined : parsed(line);
        if (frame !== undefined && wanted(frame)) yield frame;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#off?.();
    await this.#flush();
  }

  #take(frame: Frame): void {
    this.#seq += 1;
    const { kind, dir, link, target, job, session, at, bytes, text, facts } = frame;
    const hex = bytes && toHex(bytes);
    // Members that are undefined leave no trace in JSON.
    const kept = { target, job, session, kind, dir, link, text, facts, at, seq: this.#seq, hex };
    const line = `${JSON.stringify(kept)}\n`;
    this.#lines.push(line);
    this.#timer ??= setTimeout(() => detach(this.#flush(), (error) => this.#sink.failed(error)), flushMs);
    if (this.#listeners.size === 0) return;
    const shown = withoutUndefined(kept);
    for (const listener of this.#listeners) listener(shown, line);
  }

  #flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lines = this.#lines;
    this.#lines = [];
    if (lines.length > 0)
      this.#writing = this.#writing
        .then(() => this.#append(lines.join("")))
        .then(
          () => this.#sink.worked(),
          (error: unknown) => this.#sink.failed(error, lines.length),
        );
    return this.#writing;
  }

  async #append(text: string): Promise<void> {
    const current = join(this.#folder, "frames-9.jsonl");
    const size = await stat(current).then(
      (info) => info.size,
      () => 0,
    );
    if (size > fileLimit) await this.#rotate();
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await appendFile(current, text, { mode: 0o600 });
  }

  /** `frames-9` is written to; lower numbers are older. */
  async #rotate(): Promise<void> {
    const name = (age: number) => join(this.#folder, `frames-${9 - age}.jsonl`);
    await rm(name(filesKept), { force: true });
    for (let age = filesKept - 1; age >= 0; age--) await rename(name(age), name(age + 1)).catch(() => {});
  }
}

/** Lines of a file, read in pieces so that other work can run; none if it cannot be read. */
async function* linesOf(file: string): AsyncIterable<string> {
  let left = "";
  try {
    for await (const piece of createReadStream(file, { encoding: "utf8" })) {
      const lines = `${left}${String(piece)}`.split("\n");
      left = lines.pop() ?? "";
      yield* lines;
    }
  } catch (error) {
    // A file that was moved or removed in the meantime contributes nothing.
    if (!(error instanceof Error && "code" in error)) throw error;
  }
  yield left;
}

function parsed(line: string): KeptFrame | undefined {
  try {
    return JSON.parse(line) as KeptFrame;
  } catch {
    return undefined;
  }
}
