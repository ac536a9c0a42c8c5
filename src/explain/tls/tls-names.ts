/** Records of TLS. RFC 5246 §6.2.1 */
export const recordNames: Readonly<Record<number, string>> = {
  20: "ChangeCipherSpec",
  21: "alert",
  22: "handshake",
  23: "application data",
  24: "heartbeat",
};

/** Handshake messages. RFC 5246 §7.4, RFC 8446 §4 */
export const handshakeNames: Readonly<Record<number, string>> = {
  0: "HelloRequest",
  1: "ClientHello",
  2: "ServerHello",
  3: "HelloVerifyRequest",
  4: "NewSessionTicket",
  5: "EndOfEarlyData",
  8: "EncryptedExtensions",
  11: "Certificate",
  12: "ServerKeyExchange",
  13: "CertificateRequest",
  14: "ServerHelloDone",
  15: "CertificateVerify",
  16: "ClientKeyExchange",
  20: "Finished",
  22: "CertificateStatus",
  24: "KeyUpdate",
};

const alerts: Readonly<Record<number, string>> = {
  0: "close_notify",
  10: "unexpected_message",
  20: "bad_record_mac",
  21: "decryption_failed",
  22: "record_overflow",
  30: "decompression_failure",
  40: "handshake_failure",
  41: "no_certificate",
  42: "bad_certificate",
  43: "unsupported_certificate",
  44: "certificate_revoked",
  45: "certificate_expired",
  46: "certificate_unknown",
  47: "illegal_parameter",
  48: "unknown_ca",
  49: "access_denied",
  50: "decode_error",
  51: "decrypt_error",
  60: "export_restriction",
  70: "protocol_version",
  71: "insufficient_security",
  80: "internal_error",
  86: "inappropriate_fallback",
  90: "user_canceled",
  100: "no_renegotiation",
  109: "missing_extension",
  110: "unsupported_extension",
  112: "unrecognized_name",
  113: "bad_certificate_status_response",
  115: "unknown_psk_identity",
  116: "certificate_required",
  120: "no_application_protocol",
};

/** An alert as text. RFC 5246 §7.2, RFC 4279 §2 */
export function alertText(level: number, description: number): string {
  const how = level === 1 ? "warning" : level === 2 ? "fatal" : `level ${level}`;
  return `${how}, ${alerts[description] ?? `alert ${description}`}`;
}

/** `TLS 1.2` for 0303; undefined for what is not a version. */
export function versionText(version: number): string | undefined {
  return { 768: "SSL 3.0", 769: "TLS 1.0", 770: "TLS 1.1", 771: "TLS 1.2", 772: "TLS 1.3" }[version];
}

const psk = "RC4_128_SHA 3DES_EDE_CBC_SHA AES_128_CBC_SHA AES_256_CBC_SHA".split(" ");
const gcm = "AES_128_GCM_SHA256 AES_256_GCM_SHA384".split(" ");
const cbc = "AES_128_CBC_SHA256 AES_256_CBC_SHA384 NULL_SHA256 NULL_SHA384".split(" ");
const ecdhe = [...psk, "AES_128_CBC_SHA256", "AES_256_CBC_SHA384", "NULL_SHA", "NULL_SHA256", "NULL_SHA384"];

const run = (first: number, prefix: string, names: readonly string[]) =>
  names.map((name, index): [number, string] => [first + index, `${prefix}_WITH_${name}`]);

/** Cipher suites with a pre-shared key, and those that stand beside them in the hello of a card. IANA TLS registry */
const suites = new Map<number, string>([
  [0x002c, "PSK_WITH_NULL_SHA"],
  [0x002d, "DHE_PSK_WITH_NULL_SHA"],
  [0x002e, "RSA_PSK_WITH_NULL_SHA"],
  ...run(0x008a, "PSK", psk),
  ...run(0x008e, "DHE_PSK", psk),
  ...run(0x0092, "RSA_PSK", psk),
  ...run(0x00a8, "PSK", gcm),
  ...run(0x00aa, "DHE_PSK", gcm),
  ...run(0x00ac, "RSA_PSK", gcm),
  ...run(0x00ae, "PSK", cbc),
  ...run(0x00b2, "DHE_PSK", cbc),
  ...run(0x00b6, "RSA_PSK", cbc),
  ...run(0xc033, "ECDHE_PSK", ecdhe),
  [0xc0a4, "PSK_WITH_AES_128_CCM"],
  [0xc0a5, "PSK_WITH_AES_256_CCM"],
  [0xc0a8, "PSK_WITH_AES_128_CCM_8"],
  [0xc0a9, "PSK_WITH_AES_256_CCM_8"],
  [0xd001, "ECDHE_PSK_WITH_AES_128_GCM_SHA256"],
  [0xd002, "ECDHE_PSK_WITH_AES_256_GCM_SHA384"],
  [0x000a, "RSA_WITH_3DES_EDE_CBC_SHA"],
  [0x002f, "RSA_WITH_AES_128_CBC_SHA"],
  [0x0035, "RSA_WITH_AES_256_CBC_SHA"],
  [0x003c, "RSA_WITH_AES_128_CBC_SHA256"],
  [0x003d, "RSA_WITH_AES_256_CBC_SHA256"],
  [0x009c, "RSA_WITH_AES_128_GCM_SHA256"],
  [0xc02b, "ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"],
  [0xc02f, "ECDHE_RSA_WITH_AES_128_GCM_SHA256"],
  [0x1301, "AES_128_GCM_SHA256"],
  [0x1302, "AES_256_GCM_SHA384"],
  [0x1303, "CHACHA20_POLY1305_SHA256"],
  [0x1304, "AES_128_CCM_SHA256"],
  [0x1305, "AES_128_CCM_8_SHA256"],
  [0x00ff, "EMPTY_RENEGOTIATION_INFO_SCSV"],
  [0x5600, "FALLBACK_SCSV"],
]);

/** A cipher suite by its registered name without `TLS_`; undefined for one that no card was seen to offer. */
export function suiteName(suite: number): string | undefined {
  return suites.get(suite);
}

/** Extensions of a hello. IANA TLS registry */
export const extensionNames: Readonly<Record<number, string>> = {
  0: "server_name",
  1: "max_fragment_length",
  4: "truncated_hmac",
  5: "status_request",
  10: "supported_groups",
  11: "ec_point_formats",
  13: "signature_algorithms",
  16: "application_layer_protocol_negotiation",
  21: "padding",
  22: "encrypt_then_mac",
  23: "extended_master_secret",
  28: "record_size_limit",
  35: "session_ticket",
  41: "pre_shared_key",
  43: "supported_versions",
  44: "cookie",
  45: "psk_key_exchange_modes",
  51: "key_share",
  65281: "renegotiation_info",
};
