import { readFileSync } from "node:fs";
import { GatewayError } from "../../base/gateway-error.ts";
import { parseJson } from "../../base/json.ts";

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "no such file or folder",
  EACCES: "permission denied",
  EISDIR: "it is a folder",
  ENOTDIR: "part of the path is not a folder",
  EEXIST: "a different file or folder of this name exists",
  EPERM: "not permitted",
  ENOSPC: "no space left on the device",
  EROFS: "the file system is read-only",
};

/** The text of a file that an argument or flag names. @throws api.usage naming both, and why it cannot be read */
export function readInput(field: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw unreadable(field, file, cause);
  }
}

/** JSON of a file that a flag names. @throws api.usage naming both, and where the text is not JSON */
export function readJsonInput(field: string, file: string): unknown {
  const text = readInput(field, file);
  try {
    return parseJson(text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : "not valid JSON";
    throw new GatewayError("api.usage", `${field}: ${file} is not valid JSON: ${why}`, {
      detail: { field, file },
      cause,
    });
  }
}

/** A value, or with `@file` the text of that file. @throws api.usage */
export function valueOrFile(field: string, value: string): string {
  return value.startsWith("@") ? readInput(field, value.slice(1)).trim() : value;
}

/** The system's error for a file or folder given by the user; undefined for any other error. */
export function fileError(thrown: unknown): GatewayError | undefined {
  if (!(thrown instanceof Error) || !("code" in thrown) || !("path" in thrown)) return undefined;
  if (typeof thrown.path !== "string" || reasons[String(thrown.code)] === undefined) return undefined;
  const doing = "syscall" in thrown && thrown.syscall === "mkdir" ? "made" : "opened";
  return unreadable("file", thrown.path, thrown, doing);
}

/** The error of a file that cannot be read, written or made, with the system's reason. */
export function unreadable(field: string, file: string, cause: unknown, what = "read"): GatewayError {
  const why = `${field}: ${file} cannot be ${what}${reasonOf(cause)}`;
  return new GatewayError("api.usage", why, { detail: { field, file }, cause });
}

/** The system's reason why a file was refused, behind a colon; empty if the cause is of another kind. */
export function reasonOf(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const reason = reasons[code] ?? code;
  return reason === "" ? "" : `: ${reason}`;
}
