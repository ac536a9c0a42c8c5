import { fromHex } from "../../base/hex.ts";
import { ProactiveCommand } from "../../codec/cat/proactive.ts";
import { decode } from "../../codec/kit/codec.ts";
import { ignoreCodecErrors } from "../card/ignore-codec-errors.ts";
import type { ProfileFile } from "./profile/profile-schema.ts";

/** How the toolkit lines of a modem report commands of its card. */
export type Dialect = NonNullable<NonNullable<ProfileFile["toolkit"]>["dialect"]>;

/** Type of command REFRESH, and its mode UICC Reset. ETSI TS 102 223 §9.4, §6.4.7 */
const refresh = 0x01;
const uiccReset = 0x04;

/**
 * Notices of a command: its type, and the first number after it. The type is hexadecimal where `radix` indicates it.
 */
const menuNotices: Readonly<Partial<Record<Dialect, { readonly pattern: RegExp; readonly radix: 10 | 16 }>>> = {
  "menu-stin": { pattern: /^[+^]STIN: ?([0-9A-Fa-f]{1,2})(?:, ?(\d+))?/, radix: 16 },
  "menu-stn": { pattern: /^#STN: ?(\d{1,3})(?:, ?(\d+))?/, radix: 10 },
  "menu-sstn": { pattern: /^\^SSTN: ?(\d{1,3})(?:, ?(\d+))?/, radix: 10 },
};

/**
 * Whether a toolkit line of the modem reports REFRESH: `reset` if the card restarts for it, `files` for the other modes
 * and if the dialect does not contain the mode; undefined for every other line.
 */
export function refreshNotice(dialect: Dialect | undefined, text: string): "reset" | "files" | undefined {
  const menu = dialect === undefined ? undefined : menuNotices[dialect];
  if (menu !== undefined) {
    const [, type = "", mode] = menu.pattern.exec(text) ?? [];
    return Number.parseInt(type, menu.radix) === refresh ? kindOf(Number(mode)) : undefined;
  }
  if (dialect !== "usat-raw") return undefined;
  const [, hex] = /"?(D0(?:[0-9A-Fa-f]{2})+)"?\s*$/i.exec(text) ?? [];
  const command = hex === undefined ? undefined : ignoreCodecErrors(() => decode(ProactiveCommand, fromHex(hex)));
  return command?.details.type === refresh ? kindOf(command.details.qualifier) : undefined;
}

function kindOf(mode: number): "reset" | "files" {
  return mode === uiccReset ? "reset" : "files";
}
