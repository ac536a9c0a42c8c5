import { concatBytes } from "../../src/base/hex.ts";
import { readTlvs, tlvBytes } from "../../src/codec/kit/ber.ts";

const mediaTypes = {
  gp: {
    command: "application/vnd.globalplatform.card-content-mgt",
    response: "application/vnd.globalplatform.card-content-mgt-response",
  },
  etsi: { command: "application/vnd.etsi.scp.command-data", response: "application/vnd.etsi.scp.response-data" },
} as const;

/** `gp`: for the security domain itself; `etsi`: for an application. GP Amendment B §3.4.2 */
export type ScriptKind = keyof typeof mediaTypes;

/** The kind of script that a server's `Content-Type` announces; undefined for any other type. GP Amendment B §3.4.2 */
export function commandKind(contentType: string): ScriptKind | undefined {
  const [type = ""] = contentType.split(";");
  const wanted = type.trim().toLowerCase();
  return wanted === mediaTypes.gp.command ? "gp" : wanted === mediaTypes.etsi.command ? "etsi" : undefined;
}

/** `Content-Type` of a card's response to a script of this kind. GP Amendment B §3.4.1 */
export function responseType(kind: ScriptKind): string {
  return `${mediaTypes[kind].response};version=1.0`;
}

/** The AID of an `X-Admin-Targeted-Application` header; undefined when it is not of the standard form. §3.4.2 */
export function targetedAid(header: string): string | undefined {
  const [empty, blank, scheme, rid, pix, ...more] = header.trim().split("/");
  if (empty !== "" || blank !== "" || scheme?.toLowerCase() !== "aid" || more.length > 0) return undefined;
  const aid = `${rid ?? ""}${pix ?? ""}`.toUpperCase();
  return rid?.length === 10 && /^([0-9A-F]{2}){5,16}$/.test(aid) ? aid : undefined;
}

const success = tlvBytes(0x23, Uint8Array.of(0x90, 0x00));

/** Answers 9000 to each C-APDU of an expanded script, in the form of the request. TS 102 226 §5.2.1 */
export function succeedAll(script: Uint8Array): Uint8Array {
  const indefinite = script[0] === 0xae && script[1] === 0x80;
  const [template] = indefinite ? [] : readTlvs(script);
  const commands = indefinite ? commandsUntilEnd(script.subarray(2)) : readTlvs(template?.value ?? new Uint8Array());
  const answers = commands.filter(({ tag }) => tag === 0x22 || tag === 0xa2).map(() => success);
  if (script[0] === 0xae) return concatBytes(Uint8Array.of(0xaf, 0x80), ...answers, Uint8Array.of(0, 0));
  const count = answers.length > 0xff ? [answers.length >> 8, answers.length & 0xff] : [answers.length];
  return tlvBytes(0xab, tlvBytes(0x80, Uint8Array.from(count)), ...answers);
}

/** The commands in front of the two zero octets that end an indefinite template. */
function commandsUntilEnd(content: Uint8Array) {
  return readTlvs(content.at(-1) === 0 && content.at(-2) === 0 ? content.subarray(0, -2) : content);
}
