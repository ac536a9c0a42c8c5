import { constants } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";

/** A PSK cipher suite of administration sessions. GP Amendment B §3.3.2 */
interface CipherSuite {
  readonly name: string;
  readonly code: number;
  readonly sinceTls: "1.0" | "1.2" | "1.3";
  /** OpenSSL's name. */
  readonly openssl: string;
  /** `usual`: on; `weak`: on if enabled in the settings; `impossible`: not supported by this OpenSSL. */
  readonly standing: "usual" | "weak" | "impossible";
}

export const cipherSuites: readonly CipherSuite[] = [
  suite("TLS_PSK_WITH_AES_128_CBC_SHA256", 0x00ae, "1.2", "PSK-AES128-CBC-SHA256", "usual"),
  suite("TLS_PSK_WITH_AES_128_GCM_SHA256", 0x00a8, "1.2", "PSK-AES128-GCM-SHA256", "usual"),
  suite("TLS_PSK_WITH_NULL_SHA256", 0x00b0, "1.2", "PSK-NULL-SHA256", "weak"),
  suite("TLS_PSK_WITH_AES_128_CBC_SHA", 0x008c, "1.0", "PSK-AES128-CBC-SHA", "weak"),
  suite("TLS_PSK_WITH_3DES_EDE_CBC_SHA", 0x008b, "1.0", "PSK-3DES-EDE-CBC-SHA", "impossible"),
  suite("TLS_PSK_WITH_NULL_SHA", 0x002c, "1.0", "PSK-NULL-SHA", "weak"),
  suite("TLS_AES_128_GCM_SHA256", 0x1301, "1.3", "TLS_AES_128_GCM_SHA256", "usual"),
];

function suite(
  name: string,
  code: number,
  sinceTls: CipherSuite["sinceTls"],
  openssl: string,
  standing: CipherSuite["standing"],
): CipherSuite {
  return { name, code, sinceTls, openssl, standing };
}

/** Name of a suite, or its code if it is not in the list. */
export function suiteName(code: number): string {
  return cipherSuites.find((suite) => suite.code === code)?.name ?? code.toString(16).toUpperCase().padStart(4, "0");
}

/** Versions and suites that are enabled in addition to TLS 1.2 with AES-128 in CBC or GCM mode. */
export interface TlsSettings {
  /** TLS 1.3 with an external PSK. */
  readonly tls13: boolean;
  /** TLS 1.0 and 1.1 with AES-128-CBC-SHA: for old cards only. */
  readonly tls10: boolean;
  /** Suites without encryption: for the bench only. */
  readonly nullSuites: boolean;
}

export const defaultTlsSettings: TlsSettings = { tls13: false, tls10: false, nullSuites: false };

/**
 * `SSL_OP_NO_ENCRYPT_THEN_MAC`, which Node does not name: some cards in the field fail if the extension is answered.
 */
const noEncryptThenMac = 0x0008_0000;
/** `SSL_OP_NO_RENEGOTIATION`, which Node does not name. */
const noRenegotiation = 0x4000_0000;

/** The enabled suites in OpenSSL's notation. */
function cipherList({ tls10, nullSuites, tls13 }: TlsSettings): string {
  const names = ["PSK-AES128-CBC-SHA256", "PSK-AES128-GCM-SHA256"];
  if (tls10) names.push("PSK-AES128-CBC-SHA");
  if (nullSuites) names.push("PSK-NULL-SHA256", ...(tls10 ? ["PSK-NULL-SHA"] : []));
  if (tls13) names.push("TLS_AES_128_GCM_SHA256");
  return names.join(":") + (nullSuites || tls10 ? ":@SECLEVEL=0" : "");
}

/** The server side's TLS: no certificate, no tickets, no resumption, no renegotiation; the card's order of suites. */
export function pskServerContext(settings: TlsSettings): SecureContext {
  return createSecureContext({
    ciphers: cipherList(settings),
    minVersion: settings.tls10 ? "TLSv1" : "TLSv1.2",
    maxVersion: settings.tls13 ? "TLSv1.3" : "TLSv1.2",
    honorCipherOrder: false,
    secureOptions: constants.SSL_OP_NO_TICKET | noEncryptThenMac | noRenegotiation,
  });
}
