/** Cards and card readers. */
export const cardErrors = {
  "card.status": { text: "The card answered with an error status word", http: 409, exit: 4, retry: "never" },
  "card.busy": { text: "The card's toolkit is busy", http: 503, exit: 4, retry: "later" },
  "card.absent": { text: "There is no card in the reader", http: 503, exit: 5, retry: "later" },
  "card.removed": { text: "The card was pulled during an exchange", http: 503, exit: 5, retry: "later" },
  "card.reset": { text: "The card was reset by someone else", http: 503, exit: 5, retry: "now" },
  "card.mute": { text: "The card did not answer in time", http: 504, exit: 6, retry: "later" },
  "card.unresponsive": { text: "The card gives no or a wrong answer to reset", http: 503, exit: 5, retry: "later" },
  "card.protocol": { text: "The card or reader broke the transmission protocol", http: 502, exit: 5, retry: "later" },
  "card.channel": { text: "The card has no logical channel left", http: 503, exit: 4, retry: "later" },
} as const;

/** The way to the hardware or the network. */
export const linkErrors = {
  "link.unavailable": { text: "The link is not available", http: 503, exit: 5, retry: "later" },
  "link.unknown": { text: "No such link", http: 404, exit: 3, retry: "never" },
  "link.busy": { text: "The link is in use by someone else", http: 409, exit: 5, retry: "later" },
  "link.lease": { text: "No such lease, or it has ended", http: 404, exit: 3, retry: "never" },
  "link.denied": { text: "The system does not let this process use the link", http: 403, exit: 5, retry: "later" },
  "link.lost": { text: "The link went away in mid-exchange", http: 503, exit: 5, retry: "later" },
  "link.timeout": { text: "The link did not answer in time", http: 504, exit: 6, retry: "later" },
  "link.queue-full": { text: "The link takes no more work at the moment", http: 503, exit: 5, retry: "later" },
  "link.driver": { text: "The driver cannot be loaded", http: 503, exit: 7, retry: "never" },
  "link.service": { text: "The service behind the link (pcscd) is not running", http: 503, exit: 5, retry: "later" },
} as const;
