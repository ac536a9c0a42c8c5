const unused = undefined;

/**
 * Facilities of TERMINAL PROFILE, b1 of octet 1 first; undefined = reserved or part of a number.
 * ETSI TS 102 223 §5.2
 */
const facilities = [
  [
    "profile download",
    "SMS-PP data download",
    "cell broadcast data download",
    "menu selection",
    "SMS-PP data download (second flag)",
    "timer expiration",
    "USSD in call control",
    "call control: redial",
  ],
  [
    "command result",
    "call control by NAA",
    "cell identity in call control",
    "MO short message control",
    "alpha identifier in call control",
    "UCS2 entry",
    "UCS2 display",
    "extension text display",
  ],
  ["DISPLAY TEXT", "GET INKEY", "GET INPUT", "MORE TIME", "PLAY TONE", "POLL INTERVAL", "POLLING OFF", "REFRESH"],
  [
    "SELECT ITEM",
    "SEND SHORT MESSAGE",
    "SEND SS",
    "SEND USSD",
    "SET UP CALL",
    "SET UP MENU",
    "PROVIDE LOCAL INFORMATION: location, IMEI",
    "PROVIDE LOCAL INFORMATION: measurements",
  ],
  [
    "SET UP EVENT LIST",
    "event: MT call",
    "event: call connected",
    "event: call disconnected",
    "event: location status",
    "event: user activity",
    "event: idle screen available",
    "event: card reader status",
  ],
  [
    "event: language selection",
    "event: browser termination",
    "event: data available",
    "event: channel status",
    "event: access technology change",
    "event: display parameters changed",
    "event: local connection",
    "event: network search mode change",
  ],
  [
    "POWER ON CARD",
    "POWER OFF CARD",
    "PERFORM CARD APDU",
    "GET READER STATUS: status",
    "GET READER STATUS: identifier",
    unused,
    unused,
    unused,
  ],
  [
    "TIMER MANAGEMENT: start, stop",
    "TIMER MANAGEMENT: get value",
    "PROVIDE LOCAL INFORMATION: date, time, zone",
    "GET INKEY",
    "SET UP IDLE MODE TEXT",
    "RUN AT COMMAND",
    "SET UP CALL: second alpha identifier",
    "call control: second capability",
  ],
  [
    "DISPLAY TEXT: sustained",
    "SEND DTMF",
    "PROVIDE LOCAL INFORMATION: measurements, BCCH",
    "PROVIDE LOCAL INFORMATION: language",
    "PROVIDE LOCAL INFORMATION: timing advance",
    "LANGUAGE NOTIFICATION",
    "LAUNCH BROWSER",
    "PROVIDE LOCAL INFORMATION: access technology",
  ],
  ["soft keys: SELECT ITEM", "soft keys: SET UP MENU", unused, unused, unused, unused, unused, unused],
  [],
  [
    "OPEN CHANNEL",
    "CLOSE CHANNEL",
    "RECEIVE DATA",
    "SEND DATA",
    "GET CHANNEL STATUS",
    "SERVICE SEARCH",
    "GET SERVICE INFORMATION",
    "DECLARE SERVICE",
  ],
  ["BIP: CSD", "BIP: GPRS", "BIP: Bluetooth", "BIP: IrDA", "BIP: RS232", unused, unused, unused],
  [unused, unused, unused, unused, unused, "no display", "no keypad", "screen sizing"],
  [unused, unused, unused, unused, unused, unused, unused, "variable size fonts"],
  ["display can be resized", "text wrapping", "text scrolling", "text attributes", unused, unused, unused, unused],
  [
    "BIP: TCP client, remote",
    "BIP: UDP client, remote",
    "BIP: TCP server",
    "BIP: TCP client, local",
    "BIP: UDP client, local",
    "BIP: direct channel",
    "BIP: E-UTRAN",
    "BIP: HSDPA",
  ],
  [
    "DISPLAY TEXT: variable time-out",
    "GET INKEY: help",
    "BIP: USB",
    "GET INKEY: variable time-out",
    "PROVIDE LOCAL INFORMATION: ESN",
    "call control on GPRS",
    "PROVIDE LOCAL INFORMATION: IMEISV",
    "PROVIDE LOCAL INFORMATION: search mode",
  ],
  [],
  [],
  ["WML browser", "XHTML browser", "HTML browser", "cHTML browser", unused, unused, unused, unused],
  [
    "UTRAN packet extended parameters",
    "PROVIDE LOCAL INFORMATION: battery",
    "PLAY TONE: melodies",
    "multimedia calls",
    "toolkit-initiated GBA",
    "RETRIEVE MULTIMEDIA MESSAGE",
    "SUBMIT MULTIMEDIA MESSAGE",
    "DISPLAY MULTIMEDIA MESSAGE",
  ],
  [
    "SET FRAMES",
    "GET FRAMES STATUS",
    "MMS notification download",
    "alpha identifier in REFRESH",
    "geographical location reporting",
    "PROVIDE LOCAL INFORMATION: MEID",
    "PROVIDE LOCAL INFORMATION: UTRAN/E-UTRAN measurements",
    "USSD data download",
  ],
  [],
  [
    "event: browsing status",
    "event: MMS transfer status",
    "event: frames information change",
    "event: I-WLAN access status",
    "event: network rejection",
    "event: HCI connectivity",
    "event: network rejection E-UTRAN",
    "multiple access technologies",
  ],
  ["event: CSG cell selection", "event: contactless state request", unused, unused, unused, unused, unused, unused],
  [],
  ["text: alignment left", "text: centre", "text: right", "font: normal", "font: large", "font: small", unused, unused],
  [
    "style: normal",
    "style: bold",
    "style: italic",
    "style: underlined",
    "style: strikethrough",
    "foreground colour",
    "background colour",
    unused,
  ],
  [
    "BIP: I-WLAN",
    "PROVIDE LOCAL INFORMATION: WSID",
    "terminal applications",
    "REFRESH: steering of roaming",
    "ACTIVATE",
    "geographical location request",
    "PROVIDE LOCAL INFORMATION: broadcast network",
    "REFRESH: steering of roaming for I-WLAN",
  ],
  [
    "contactless state changed",
    "CSG cell discovery",
    "confirmation of server mode",
    "call control on IMS",
    "CAT over the modem interface",
    "event: incoming IMS data",
    "event: IMS registration",
    "profile container",
  ],
  [
    "BIP: IMS bearer",
    "PROVIDE LOCAL INFORMATION: H(e)NB address",
    "PROVIDE LOCAL INFORMATION: surrounding macrocells",
    "launch parameters",
    "direct channel in server mode",
    "security of server mode",
    "CAT service list",
    "REFRESH enforcement policy",
  ],
  [
    "DNS server address request",
    "reuse of network access name",
    "event: poll interval negotiation",
    "ProSe usage information",
    "PROVIDE LOCAL INFORMATION: supported radio access technologies",
    "event: WLAN access status",
    "BIP: WLAN bearer",
    "PROVIDE LOCAL INFORMATION: WLAN identifier",
  ],
  [
    "URI in SEND SHORT MESSAGE",
    "IMS URI in SET UP CALL",
    "media type voice",
    "media type video",
    "PROVIDE LOCAL INFORMATION: E-UTRAN timing advance",
    "REFRESH: eUICC profile state change",
    "extended rejection cause",
    unused,
  ],
  [
    "GET INPUT: variable time-out",
    "event: PDP data connection status",
    "event: PDN data connection status",
    "REFRESH: application update",
    unused,
    unused,
    unused,
    unused,
  ],
] as const satisfies readonly (readonly (string | undefined)[])[];

/** Name of a facility. */
type Facility = Exclude<(typeof facilities)[number][number], undefined>;

/** Names of the facilities a profile claims; bits without a name as `octet N bM`. */
export function profileFacilities(profile: Uint8Array): string[] {
  const claimed: string[] = [];
  profile.forEach((octet, at) => {
    for (let bit = 0; bit < 8; bit++) {
      if ((octet & (1 << bit)) === 0) continue;
      if (isNumberBit(at + 1, bit + 1)) continue;
      claimed.push(facilities[at]?.[bit] ?? `octet ${at + 1} b${bit + 1}`);
    }
  });
  return claimed;
}

/** Bits that are part of a number: BIP channels, soft keys, screen height and width, frames. */
function isNumberBit(octet: number, bit: number): boolean {
  if (octet === 11 || octet === 24) return true;
  if (octet === 13) return bit >= 6;
  if (octet === 14) return bit <= 5;
  if (octet === 15) return bit <= 7;
  return octet === 16 && bit >= 6;
}

/** Whether a profile claims bit `bit` (1 to 8) of octet `octet` (from 1); octets that are missing count as zero. */
export function profileHas(profile: Uint8Array, octet: number, bit: number): boolean {
  return ((profile[octet - 1] ?? 0) & (1 << (bit - 1))) !== 0;
}

/** Number of BIP channels a profile claims (0 to 7). */
export function profileChannels(profile: Uint8Array): number {
  return (profile[12] ?? 0) >> 5;
}

/** The same profile claiming this number of BIP channels; without any, OPEN CHANNEL and its events are not claimed. */
export function withChannels(profile: Uint8Array, channels: number): Uint8Array {
  const changed = profile.slice();
  const put = (octet: number, clear: number, set: number) => {
    if (octet <= changed.length) changed[octet - 1] = ((changed[octet - 1] ?? 0) & ~clear) | set;
  };
  put(13, 0xe0, Math.min(channels, 7) << 5);
  if (channels === 0) {
    put(6, 0x0c, 0);
    put(12, 0x1f, 0);
    put(13, 0x02, 0);
    put(17, 0x43, 0);
  }
  return changed;
}

/** A profile of `octets` octets that claims these facilities, wherever the table names them. */
function profileClaiming(octets: number, claimed: readonly Facility[]): Uint8Array {
  const names: readonly (string | undefined)[] = claimed;
  return Uint8Array.from({ length: octets }, (_, at) =>
    [0, 1, 2, 3, 4, 5, 6, 7].reduce((octet, bit) => {
      const name = facilities[at]?.[bit];
      return name !== undefined && names.includes(name) ? octet | (1 << bit) : octet;
    }, 0),
  );
}

/** What a headless terminal with seven BIP channels answers for real: no display, no keypad, no calls. */
export const benchProfile: Uint8Array = withChannels(
  profileClaiming(34, [
    "profile download",
    "SMS-PP data download",
    "SMS-PP data download (second flag)",
    "timer expiration",
    "command result",
    "MORE TIME",
    "POLL INTERVAL",
    "POLLING OFF",
    "REFRESH",
    "SEND SHORT MESSAGE",
    "PROVIDE LOCAL INFORMATION: location, IMEI",
    "SET UP EVENT LIST",
    "event: location status",
    "event: data available",
    "event: channel status",
    "TIMER MANAGEMENT: start, stop",
    "TIMER MANAGEMENT: get value",
    "PROVIDE LOCAL INFORMATION: date, time, zone",
    "PROVIDE LOCAL INFORMATION: language",
    "PROVIDE LOCAL INFORMATION: access technology",
    "OPEN CHANNEL",
    "CLOSE CHANNEL",
    "RECEIVE DATA",
    "SEND DATA",
    "GET CHANNEL STATUS",
    "BIP: GPRS",
    "no display",
    "no keypad",
    "BIP: TCP client, remote",
    "BIP: UDP client, remote",
    "BIP: E-UTRAN",
    "PROVIDE LOCAL INFORMATION: IMEISV",
    "UTRAN packet extended parameters",
    "REFRESH: eUICC profile state change",
  ]),
  7,
);
