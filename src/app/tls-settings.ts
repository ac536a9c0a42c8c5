import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { withoutUndefined } from "../base/defined.ts";
import { GatewayError } from "../base/gateway-error.ts";
import type { Config } from "./config/config.ts";

/** A file of certificates or of a key, and where the configuration names it. */
interface NamedFile {
  /** For display: `api.tls.cert`, `upstream 'smsr': tls.cert`. */
  readonly label: string;
  /** Its key in the configuration: `upstream.0.tls.cert`. */
  readonly key: string;
  /** A path, or PEM itself. */
  readonly value: string;
}

/** One section of the configuration with certificates. */
interface TlsSetting {
  /** For display: `api`, `upstream 'smsr'`. */
  readonly of: string;
  readonly cert?: NamedFile;
  readonly key?: NamedFile;
  readonly ca?: NamedFile;
}

/** The contents of the files, once they have been checked. */
interface TlsMaterial {
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly ca?: Buffer;
  /** Of our own certificate. */
  readonly subject?: string;
  /** When the first of the required certificates expires, in milliseconds. */
  readonly until?: number;
}

/** How long before its expiry a certificate is reported, ms. */
export const expiryNoticeMs = 30 * 86_400_000;

/** The setting with these files; `prefix` is their place in the configuration, `of` its display name. */
export function tlsSetting(
  of: string,
  prefix: string,
  files: Readonly<Partial<Record<"cert" | "key" | "ca", string | undefined>>>,
): TlsSetting {
  const inside = prefix.slice(prefix.lastIndexOf(".") + 1);
  const named = (what: "cert" | "key" | "ca") => {
    const value = files[what];
    const label = of.endsWith("'") ? `${of}: ${inside}.${what}` : `${prefix}.${what}`;
    return value === undefined ? {} : { [what]: { label, key: `${prefix}.${what}`, value } };
  };
  return { of, ...named("cert"), ...named("key"), ...named("ca") };
}

/** The API's files. */
export function apiTls({ tls, clientCa }: Config["api"]): TlsSetting {
  const ca = clientCa === undefined ? {} : { ca: { label: "api.clientCa", key: "api.clientCa", value: clientCa } };
  return { ...tlsSetting("api", "api.tls", tls ?? {}), ...ca };
}

/** Every section of a configuration with certificates. */
export function tlsSettings({ api, smppFace, upstream, smsc }: Config): TlsSetting[] {
  return [
    ...(api.port === undefined ? [] : [apiTls(api)]),
    ...(smppFace.enabled ? [tlsSetting("smppFace", "smppFace.tls", smppFace.tls ?? {})] : []),
    ...upstream.map((one, index) => tlsSetting(`upstream '${one.name}'`, `upstream.${index}.tls`, one.tls ?? {})),
    ...smsc.map((one, index) => tlsSetting(`smsc '${one.name}'`, `smsc.${index}.tls`, filesIn(one.tls))),
  ].filter(({ cert, key, ca }) => cert !== undefined || key !== undefined || ca !== undefined);
}

/** The options of an account are checked by its driver; here only its files count. */
function filesIn(tls: unknown): Partial<Record<"cert" | "key" | "ca", string>> {
  if (typeof tls !== "object" || tls === null) return {};
  const files: Partial<Record<"cert" | "key" | "ca", string>> = {};
  for (const [name, value] of Object.entries(tls))
    if ((name === "cert" || name === "key" || name === "ca") && typeof value === "string") files[name] = value;
  return files;
}

/**
 * Reads and checks the files of one section: they are readable, the key belongs to the certificate, and the
 * certificates are valid at this time.
 * @throws config.invalid naming the key of the configuration and the file
 */
export function readTls(setting: TlsSetting, now: number): TlsMaterial {
  const { cert: certFile, key: keyFile, ca: caFile } = setting;
  const [cert, key, ca] = [certFile, keyFile, caFile].map((file) => (file === undefined ? undefined : read(file)));
  if (certFile !== undefined && keyFile === undefined) throw refused(certFile, "requires the matching private key");
  if (keyFile !== undefined && certFile === undefined) throw refused(keyFile, "requires the matching certificate");
  const own = certFile === undefined || cert === undefined ? undefined : ownCertificate(certFile, cert, now);
  if (own !== undefined && keyFile !== undefined && key !== undefined && certFile !== undefined) {
    if (!own.leaf.checkPrivateKey(privateKey(keyFile, key)))
      throw refused(
        keyFile,
        `${fileText(keyFile)} does not match the certificate in ${fileText(certFile)} (${certFile.label}; the first certificate in the file must be the one of the key)`,
      );
  }
  const authority = caFile === undefined || ca === undefined ? undefined : authorities(caFile, ca, now);
  const material = withoutUndefined({ cert, key, ca });
  try {
    createSecureContext(material);
  } catch (cause) {
    const [first] = [certFile, caFile].filter((file) => file !== undefined);
    const why = cause instanceof Error ? cause.message : String(cause);
    if (first !== undefined) throw refused(first, `TLS does not accept ${fileText(first)}: ${why}`, cause);
  }
  const ends = [own?.until, authority].filter((end) => end !== undefined);
  return {
    ...material,
    ...withoutUndefined({ subject: own?.leaf.subject.replaceAll("\n", ", ") }),
    ...(ends.length === 0 ? {} : { until: Math.min(...ends) }),
  };
}

/** Checks all certificates; returns those that expire soon. @throws config.invalid */
export function checkTls(config: Config, now: number): { readonly of: string; readonly until: number }[] {
  return tlsSettings(config)
    .map((setting) => ({ of: setting.of, until: readTls(setting, now).until ?? Number.POSITIVE_INFINITY }))
    .filter(({ until }) => until - now < expiryNoticeMs);
}

function read(file: NamedFile): Buffer {
  if (file.value.includes("-----BEGIN")) return Buffer.from(file.value);
  try {
    return readFileSync(file.value);
  } catch (cause) {
    throw refused(file, `${file.value} cannot be read`, cause);
  }
}

function ownCertificate(
  file: NamedFile,
  pem: Buffer,
  now: number,
): { readonly leaf: X509Certificate; readonly until: number } {
  const chain = certificatesIn(file, pem);
  for (const one of chain) {
    const [from, until] = [Date.parse(one.validFrom), Date.parse(one.validTo)];
    const which = `the certificate of ${one.subject.replaceAll("\n", ", ")} in ${fileText(file)}`;
    if (until < now) throw refused(file, `${which} expired on ${day(until)}`);
    if (from > now) throw refused(file, `${which} is valid only from ${day(from)} on; check the clock`);
  }
  const [leaf] = chain;
  if (leaf === undefined) throw refused(file, `${fileText(file)} contains no PEM certificate`);
  return { leaf, until: Math.min(...chain.map((one) => Date.parse(one.validTo))) };
}

/** When the last of these CAs expires: a bundle may contain expired ones. */
function authorities(file: NamedFile, pem: Buffer, now: number): number {
  const all = certificatesIn(file, pem);
  if (all.length === 0) throw refused(file, `${fileText(file)} contains no PEM certificate`);
  const valid = all.filter((one) => Date.parse(one.validFrom) <= now && Date.parse(one.validTo) >= now);
  const last = Math.max(...all.map((one) => Date.parse(one.validTo)));
  if (valid.length === 0)
    throw refused(
      file,
      last < now
        ? `every certificate in ${fileText(file)} has expired, the last on ${day(last)}`
        : `no certificate in ${fileText(file)} is valid now; check the clock`,
    );
  return Math.max(...valid.map((one) => Date.parse(one.validTo)));
}

function certificatesIn(file: NamedFile, pem: Buffer): X509Certificate[] {
  const blocks =
    pem.toString("latin1").match(/-----BEGIN (TRUSTED )?CERTIFICATE-----[^-]*-----END [A-Z ]+-----/g) ?? [];
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      throw refused(file, `certificate ${index + 1} in ${fileText(file)} cannot be read`, cause);
    }
  });
}

function privateKey(file: NamedFile, pem: Buffer) {
  const text = pem.toString("latin1");
  if (/ENCRYPTED/.test(text)) throw refused(file, `${fileText(file)} is encrypted; use a key without a passphrase`);
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw refused(file, `${fileText(file)} contains no PEM private key`, cause);
  }
}

function fileText(file: NamedFile): string {
  return file.value.includes("-----BEGIN") ? "the text" : file.value;
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function refused(file: NamedFile, why: string, cause?: unknown): GatewayError {
  const detail = { key: file.key, ...(file.value.includes("-----BEGIN") ? {} : { file: file.value }) };
  return new GatewayError("config.invalid", `${file.label}: ${why}`, { detail, cause });
}
