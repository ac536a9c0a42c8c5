import { codecError, GatewayError } from "../../base/gateway-error.ts";
import { concatBytes } from "../../base/hex.ts";
import { onChannel, parseClassByte } from "../../codec/apdu/class-byte.ts";
import { commandCase, parseCommand } from "../../codec/apdu/command-apdu.ts";

/** The answer of a card to one APDU. */
export interface CardResponse {
  /** Response data, complete, without the status word. */
  readonly data: Uint8Array;
  /**
   * Final status word. A warning (62XX, 63XX) that was returned before the data is the status if the data then end with
   * 9000, as for a card that returns both at once.
   */
  readonly sw: number;
  /** The warning that was returned before the data, if another status word (91XX) followed the data. */
  readonly warning?: number;
}

/** One exchange with the card: command octets out, response octets with SW1 SW2 back. */
type Exchange = (command: Uint8Array) => Promise<Uint8Array>;

/**
 * Maximum number of answers in a row that only request another try (6CXX, 61XX without data); a further one counts as
 * final.
 */
const maxCorrections = 3;
/** Response data collected over GET RESPONSE, at most. */
const maxCollected = 0x10000;

const nothing = new Uint8Array(0);

/**
 * Exchanges one APDU with a card that uses T=0 TPDUs (`tpdu`) or whole APDUs (`apdu`): builds the TPDU for each of the
 * four cases and handles 61XX, 9FXX, 6CXX and warnings before data. The caller must exclude other exchanges in between.
 * TS 102 221 §7.3.1.1, ISO 7816-3 §12.2
 * @throws codec.length for an APDU whose lengths do not fit, or too long for T=0; card.protocol for endless answers
 */
export async function exchangeApdu(
  exchange: Exchange,
  level: "tpdu" | "apdu",
  apdu: Uint8Array,
): Promise<CardResponse> {
  const shape = shapeOf(apdu);
  if (level === "tpdu" && shape === "extended") {
    throw codecError("codec.length", "a command with extended length cannot be sent over T=0", 4);
  }
  const command = level === "tpdu" ? toTpdu(apdu, shape) : apdu;
  let answer = await exchange(command);
  for (let corrections = 0; sw1(answer) === 0x6c; corrections++) {
    const repeated = corrections < maxCorrections ? withLe(command, apdu, shape, level, sw2(answer)) : undefined;
    if (repeated === undefined) break;
    answer = await exchange(repeated);
  }
  if (moreWaits(answer)) return collect(exchange, apdu, answer, undefined);
  const warned = sw1(answer) === 0x62 || sw1(answer) === 0x63;
  if (warned && answer.length === 2 && shape === 4 && level === "tpdu") {
    return collect(exchange, apdu, answer, status(answer));
  }
  return { data: answer.length === 2 ? nothing : answer.subarray(0, -2), sw: status(answer) };
}

type Shape = ReturnType<typeof commandCase> | "extended";

/** The case of a command. Short forms, which occur in every exchange, are recognized without decoding the command. */
function shapeOf(apdu: Uint8Array): Shape {
  const p3 = apdu[4] ?? 0;
  if (apdu.length === 5) return 2;
  if (p3 !== 0 && apdu.length === 5 + p3) return 3;
  if (p3 !== 0 && apdu.length === 6 + p3) return 4;
  const command = parseCommand(apdu);
  return command.extended ? "extended" : commandCase(command);
}

/** Class of the GET RESPONSE that belongs to a command: interindustry, same channel. TS 102 221 §11.1.13, TS 51.011 §9.2 */
function getResponseClass(cla: number): number {
  const { kind, channel } = parseClassByte(cla);
  return kind === "sim" ? cla : onChannel(0x00, channel);
}

function toTpdu(apdu: Uint8Array, shape: Shape): Uint8Array {
  if (shape === 1) {
    const tpdu = new Uint8Array(5);
    tpdu.set(apdu);
    return tpdu;
  }
  return shape === 4 ? apdu.subarray(0, -1) : apdu;
}

/** The command with the length that the card requires; undefined when the command has no length field for it. */
function withLe(
  command: Uint8Array,
  apdu: Uint8Array,
  shape: Shape,
  level: "tpdu" | "apdu",
  le: number,
): Uint8Array | undefined {
  if (shape === 1 || shape === 2) return header(apdu, le);
  if (shape !== 4 || level === "tpdu") return undefined;
  const repeated = Uint8Array.from(command);
  repeated[repeated.length - 1] = le;
  return repeated;
}

function header(apdu: Uint8Array, p3: number): Uint8Array {
  const tpdu = new Uint8Array(5);
  tpdu.set(apdu.subarray(0, 4));
  tpdu[4] = p3;
  return tpdu;
}

/** Fetches waiting data. `warning` is a status that may mean that there are some. */
async function collect(
  exchange: Exchange,
  apdu: Uint8Array,
  first: Uint8Array,
  warning: number | undefined,
): Promise<CardResponse> {
  const parts = [first.subarray(0, -2)];
  let total = first.length - 2;
  let cla = getResponseClass(apdu[0] ?? 0);
  let le = warning === undefined ? sw2(first) : 0;
  let idle = 0;
  for (;;) {
    const answer = await exchange(Uint8Array.of(cla, 0xc0, 0, 0, le));
    parts.push(answer.subarray(0, -2));
    total += answer.length - 2;
    if (total > maxCollected) throw new GatewayError("card.protocol", "the card keeps announcing more response data");
    const otherClass = status(answer) === 0x6e00 && total === 0 && cla !== apdu[0];
    if (!otherClass && !moreWaits(answer) && sw1(answer) !== 0x6c) {
      return finish(concatBytes(...parts), status(answer), warning);
    }
    idle = answer.length > 2 ? 0 : idle + 1;
    if (idle > maxCorrections) return finish(concatBytes(...parts), status(answer), warning);
    // Some cards require GET RESPONSE in the class of the command, against TS 102 221.
    if (otherClass) cla = apdu[0] ?? 0;
    else le = sw2(answer);
  }
}

function finish(data: Uint8Array, sw: number, warning: number | undefined): CardResponse {
  if (warning === undefined) return { data, sw };
  // A refused GET RESPONSE means that no data waited: the warning was the answer.
  if (sw === 0x9000 || (data.length === 0 && !isNormal(sw))) return { data, sw: warning };
  return { data, sw, warning };
}

function isNormal(sw: number): boolean {
  return sw === 0x9000 || sw >> 8 === 0x91 || sw >> 8 === 0x92;
}

function moreWaits(answer: Uint8Array): boolean {
  return sw1(answer) === 0x61 || sw1(answer) === 0x9f;
}

function sw1(answer: Uint8Array): number {
  return answer[answer.length - 2] ?? 0;
}

function sw2(answer: Uint8Array): number {
  return answer[answer.length - 1] ?? 0;
}

function status(answer: Uint8Array): number {
  return (sw1(answer) << 8) | sw2(answer);
}
