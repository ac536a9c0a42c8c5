/** Keys, algorithms and secured packets. */
export const cryptoErrors = {
  "crypto.key": {
    text: "A key does not match its algorithm",
    http: 422,
    exit: 2,
    retry: "never",
    advice: "Use a key of the length that the algorithm requires.",
  },
  "crypto.algorithm": {
    text: "The algorithm is reserved, proprietary or not supported",
    http: 422,
    exit: 2,
    retry: "never",
    advice: "Choose an algorithm that `otagate` supports; see the KIc and KID of the key set.",
  },
  "crypto.signature": {
    text: "A signature or certificate is not valid",
    http: 422,
    exit: 4,
    retry: "never",
    advice: "Check the trusted certificates, and obtain the document again from its issuer.",
  },
  "crypto.authentication": {
    text: "A cryptogram, MAC or receipt is wrong",
    http: 422,
    exit: 4,
    retry: "never",
    advice: "Check that the keys are those of this card and domain.",
  },
  "crypto.master-key": {
    text: "The master key does not match the stored keys",
    http: 500,
    exit: 7,
    retry: "never",
    advice: "Start with the master key that sealed this state folder.",
  },
} as const;

/** TS 102 225 packets: the response is not a usable proof of receipt, or is a refusal. */
export const packetErrors = {
  "packet.format": {
    text: "The packet is malformed",
    http: 422,
    exit: 1,
    retry: "never",
    advice: "Check that the octets are one whole secured packet; `offset` is where reading stopped.",
  },
  "packet.cc": {
    text: "The packet's RC/CC/DS is wrong",
    http: 422,
    exit: 1,
    retry: "never",
    advice: "Check the key values and the SPI of the key set.",
  },
  "packet.cntr-mismatch": {
    text: "The packet's counter belongs to another exchange",
    http: 422,
    exit: 1,
    retry: "never",
    advice: "Match the response with the packet that carried the same counter.",
  },
  "packet.tar-mismatch": {
    text: "The packet's TAR belongs to another exchange",
    http: 422,
    exit: 1,
    retry: "never",
    advice: "Match the response with the packet that was sent to the same TAR.",
  },
  "packet.unauthenticated-status": {
    text: "The response packet carries a status without authentication",
    http: 422,
    exit: 4,
    retry: "never",
    advice: "Check the KID and its key: the card reports an error before it can authenticate its response.",
  },
  "packet.incomplete": {
    text: "Segments of the packet are missing",
    http: 422,
    exit: 1,
    retry: "never",
    advice: "Wait for the missing segments, or send the packet again.",
  },
  "packet.por": {
    text: "The card refused the command packet",
    http: 409,
    exit: 4,
    retry: "never",
    advice: "Read the response status in `por`, correct keys, TAR or counter, and order the job again.",
  },
  "packet.counter-low": {
    text: "The card has already seen this counter or a higher one",
    http: 409,
    exit: 4,
    retry: "now",
    advice: "Raise the counter of the key set above the card's; a job does so itself.",
  },
  "packet.no-answer": {
    text: "No proof of receipt arrived in time",
    http: 504,
    exit: 6,
    retry: "later",
    advice: "Check coverage and power of the device, then order the job again; see `executed` first.",
  },
  "packet.answer-lost": {
    text: "The card processed the packet, but its answer was lost",
    http: 409,
    exit: 4,
    retry: "never",
    advice: "Find out what the card did, for example with an audit, before the job is ordered again.",
  },
} as const;
