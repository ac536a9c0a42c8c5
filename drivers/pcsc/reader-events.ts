import { GatewayError } from "../../src/base/gateway-error.ts";
import { equalBytes } from "../../src/base/hex.ts";
import { backoffMs } from "../../src/base/retry.ts";
import type { CardReader, ReaderEvent, ReaderState } from "../../src/link/card-reader.ts";
import type { DriverDeps } from "../../src/link/driver.ts";
import type { PcscClient, ReaderSnapshot } from "./pcsc-client.ts";

/** A reader of the PC/SC service. */
export function pcscReader(client: PcscClient, name: string): CardReader {
  return { name, address: `pcsc:${name}`, connect: (options) => client.connect(name, options) };
}

/** What a snapshot shows. */
export function readerState({ present, mute, atr, inUse }: ReaderSnapshot): ReaderState {
  if (!present) return { at: "empty" };
  return mute ? { at: "mute" } : { at: "present", atr, inUse };
}

/**
 * Readers and cards as they come and go, for as long as the signal allows. A service that is not there, or goes away,
 * is reported once (its readers are removed first) and asked again with growing delays.
 */
export async function* readerEvents(
  client: PcscClient,
  { clock, random, log }: DriverDeps,
  signal: AbortSignal,
): AsyncIterable<ReaderEvent> {
  let failures = 0;
  while (!signal.aborted) {
    let known: readonly ReaderSnapshot[] = [];
    try {
      for await (const snapshot of client.watch(signal)) {
        if (failures > 0) yield { kind: "service-up" };
        failures = 0;
        yield* changes(client, known, snapshot);
        known = snapshot;
      }
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      for (const { name } of known) yield { kind: "reader-removed", reader: name };
      if (failures === 0) {
        log.warn({ client: client.name, code: error.code }, error.message);
        yield { kind: "service-down", reason: error.message, error };
      }
      failures++;
      await clock.sleep(backoffMs(failures - 1, { firstMs: 100, maxMs: 3_000, random }), signal).catch(() => undefined);
    }
  }
}

function* changes(
  client: PcscClient,
  before: readonly ReaderSnapshot[],
  after: readonly ReaderSnapshot[],
): Iterable<ReaderEvent> {
  for (const { name } of before) {
    if (!after.some((reader) => reader.name === name)) yield { kind: "reader-removed", reader: name };
  }
  for (const now of after) {
    const then = before.find(({ name }) => name === now.name);
    if (then === undefined) {
      yield { kind: "reader-added", reader: pcscReader(client, now.name), state: readerState(now) };
    } else {
      yield* cardChanges(then, now);
    }
  }
}

function* cardChanges(then: ReaderSnapshot, now: ReaderSnapshot): Iterable<ReaderEvent> {
  // A card whose answer to reset arrived late was inserted then; one that changed it was reset, not inserted.
  const arrived = now.present && (!then.present || now.events !== then.events || then.atr.length === 0);
  const same = then.present === now.present && now.events === then.events && equalBytes(then.atr, now.atr);
  if (same) return;
  if (then.present && (!now.present || now.events !== then.events)) yield { kind: "card-removed", reader: now.name };
  if (arrived) yield { kind: "card-inserted", reader: now.name, atr: now.atr };
}
