/** Cellular modems behind AT commands. */
export const modemErrors = {
  "modem.cme": { text: "The modem answered +CME ERROR", http: 502, exit: 4, retry: "later" },
  "modem.cms": { text: "The modem answered +CMS ERROR", http: 502, exit: 4, retry: "later" },
  "modem.cme-permanent": { text: "The modem refused for good (+CME ERROR)", http: 502, exit: 4, retry: "never" },
  "modem.cms-permanent": { text: "The message was refused for good (+CMS ERROR)", http: 502, exit: 4, retry: "never" },
  "modem.reset": { text: "The modem restarted before it answered", http: 503, exit: 5, retry: "later" },
  "modem.aborted": { text: "The command was given up by its caller", http: 409, exit: 1, retry: "never" },
  "modem.refused": { text: "The modem answered ERROR", http: 502, exit: 4, retry: "never" },
  "modem.message-refused": {
    text: "The modem refused the message and gave no reason",
    http: 502,
    exit: 4,
    retry: "later",
  },
  "modem.timeout": { text: "The modem did not answer in time", http: 504, exit: 6, retry: "later" },
  "modem.absent": { text: "The modem is not there", http: 503, exit: 5, retry: "later" },
} as const;

/** Hardware profiles. */
export const profileErrors = {
  "profile.invalid": { text: "The hardware profile is not valid", http: 422, exit: 7, retry: "never" },
  "profile.unknown": { text: "No such hardware profile", http: 404, exit: 3, retry: "never" },
} as const;
