import { GatewayError } from "../../base/gateway-error.ts";
import { sameIccid } from "../../codec/euicc/iccid.ts";
import type { LinkAnswer } from "../../face/api/links.ts";
import type { NotificationAnswer } from "../../face/api/notifications.ts";
import type { TargetDetail } from "../../face/api/targets.ts";
import type { ShownJob } from "../../face/cli/job-view.ts";
import type { ScenarioBench } from "./scenario-bench.ts";
import type { ProfileRef } from "./step.ts";

const defaultWithinMs = 20_000;

/** A scenario in progress: its bench and the state that its steps share. */
export class ScenarioRun {
  readonly bench: ScenarioBench;
  readonly signal: AbortSignal;
  /** AIDs of the profiles at the start; new ones are appended. */
  readonly #profiles: string[] = [];
  /** Notification mode of the target before the scenario changed it; null for the default. */
  notificationsBefore: TargetDetail["settings"]["notifications"] | null;
  /** The job of the last profile switch. */
  lastSwitch: string | undefined;
  /** Position of the last notification that was examined. */
  seen = 0;
  /** The notification of the last step. */
  latest: NotificationAnswer | undefined;

  constructor(bench: ScenarioBench, signal: AbortSignal) {
    this.bench = bench;
    this.signal = signal;
  }

  get params(): { readonly ref: string } {
    return { ref: this.bench.target };
  }

  async target(): Promise<TargetDetail> {
    const target = await this.bench.api.v1.targets.get({ params: this.params });
    for (const { aid } of target.esimProfiles) if (!this.#profiles.includes(aid)) this.#profiles.push(aid);
    return target;
  }

  async start(): Promise<void> {
    await this.target();
    this.seen = (await this.notifications())[0]?.seq ?? 0;
    if (this.bench.card !== undefined) await this.until(20_000, "the card is ready", () => this.link());
  }

  /** AID of a profile. @throws scenario.failed when the EIS never had it */
  async aidOf(reference: ProfileRef): Promise<string> {
    const { esimProfiles } = await this.target();
    if (typeof reference === "number") {
      const aid = this.#profiles[reference - 1];
      if (aid !== undefined) return aid;
      throw failed(`there is no profile ${reference}`, { profile: reference });
    }
    if (reference.length === 32) return reference.toUpperCase();
    const found = esimProfiles.find(({ iccid }) => iccid !== undefined && sameIccid(iccid) === sameIccid(reference));
    if (found === undefined) throw failed(`the EIS has no profile with ICCID ${reference}`, { profile: reference });
    return found.aid;
  }

  /** Newest first. */
  async notifications(): Promise<readonly NotificationAnswer[]> {
    const query = { target: this.bench.target, limit: 100 };
    return (await this.bench.api.v1.notifications.list({ query })).items;
  }

  /** The link with the target's card, if it is up. */
  async link(): Promise<LinkAnswer | undefined> {
    const { id } = await this.target();
    const { items } = await this.bench.api.v1.links.list();
    return items.find((link) => link.target === id && link.up);
  }

  async job(id: string, waitMs = 0): Promise<ShownJob> {
    return this.bench.api.v1.jobs.get({ params: { id }, query: { wait: waitMs } });
  }

  /** Probes until there is a result. @throws scenario.failed when the time is over */
  async until<T>(withinMs: number | undefined, what: string, probe: () => Promise<T | undefined>): Promise<T> {
    const limit = withinMs ?? defaultWithinMs;
    const end = performance.now() + limit;
    for (;;) {
      this.signal.throwIfAborted();
      const found = await probe();
      if (found !== undefined) return found;
      if (performance.now() >= end) throw failed(`not within ${limit} ms: ${what}`, { within: limit });
      await new Promise((resolve) => setTimeout(resolve, Math.min(50, Math.max(1, end - performance.now()))));
    }
  }
}

/** The error of an expectation that was not met. */
export function failed(message: string, detail: Readonly<Record<string, unknown>> = {}): GatewayError {
  return new GatewayError("scenario.failed", message, { detail });
}
