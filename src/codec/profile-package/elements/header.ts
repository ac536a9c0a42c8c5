import { aid, automaticTag, type Field, integer, list, mark, octets, oid, sequence, text } from "../field.ts";

/** Services by index: a NULL with this number as tag demands the service. eUICC Profile Package §8.2.1 */
export const serviceNames: readonly string[] =
  "contactless usim isim csim milenage tuak128 cave gba-usim gba-isim mbms eap javacard multos multiple-usim multiple-isim multiple-csim tuak256 usim-test-algorithm ber-tlv dfLink cat-tp get-identity profile-a-x25519 profile-b-p256 suciCalculatorApi dns-resolution scp11ac scp11c-authorization-mechanism s16mode eaka".split(
    " ",
  );

/** Fields of the profile header. eUICC Profile Package §8.2.1 */
export const profileHeader: readonly Field[] = [
  integer(0x80, "major-version", 0xff, { name: "major version" }),
  integer(0x81, "minor-version", 0xff, { name: "minor version" }),
  text(0x82, "profileType", 1, 100, { name: "profile type", optional: true }),
  octets(0x83, "iccid", 10, { name: "ICCID", meaning: "iccid" }),
  octets(0x84, "pol", [0, 8], { name: "POL1", optional: true }),
  sequence(
    0xa5,
    "eUICC-Mandatory-services",
    serviceNames.map((name, index) => mark(automaticTag(index, false), name)),
    { name: "mandatory services" },
  ),
  list(0xa6, "eUICC-Mandatory-GFSTEList", [oid(0x06, "template", { meaning: "template" })], 0, {
    name: "mandatory templates",
  }),
  octets(0x87, "connectivityParameters", [0, 255], { name: "connectivity parameters", optional: true }),
  list(
    0xa8,
    "eUICC-Mandatory-AIDs",
    [sequence(0x30, "application", [aid(0x80, "aid", { name: "AID" }), octets(0x81, "version", 2)], { keys: ["aid"] })],
    0,
    { name: "mandatory AIDs", optional: true },
  ),
  sequence(0xa9, "iotOptions", [octets(0x80, "pix", [7, 11], { name: "PIX" })], {
    name: "IoT options",
    optional: true,
  }),
];
