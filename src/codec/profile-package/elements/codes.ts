import { aid, choice, elementHeader, type Field, integer, list, maxOctets, octets, sequence } from "../field.ts";

/** eUICC Profile Package §8.5.1 */
export const pinCodes: readonly Field[] = [
  elementHeader,
  choice(
    0xa1,
    "pinCodes",
    [
      list(
        0xa0,
        "pinconfig",
        [
          sequence(
            0x30,
            "PIN",
            [
              integer(0x80, "keyReference", 0xff, { name: "reference", meaning: "pin-reference" }),
              octets(0x81, "pinValue", 8, { name: "PIN", secret: true }),
              integer(0x82, "unblockingPINReference", 0xff, {
                name: "reference of the PUK",
                optional: true,
                meaning: "puk-reference",
              }),
              integer(0x83, "pinAttributes", 0xff, { name: "attributes", optional: true }),
              integer(0x84, "maxNumOfAttemps-retryNumLeft", 0xff, { name: "tries", optional: true, meaning: "tries" }),
            ],
            { keys: ["keyReference"] },
          ),
        ],
        1,
        { name: "PINs" },
      ),
      octets(0x81, "filePath", [0, 8], { name: "shared with", meaning: "path" }),
    ],
    { name: "PIN codes" },
  ),
];

/** eUICC Profile Package §8.5.2 */
export const pukCodes: readonly Field[] = [
  elementHeader,
  list(
    0xa1,
    "pukCodes",
    [
      sequence(
        0x30,
        "PUK",
        [
          integer(0x80, "keyReference", 0xff, { name: "reference", meaning: "puk-reference" }),
          octets(0x81, "pukValue", 8, { name: "PUK", secret: true }),
          integer(0x82, "maxNumOfAttemps-retryNumLeft", 0xff, { name: "tries", optional: true, meaning: "tries" }),
        ],
        { keys: ["keyReference"] },
      ),
    ],
    1,
    { name: "PUK codes" },
  ),
];

/** eUICC Profile Package §8.4.2 */
export const akaParameter: readonly Field[] = [
  elementHeader,
  choice(
    0xa1,
    "algoConfiguration",
    [
      sequence(
        0xa0,
        "mappingParameter",
        [
          octets(0x80, "mappingOptions", 1, { name: "options" }),
          aid(0x81, "mappingSource", { name: "as in the application" }),
        ],
        { name: "mapping" },
      ),
      sequence(
        0xa1,
        "algoParameter",
        [
          integer(0x80, "algorithmID", 0xff, { name: "algorithm", meaning: "algorithm" }),
          octets(0x81, "algorithmOptions", 1, { name: "options" }),
          octets(0x82, "key", [0, 64], { name: "K", secret: true }),
          octets(0x83, "opc", [0, 64], { name: "OPc or TOPc", secret: true }),
          octets(0x84, "rotationConstants", 5, { name: "rotation constants", optional: true }),
          octets(0x85, "xoringConstants", 80, { name: "XOR constants", optional: true, secret: true }),
          octets(0x86, "authCounterMax", 3, { name: "authentication counter maximum", optional: true }),
          integer(0x87, "numberOfKeccak", 0xff, { name: "Keccak rounds", optional: true }),
        ],
        { name: "algorithm" },
      ),
    ],
    { name: "algorithm configuration" },
  ),
  octets(0x82, "sqnOptions", 1, { name: "SQN options", optional: true }),
  octets(0x83, "sqnDelta", 6, { name: "SQN delta", optional: true }),
  octets(0x84, "sqnAgeLimit", 6, { name: "SQN age limit", optional: true }),
  list(0xa5, "sqnInit", [octets(0x04, "SQN", 6)], 0, { name: "initial SQNs", optional: true }),
];

/** eUICC Profile Package §8.4.3 */
export const cdmaParameter: readonly Field[] = [
  elementHeader,
  octets(0x81, "authenticationKey", 8, { name: "A-key", secret: true }),
  octets(0x82, "ssd", 16, { name: "SSD", optional: true, secret: true }),
  octets(0x83, "hrpdAccessAuthenticationData", [2, 32], { name: "HRPD access", optional: true, secret: true }),
  octets(0x84, "simpleIPAuthenticationData", [3, 483], { name: "simple IP", optional: true, secret: true }),
  octets(0x85, "mobileIPAuthenticationData", [5, 957], { name: "mobile IP", optional: true, secret: true }),
];

/** Octets without a bound of their own, which may contain keys. */
export const anySecret = (tag: number, id: string, name = id): Field =>
  octets(tag, id, [0, maxOctets], { name, secret: true });
