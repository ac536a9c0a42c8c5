import { statfsSync } from "node:fs";
import { GatewayError } from "../base/gateway-error.ts";

/** Minimum free space for a commit of a few pages and the log's index, octets. */
const minFreeOctets = 256 * 1024;

/**
 * The error for a failure of SQLite or of the file system in `folder`: `store.full`, `store.corrupt` or
 * `store.unavailable`. Undefined for errors with another cause, such as a violated constraint.
 */
export function storageError(thrown: unknown, folder: string): GatewayError | undefined {
  if (thrown instanceof GatewayError) return undefined;
  const code = codeOf(thrown);
  if (code === undefined) return undefined;
  const why = thrown instanceof Error ? thrown.message : String(thrown);
  const detail = { folder, reason: code };
  if (fullCodes.has(code) || (mayBeFull(code) && isFull(folder)))
    return new GatewayError(
      "store.full",
      `the disk of ${folder} is full: nothing can be stored until space is available; remove other files, or old records with "otagate store prune"`,
      { detail, cause: thrown },
    );
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) return damaged(folder, `SQLite reports: ${why}`, thrown);
  if (!/^SQLITE_(IOERR|CANTOPEN|READONLY|BUSY|LOCKED|PROTOCOL|NOLFS|PERM|AUTH)/.test(code) && !/^E[A-Z]+$/.test(code))
    return undefined;
  return new GatewayError("store.unavailable", `the store in ${folder} cannot be used: ${why} (${code})`, {
    detail,
    cause: thrown,
  });
}

/** The error of a store with damaged contents. */
export function damaged(folder: string, what: string, cause?: unknown): GatewayError {
  return new GatewayError(
    "store.corrupt",
    `the store in ${folder} is damaged: ${what}. Stop otagate, keep a copy of the folder, restore an intact otagate.db without otagate.db-wal and otagate.db-shm, then run "otagate store recover"; "sqlite3 otagate.db .recover" extracts the readable data`,
    { detail: { folder }, cause },
  );
}

const fullCodes = new Set(["SQLITE_FULL", "ENOSPC", "EDQUOT"]);

/** Whether a failure may be due to a full disk, which SQLite reports as such only for its own writes. */
function mayBeFull(code: string): boolean {
  return /^SQLITE_(IOERR|CANTOPEN)/.test(code) || code === "EIO";
}

function isFull(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize < minFreeOctets;
  } catch {
    return false;
  }
}

function codeOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !("code" in thrown) || typeof thrown.code !== "string") return undefined;
  return thrown.code;
}
