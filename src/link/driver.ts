import type { ZodType } from "zod";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { CardReader, ReaderEvent, ReaderState } from "./card-reader.ts";
import type { NetworkBearer } from "./network-bearer.ts";
import type { Port, UartSettings } from "./port.ts";

export { type Log, silentLog } from "../base/log.ts";

/** Dependencies that the composition root passes to a driver. */
export interface DriverDeps {
  readonly clock: Clock;
  readonly random: () => number;
  /** Structured log; never for keys. */
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

/** Ports as they come and go. A device that left and returned is reported as both, even under the same name. */
export type PortEvent =
  | { readonly kind: "port-added"; readonly port: PortInfo }
  | { readonly kind: "port-removed"; readonly port: PortInfo };

/** One finding of `otagate doctor`: whether a requirement of a driver is met, and the remedy if it is not. */
export interface DriverFinding {
  readonly what: string;
  readonly verdict: "good" | "missing" | "bad";
  readonly detail: string;
  readonly advice?: string;
}

/**
 * One way to reach hardware or a network. `drivers/<name>/driver.ts` exports one as `driver`, and one line of
 * `drivers/all.ts` registers it. Every method gets options that {@link Driver.options} has parsed.
 */
export interface Driver<Options = unknown> {
  /** Scheme of the addresses it opens: the part before their first colon. */
  readonly scheme: string;
  /** Settings of one address, from its query (`?baud=9600`) and from the configuration; all of them optional. */
  readonly options: ZodType<Options>;
  /** The present readers. */
  listReaders?(options: Options, deps: DriverDeps): Promise<readonly { reader: CardReader; state: ReaderState }[]>;
  /**
   * Changes of readers and cards; starts with one `reader-added` for each present reader. A missing service is reported
   * as `service-down`, never thrown.
   */
  watchReaders?(options: Options, deps: DriverDeps, signal: AbortSignal): AsyncIterable<ReaderEvent>;
  /** The present ports. */
  listPorts?(options: Options, deps: DriverDeps): Promise<readonly PortInfo[]>;
  /** Changes of ports; starts with one `port-added` for each present port. */
  watchPorts?(options: Options, deps: DriverDeps, signal: AbortSignal): AsyncIterable<PortEvent>;
  /** Why this address cannot be that of a port, with these options; undefined if it can. Opens nothing. */
  portProblem?(address: string, options: Options): string | undefined;
  /** @throws link.unknown, link.busy, link.unavailable, link.driver when a package it needs is missing */
  openPort?(address: string, options: Options, deps: DriverDeps, signal?: AbortSignal): Promise<Port>;
  /** The options that correspond to serial settings of a hardware profile; absent for drivers without a serial line. */
  uartOptions?(uart: UartSettings): Readonly<Record<string, unknown>>;
  /** @throws config.invalid, config.unreadable */
  openBearer?(address: string, options: Options, deps: DriverDeps): Promise<NetworkBearer>;
  /** Findings for `otagate doctor`. Never throws. */
  diagnose?(env: NodeJS.ProcessEnv, deps: DriverDeps): Promise<readonly DriverFinding[]>;
}

/** All drivers by the scheme of their addresses; the module is loaded when it is first needed. */
export type DriverList = Readonly<Record<string, () => Promise<{ readonly driver: Driver }>>>;
