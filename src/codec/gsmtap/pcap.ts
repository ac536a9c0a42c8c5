import { Writer } from "../kit/codec.ts";
import { type Gsmtap, gsmtapBytes } from "./header.ts";

/** UDP port of GSMTAP. */
const gsmtapPort = 4729;

/** Raw IP packets. tcpdump.org link types */
const linkTypeRaw = 101;

const snapLength = 65535;

/** The 24 octets at the start of a pcap file, microsecond time stamps, most significant octet first. */
export function pcapHeader(): Uint8Array {
  return new Writer(24)
    .uint(0xa1b2c3d4, 4)
    .uint(2, 2)
    .uint(4, 2)
    .uint(0, 4)
    .uint(0, 4)
    .uint(snapLength, 4)
    .uint(linkTypeRaw, 4)
    .finish();
}

/**
 * One frame as a pcap record: GSMTAP in UDP in IPv4. `source` (1 to 254) distinguishes senders, as the last octet of
 * the source address 127.0.0.x.
 */
export function pcapRecord(atMs: number, frame: Gsmtap, source = 1): Uint8Array {
  const packet = ipPacket(gsmtapBytes(frame), source);
  const to = new Writer(16 + packet.length);
  to.uint(Math.floor(atMs / 1000), 4).uint(Math.round((atMs % 1000) * 1000), 4);
  return to.uint(packet.length, 4).uint(packet.length, 4).bytes(packet).finish();
}

/** RFC 791, RFC 768: loopback addresses, no UDP checksum. */
function ipPacket(payload: Uint8Array, source: number): Uint8Array {
  const to = new Writer(28 + payload.length);
  to.u8(0x45)
    .u8(0)
    .uint(28 + payload.length, 2)
    .uint(0, 4);
  to.u8(64).u8(17).uint(0, 2);
  to.u8(127).u8(0).u8(0).u8(source).u8(127).u8(0).u8(0).u8(1);
  to.patch(10, checksum(to.view()), 2);
  to.uint(gsmtapPort, 2)
    .uint(gsmtapPort, 2)
    .uint(8 + payload.length, 2)
    .uint(0, 2);
  return to.bytes(payload).finish();
}

/** The one's complement sum of 16-bit words. RFC 1071 */
function checksum(header: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < header.length; at += 2) sum += (header[at] ?? 0) * 256 + (header[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}
