import { concatBytes, fromHex } from "../../../src/base/hex.ts";
import { tlvBytes } from "../../../src/codec/kit/ber.ts";
import { publicPoint, signDeterministically } from "./elliptic.ts";

/** Test keys of the worked examples: every simulated card trusts this certificate issuer. */
export const testKeys = {
  ciPublic: fromHex(
    "04958471C794EF1BCA09BEB11A0EB6AC95D67BFA51D26D22C465BC0FA802665105C2FD0FD698EA521BAF6A0313E7C5A77A2E8AA072246FAB40E4E1264673668751",
  ),
  ciKeyId: fromHex("9166240FEB8315EBE712F989B370AC73077A8CB4"),
  ecasdPrivate: fromHex("4464E06C19D73DF4A818D12A2FD7DFE9930F64C4D70070F4C3210A2198E7037D"),
  eumPrivate: fromHex("2B1E4D6F0A7C93E5D8B6A1F3C47E9052D1A8B37C6F4E5902A9C8D7B6E5F40312"),
} as const;

/** ECASD certificate: signed by the eUICC manufacturer, for key agreement. SGP.02 §2.3.2.2, GP Amendment E §6.1 */
export function ecasdCertificate(eid: Uint8Array, privateKey: Uint8Array): Uint8Array {
  const content = concatBytes(
    tlvBytes(0x93, Uint8Array.of(0x01)),
    tlvBytes(0x42, fromHex("2B0601040183")),
    tlvBytes(0x5f20, eid),
    tlvBytes(0x95, Uint8Array.of(0x00, 0x80)),
    tlvBytes(0x5f24, fromHex("20491231")),
    tlvBytes(0x45, Uint8Array.of(0x01)),
    tlvBytes(0x73, tlvBytes(0xc9, testKeys.ciKeyId)),
    tlvBytes(0x7f49, tlvBytes(0xb0, publicPoint(privateKey)), Uint8Array.of(0xf0, 0x01, 0x00)),
  );
  return tlvBytes(0x7f21, content, tlvBytes(0x5f37, signDeterministically(testKeys.eumPrivate, content)));
}
