/** Meaning of a qualifier: by value, by bit (b1 first), or nothing. */
type Qualifier =
  | { readonly values: Readonly<Record<number, string>> }
  | { readonly bits: Readonly<Record<number, readonly [clear: string, set: string]>> };

interface CommandType {
  readonly type: number;
  readonly text: string;
  readonly qualifier?: Qualifier;
}

const setUpCall: Qualifier = {
  values: {
    0: "only if not busy on another call",
    1: "only if not busy, with redial",
    2: "putting other calls on hold",
    3: "putting other calls on hold, with redial",
    4: "disconnecting other calls",
    5: "disconnecting other calls, with redial",
  },
};

const refresh: Qualifier = {
  values: {
    0: "NAA initialisation and full file change notification",
    1: "file change notification",
    2: "NAA initialisation and file change notification",
    3: "NAA initialisation",
    4: "UICC reset",
    5: "NAA application reset",
    6: "NAA session reset",
    7: "steering of roaming",
    8: "steering of roaming for I-WLAN",
    9: "eUICC profile state change",
    10: "application update",
  },
};

const localInformation: Qualifier = {
  values: {
    0: "location information",
    1: "IMEI",
    2: "network measurement results",
    3: "date, time and time zone",
    4: "language setting",
    5: "timing advance",
    6: "access technology",
    7: "ESN",
    8: "IMEISV",
    9: "network search mode",
    10: "battery charge state",
    11: "MEID",
    12: "current WSID",
    13: "broadcast network information",
    14: "multiple access technologies",
    15: "location information for multiple access technologies",
    16: "network measurement results for multiple access technologies",
    17: "supported radio access technologies",
    26: "supported data transfer capabilities",
  },
};

const keyInput: Qualifier = {
  bits: {
    1: ["digits only", "alphabet set"],
    2: ["SMS default alphabet", "UCS2"],
    3: ["characters", "yes/no"],
    4: ["", "immediate digit response"],
    8: ["no help", "help available"],
  },
};

/** Every proactive command by name. ETSI TS 102 223 §9.4 with qualifiers of §8.6, 3GPP TS 31.111 §9.4 */
export const commandTypes = {
  refresh: { type: 0x01, text: "REFRESH", qualifier: refresh },
  moreTime: { type: 0x02, text: "MORE TIME" },
  pollInterval: { type: 0x03, text: "POLL INTERVAL" },
  pollingOff: { type: 0x04, text: "POLLING OFF" },
  setUpEventList: { type: 0x05, text: "SET UP EVENT LIST" },
  setUpCall: { type: 0x10, text: "SET UP CALL", qualifier: setUpCall },
  sendSs: { type: 0x11, text: "SEND SS" },
  sendUssd: { type: 0x12, text: "SEND USSD" },
  sendShortMessage: {
    type: 0x13,
    text: "SEND SHORT MESSAGE",
    qualifier: { bits: { 1: ["packing not required", "the terminal packs to 7 bits"] } },
  },
  sendDtmf: { type: 0x14, text: "SEND DTMF" },
  launchBrowser: {
    type: 0x15,
    text: "LAUNCH BROWSER",
    qualifier: {
      values: {
        0: "if not already launched",
        2: "use the existing browser",
        3: "close the existing session and launch again",
      },
    },
  },
  geographicalLocationRequest: { type: 0x16, text: "GEOGRAPHICAL LOCATION REQUEST" },
  playTone: { type: 0x20, text: "PLAY TONE", qualifier: { bits: { 1: ["vibration up to the terminal", "vibrate"] } } },
  displayText: {
    type: 0x21,
    text: "DISPLAY TEXT",
    qualifier: { bits: { 1: ["normal priority", "high priority"], 8: ["clear after a delay", "wait for the user"] } },
  },
  getInkey: { type: 0x22, text: "GET INKEY", qualifier: keyInput },
  getInput: {
    type: 0x23,
    text: "GET INPUT",
    qualifier: {
      bits: {
        1: ["digits only", "alphabet set"],
        2: ["SMS default alphabet", "UCS2"],
        3: ["echo", "hidden input"],
        4: ["unpacked", "packed"],
        8: ["no help", "help available"],
      },
    },
  },
  selectItem: {
    type: 0x24,
    text: "SELECT ITEM",
    qualifier: {
      bits: {
        1: ["no presentation type", "presentation as in b2"],
        2: ["data values", "navigation options"],
        3: ["no selection preference", "soft key preferred"],
        8: ["no help", "help available"],
      },
    },
  },
  setUpMenu: {
    type: 0x25,
    text: "SET UP MENU",
    qualifier: { bits: { 1: ["no selection preference", "soft key preferred"], 8: ["no help", "help available"] } },
  },
  provideLocalInformation: { type: 0x26, text: "PROVIDE LOCAL INFORMATION", qualifier: localInformation },
  timerManagement: {
    type: 0x27,
    text: "TIMER MANAGEMENT",
    qualifier: { values: { 0: "start", 1: "deactivate", 2: "get current value" } },
  },
  setUpIdleModeText: { type: 0x28, text: "SET UP IDLE MODE TEXT" },
  performCardApdu: { type: 0x30, text: "PERFORM CARD APDU" },
  powerOnCard: { type: 0x31, text: "POWER ON CARD" },
  powerOffCard: { type: 0x32, text: "POWER OFF CARD" },
  getReaderStatus: {
    type: 0x33,
    text: "GET READER STATUS",
    qualifier: { values: { 0: "card reader status", 1: "card reader identifier" } },
  },
  runAtCommand: { type: 0x34, text: "RUN AT COMMAND" },
  languageNotification: {
    type: 0x35,
    text: "LANGUAGE NOTIFICATION",
    qualifier: { bits: { 1: ["non-specific language", "specific language"] } },
  },
  openChannel: {
    type: 0x40,
    text: "OPEN CHANNEL",
    qualifier: {
      bits: {
        1: ["on demand link establishment", "immediate link establishment"],
        2: ["no automatic reconnection", "automatic reconnection"],
        3: ["", "immediate link establishment in background mode"],
        4: ["", "DNS server address requested"],
      },
    },
  },
  closeChannel: {
    type: 0x41,
    text: "CLOSE CHANNEL",
    qualifier: { bits: { 1: ["close the channel", "TCP server: back to listening; client: NAN will be reused"] } },
  },
  receiveData: { type: 0x42, text: "RECEIVE DATA" },
  sendData: {
    type: 0x43,
    text: "SEND DATA",
    qualifier: { bits: { 1: ["store in the transmit buffer", "send immediately"] } },
  },
  getChannelStatus: { type: 0x44, text: "GET CHANNEL STATUS" },
  serviceSearch: { type: 0x45, text: "SERVICE SEARCH" },
  getServiceInformation: { type: 0x46, text: "GET SERVICE INFORMATION" },
  declareService: {
    type: 0x47,
    text: "DECLARE SERVICE",
    qualifier: { bits: { 1: ["add a service", "delete a service"] } },
  },
  setFrames: { type: 0x50, text: "SET FRAMES" },
  getFramesStatus: { type: 0x51, text: "GET FRAMES STATUS" },
  retrieveMultimediaMessage: { type: 0x60, text: "RETRIEVE MULTIMEDIA MESSAGE" },
  submitMultimediaMessage: { type: 0x61, text: "SUBMIT MULTIMEDIA MESSAGE" },
  displayMultimediaMessage: { type: 0x62, text: "DISPLAY MULTIMEDIA MESSAGE" },
  activate: { type: 0x70, text: "ACTIVATE" },
  contactlessStateChanged: { type: 0x71, text: "CONTACTLESS STATE CHANGED" },
  commandContainer: { type: 0x72, text: "COMMAND CONTAINER" },
  encapsulatedSessionControl: {
    type: 0x73,
    text: "ENCAPSULATED SESSION CONTROL",
    qualifier: { values: { 0: "end of encapsulated session", 1: "request for master SA setup" } },
  },
  euiccOperation: { type: 0x74, text: "eUICC OPERATION" },
  endOfSession: { type: 0x81, text: "end of the proactive session" },
} as const satisfies Readonly<Record<string, CommandType>>;

export type CommandName = keyof typeof commandTypes;

const byType = new Map<number, readonly [CommandName, CommandType]>();
function isCommandName(name: string): name is CommandName {
  return name in commandTypes;
}
for (const [name, entry] of Object.entries(commandTypes))
  if (isCommandName(name)) byType.set(entry.type, [name, entry]);

/** Name of a command type; undefined when it is reserved. */
export function commandName(type: number): CommandName | undefined {
  return byType.get(type)?.[0];
}

/** A command type as specifications print it. */
export function commandText(type: number): string {
  return byType.get(type)?.[1].text ?? `command type ${type.toString(16).toUpperCase().padStart(2, "0")}`;
}

/** Meaning of the qualifier of a command; empty when the command has none. */
export function qualifierText(type: number, qualifier: number): string {
  const meaning = byType.get(type)?.[1].qualifier;
  if (meaning === undefined) return "";
  if ("values" in meaning) {
    return meaning.values[qualifier] ?? `reserved qualifier ${qualifier.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return Object.entries(meaning.bits)
    .map(([bit, [clear, set]]) => (qualifier & (1 << (Number(bit) - 1)) ? set : clear))
    .filter((text) => text !== "")
    .join(", ");
}
