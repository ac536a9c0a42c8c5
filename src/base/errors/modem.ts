/** Cellular modems behind AT commands. */
export const modemErrors = {
  "modem.cme": {
    text: "The modem answered +CME ERROR",
    http: 502,
    exit: 4,
    retry: "later",
    advice: "Look up `cme`; the command is tried again.",
  },
  "modem.cms": {
    text: "The modem answered +CMS ERROR",
    http: 502,
    exit: 4,
    retry: "later",
    advice: "Look up `cms`; the message is tried again.",
  },
  "modem.cme-permanent": {
    text: "The modem refused permanently (+CME ERROR)",
    http: 502,
    exit: 4,
    retry: "never",
    advice: "Look up `cme`; correct the SIM, the PIN or the configuration of the modem.",
  },
  "modem.cms-permanent": {
    text: "The message was refused permanently (+CMS ERROR)",
    http: 502,
    exit: 4,
    retry: "never",
    advice: "Look up `cms`; correct the number, the SMSC address or the subscription.",
  },
  "modem.reset": {
    text: "The modem restarted before it answered",
    http: 503,
    exit: 5,
    retry: "later",
    advice: "Nothing: the modem is set up again. Check `fate` before anything is sent again.",
  },
  "modem.aborted": {
    text: "The caller aborted the command",
    http: 409,
    exit: 1,
    retry: "never",
    advice: "Nothing: the caller aborted the command.",
  },
  "modem.refused": {
    text: "The modem answered ERROR",
    http: 502,
    exit: 4,
    retry: "never",
    advice: "Check that the modem supports the command; see its hardware profile.",
  },
  "modem.message-refused": {
    text: "The modem refused the message and gave no reason",
    http: 502,
    exit: 4,
    retry: "later",
    advice: "Nothing: the message is tried again. If it persists, check registration and SMSC address.",
  },
  "modem.timeout": {
    text: "The modem did not answer in time",
    http: 504,
    exit: 6,
    retry: "later",
    advice: "Check the cable and the serial settings; check `fate` before anything is sent again.",
  },
  "modem.absent": {
    text: "The modem is not connected",
    http: 503,
    exit: 5,
    retry: "later",
    advice: "Connect the modem.",
  },
} as const;

/** Hardware profiles. */
export const profileErrors = {
  "profile.invalid": {
    text: "The hardware profile is not valid",
    http: 422,
    exit: 7,
    retry: "never",
    advice: "Correct the field that the message names; see `docs/hardware-profiles.md`.",
  },
  "profile.unknown": {
    text: "No such hardware profile",
    http: 404,
    exit: 3,
    retry: "never",
    advice: "List the hardware profiles with `otagate hardware-profile list`.",
  },
} as const;
