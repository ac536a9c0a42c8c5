import { codecError } from "../../base/gateway-error.ts";
import { toHex } from "../../base/hex.ts";
import { type ArgReader, hexText } from "./args.ts";
import { command, info, nothing } from "./command.ts";

/** Reads `<length>,"<hex>"`; the length counts characters, but some firmware counts octets. */
function sizedHex(args: ArgReader, what: string): Uint8Array {
  const length = args.int("length");
  const text = args.text("data").trim();
  const bytes = hexText(text, what);
  if (length !== text.length && length !== bytes.length) {
    throw codecError("codec.length", `${what}: ${length} characters announced, ${text.length} present`, 0);
  }
  if (bytes.length < 2) throw codecError("codec.truncated", `${what}: no status word`, 0);
  return bytes;
}

/** Generic SIM access: an APDU to the basic channel. TS 27.007 §8.17 */
export const csim = command<Uint8Array, Uint8Array>({
  line: (apdu) => `AT+CSIM=${apdu.length * 2},"${toHex(apdu)}"`,
  reply: info("+CSIM", (args) => sizedHex(args, "+CSIM")),
  budget: "card",
});

/** Opens a logical channel and selects an application; gives the session's identifier. TS 27.007 §8.45 */
export const openChannel = command<Uint8Array, string>({
  line: (aid) => `AT+CCHO="${toHex(aid)}"`,
  reply: info("+CCHO", (args) => args.text("sessionid").trim()),
  budget: "card",
});

/** An APDU to a session; its class byte names channel 0. TS 27.007 §8.43 */
export const cgla = command<{ readonly session: string; readonly apdu: Uint8Array }, Uint8Array>({
  line: ({ session, apdu }) => `AT+CGLA=${session},${apdu.length * 2},"${toHex(apdu)}"`,
  reply: info("+CGLA", (args) => sizedHex(args, "+CGLA")),
  budget: "card",
});

/** Closes a session. TS 27.007 §8.46 */
export const closeChannel = command<string, void>({
  line: (session) => `AT+CCHC=${session}`,
  reply: { ...nothing, prefixes: ["+CCHC"] },
  budget: "card",
});
