/** Events of SET UP EVENT LIST and EVENT DOWNLOAD. ETSI TS 102 223 §8.25, 3GPP TS 31.111 §8.25 */
export const catEvent = {
  mtCall: 0x00,
  callConnected: 0x01,
  callDisconnected: 0x02,
  locationStatus: 0x03,
  userActivity: 0x04,
  idleScreenAvailable: 0x05,
  cardReaderStatus: 0x06,
  languageSelection: 0x07,
  browserTermination: 0x08,
  dataAvailable: 0x09,
  channelStatus: 0x0a,
  accessTechnologyChange: 0x0b,
  displayParametersChanged: 0x0c,
  localConnection: 0x0d,
  networkSearchModeChange: 0x0e,
  browsingStatus: 0x0f,
  framesInformationChange: 0x10,
  iWlanAccessStatus: 0x11,
  networkRejection: 0x12,
  hciConnectivity: 0x13,
  accessTechnologyChangeMultiple: 0x14,
  csgCellSelection: 0x15,
  contactlessStateRequest: 0x16,
  imsRegistration: 0x17,
  incomingImsCall: 0x18,
  profileContainer: 0x19,
  void1A: 0x1a,
  securedProfileContainer: 0x1b,
  pollIntervalNegotiation: 0x1c,
  dataConnectionStatusChange: 0x1d,
  cagCellSelection: 0x1e,
} as const;

export type CatEvent = keyof typeof catEvent;

const names = new Map<number, string>(Object.entries(catEvent).map(([name, code]) => [code, name]));

/** Name of an event code; undefined when it is reserved. */
export function eventName(code: number): string | undefined {
  return names.get(code);
}
