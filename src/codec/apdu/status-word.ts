/** What a status word asks of the side that sent the command. */
type StatusClass =
  /** Normal ending. */
  | "ok"
  /** 91xx: normal ending, and a proactive command of xx octets waits. */
  | "proactive"
  /** 61xx, 9Fxx: xx octets of answer wait for GET RESPONSE. */
  | "more"
  /** 6Cxx: the same command again with Le = xx. */
  | "wrong-le"
  /** 62xx, 63xx (not 63Cx). */
  | "warning"
  /** 93xx: the toolkit is busy. */
  | "busy"
  | "error";

/** A status word in its written form: four upper-case hexadecimal digits. */
export function swText(sw: number): string {
  return sw.toString(16).toUpperCase().padStart(4, "0");
}

/** The status word of a written form; NaN for any other text. */
export function swOf(text: string): number {
  return Number.parseInt(text, 16);
}

/** The class of a status word. ETSI TS 102 221 §10.2, ISO/IEC 7816-4 §5.6 */
export function statusClass(sw: number): StatusClass {
  const sw1 = sw >> 8;
  // 9240 is a memory problem on 2G cards only, but no UICC uses that number for anything else.
  if (sw === 0x9000 || (sw1 === 0x92 && sw !== 0x9240)) return "ok";
  if (sw1 === 0x91) return "proactive";
  if (sw1 === 0x61 || sw1 === 0x9f) return "more";
  if (sw1 === 0x6c) return "wrong-le";
  if (sw1 === 0x93) return "busy";
  if (sw1 === 0x62 || sw1 === 0x63) return (sw & 0xfff0) === 0x63c0 ? "error" : "warning";
  return "error";
}

/** True when the command was carried out: ok, with a proactive command or an answer waiting. */
export function isSuccess(sw: number): boolean {
  const kind = statusClass(sw);
  return kind === "ok" || kind === "proactive" || kind === "more";
}

const exact: Readonly<Record<number, string>> = {
  36864: "normal ending",
  // 62xx, 63xx
  25088: "warning: no information given, memory unchanged",
  25217: "warning: part of the returned data may be corrupted",
  25218: "warning: end of file or record reached before Le octets were read",
  25219: "warning: selected file or application invalidated",
  25220: "warning: selected file in termination state",
  25221: "warning: no input available from a sensor on the card",
  25329: "warning: more data available",
  25330: "warning: more data available and proactive command pending",
  25331: "warning: response data available",
  25344: "warning: no information given, memory changed",
  25585: "warning: more data expected",
  25586: "warning: more data expected and proactive command pending",
  25473: "warning: file filled up by the last write",
  // 64xx to 66xx
  25600: "execution error: no information given, memory unchanged",
  25601: "execution error: immediate response required by the card",
  25856: "execution error: no information given, memory changed",
  25985: "memory problem",
  26112: "security problem",
  // 67xx to 69xx
  26368: "wrong length",
  26369: "wrong length: command TPDU or APDU structure not supported",
  26624: "functions in CLA not supported: no information given",
  26753: "logical channel not supported",
  26754: "secure messaging not supported",
  26755: "last command of the chain expected",
  26756: "command chaining not supported",
  26880: "command not allowed: no information given",
  27009: "command incompatible with file structure",
  27010: "security status not satisfied",
  27011: "authentication or PIN method blocked",
  27012: "referenced data invalidated",
  27013: "conditions of use not satisfied",
  27014: "command not allowed: no EF selected",
  27015: "expected secure messaging data objects missing",
  27016: "secure messaging data objects incorrect",
  27017: "command not allowed: secure channel, security not satisfied",
  27105: "command not allowed: POL1 of the profile does not allow it",
  // 6Axx
  27264: "incorrect parameters in the data field or wrong data",
  27265: "function not supported",
  27266: "file, application or referenced item not found",
  27267: "record not found",
  27268: "not enough memory space",
  27269: "Lc inconsistent with TLV structure",
  27270: "incorrect parameters P1 to P2",
  27271: "Lc inconsistent with P1 to P2",
  27272: "referenced data not found",
  27273: "file or application already exists",
  27274: "DF name already exists",
  // others
  27392: "wrong parameters P1 to P2",
  27904: "instruction code not supported or invalid",
  28160: "class not supported",
  28416: "technical problem, no precise diagnosis",
  // application errors of (U)SIMs, TS 102 221 and TS 51.011
  37440: "memory problem (2G)",
  37632: "toolkit busy: command cannot be executed at present",
  37888: "no EF selected (2G)",
  37890: "out of range (2G)",
  37892: "file, pattern or record not found (2G)",
  37896: "file inconsistent with the command (2G)",
  38914: "no CHV initialised (2G)",
  38916: "access condition not fulfilled or verification failed (2G)",
  38920: "in contradiction with CHV status (2G)",
  38928: "in contradiction with invalidation status (2G)",
  38976: "verification failed, CHV blocked (2G)",
  38992: "increase cannot be performed, maximum reached",
  39010: "authentication error, application specific",
  39011: "authentication error, security context not supported",
  39012: "key freshness failure",
  39013: "authentication error, no memory space available",
  39014: "authentication error, no memory space available in EF MUK",
  // GlobalPlatform
  38020: "algorithm not supported (GlobalPlatform)",
  38021: "invalid key check value (GlobalPlatform)",
};

/** Words that carry a number: matched by SW1, in this order after the exact ones. */
function counted(sw: number): string | undefined {
  const sw1 = sw >> 8;
  const sw2 = sw & 0xff;
  switch (sw1) {
    case 0x61:
    case 0x9f:
      return `normal ending, ${sw2 === 0 ? 256 : sw2} octets of answer available`;
    case 0x6c:
      return `wrong Le, exact length ${sw2 === 0 ? 256 : sw2}`;
    case 0x91:
      return `normal ending, proactive command of ${sw2 === 0 ? 256 : sw2} octets pending`;
    case 0x92:
      return sw2 < 0x10 ? `normal ending after ${sw2} internal retries` : "normal ending with transfer information";
    case 0x63:
      return (sw2 & 0xf0) === 0xc0 ? `verification failed, ${sw2 & 0x0f} tries left` : "warning, memory changed";
    case 0x9e:
      return `SIM data download error, ${sw2} octets of answer available (2G)`;
    case 0x6f:
      return "technical problem";
    default:
      return undefined;
  }
}

const families: Readonly<Record<number, string>> = {
  98: "warning, memory unchanged",
  100: "execution error, memory unchanged",
  101: "execution error, memory changed",
  102: "security problem",
  103: "wrong length",
  104: "functions in CLA not supported",
  105: "command not allowed",
  106: "wrong parameters",
  107: "wrong parameters P1 to P2",
  109: "instruction code not supported or invalid",
  110: "class not supported",
  147: "toolkit busy",
  148: "file problem (2G)",
  152: "security or authentication problem",
};

/**
 * Name of a status word. ETSI TS 102 221 §10.2.1, ISO/IEC 7816-4 §5.6, GlobalPlatform Card Specification §11,
 * SGP.02 §4.1 (69E1), TS 51.011 §9.4
 */
export function statusWordName(sw: number): string {
  return exact[sw] ?? counted(sw) ?? families[sw >> 8] ?? (sw >> 12 === 9 ? "application specific" : "unknown");
}
