import type { PacketId, TargetId } from "../../base/id.ts";
import type { Job } from "../model/job.ts";
import type { KeySet } from "../model/key-set.ts";
import type { PacketRecord } from "../model/packet.ts";
import type { Target } from "../model/target.ts";

/**
 * A packet that this process has just secured and sent, with what is needed to read its answer. The stored record is
 * authoritative.
 */
export interface Flight {
  readonly job: Job;
  readonly packet: PacketRecord;
  readonly target: Target;
  readonly keySet: KeySet;
}

/** Waits for the answer to a packet. */
interface ExpectedAnswer extends Disposable {
  /** True when the answer arrived, false after the time. @throws the signal's reason */
  wait(ms: number, signal: AbortSignal): Promise<boolean>;
}

/** Wakes the callers that wait for the answer to a packet in this process. The answer itself is in the store. */
export class Answers {
  readonly #waiting = new Map<PacketId, () => void>();
  /** By target: one job of a target runs at a time. */
  readonly #flights = new Map<TargetId, Flight>();
  /** Cards in readers, by link. */
  readonly #onLink = new Map<string, Flight>();

  /** The packet's answer is stored. */
  arrived(packet: PacketId): void {
    this.#waiting.get(packet)?.();
  }

  /** The packet that was last sent to the target and waits for its answer. */
  inFlight(target: TargetId): Flight | undefined {
    return this.#flights.get(target);
  }

  /** The packet that was last sent to the card in a reader and waits for its answer. */
  onLink(link: string): Flight | undefined {
    return this.#onLink.get(link);
  }

  /** Starts listening for the packet's answer. Register before sending. */
  expect(packet: PacketId, flight?: Flight): ExpectedAnswer {
    let here = false;
    let wake = () => {};
    this.#waiting.set(packet, () => {
      here = true;
      wake();
    });
    const link = flight?.job.chosen?.bearer === "envelope" ? flight.packet.link : undefined;
    if (flight !== undefined) this.#flights.set(flight.packet.target, flight);
    if (flight !== undefined && link !== undefined) this.#onLink.set(link, flight);
    return {
      wait: (ms, signal) =>
        here && !signal.aborted
          ? Promise.resolve(true)
          : new Promise<boolean>((resolve, reject) => {
              const settle = (act: () => void) => {
                clearTimeout(timer);
                signal.removeEventListener("abort", onAbort);
                act();
              };
              const onAbort = () => settle(() => reject(signal.reason));
              const timer = setTimeout(() => settle(() => resolve(here)), Math.min(ms, 2 ** 31 - 1));
              wake = () => settle(() => resolve(true));
              signal.addEventListener("abort", onAbort, { once: true });
              if (signal.aborted) onAbort();
              else if (here) wake();
            }),
      [Symbol.dispose]: () => {
        this.#waiting.delete(packet);
        if (flight !== undefined && this.#flights.get(flight.packet.target) === flight)
          this.#flights.delete(flight.packet.target);
        if (link !== undefined && this.#onLink.get(link) === flight) this.#onLink.delete(link);
      },
    };
  }
}
