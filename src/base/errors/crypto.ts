/** Keys, algorithms and secured packets. */
export const cryptoErrors = {
  "crypto.key": { text: "A key does not fit its algorithm", http: 422, exit: 2, retry: "never" },
  "crypto.algorithm": {
    text: "The algorithm is reserved, proprietary or not supported",
    http: 422,
    exit: 2,
    retry: "never",
  },
  "crypto.signature": { text: "A signature or certificate does not verify", http: 422, exit: 4, retry: "never" },
  "crypto.master-key": { text: "The master key cannot open the stored keys", http: 500, exit: 7, retry: "never" },
} as const;

/** TS 102 225 packets: what came back is not a usable proof of receipt, or is a refusal. */
export const packetErrors = {
  "packet.format": { text: "The packet is malformed", http: 422, exit: 1, retry: "never" },
  "packet.cc": { text: "The packet's RC/CC/DS does not verify", http: 422, exit: 1, retry: "never" },
  "packet.cntr-mismatch": {
    text: "The packet's counter belongs to another exchange",
    http: 422,
    exit: 1,
    retry: "never",
  },
  "packet.tar-mismatch": { text: "The packet's TAR belongs to another exchange", http: 422, exit: 1, retry: "never" },
  "packet.unauthenticated-status": {
    text: "The response packet carries a status but no proof",
    http: 422,
    exit: 4,
    retry: "never",
  },
  "packet.incomplete": { text: "Segments of the packet are missing", http: 422, exit: 1, retry: "never" },
  "packet.por": { text: "The card refused the command packet", http: 409, exit: 4, retry: "never" },
  "packet.counter-low": {
    text: "The card has already seen this counter or a higher one",
    http: 409,
    exit: 4,
    retry: "now",
  },
  "packet.no-answer": { text: "No proof of receipt arrived in time", http: 504, exit: 6, retry: "later" },
  "packet.answer-lost": {
    text: "The card processed the packet but its answer is lost",
    http: 409,
    exit: 4,
    retry: "never",
  },
} as const;
