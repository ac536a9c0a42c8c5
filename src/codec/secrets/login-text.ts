import { fromHex, toHex } from "../../base/hex.ts";
import { loginObjects, loginRanges } from "./login-secrets.ts";
import { withoutRanges } from "./secret-data.ts";

/** Hexadecimal text of octets with their bearer logins replaced by zeros; unchanged without any. @throws codec.text */
export function withoutLogins(text: string): string {
  const octets = fromHex(text);
  const ranges = [...loginRanges(octets), ...loginObjects(octets, 0, octets.length)];
  return ranges.length === 0 ? text : toHex(withoutRanges(octets, ranges));
}
