/** General results of a TERMINAL RESPONSE, by name. ETSI TS 102 223 §8.12 */
export const generalResult = {
  success: 0x00,
  partialComprehension: 0x01,
  missingInformation: 0x02,
  refreshAdditionalFiles: 0x03,
  iconNotDisplayed: 0x04,
  modifiedByCallControl: 0x05,
  limitedService: 0x06,
  modified: 0x07,
  refreshNotActive: 0x08,
  toneNotPlayed: 0x09,
  sessionTerminatedByUser: 0x10,
  backwardMove: 0x11,
  noUserResponse: 0x12,
  helpRequired: 0x13,
  transactionTerminatedByUser: 0x14,
  terminalUnable: 0x20,
  networkUnable: 0x21,
  userRejected: 0x22,
  userClearedCall: 0x23,
  timerContradiction: 0x24,
  callControlTemporary: 0x25,
  browserError: 0x26,
  mmsTemporary: 0x27,
  beyondCapabilities: 0x30,
  typeNotUnderstood: 0x31,
  dataNotUnderstood: 0x32,
  numberNotKnown: 0x33,
  ssReturnError: 0x34,
  smsRpError: 0x35,
  valuesMissing: 0x36,
  ussdReturnError: 0x37,
  multipleCardError: 0x38,
  callControlPermanent: 0x39,
  bipError: 0x3a,
  accessTechnologyUnable: 0x3b,
  framesError: 0x3c,
  mmsError: 0x3d,
} as const;

export type GeneralResult = keyof typeof generalResult;

const texts: Readonly<Record<number, string>> = {
  0: "command performed successfully",
  1: "performed with partial comprehension",
  2: "performed with missing information",
  3: "REFRESH performed with additional EFs read",
  4: "performed, but the icon could not be displayed",
  5: "performed, modified by call control",
  6: "performed, limited service",
  7: "performed with modifications",
  8: "REFRESH performed, but the application was not active",
  9: "performed, tone not played",
  16: "proactive session terminated by the user",
  17: "backward move requested by the user",
  18: "no response from the user",
  19: "help requested by the user",
  20: "USSD or SS transaction terminated by the user",
  32: "terminal currently unable to process the command",
  33: "network currently unable to process the command",
  34: "user did not accept the command",
  35: "user cleared down the call",
  36: "action contradicts the timer state",
  37: "temporary problem of call control",
  38: "launch browser error",
  39: "MMS temporary problem",
  48: "command beyond the terminal's capabilities",
  49: "command type not understood",
  50: "command data not understood",
  51: "command number not known",
  52: "SS return error",
  53: "SMS RP-ERROR",
  54: "required values are missing",
  55: "USSD return error",
  56: "multiple card command error",
  57: "permanent problem of call or SMS control",
  58: "bearer independent protocol error",
  59: "access technology unable to process the command",
  60: "frames error",
  61: "MMS error",
};

/** Additional information after `20`. ETSI TS 102 223 §8.12.2 */
export const terminalProblem = {
  none: 0x00,
  screenBusy: 0x01,
  busyOnCall: 0x02,
  busySs: 0x03,
  noService: 0x04,
  accessBarred: 0x05,
  noRadioResource: 0x06,
  notInCall: 0x07,
  busyUssd: 0x08,
  busyDtmf: 0x09,
  noNaaActive: 0x0a,
} as const;

/** Additional information after `3A`. ETSI TS 102 223 §8.12.11 */
export const bipProblem = {
  none: 0x00,
  noChannel: 0x01,
  channelClosed: 0x02,
  channelInvalid: 0x03,
  bufferSize: 0x04,
  security: 0x05,
  transportLevel: 0x06,
  notReachable: 0x07,
  serviceError: 0x08,
  serviceUnknown: 0x09,
  portNotAvailable: 0x10,
  launchParameters: 0x11,
  launchFailed: 0x12,
} as const;

const terminalProblemTexts: Readonly<Record<number, string>> = {
  0: "no specific cause",
  1: "screen is busy",
  2: "busy on a call",
  3: "busy on an SS transaction",
  4: "no service",
  5: "access control class barred",
  6: "radio resource not granted",
  7: "not in a speech call",
  8: "busy on a USSD transaction",
  9: "busy on SEND DTMF",
  10: "no network access application active",
};

const bipProblemTexts: Readonly<Record<number, string>> = {
  0: "no specific cause",
  1: "no channel available",
  2: "channel closed",
  3: "channel identifier not valid",
  4: "buffer size not available",
  5: "security error",
  6: "transport level not available",
  7: "remote not reachable",
  8: "service error",
  9: "service identifier unknown",
  16: "port not available",
  17: "launch parameters missing or incorrect",
  18: "application launch failed",
};

/** A general result and its additional information as text. */
export function resultText(general: number, additional: Uint8Array): string {
  const text = texts[general] ?? `reserved result ${general.toString(16).toUpperCase()}`;
  const cause = additional[0];
  if (cause === undefined) return text;
  const detail =
    general === 0x20 || general === 0x21
      ? terminalProblemTexts[cause]
      : general === 0x3a
        ? bipProblemTexts[cause]
        : undefined;
  return detail === undefined ? `${text} (cause ${cause.toString(16).toUpperCase()})` : `${text}: ${detail}`;
}

/** How the card should take a general result. ETSI TS 102 223 §8.12 */
export function resultClass(general: number): "performed" | "try-later" | "failed" {
  if (general < 0x20) return "performed";
  return general < 0x30 ? "try-later" : "failed";
}
