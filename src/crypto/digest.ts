import { createHash } from "node:crypto";

/** SHA-256 of octets as 64 hexadecimal digits, as `sha256sum` prints it. FIPS 180-4 */
export function sha256Text(octets: Uint8Array): string {
  return createHash("sha256").update(octets).digest("hex");
}
