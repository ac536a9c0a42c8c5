import { hexTag } from "../kit/ber.ts";

/** A command or an answer of SCP03t by its tag; undefined for other tags. SGP.02 §4.1.3.3, SGP.22 §2.5 (87, 88) */
export function scp03tCommandName(tag: number): string | undefined {
  return commands[tag];
}

const commands: Readonly<Record<number, string>> = {
  132: "SCP03t INITIALIZE UPDATE",
  133: "SCP03t EXTERNAL AUTHENTICATE",
  134: "SCP03t protected data",
  135: "SCP03t session keys",
  136: "SCP03t metadata",
};

const reasons: Readonly<Record<number, string>> = {
  1: "length or structure",
  2: "security",
  3: "referenced data not found",
};

/** Whether a tag is that of an SCP03t error answer: `9F44` to `84`, `9F45` to `85` and so on. SGP.02 §4.1.3.3 */
export function isScp03tError(tag: number): boolean {
  return tag >= 0x9f44 && tag <= 0x9f48;
}

/** Tag of the command that an SCP03t error answer belongs to. SGP.02 §4.1.3.3 */
function scp03tErrorCommand(tag: number): number {
  return (tag & 0xff) + 0x40;
}

/** Meaning of an SCP03t error answer; undefined for other tags. SGP.02 §4.1.3.3 */
export function scp03tErrorText(tag: number, value: Uint8Array): string | undefined {
  if (!isScp03tError(tag)) return undefined;
  const name = commands[scp03tErrorCommand(tag)] ?? `SCP03t ${hexTag(tag)}`;
  const [reason] = value;
  return `${name} error: ${reason === undefined ? "no reason given" : (reasons[reason] ?? `reserved value ${reason}`)}`;
}
