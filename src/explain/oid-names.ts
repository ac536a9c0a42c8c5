import { hex2 } from "./tree.ts";

/** 1.2.840.114283, the arc of GlobalPlatform. */
const globalPlatform = [0x2a, 0x86, 0x48, 0x86, 0xfc, 0x6b];

/**
 * What an object identifier of GlobalPlatform stands for; undefined for any other. The numbers of a secure channel
 * protocol stand in two octets as they are (80 00 is SCP80), which is not an arc of an object identifier where one has
 * its high bit: cards write them so, and they are read so. GP Card Specification §H.1
 */
export function oidName(octets: Uint8Array): string | undefined {
  if (!globalPlatform.every((octet, at) => octets[at] === octet)) return undefined;
  const [kind, ...rest] = octets.subarray(globalPlatform.length);
  switch (kind) {
    case undefined:
      return "GlobalPlatform";
    case 1:
      return "card recognition data";
    case 2:
      return `GlobalPlatform card ${rest.join(".")}`;
    case 3:
      return "card identification scheme";
    case 4:
      return secureChannel(rest);
    default:
      return "GlobalPlatform";
  }
}

function secureChannel(rest: readonly number[]): string {
  // 128 as an arc takes two octets: 81 00, with the option behind.
  const [scp = 0, i] = rest.length === 3 && rest[0] === 0x81 ? [0x80 + (rest[1] ?? 0), rest[2]] : rest;
  return `SCP${hex2(scp)}${i === undefined ? "" : `, i = ${hex2(i)}`}`;
}
