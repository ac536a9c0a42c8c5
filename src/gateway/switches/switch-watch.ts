import type { Clock } from "../../base/clock.ts";
import { asGatewayError } from "../../base/gateway-error.ts";
import type { TargetId } from "../../base/id.ts";
import type { Log } from "../../link/driver.ts";
import { stepProfileSwitch } from "../model/profile-switch.ts";
import type { Store } from "../model/store.ts";

/** What a {@link SwitchWatch} needs. */
interface SwitchWatchDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** The target may continue with its other jobs. */
  readonly kick: (target: TargetId) => void;
}

const maxWaitMs = 3_600_000;

/** Ends profile switches that get no further reports: they lapse, and the target's other jobs continue. */
export class SwitchWatch {
  readonly #deps: SwitchWatchDeps;
  #timer: NodeJS.Timeout | undefined;
  #off: (() => void) | undefined;
  #looking: Promise<void> | undefined;
  #stopped = false;

  constructor(deps: SwitchWatchDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#off = this.#deps.store.onEvents((events) => {
      if (events.some(({ type }) => type === "switch.accepted" || type === "switch.switched")) this.#look();
    });
    this.#look();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#off?.();
    await this.#looking;
    clearTimeout(this.#timer);
  }

  #look(): void {
    if (this.#stopped) return;
    this.#looking = (this.#looking ?? Promise.resolve())
      .then(() => this.#lapse())
      .catch((error: unknown) => {
        this.#deps.log.error({ err: asGatewayError(error).message }, "failed to check pending profile switches");
        this.#wakeIn(1_000);
      });
  }

  async #lapse(): Promise<void> {
    const { store, clock, kick } = this.#deps;
    const now = clock.now();
    const open = await store.read((r) => r.profileSwitches.open());
    for (const { id, target } of open.filter((one) => one.holdUntil <= now)) {
      await store.write(async (r) => {
        const profileSwitch = (await r.profileSwitches.open()).find((one) => one.id === id);
        if (profileSwitch === undefined || profileSwitch.holdUntil > now) return;
        const next = stepProfileSwitch(profileSwitch, { kind: "lapsed", at: now });
        await r.profileSwitches.put(next);
        const data = { aid: profileSwitch.aid, was: profileSwitch.at, tookMs: now - profileSwitch.acceptedAt };
        await r.events.append({ at: now, type: "switch.lapsed", target, job: profileSwitch.job, data });
      });
      kick(target);
    }
    const waiting = open.map((one) => one.holdUntil).filter((at) => at > now);
    if (waiting.length > 0) this.#wakeIn(Math.min(...waiting) - now + 1);
  }

  #wakeIn(ms: number): void {
    clearTimeout(this.#timer);
    if (!this.#stopped) this.#timer = setTimeout(() => this.#look(), Math.min(ms, maxWaitMs));
  }
}
