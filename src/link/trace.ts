import { AsyncLocalStorage } from "node:async_hooks";
import { channel } from "node:diagnostics_channel";

/** The kind of a frame, which determines its decoding and its pcap encapsulation. */
export const frameKinds = [
  "apdu",
  "atr",
  "tpdu",
  "packet",
  "script",
  "at",
  "smpp",
  "tls",
  "http",
  "bip",
  "upstream",
] as const;
type FrameKind = (typeof frameKinds)[number];

/** One frame in or out. Published once, where it was sent or received. */
export interface Frame {
  readonly kind: FrameKind;
  /** `out`: from the gateway towards card, modem or network. */
  readonly dir: "in" | "out";
  /** Link id: reader, modem, bind, listener. */
  readonly link: string;
  readonly target?: string;
  readonly job?: string;
  readonly session?: string;
  /** Wall clock, milliseconds. */
  readonly at: number;
  readonly bytes?: Uint8Array;
  /** For text protocols (AT lines, HTTP heads, TLS facts). Never keys, PINs or passwords. */
  readonly text?: string;
  /** Facts besides the octets (durations, addresses, status). Never keys. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** The owner of a frame, as far as it is known to the caller. */
interface FrameContext {
  readonly target?: string;
  readonly job?: string;
  readonly session?: string;
}

const frames = channel("otagate.frame");
const context = new AsyncLocalStorage<FrameContext>();
/** Owners of what passes over links that carry one job at a time. */
const owners = new Map<string, FrameContext>();

/** Runs `work` so that all frames published inside carry this context. */
export function withFrameContext<T>(facts: FrameContext, work: () => T): T {
  return context.run({ ...context.getStore(), ...facts }, work);
}

/**
 * Runs `work` while all frames of a link carry this context, for links that carry one job at a time: an asynchronous
 * context as in {@link withFrameContext} makes every promise of the process slower.
 */
export async function withLinkOwner<T>(link: string, facts: FrameContext, work: () => Promise<T>): Promise<T> {
  owners.set(link, facts);
  try {
    return await work();
  } finally {
    if (owners.get(link) === facts) owners.delete(link);
  }
}

/** Whether there is a subscriber: avoids describing a frame that is not needed. */
export function isTracing(): boolean {
  return frames.hasSubscribers;
}

/** Publishes a frame to the subscribers; costs almost nothing without one. */
export function traceFrame(frame: Omit<Frame, "at"> & { readonly at?: number }): void {
  if (!frames.hasSubscribers) return;
  frames.publish({
    ...(context.getStore() ?? owners.get(frame.link)),
    ...frame,
    at: frame.at ?? Date.now(),
  } satisfies Frame);
}

/** Whether there is a subscriber: for publishers whose frame costs a copy. */
export function tracing(): boolean {
  return frames.hasSubscribers;
}

/** Subscribes to all frames; returns the function that ends it. */
export function onFrame(listener: (frame: Frame) => void): () => void {
  const handler = (message: unknown) => listener(message as Frame);
  frames.subscribe(handler);
  return () => void frames.unsubscribe(handler);
}
