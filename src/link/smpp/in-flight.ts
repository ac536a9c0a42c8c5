import type { GatewayError } from "../../base/gateway-error.ts";
import type { Pdu, RequestCommand, ResponseCommand } from "../../codec/smpp/pdu.ts";

/** A request of ours that waits for its response. */
interface OpenRequest {
  readonly command: RequestCommand;
  /** Monotonic milliseconds. */
  readonly deadline: number;
  /** False for bind, unbind and enquire_link, which do not count in the window. */
  readonly windowed: boolean;
  readonly resolve: (pdu: Pdu<ResponseCommand>) => void;
  readonly reject: (error: GatewayError) => void;
  /** Receives a response that arrives after the request was abandoned. */
  readonly late?: ((pdu: Pdu<ResponseCommand>) => void) | undefined;
}

/** Maximum number of abandoned requests whose response is still accepted. */
const maxLapsed = 10_000;

/** Requests of ours by sequence number. */
export class InFlight {
  readonly #open = new Map<number, OpenRequest>();
  readonly #lapsed = new Map<number, OpenRequest>();
  #windowed = 0;

  /** Number of requests that count in the window. */
  get windowed(): number {
    return this.#windowed;
  }

  get size(): number {
    return this.#open.size;
  }

  /** The request of this number, open or abandoned. */
  commandOf(sequence: number): RequestCommand | undefined {
    return (this.#open.get(sequence) ?? this.#lapsed.get(sequence))?.command;
  }

  has(sequence: number): boolean {
    return this.#open.has(sequence);
  }

  add(sequence: number, request: OpenRequest): void {
    this.#open.set(sequence, request);
    if (request.windowed) this.#windowed += 1;
  }

  /** Removes and returns the request; its slot is free. */
  take(sequence: number): OpenRequest | undefined {
    const request = this.#open.get(sequence);
    if (request !== undefined && this.#open.delete(sequence) && request.windowed) this.#windowed -= 1;
    return request;
  }

  /** Sequence numbers whose time is up. */
  expired(now: number): number[] {
    const found: number[] = [];
    for (const [sequence, request] of this.#open) if (request.deadline <= now) found.push(sequence);
    return found;
  }

  /** Keeps an abandoned request, in case its response arrives late. */
  lapse(sequence: number, request: OpenRequest): void {
    if (request.late === undefined) return;
    this.#lapsed.set(sequence, request);
    for (const oldest of this.#lapsed.keys()) {
      if (this.#lapsed.size <= maxLapsed) break;
      this.#lapsed.delete(oldest);
    }
  }

  /** Removes and returns a request that was abandoned. */
  takeLapsed(sequence: number): OpenRequest | undefined {
    const request = this.#lapsed.get(sequence);
    this.#lapsed.delete(sequence);
    return request;
  }

  /** The one request in the window, if there is exactly one. */
  only(): number | undefined {
    if (this.#windowed !== 1) return undefined;
    for (const [sequence, request] of this.#open) if (request.windowed) return sequence;
    return undefined;
  }

  /** Removes and returns all. */
  clear(): OpenRequest[] {
    const all = [...this.#open.values()];
    this.#open.clear();
    this.#lapsed.clear();
    this.#windowed = 0;
    return all;
  }
}
