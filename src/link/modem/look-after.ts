import type { Clock } from "../../base/clock.ts";
import { asGatewayError, type GatewayError } from "../../base/gateway-error.ts";
import { attention } from "../../codec/at/general-commands.ts";
import type { AtEngine } from "./at/at-engine.ts";
import type { ModemSmsBearer } from "./messages/sms-bearer.ts";
import { isUsable, type ModemState, registered } from "./modem-state.ts";

/** What {@link lookAfter} needs. */
interface LookAfterDeps {
  readonly engine: AtEngine;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly everyMs: number;
  readonly bearer: ModemSmsBearer;
  readonly state: () => ModemState;
  /** Whether the modem is up with this engine. */
  readonly ready: () => boolean;
  readonly card: () => Promise<unknown>;
  readonly registration: () => Promise<unknown>;
  readonly radio: () => Promise<unknown>;
  readonly attachBearer: () => Promise<unknown>;
  readonly failed: (error: GatewayError) => void;
}

/** Interval while something is missing whose arrival may not be announced: the card, a network, message indications. */
const missingMs = 10_000;

/** Sends AT on an idle line, so that a silent unplug is detected, and polls what changes without notice. */
export async function lookAfter(deps: LookAfterDeps): Promise<void> {
  const { engine, clock, signal, ready, failed } = deps;
  while (engine.alive && !signal.aborted) {
    await clock.sleep(untilNextLook(deps), signal).catch(() => undefined);
    if (signal.aborted || !ready()) continue;
    for (const look of looks(deps)) {
      try {
        await look();
      } catch (error) {
        if (signal.aborted || !engine.alive) return;
        failed(asGatewayError(error));
      }
    }
  }
}

function untilNextLook({ everyMs, state, bearer: { inbox } }: LookAfterDeps): number {
  const now = state();
  const missing = !isUsable(now.pin) || inbox?.setting === undefined || !registered(now);
  return missing ? Math.min(everyMs, missingMs) : everyMs;
}

/** Runs each query on its own: a failure does not prevent the others. */
function looks(deps: LookAfterDeps): readonly (() => Promise<unknown>)[] {
  const { engine, bearer } = deps;
  return [
    () => engine.run(attention, undefined),
    deps.card,
    deps.registration,
    deps.radio,
    async () => (bearer.inbox === undefined ? deps.attachBearer() : undefined),
    async () => bearer.inbox?.checkIndications(),
    async () => bearer.inbox?.poll(),
  ];
}
