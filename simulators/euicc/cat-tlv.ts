import { readLength, tlvBytes } from "../../src/codec/kit/ber.ts";
import { Reader } from "../../src/codec/kit/codec.ts";

/** A COMPREHENSION-TLV with its flag taken off the tag. TS 101 220 §7.1.1 */
interface CatTlv {
  readonly tag: number;
  readonly value: Uint8Array;
}

/** All COMPREHENSION-TLVs of an input. @throws codec.* */
export function readCatTlvs(bytes: Uint8Array): CatTlv[] {
  const from = new Reader(bytes);
  const found: CatTlv[] = [];
  while (!from.ended) {
    const first = from.u8("tag");
    const tag = first === 0x7f ? from.uint(2, "tag") & 0x7fff : first & 0x7f;
    found.push({ tag, value: from.take(readLength(from), "value") });
  }
  return found;
}

/** The value of the first object with this tag. */
export function catValue(objects: readonly CatTlv[], tag: number): Uint8Array | undefined {
  return objects.find((object) => object.tag === tag)?.value;
}

/** Devices of a proactive command. TS 102 223 §8.7 */
export const device = { display: 0x02, uicc: 0x81, terminal: 0x82, network: 0x83 } as const;

/** A proactive command before it has a number. */
export interface ProactiveCommand {
  /** Type of command, TS 102 223 §9.4. */
  readonly type: number;
  readonly qualifier: number;
  readonly destination: number;
  /** Objects after command details and device identities, tag and length included. */
  readonly objects: readonly Uint8Array[];
}

/** The octets of a proactive command, tag D0 included. TS 102 223 §6.6 */
export function proactiveBytes(command: ProactiveCommand, number: number): Uint8Array {
  return tlvBytes(
    0xd0,
    tlvBytes(0x81, Uint8Array.of(number, command.type, command.qualifier)),
    tlvBytes(0x82, Uint8Array.of(device.uicc, command.destination)),
    ...command.objects,
  );
}

function toTerminal(type: number, qualifier: number, ...objects: readonly Uint8Array[]): ProactiveCommand {
  return { type, qualifier, destination: device.terminal, objects };
}

function swapped(value: number): number {
  return ((value % 10) << 4) | (Math.floor(value / 10) % 10);
}

/** Timer value of so many seconds, digits nibble-swapped. TS 102 223 §8.38 */
function timerValue(seconds: number): Uint8Array {
  const whole = Math.max(1, Math.ceil(seconds));
  return Uint8Array.of(swapped(Math.floor(whole / 3600)), swapped(Math.floor(whole / 60) % 60), swapped(whole % 60));
}

/** REFRESH. TS 102 223 §6.4.7 */
export const refresh = (mode: number) => toTerminal(0x01, mode);

/** POLL INTERVAL in seconds. TS 102 223 §6.4.5 */
export const pollInterval = (seconds: number) => toTerminal(0x03, 0, tlvBytes(0x84, Uint8Array.of(0x01, seconds)));

/** SET UP EVENT LIST. TS 102 223 §6.4.16 */
export const setUpEventList = (...events: readonly number[]) =>
  toTerminal(0x05, 0, tlvBytes(0x99, Uint8Array.from(events)));

/** PROVIDE LOCAL INFORMATION; 01 = IMEI. TS 102 223 §6.4.15 */
export const provideLocalInformation = (qualifier: number) => toTerminal(0x26, qualifier);

/** TIMER MANAGEMENT, start. TS 102 223 §6.4.21 */
export const startTimer = (id: number, seconds: number) =>
  toTerminal(0x27, 0, tlvBytes(0xa4, Uint8Array.of(id)), tlvBytes(0xa5, timerValue(seconds)));

/** SEND SHORT MESSAGE with a complete TPDU. TS 102 223 §6.4.10 */
export function sendShortMessage(tpdu: Uint8Array, serviceCentre?: Uint8Array): ProactiveCommand {
  const objects = serviceCentre ? [tlvBytes(0x86, serviceCentre), tlvBytes(0x8b, tpdu)] : [tlvBytes(0x8b, tpdu)];
  return { type: 0x13, qualifier: 0, destination: device.network, objects };
}

/** What a terminal answered. */
export interface TerminalResponse {
  readonly type: number;
  readonly qualifier: number;
  /** General result, TS 102 223 §8.12: 00-0F performed, 10-1F by the user, 20-2F try later, 30-3F permanent. */
  readonly result: number;
  /** Additional information on the result. */
  readonly additional: Uint8Array;
  readonly objects: readonly CatTlv[];
}

/** Reads a TERMINAL RESPONSE body. @throws codec.* */
export function readTerminalResponse(body: Uint8Array): TerminalResponse & { readonly number: number } {
  const objects = readCatTlvs(body);
  const details = catValue(objects, 0x01) ?? new Uint8Array(3);
  const result = catValue(objects, 0x03) ?? Uint8Array.of(0x36);
  return {
    number: details[0] ?? 0,
    type: details[1] ?? 0,
    qualifier: details[2] ?? 0,
    result: result[0] ?? 0x36,
    additional: result.subarray(1),
    objects,
  };
}

/** Whether the terminal carried the command out (results 00 to 0F). */
export function performed(response: TerminalResponse): boolean {
  return response.result < 0x10;
}
