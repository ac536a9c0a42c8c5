/** SMPP, towards an SMSC or as one. */
export const smscErrors = {
  "smsc.bind-refused": { text: "The SMSC refused the bind", http: 502, exit: 4, retry: "later" },
  "smsc.status": { text: "The SMSC refused the message", http: 502, exit: 4, retry: "never" },
  "smsc.temporary": { text: "The SMSC cannot take the message at the moment", http: 503, exit: 4, retry: "later" },
  "smsc.configuration": {
    text: "The SMSC refuses the way this link sends; check the account's settings",
    http: 502,
    exit: 7,
    retry: "never",
  },
  "smsc.throttled": { text: "The SMSC asks for a lower rate", http: 503, exit: 4, retry: "later" },
  "smsc.protocol": { text: "The SMPP peer broke the protocol", http: 502, exit: 5, retry: "never" },
} as const;
