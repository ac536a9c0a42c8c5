/** SMPP, towards an SMSC or as one. */
export const smscErrors = {
  "smsc.bind-refused": { text: "The SMSC refused the bind", http: 502, exit: 4, retry: "later" },
  "smsc.status": { text: "The SMSC refused the message", http: 502, exit: 4, retry: "never" },
  "smsc.throttled": { text: "The SMSC asks for a lower rate", http: 503, exit: 4, retry: "later" },
} as const;
