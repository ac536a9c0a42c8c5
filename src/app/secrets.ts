import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GatewayError } from "../base/gateway-error.ts";
import { Secret } from "../base/secret.ts";

/**
 * The octets behind a reference: `file:PATH`, `env:NAME`, `credential:NAME`. One trailing line end is dropped.
 * @throws config.secret, never with the secret in it
 */
export function readSecret(reference: string, env: NodeJS.ProcessEnv): Secret {
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
      return fromFile(join(env.CREDENTIALS_DIRECTORY ?? refuse("no credentials directory"), rest));
    if (kind === "env") return Buffer.from(env[rest] ?? refuse("is not set"));
    return refuse("is no reference");
  };
  const raw = Buffer.from(bytes());
  const end = raw.at(-1) === 0x0a ? (raw.at(-2) === 0x0d ? 2 : 1) : 0;
  return new Secret(raw.subarray(0, raw.length - end));
}

/**
 * The key that seals stored keys: 32 octets, as they are or as 64 hexadecimal digits. Without a reference it lives in
 * the state folder, readable by the owner only, and is made at first use.
 * @throws config.secret
 */
export function masterKey(reference: string | undefined, state: string, env: NodeJS.ProcessEnv): Secret {
  if (reference === undefined) return ownMasterKey(join(state, "master.key"), state, env);
  const secret = readSecret(reference, env);
  const text = Buffer.from(secret.reveal()).toString("latin1");
  if (/^[0-9a-fA-F]{64}$/.test(text)) return new Secret(Buffer.from(text, "hex"));
  if (secret.length !== 32) {
    throw new GatewayError("config.secret", `${reference}: a master key has 32 octets or 64 hexadecimal digits`, {
      detail: { reference },
    });
  }
  return secret;
}

function ownMasterKey(file: string, state: string, env: NodeJS.ProcessEnv): Secret {
  if (!existsSync(file)) {
    mkdirSync(state, { recursive: true, mode: 0o700 });
    const fresh = `${file}.new`;
    writeFileSync(fresh, `${randomBytes(32).toString("hex")}\n`, { mode: 0o600, flush: true });
    renameSync(fresh, file);
    chmodSync(file, 0o600);
  }
  return masterKey(`file:${file}`, state, env);
}
