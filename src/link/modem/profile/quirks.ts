/**
 * Every deviation that the engine supports, as a closed list. A profile names those of its device; code asks
 * `quirks.has("…")`. A new one is rare: first see whether plain data (another command, order or time limit) is enough.
 */
const quirkDocs = {
  "pdu-inline": "expects the PDU of +CMGS in the same write as the command; there is no prompt",
  "slow-body": "loses octets if the body follows the prompt immediately: wait 50 ms before writing it",
  "cnma-not-after-cds": "refuses +CNMA after +CDS although it announced a status report",
  "cnmi-lost-on-reregistration":
    "forgets +CNMI when the network or the SIM changes: set it again after each registration",
  "no-message-storage": "has no message memory: no +CPMS, +CMGL, +CMGR, +CMGD",
  "csim-lock-needed": "answers +CSIM only between +CSIM=1 and +CSIM=0",
  "csim-ins-filter": "refuses some instructions over +CSIM; ES5 commands by SMS still reach the card",
  "csim-drops-le":
    "counts Le as an extra octet and refuses the APDU: send case 4 without Le and fetch the response with GET RESPONSE",
  "cchc-unsupported": "has +CCHO but not +CCHC: a channel is closed by resetting the card",
  "session-id-hex": "identifies +CCHO sessions by hexadecimal text instead of a small number",
  "test-command-unreliable": "answers ERROR to =? of commands that work: try the command itself",
  "stale-iccid-command":
    "the vendor's ICCID command answers from a cache after a profile switch: read EF ICCID instead",
  "sim-not-reread": "does not read the card again after REFRESH: switch it off and on with the SIM reset commands",
  "operator-config-stale":
    "keeps the configuration of the previous operator after a profile switch: restart it fully before it attaches",
  "refresh-reenumerates": "leaves the USB bus and returns when the card requests a UICC reset",
  "toolkit-off-by-default":
    "has the SIM toolkit switched off as delivered: REFRESH and BIP do not work until it is on; messages for the card are passed anyway",
  "periodic-signal-urcs": "sends signal lines periodically",
} as const;

export type Quirk = keyof typeof quirkDocs;

export const quirkNames: readonly Quirk[] = Object.keys(quirkDocs).filter((name): name is Quirk => name in quirkDocs);
