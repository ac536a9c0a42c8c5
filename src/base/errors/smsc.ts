/** SMPP, towards an SMSC or as one. */
export const smscErrors = {
  "smsc.bind-refused": {
    text: "The SMSC refused the bind",
    http: 502,
    exit: 4,
    retry: "later",
    advice: "Check system_id, password and system_type of the account.",
  },
  "smsc.status": {
    text: "The SMSC refused the message",
    http: 502,
    exit: 4,
    retry: "never",
    advice: "Look up `status`; correct the address or the parameters of the message.",
  },
  "smsc.temporary": {
    text: "The SMSC cannot accept the message at the moment",
    http: 503,
    exit: 4,
    retry: "later",
    advice: "Nothing: the message is tried again.",
  },
  "smsc.configuration": {
    text: "The SMSC refuses messages with the parameters of this link",
    http: 502,
    exit: 7,
    retry: "never",
    advice: "Correct the setting of the account that the message concerns: addresses, service_type or coding.",
  },
  "smsc.throttled": {
    text: "The SMSC requires a lower rate",
    http: 503,
    exit: 4,
    retry: "later",
    advice: "Nothing: the link slows down. Lower its rate if it persists.",
  },
  "smsc.protocol": {
    text: "The SMPP peer broke the protocol",
    http: 502,
    exit: 5,
    retry: "never",
    advice: "Report it to the operator of the SMSC with a trace.",
  },
} as const;
