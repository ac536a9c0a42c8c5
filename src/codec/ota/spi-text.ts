import { z } from "zod";
import { fromHex } from "../../base/hex.ts";
import { octetsOrNone } from "../../base/octet-text.ts";
import { isSpi } from "./spi.ts";

/** The octets of a SPI without reserved values, from 4 hexadecimal digits. ETSI TS 102 225 §5.1.1 */
export const spiText = z
  .string()
  .regex(/^([0-9a-fA-F]{2}){2}$/, "must be 2 hexadecimal octets")
  .refine((text) => {
    const octets = octetsOrNone(text);
    return octets !== undefined && isSpi(octets);
  }, "has reserved values (ETSI TS 102 225 §5.1.1); a valid value is 1621")
  .transform((text) => fromHex(text));
