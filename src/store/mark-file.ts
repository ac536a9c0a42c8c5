import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  fdatasync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { withoutUndefined } from "../base/defined.ts";

/** Facts about a store that are kept outside it. */
export interface Marks {
  /** The store to which the marks belong. */
  readonly instance: string;
  /** How often the store was opened; the main file carries the same number. */
  readonly opened: number;
  /** Acknowledged commits. */
  readonly commits: number;
  /** Salts of the write-ahead log that contains the last of them; none if that log was emptied at an orderly close. */
  readonly salts?: readonly [number, number];
  /** The highest counter handed out, by key set. */
  readonly counters: ReadonlyMap<string, number>;
}

const datasync = promisify(fdatasync);
/** Octets reserved ahead, so that a mark never waits for the file to grow. */
const chunkOctets = 64 * 1024;
/** Above this size the file is rewritten. */
const rewriteOctets = 4 * 1024 * 1024;

/**
 * The marks of a store, kept in a file of their own that is only ever appended to: one line per acknowledged commit,
 * with the counters it handed out. A commit that is marked but missing in the store was lost. A line that was cut by a
 * crash does not verify and is ignored.
 */
export class MarkFile {
  readonly #path: string;
  readonly #counters: Map<string, number>;
  #state: Omit<Marks, "counters">;
  #file: number;
  /** Position of the next line, and size of the file. */
  #at: number;
  #room: number;

  private constructor(path: string, marks: Marks) {
    this.#path = path;
    const { counters, ...state } = marks;
    this.#state = state;
    this.#counters = new Map(counters);
    this.#at = this.#rewrite();
    this.#file = openSync(path, "r+");
    this.#room = statSync(path).size;
  }

  /** The marks in a file; undefined if the file is missing or unreadable. */
  static read(path: string): Marks | undefined {
    if (!existsSync(path)) return undefined;
    let state: Omit<Marks, "counters"> | undefined;
    const counters = new Map<string, number>();
    for (const line of readFileSync(path, "latin1").split("\n")) {
      const words = verified(line);
      const [kind, ...rest] = words ?? [];
      if (kind === "M") state = stateOf(rest);
      if (kind === "M") takeCounters(counters, rest.slice(5));
    }
    return state === undefined ? undefined : { ...state, counters };
  }

  /** Writes the marks durably, replacing the contents of the file. */
  static create(path: string, marks: Marks): MarkFile {
    return new MarkFile(path, marks);
  }

  /** Reserves space for the marks of one commit. A failure here, before the commit, does no harm. */
  reserve(octets: number): void {
    if (this.#at > rewriteOctets) {
      closeSync(this.#file);
      this.#at = this.#rewrite();
      this.#file = openSync(this.#path, "r+");
      this.#room = statSync(this.#path).size;
    }
    while (this.#at + octets > this.#room) {
      this.#room += writeSync(this.#file, Buffer.alloc(chunkOctets, 0x0a), 0, chunkOctets, this.#room);
    }
  }

  /**
   * Records a commit that is on the disk. The mark survives the end of the process at once, and a power failure after
   * `flush`.
   */
  note(commits: number, counters: readonly (readonly [string, number])[], salts: Marks["salts"]): void {
    for (const [id, value] of counters) if (value > (this.#counters.get(id) ?? 0)) this.#counters.set(id, value);
    const { salts: _, ...state } = this.#state;
    this.#state = { ...state, commits, ...withoutUndefined({ salts }) };
    const line = Buffer.from(lineOf(this.#state, counters), "latin1");
    this.#at += writeSync(this.#file, line, 0, line.length, this.#at);
  }

  /** Resolves when all recorded marks are on the disk. */
  async flush(): Promise<void> {
    await datasync(this.#file);
  }

  /** Records an orderly close: the log of the store is empty. */
  close(clean: boolean): void {
    closeSync(this.#file);
    if (!clean) return;
    const { salts: _, ...state } = this.#state;
    this.#state = state;
    this.#rewrite();
  }

  /** Rewrites the file; returns its size in octets. */
  #rewrite(): number {
    const lines = [lineOf(this.#state, [])];
    const all = [...this.#counters];
    for (let at = 0; at < all.length; at += 100) lines.push(lineOf(this.#state, all.slice(at, at + 100)));
    const text = lines.join("");
    const fresh = `${this.#path}.new`;
    writeFileSync(fresh, text, { mode: 0o600, flush: true });
    renameSync(fresh, this.#path);
    syncFolder(dirname(this.#path));
    return text.length;
  }
}

/** Makes a rename in a folder durable. */
function syncFolder(folder: string): void {
  const file = openSync(folder, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function lineOf(state: Omit<Marks, "counters">, counters: readonly (readonly [string, number])[]): string {
  const { instance, opened, commits, salts } = state;
  const words = ["M", instance, opened, commits, salts?.[0] ?? "-", salts?.[1] ?? "-"];
  const text = [...words, ...counters.map(([id, value]) => `${id}=${value}`)].join(" ");
  return `${text} ${sumOf(text)}\n`;
}

function sumOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

function verified(line: string): string[] | undefined {
  const words = line.split(" ");
  const sum = words.pop();
  return words.length > 0 && sumOf(words.join(" ")) === sum ? words : undefined;
}

function stateOf([instance = "", opened, commits, one, two]: readonly string[]): Omit<Marks, "counters"> {
  return {
    instance,
    opened: Number(opened),
    commits: Number(commits),
    ...(one === "-" ? {} : { salts: [Number(one), Number(two)] as const }),
  };
}

function takeCounters(counters: Map<string, number>, words: readonly string[]): void {
  for (const word of words) {
    const [id = "", value = ""] = word.split("=");
    if (Number(value) > (counters.get(id) ?? 0)) counters.set(id, Number(value));
  }
}
