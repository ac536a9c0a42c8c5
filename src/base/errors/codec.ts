/** Bytes or text that do not follow their format. Never retried: the same input fails again. */
export const codecErrors = {
  "codec.truncated": {
    text: "The input ends inside a field",
    http: 422,
    exit: 1,
    retry: "never",
    advice: "Supply the whole value; `offset` is where it ends.",
  },
  "codec.trailing": {
    text: "Octets are left over after the last field",
    http: 422,
    exit: 1,
    retry: "never",
    advice: "Remove the octets from `offset` on, or check that the value is of the expected kind.",
  },
  "codec.length": {
    text: "A length does not match the data that it counts",
    http: 422,
    exit: 1,
    retry: "never",
    advice: "Correct the length at `offset`, or the counted data.",
  },
  "codec.value": {
    text: "A field contains a value that its format does not allow",
    http: 422,
    exit: 1,
    retry: "never",
    advice: "Correct the value at `offset`.",
  },
  "codec.tag": {
    text: "A tag is missing, unexpected or malformed",
    http: 422,
    exit: 1,
    retry: "never",
    advice: "Correct the structure at `offset`.",
  },
  "codec.text": {
    text: "A text does not follow its grammar",
    http: 422,
    exit: 1,
    retry: "never",
    advice: "Correct the text at `offset`.",
  },
} as const;
