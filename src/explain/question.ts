import { isStoreData, secretGoesOn, secretOfCommand } from "../codec/secrets/secret-data.ts";
import type { Answered, ExplainType } from "./context.ts";
import { type Explained, sureness } from "./explain.ts";

/** The question to a card, as far as its answer depends on it. */
export interface Question {
  /** A C-APDU. */
  readonly command?: Uint8Array | undefined;
  /** The C-APDUs of a script. */
  readonly commands?: readonly Uint8Array[] | undefined;
  /** A command packet. */
  readonly answered?: Answered | undefined;
  /** A STORE DATA stores keys and continues in the next block. */
  readonly storesKeys?: boolean | undefined;
}

/** The question in an item; an answer or data contain none and leave the earlier question in place. */
export function questionIn({ type, collected }: Explained, octets: Uint8Array, before: Question): Question {
  const { commands, answered } = collected;
  if (type === "c-apdu") {
    const secret = secretOfCommand(octets) !== undefined || (before.storesKeys === true && isStoreData(octets));
    return { command: octets, commands, answered, storesKeys: secret && secretGoesOn(octets) };
  }
  return commands === undefined && answered === undefined ? before : { commands, answered };
}

/** Types of answers to a script or a packet, and types to try if the question is unknown. */
const answerTypes: readonly ExplainType[] = [
  "script-response",
  "tp-ud",
  "response-packet",
  "sms-tpdu",
  "http",
  "tls",
  "terminal-response",
  "euicc-response",
  "r-apdu",
];

/** Below this score an answer does not match its question. */
const expected = 40;

/** The type as which an answer is decoded: that of its question if the octets permit it. */
export function answerType(octets: Uint8Array, { command, commands }: Question): ExplainType {
  if (commands !== undefined && sureness("script-response", octets) >= expected) return "script-response";
  if (command !== undefined && sureness("r-apdu", octets) > 0) return "r-apdu";
  const [best] = answerTypes.map((type) => ({ type, score: sureness(type, octets) })).sort((a, b) => b.score - a.score);
  return best === undefined || best.score === 0 ? "r-apdu" : best.type;
}
