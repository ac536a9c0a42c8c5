import type { PcscdSocket } from "./pcscd-socket.ts";
import {
  answerLength,
  fieldsRequest,
  type PcscReaderState,
  pcscCommand,
  readerCount,
  readReaderStates,
  statesLength,
} from "./protocol.ts";

/** From this minor version on the list of readers has a variable length and is requested in two steps. */
export const listMinor = 6;

/** All readers. Before 4.6 pcscd shows 16 at most. pcsc-lite 2.5 winscard_msg.h */
export async function readersOf(socket: PcscdSocket): Promise<readonly PcscReaderState[]> {
  if (socket.minor < listMinor) {
    const fixed = fieldsRequest(pcscCommand.readersState, []);
    return readReaderStates(await socket.request(fixed, answerLength.readersState), answerLength.readersState);
  }
  const size = await socket.request(fieldsRequest(pcscCommand.readersStateSize, []), answerLength.readersStateSize);
  const length = statesLength(readerCount(size));
  if (length === 0) return [];
  return readReaderStates(await socket.request(fieldsRequest(pcscCommand.readersStateArray, []), length), length);
}
