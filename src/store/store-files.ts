import { closeSync, existsSync, openSync, readSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { GatewayError } from "../base/gateway-error.ts";
import type { Marks } from "./mark-file.ts";
import { damaged } from "./storage-error.ts";

/**
 * How often SQLite may have restarted its log since the last durable mark: each restart takes 32 MB of commits. The
 * probability that the salts of another database are within this range is 1 in 400,000.
 */
const maxRestarts = 10_000;

/** The files of a store in its folder. */
export function filesOf(folder: string) {
  const main = join(folder, "otagate.db");
  return {
    main,
    log: `${main}-wal`,
    index: `${main}-shm`,
    marks: join(folder, "otagate.marks"),
    lock: join(folder, "otagate.lock"),
  };
}

/** At least one acknowledged commit is not in the store. */
export function rewound(folder: string, what: string, detail: Readonly<Record<string, unknown>> = {}): GatewayError {
  return new GatewayError(
    "store.rewound",
    `the store in ${folder} lacks committed data: ${what}. Continuing would use counters twice and send jobs twice. Restore the right files, or run "otagate store recover": it raises the counters, ends open jobs as unknown and accepts the remaining data`,
    { detail: { folder, ...detail } },
  );
}

/** A store that was opened before has marks, unless it is of a version without them. */
export function unmarked(folder: string): GatewayError {
  const { marks } = filesOf(folder);
  return new GatewayError(
    "store.rewound",
    `${marks} is ${existsSync(marks) ? "empty or cannot be read" : "missing"}, so it is unknown whether the store lacks commits. Continuing could use counters twice and send jobs twice. Restore the file that belongs to otagate.db, or run "otagate store recover --raise-counters 1000": it ends open jobs as unknown, raises the counters by 1000 and accepts the remaining data`,
    { detail: { folder, file: marks } },
  );
}

/**
 * Inspects the files before SQLite opens them, since SQLite would apply any log next to the main file and overwrite
 * evidence.
 * @throws store.corrupt, store.rewound
 */
export function inspectFiles(folder: string, marks: Marks | undefined): void {
  const { main, log } = filesOf(folder);
  const header = readStart(main, 100);
  if (header === undefined || header.length === 0) {
    if (marks === undefined || marks.commits === 0) return;
    throw rewound(
      folder,
      `otagate.db is ${header === undefined ? "missing" : "empty"}, and otagate.marks records ${marks.commits} commits (to start with an empty store, remove otagate.marks as well)`,
    );
  }
  if (header.length < 100 || header.subarray(0, 16).toString("latin1") !== "SQLite format 3\0")
    throw damaged(folder, "otagate.db does not have the header of a SQLite database");
  const opened = header.readUInt32BE(60);
  if (marks === undefined) {
    if (opened > 0) throw unmarked(folder);
    return;
  }
  if (opened < marks.opened) throw rewound(folder, "otagate.db is an older copy", { opened, expected: marks.opened });
  if (isForeign(readStart(log, 32), marks.salts))
    throw rewound(folder, "otagate.db-wal is not the log that belongs to otagate.db, or its beginning is damaged");
}

/** How often the store was opened according to the main file, without its log. */
export function openedIn(folder: string): number {
  const header = readStart(filesOf(folder).main, 64);
  return header === undefined || header.length < 64 ? 0 : header.readUInt32BE(60);
}

/** Moves a log aside that does not belong to the main file, so that SQLite does not apply it. Returns its new path. */
export function setAsideForeignLog(folder: string, marks: Marks | undefined): string | undefined {
  const { log, index } = filesOf(folder);
  if (marks === undefined || !existsSync(log)) return undefined;
  if (openedIn(folder) >= marks.opened && !isForeign(readStart(log, 32), marks.salts)) return undefined;
  const aside = `${log}.aside-${Date.now()}`;
  renameSync(log, aside);
  rmSync(index, { force: true });
  return aside;
}

/**
 * Whether a log is neither the one with the last commit nor a later one: each time SQLite restarts its log it adds one
 * to the first salt and draws the second. https://www.sqlite.org/fileformat2.html §4.1
 */
function isForeign(start: Buffer | undefined, salts: Marks["salts"]): boolean {
  if (salts === undefined || start === undefined || start.length === 0) return false;
  if (start.length < 32 || (start.readUInt32BE(0) & 0xfffffffe) >>> 0 !== 0x377f0682) return true;
  const ahead = (start.readUInt32BE(16) - salts[0]) >>> 0;
  return ahead === 0 ? start.readUInt32BE(20) !== salts[1] : ahead > maxRestarts;
}

function readStart(path: string, octets: number): Buffer | undefined {
  if (!existsSync(path)) return undefined;
  const size = Math.min(statSync(path).size, octets);
  const buffer = Buffer.alloc(size);
  const file = openSync(path, "r");
  try {
    readSync(file, buffer, 0, size, 0);
  } finally {
    closeSync(file);
  }
  return buffer;
}
