import type { Spi } from "../../codec/ota/spi.ts";
import type { PacketKeys } from "../../crypto/packet-keys.ts";

/** What is known of the command packet that a response packet answers. */
export interface Answered {
  readonly spi: Spi;
  readonly kic?: number | undefined;
  readonly kid?: number | undefined;
  readonly tar?: Uint8Array | undefined;
  readonly cntr?: number | undefined;
}

/** What the reader knows beside the octets. */
export interface Context {
  /** Opens packets. */
  readonly keys?: PacketKeys | undefined;
  /** Opens response packets. */
  readonly answered?: Answered | undefined;
  /** The C-APDU that a R-APDU answers. */
  readonly command?: Uint8Array | undefined;
}
