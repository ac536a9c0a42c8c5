import { isUtf8 } from "node:buffer";
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { GatewayError } from "../base/gateway-error.ts";
import { Secret } from "../base/secret.ts";
import { sealWith } from "../crypto/seal.ts";
import type { SealSource } from "../store/open-database.ts";
import { storageError } from "../store/storage-error.ts";

/**
 * The secret behind a reference: `file:PATH`, `env:NAME`, `credential:NAME`. One trailing line end of text is dropped;
 * octets that are not text are used unchanged.
 * @throws config.secret, never with the secret in it
 */
export function readSecret(reference: string, env: NodeJS.ProcessEnv): Secret {
  const raw = readRaw(reference, env);
  return new Secret(isText(raw) ? withoutLineEnd(raw) : raw);
}

/** Whether octets are UTF-8 without control characters other than tabs and line ends. */
function isText(octets: Buffer): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return isUtf8(octets) && !/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(octets.toString("latin1"));
}

function withoutLineEnd(octets: Buffer): Buffer {
  const end = octets.at(-1) === 0x0a ? (octets.at(-2) === 0x0d ? 2 : 1) : 0;
  return octets.subarray(0, octets.length - end);
}

/** @throws config.secret */
function readRaw(reference: string, env: NodeJS.ProcessEnv): Buffer {
  const [kind, rest = ""] = [reference.slice(0, reference.indexOf(":")), reference.slice(reference.indexOf(":") + 1)];
  const refuse = (why: string, cause?: unknown): never => {
    throw new GatewayError("config.secret", `${reference}: ${why}`, { detail: { reference }, cause });
  };
  const fromFile = (path: string): Uint8Array => {
    try {
      return readFileSync(path);
    } catch (cause) {
      return refuse("cannot be read", cause);
    }
  };
  const bytes = (): Uint8Array => {
    if (kind === "file") return fromFile(rest);
    if (kind === "credential")
      return fromFile(join(env.CREDENTIALS_DIRECTORY ?? refuse("the variable CREDENTIALS_DIRECTORY is not set"), rest));
    if (kind === "env") return Buffer.from(env[rest] ?? refuse("is not set"));
    return refuse("must be file:PATH, env:NAME or credential:NAME");
  };
  return Buffer.from(bytes());
}

/**
 * The seal of stored keys. Its master key has 32 octets, raw or as 64 hexadecimal digits. Without a reference it is a
 * file in the state folder, readable by the owner only, and is created at first use, but never as a replacement for a
 * missing one.
 */
export function masterSeal(
  reference: string | undefined,
  state: string,
  env: NodeJS.ProcessEnv,
): Extract<SealSource, (mayMake: boolean) => unknown> {
  const file = join(state, "master.key");
  return (mayMake) => {
    const made = reference === undefined && !existsSync(file);
    if (made) makeMasterKey(file, mayMake);
    return { seal: sealWith(masterKey(reference ?? `file:${file}`, env)), made };
  };
}

/**
 * 32 octets are the key, whatever the last of them is; any other content may have a line end after it. @throws
 * config.secret
 */
function masterKey(reference: string, env: NodeJS.ProcessEnv): Secret {
  const raw = readRaw(reference, env);
  if (raw.length === 32) return new Secret(raw);
  const octets = withoutLineEnd(raw);
  const text = octets.toString("latin1");
  if (/^[0-9a-fA-F]{64}$/.test(text)) return new Secret(Buffer.from(text, "hex"));
  if (octets.length !== 32) {
    throw new GatewayError("config.secret", `${reference}: a master key must have 32 octets or 64 hexadecimal digits`, {
      detail: { reference },
    });
  }
  return new Secret(octets);
}

/** @throws crypto.master-key if stored keys are sealed with a missing one, store.full, store.unavailable */
function makeMasterKey(file: string, mayMake: boolean): void {
  if (!mayMake)
    throw new GatewayError(
      "crypto.master-key",
      `${file} is missing, and stored keys are sealed with it: restore it from a copy, or set masterKey in the configuration. Without it these keys cannot be read; to start from scratch, use another state folder`,
      { detail: { file, key: "masterKey" } },
    );
  const fresh = `${file}.new`;
  try {
    writeFileSync(fresh, `${randomBytes(32).toString("hex")}\n`, { mode: 0o600, flush: true });
    renameSync(fresh, file);
    chmodSync(file, 0o600);
  } catch (thrown) {
    throw storageError(thrown, dirname(file)) ?? thrown;
  }
}
