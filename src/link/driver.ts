import type { ZodType } from "zod";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { CardReader, ReaderEvent, ReaderState } from "./card-reader.ts";
import type { Port } from "./port.ts";
import type { SmsBearer } from "./sms-bearer.ts";

export { type Log, silentLog } from "../base/log.ts";

/** What a driver gets from the composition root. */
export interface DriverDeps {
  readonly clock: Clock;
  readonly random: () => number;
  /** Structured log; keys never. */
  readonly log: Log;
}

/** A port that a driver can see. */
export interface PortInfo {
  readonly address: string;
  readonly path: string;
  /** `idVendor:idProduct`, lower case, of a USB device. */
  readonly usb?: string;
  readonly usbPath?: string;
  readonly usbInterface?: number;
  readonly usbSerial?: string;
  readonly manufacturer?: string;
  readonly product?: string;
}

/** Ports as they come and go. A device that left and returned is told as both, even under the same name. */
export type PortEvent =
  | { readonly kind: "port-added"; readonly port: PortInfo }
  | { readonly kind: "port-removed"; readonly port: PortInfo };

/** One way to reach the world. `drivers/<name>/driver.ts` exports one as `driver`. */
export interface Driver<Options = unknown> {
  /** Address scheme it answers to (`pcsc`, `tty`, `tcp`, `smpp`, `sim`). */
  readonly scheme: string;
  readonly options: ZodType<Options>;
  /** Readers there are now. */
  listReaders?(options: Options, deps: DriverDeps): Promise<readonly { reader: CardReader; state: ReaderState }[]>;
  /** Readers and cards as they come and go; starts with one `reader-added` per reader there is. Never throws for a missing service: says `service-down` and goes on. */
  watchReaders?(options: Options, deps: DriverDeps, signal: AbortSignal): AsyncIterable<ReaderEvent>;
  listPorts?(options: Options, deps: DriverDeps): Promise<readonly PortInfo[]>;
  /** Ports as they come and go; starts with one `port-added` per port there is. */
  watchPorts?(options: Options, deps: DriverDeps, signal: AbortSignal): AsyncIterable<PortEvent>;
  openPort?(address: string, options: Options, deps: DriverDeps, signal?: AbortSignal): Promise<Port>;
  openBearer?(address: string, options: Options, deps: DriverDeps): Promise<SmsBearer>;
}
